//! `cargo xtask`: see [`xtask::Cli`].
#![allow(clippy::print_stderr, reason = "a development tool talks to its terminal")]
use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    xtask::run(xtask::Cli::parse()).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
