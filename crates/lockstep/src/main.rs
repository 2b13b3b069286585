//! The one binary: every command is a file of `command`.

mod cli;
mod command;
mod connect;
mod diagnostics;
mod exit;
mod terminal;

use clap::Parser;

fn main() -> std::process::ExitCode {
    let cli = cli::Cli::parse();
    let mut terminal = terminal::Terminal::of_process(cli.color);
    cli.run(&mut terminal).into()
}
