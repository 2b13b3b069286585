//! The one binary: every command is a file of `command`.

mod applications;
mod argument;
mod cli;
mod command;
mod commit;
mod connect;
mod diagnostics;
mod embedded;
mod exit;
mod hint;
mod installation;
mod local;
mod output;
mod paint;
mod reference;
mod rehearsed;
mod said;
mod table;
mod terminal;

use clap::Parser;

fn main() -> std::process::ExitCode {
    let cli = cli::Cli::parse();
    let mut terminal = terminal::Terminal::of_process(cli.color);
    cli.run(&mut terminal).into()
}
