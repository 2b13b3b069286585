//! The commands of `cargo xtask`.
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::bench::{self, ClusterOptions, LoopOptions, YamlOptions};
use crate::codegen;
use crate::differential::{self, DifferentialOptions};
use crate::kubeone::{Audit, Kubeone, Lifetime, Options};
use crate::openapi;
use crate::oracle::{self, Mode};
use crate::scenarios;
use crate::suite::{self, Part};
use crate::tidy;
use crate::workspace::Workspace;

/// The one entry for people and CI.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Rules, format, lints and every test, the end-to-end suite on a control plane of its own included
    Test {
        #[arg(value_enum, default_value_t = Part::All)]
        part: Part,
        /// Name filter and flags for the tests themselves
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        filter: Vec<String>,
    },
    /// The rules of the house: edges, purity, sizes, licences, bans, generated files
    Tidy,
    /// Write what is generated from the code into the clone
    Codegen {
        /// Write nothing; fail where something is stale
        #[arg(long)]
        check: bool,
    },
    /// Record what the schema room knows of the built-in kinds from a fresh control plane; needs Go
    Openapi {
        /// A running control plane without custom resources [default: one that is started for it]
        #[arg(long)]
        kubeconfig: Option<PathBuf>,
    },
    /// The same requests to a real API server and to the embedded one, and what they answer differently
    Differential(DifferentialOptions),
    /// Play schedules that seeds make up: the controller on the embedded cluster, with faults and crashes
    Scenarios {
        /// How many
        #[arg(long, default_value_t = 2_000)]
        seeds: u64,
        /// The first seed
        #[arg(long, default_value_t = 0)]
        from: u64,
    },
    /// Measure
    Bench {
        #[command(subcommand)]
        subject: Bench,
    },
    /// Ask the reference programs about every recorded case afresh, and record what they answer
    Oracle {
        /// Write nothing; fail where an answer has changed
        #[arg(long)]
        check: bool,
    },
    /// A real control plane on loopback: etcd, API server, controllers, scheduler, three fake nodes
    Kubeone {
        #[command(subcommand)]
        action: KubeoneAction,
    },
    /// The fake kubelet of a running control plane
    #[command(hide = true)]
    Kubelet {
        #[arg(long)]
        kubeconfig: PathBuf,
        #[arg(long, default_value_t = 3)]
        nodes: usize,
    },
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// From commits to a live cluster and back, on control planes of its own
    Loop(LoopOptions),
    /// Reading YAML, against Go
    Yaml(YamlOptions),
    /// The embedded cluster: applies, watch events, many objects; over TLS and in the process
    Cluster(ClusterOptions),
}

#[derive(Debug, Subcommand)]
enum KubeoneAction {
    /// Start it and print the path of its kubeconfig
    Up {
        /// Directory of its state [default: target/kubeone]
        #[arg(long)]
        dir: Option<PathBuf>,
        /// Print the kubeconfig itself, not its path
        #[arg(long)]
        print_kubeconfig: bool,
    },
    /// Stop it and remove its state
    Down {
        /// Directory of its state [default: target/kubeone]
        #[arg(long)]
        dir: Option<PathBuf>,
    },
}

/// Runs one command.
///
/// # Errors
/// What the command could not do; a check that found something is an exit code, not an error.
pub fn run(cli: Cli) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    match cli.command {
        Command::Test { part, filter } => suite::run(&workspace, part, &filter).map(verdict),
        Command::Tidy => tidy::run(&workspace).map(verdict),
        Command::Codegen { check } => generate(&workspace, check),
        Command::Openapi { kubeconfig } => {
            openapi::record(&workspace, kubeconfig.as_deref()).map(|()| ExitCode::SUCCESS)
        }
        Command::Differential(options) => differential::run(&workspace, &options).map(verdict),
        Command::Scenarios { seeds, from } => scenarios::run(&workspace, seeds, from).map(verdict),
        Command::Bench { .. } if cfg!(debug_assertions) => bench::in_release(&workspace).map(verdict),
        Command::Bench { subject: Bench::Loop(options) } => {
            bench::run_loop(&workspace, &options).map(|()| ExitCode::SUCCESS)
        }
        Command::Bench { subject: Bench::Yaml(options) } => {
            bench::run_yaml(&workspace, &options).map(|()| ExitCode::SUCCESS)
        }
        Command::Bench { subject: Bench::Cluster(options) } => {
            bench::run_cluster(&workspace, &options).map(|()| ExitCode::SUCCESS)
        }
        Command::Oracle { check } => {
            let mode = if check { Mode::Check } else { Mode::Write };
            // What was asked for and done is a success, whether an answer changed or not.
            oracle::refresh(&workspace, mode).map(|same| verdict(same || mode == Mode::Write))
        }
        Command::Kubeone { action } => kubeone(&workspace, action),
        Command::Kubelet { kubeconfig, nodes } => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let rest = crate::Rest::from_kubeconfig(&kubeconfig).await?;
                crate::run_kubelet(rest, nodes).await.map(|never| match never {})
            })
        }
    }
}

fn verdict(passed: bool) -> ExitCode {
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn generate(workspace: &Workspace, check: bool) -> Result<ExitCode> {
    if !check {
        return codegen::write(workspace).map(|()| ExitCode::SUCCESS);
    }
    let stale = codegen::stale(workspace)?;
    stale.iter().for_each(|file| println!("{file}: is stale"));
    Ok(verdict(stale.is_empty()))
}

fn kubeone(workspace: &Workspace, action: KubeoneAction) -> Result<ExitCode> {
    let place = |dir: Option<PathBuf>| match dir {
        Some(dir) => std::path::absolute(dir),
        None => Ok(workspace.path("target/kubeone")),
    };
    match action {
        KubeoneAction::Up { dir, print_kubeconfig } => {
            let dir = place(dir)?;
            let kubeconfig = match Kubeone::running(&dir) {
                Some(kubeconfig) => kubeconfig,
                None => Kubeone::start(
                    workspace,
                    &dir,
                    Options { lifetime: Lifetime::Detached, audit: Audit::Writes },
                )?
                .kubeconfig(),
            };
            match print_kubeconfig {
                true => print!("{}", std::fs::read_to_string(kubeconfig)?),
                false => println!("{}", kubeconfig.display()),
            }
        }
        KubeoneAction::Down { dir } => {
            let dir = place(dir)?;
            match Kubeone::down(&dir)? {
                true => eprintln!("stopped the control plane in {}", dir.display()),
                false => eprintln!("no control plane in {}", dir.display()),
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
