//! What Lockstep costs, measured on this machine.
mod bare;
mod cluster;
mod figures;
mod live;
mod round;
mod workload;
mod yaml;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::workspace::{Profile, Workspace};

pub(crate) use workload::Workload;

/// How the loop is measured.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct LoopOptions {
    /// How many Applications
    #[arg(long, default_value_t = 1000)]
    apps: usize,
    /// How many objects each has: ServiceAccount, Service, Deployment, ConfigMap, then further ConfigMaps
    #[arg(long, default_value_t = 4)]
    objects: usize,
    /// How many requests the bare client keeps in flight
    #[arg(long, default_value_t = 64)]
    in_flight: usize,
    /// How many one-line commits are followed until they are live
    #[arg(long, default_value_t = 50)]
    commits: usize,
    /// How many objects are changed by a foreign hand, one after the other
    #[arg(long, default_value_t = 200)]
    heals: usize,
    /// For how many seconds the idle controller is watched
    #[arg(long, default_value_t = 300)]
    idle: u64,
    /// A binary to measure instead of a release build of this clone
    #[arg(long)]
    binary: Option<PathBuf>,
}

/// How reading YAML is measured.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct YamlOptions {
    /// Size of the generated stream of documents
    #[arg(long, default_value_t = 5)]
    megabytes: usize,
    /// How often each program runs; the fastest run counts
    #[arg(long, default_value_t = 7)]
    runs: usize,
    /// A binary to measure instead of a release build of this clone
    #[arg(long)]
    binary: Option<PathBuf>,
}

/// How the embedded cluster is measured.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ClusterOptions {
    /// How many ConfigMaps and how many Deployments are applied
    #[arg(long, default_value_t = 5000)]
    applies: usize,
    /// How many requests are kept in flight
    #[arg(long, default_value_t = 32)]
    in_flight: usize,
    /// How many writes are followed until a watch shows them
    #[arg(long, default_value_t = 500)]
    events: usize,
    /// How many ConfigMaps of a kilobyte are kept and listed
    #[arg(long, default_value_t = 100_000)]
    objects: usize,
    /// A binary to measure instead of a release build of this clone
    #[arg(long)]
    binary: Option<PathBuf>,
}

/// Measures the loop and prints `key: value` lines.
///
/// # Errors
/// When anything does not come out as it must: a measurement of something broken is worth nothing.
pub(crate) fn run_loop(workspace: &Workspace, options: &LoopOptions) -> Result<()> {
    let binary = measured(workspace, options.binary.as_deref())?;
    let workload = Workload::new(options.apps, options.objects);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    eprintln!("bench: the bare client, {} objects", workload.len());
    let bare = runtime.block_on(bare::measure(workspace, &workload, options.in_flight))?;
    eprintln!("bench: the bare client took {:.2} s; now the controller", bare.took.as_secs_f64());
    let plan = round::Plan {
        commits: options.commits,
        heals: options.heals,
        idle: Duration::from_secs(options.idle),
        in_flight: options.in_flight,
    };
    let round = runtime.block_on(round::measure(workspace, &binary, &workload, plan))?;
    println!("apps: {}\nobjects: {}", options.apps, workload.len());
    bare.print();
    round.print();
    println!("ratio: {:.2}", round.took.as_secs_f64() / bare.took.as_secs_f64());
    Ok(())
}

/// Measures the reading of YAML against Go's and prints `key: value` lines.
///
/// # Errors
/// As [`run_loop`].
pub(crate) fn run_yaml(workspace: &Workspace, options: &YamlOptions) -> Result<()> {
    let binary = measured(workspace, options.binary.as_deref())?;
    yaml::measure(workspace, &binary, options.megabytes, options.runs)
}

/// Measures the embedded cluster and prints `key: value` lines.
///
/// # Errors
/// As [`run_loop`].
pub(crate) fn run_cluster(workspace: &Workspace, options: &ClusterOptions) -> Result<()> {
    let binary = measured(workspace, options.binary.as_deref())?;
    let ClusterOptions { applies, in_flight, events, objects, .. } = *options;
    cluster::measure(workspace, &binary, cluster::Plan { applies, in_flight, events, objects })
}

fn measured(workspace: &Workspace, chosen: Option<&Path>) -> Result<PathBuf> {
    match chosen {
        Some(binary) => Ok(binary.to_path_buf()),
        None => workspace.program(Profile::Release, "lockstep"),
    }
}

/// Runs the same bench in a release build of this tool: a slow client would flatter what it is compared with.
///
/// # Errors
/// When that build fails.
pub(crate) fn in_release(workspace: &Workspace) -> Result<bool> {
    let own = workspace.program(Profile::Release, "xtask")?;
    let status =
        Command::new(own).args(std::env::args_os().skip(1)).status().context("the release build of xtask")?;
    Ok(status.success())
}
