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
        Command::Seeds { seeds, from } => {
            let failures = scenarios::run_seeds(from, seeds, &|failed| {
                println!("seed {} fails:\n{}\n{}", failed.seed, failed.offences.join("\n"), failed.script);
            });
            println!("{seeds} seeds from {from} on: {} failed", failures.len());
            Ok(if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Command::Courses { seeds, from, log } => {
            if let Some(filter) = log {
                runtime::init_logging(runtime::LogFormat::Text, &filter)?;
            }
            let failures = scenarios::run_courses(from, seeds, &|failed| {
                println!("course {} fails:\n{}\n{}", failed.seed, failed.offences.join("\n"), failed.script);
            });
            println!("{seeds} courses from {from} on: {} failed", failures.len());
            Ok(if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Command::Play { file, log } => {
            if let Some(filter) = log {
                runtime::init_logging(runtime::LogFormat::Text, &filter)?;
            }
            print!("{}", scenarios::play(&std::fs::read_to_string(file)?)?.text);
            Ok(ExitCode::SUCCESS)
        }
        Command::Print { seed } => {
            print!("{}", scenarios::schedule(seed));
            Ok(ExitCode::SUCCESS)
        }
    }
}
