//! A cluster that runs in another process.

use std::fs;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use devcluster::StateDir;
use rustix::process::{Pid, Signal, kill_process};

use super::{PATIENCE, default_dir};
use crate::connect::Connect;
use crate::exit::Exit;
use crate::hint::advised;
use crate::terminal::Terminal;

/// How often is looked whether something has come or gone.
const GLANCE: Duration = Duration::from_millis(20);
/// How long a server that runs may take for an answer.
const ANSWER: Duration = Duration::from_secs(5);

/// Prints the kubeconfig if the server to which it leads answers; otherwise nothing.
pub(super) async fn kubeconfig(path: &Path, terminal: &mut Terminal) -> anyhow::Result<Exit> {
    let file = StateDir::existing(path).kubeconfig();
    let text = fs::read_to_string(&file).map_err(|_| stopped(path))?;
    if !answers(path).await {
        return Err(stopped(path).context(format!("{} leads to no server", file.display())));
    }
    writeln!(terminal.out, "{text}")?;
    Ok(Exit::Success)
}

/// Ends the cluster, and waits until it has ended.
pub(super) fn stop(path: &Path, terminal: &mut Terminal) -> anyhow::Result<Exit> {
    let dir = StateDir::existing(path);
    let Some(id) = dir.process() else {
        writeln!(terminal.out, "No cluster runs in {}.", path.display())?;
        return Ok(Exit::Success);
    };
    let process = i32::try_from(id).ok().and_then(Pid::from_raw).context("the cluster has no process")?;
    kill_process(process, Signal::TERM).context("cannot tell the cluster to end")?;
    let deadline = Instant::now() + PATIENCE;
    while dir.process() == Some(id) {
        if Instant::now() > deadline {
            bail!("the cluster (process {id}) does not end");
        }
        std::thread::sleep(GLANCE);
    }
    writeln!(terminal.out, "The cluster in {} has ended.", path.display())?;
    Ok(Exit::Success)
}

/// Waits until a cluster that was just started answers. If it ends instead, its last words are told.
pub(super) async fn until_it_answers(
    path: &Path,
    process: &mut Child,
    patience: Duration,
) -> anyhow::Result<()> {
    let dir = StateDir::existing(path);
    let deadline = Instant::now() + patience;
    loop {
        if dir.process() == Some(process.id()) && answers(path).await {
            return Ok(());
        }
        if process.try_wait()?.is_some() {
            let words = fs::read_to_string(dir.log()).unwrap_or_default();
            let words = words.lines().map(|line| line.trim_start_matches("error: ")).collect::<Vec<_>>();
            bail!("the cluster has ended: {}", words.join("\n"));
        }
        if Instant::now() > deadline {
            bail!("the cluster does not answer; {} may say why", dir.log().display());
        }
        tokio::time::sleep(GLANCE).await;
    }
}

async fn answers(path: &Path) -> bool {
    let kubeconfig = Some(StateDir::existing(path).kubeconfig());
    let asked = async { Connect { kubeconfig, context: None }.open().await.ok()?.version().await.ok() };
    matches!(tokio::time::timeout(ANSWER, asked).await, Ok(Some(_)))
}

fn stopped(path: &Path) -> anyhow::Error {
    let hint = format!("lockstep cluster start --detach{} starts it", argument(path));
    advised(format!("no cluster runs in {}", path.display()), hint)
}

/// What a user types to mean this folder.
pub(super) fn argument(path: &Path) -> String {
    match default_dir() {
        Ok(default) if default == path => String::new(),
        _ => format!(" --dir {}", path.display()),
    }
}
