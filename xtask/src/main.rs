//! `cargo xtask`: see [`xtask::Cli`].
use clap::Parser;

fn main() -> anyhow::Result<std::process::ExitCode> {
    xtask::run(xtask::Cli::parse())
}
