//! `lockstep-scenarios`: seeds and scenarios, for people. `cargo xtask scenarios` runs it.
#![allow(clippy::print_stdout, reason = "a development tool talks to its terminal")]

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Play the schedules of many seeds
    Seeds {
        /// How many
        #[arg(long, default_value_t = 2_000)]
        seeds: u64,
        /// The first
        #[arg(long, default_value_t = 0)]
        from: u64,
    },
    /// Play courses of waves and hooks that seeds make up
    Courses {
        /// How many
        #[arg(long, default_value_t = 2_000)]
        seeds: u64,
        /// The first
        #[arg(long, default_value_t = 0)]
        from: u64,
        /// What the controller logs, to standard error
        #[arg(long)]
        log: Option<String>,
    },
    /// Play the text of a scenario and print it with what happens
    Play {
        /// Its file
        file: PathBuf,
        /// What the controller logs, to standard error
        #[arg(long)]
        log: Option<String>,
    },
    /// Print the schedule of a seed
    Print {
        /// Which
        seed: u64,
    },
}

fn main() -> Result<ExitCode> {
    match Cli::parse().command {
        Command::Seeds { seeds, from } => Ok(ended(("seed", seeds, from), scenarios::run_seeds)),
        Command::Courses { seeds, from, log } => {
            log_to(log)?;
            Ok(ended(("course", seeds, from), scenarios::run_courses))
        }
        Command::Play { file, log } => {
            log_to(log)?;
            print!("{}", scenarios::play(&std::fs::read_to_string(file)?)?);
            Ok(ExitCode::SUCCESS)
        }
        Command::Print { seed } => {
            print!("{}", scenarios::schedule(seed));
            Ok(ExitCode::SUCCESS)
        }
    }
}

type Run = fn(u64, u64, &(dyn Fn(&scenarios::Failed) + Sync)) -> Vec<scenarios::Failed>;

/// Plays so many of something from one on, and tells of those that fail.
fn ended((one, count, from): (&str, u64, u64), run: Run) -> ExitCode {
    let failures = run(from, count, &|failed| {
        println!("{one} {} fails:\n{}\n{}", failed.seed, failed.offences.join("\n"), failed.script);
    });
    println!("{count} {one}s from {from} on: {} failed", failures.len());
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn log_to(filter: Option<String>) -> Result<()> {
    match filter {
        Some(filter) => Ok(runtime::init_logging(runtime::LogFormat::Text, &filter)?),
        None => Ok(()),
    }
}
