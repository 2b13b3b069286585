//! The command line: what was typed.

use std::error::Error;

use clap::{Parser, Subcommand, ValueEnum};

use crate::command::{
    app, cluster, codegen, controller, demo, install, plan, render, trace, up, version, why,
};
use crate::exit::Exit;
use crate::terminal::Terminal;

/// Keeps Kubernetes clusters in lockstep with Git.
#[derive(Debug, Parser)]
#[command(name = "lockstep", version, max_term_width = 110)]
pub(crate) struct Cli {
    /// When to use colours; never with NO_COLOR.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub(crate) color: Color,
    #[command(subcommand)]
    command: Command,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On terminals.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create, look at, sync and delete Applications.
    App(app::App),
    /// Start, stop and forget an embedded Kubernetes API.
    Cluster(cluster::Cluster),
    /// Keep the cluster equal to Git.
    Controller(Box<controller::Controller>),
    /// Show the loop on an embedded cluster, from a sample repository; needs nothing but this program.
    Demo(demo::Demo),
    /// Print everything that a cluster needs to run the controller.
    Install(install::Install),
    /// Show what applying a local folder would change in the cluster.
    Plan(Box<plan::Plan>),
    /// Render a folder or a file of manifests, without a cluster.
    Render(render::Render),
    /// Say where a live object comes from: Application, source, commit, author.
    Trace(trace::Trace),
    /// Serve an embedded cluster with a controller on it, for daily use.
    Up(up::Up),
    /// Print the version.
    Version(version::Version),
    /// Say what there is to do about each object of an Application, and why.
    Why(why::Why),
    /// Write the generated files: CustomResourceDefinitions and reference pages.
    #[command(hide = true)]
    Codegen(codegen::Codegen),
}

impl Cli {
    /// Runs the command. Whatever stops it is told on standard error.
    pub(crate) fn run(self, terminal: &mut Terminal) -> Exit {
        let result = match self.command {
            Command::App(command) => command.run(terminal),
            Command::Cluster(command) => command.run(terminal),
            Command::Controller(command) => command.run(),
            Command::Demo(command) => command.run(terminal),
            Command::Install(command) => command.run(terminal),
            Command::Plan(command) => command.run(terminal),
            Command::Render(command) => command.run(terminal),
            Command::Trace(command) => command.run(terminal),
            Command::Up(command) => command.run(terminal),
            Command::Version(command) => command.run(terminal),
            Command::Why(command) => command.run(terminal),
            Command::Codegen(command) => command.run(),
        };
        result.unwrap_or_else(|error| {
            if is_broken_pipe(&error) {
                return Exit::Success; // The reader has seen enough, as with `lockstep install | head`.
            }
            terminal.error(&error);
            Exit::Error
        })
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let cause: &(dyn Error + 'static) = error.root_cause();
    cause.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
