//! `cargo xtask test`: everything that must hold, in the order in which it fails fastest.
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::differential::DifferentialOptions;
use crate::embedded::Embedded;
use crate::helm;
use crate::kubeone::{Audit, Kubeone, KubeoneError, Lifetime, Options};
use crate::tidy;
use crate::workspace::{Profile, Workspace};

/// Set for the tests: the kubeconfig of the control plane that is theirs.
const KUBECONFIG: &str = "LOCKSTEP_TEST_KUBECONFIG";
/// Set for the tests where the end-to-end ones are left out on purpose.
const SKIP: &str = "LOCKSTEP_TEST_SKIP_E2E";

/// Set for the tests where Helm is on the machine: its program.
const HELM: &str = "LOCKSTEP_TEST_HELM";

const THREADS: &str = "RUST_TEST_THREADS";

/// What to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Part {
    /// Rules, format, lints, every test
    All,
    /// Rules, format, lints
    Static,
    /// Every test that needs no control plane
    Unit,
    /// The end-to-end suite on the embedded cluster
    Embedded,
    /// The end-to-end suite on a real control plane
    E2e,
}

/// Runs a part; `filter` goes to the tests as their name filter and flags. `true`: all of it passed.
///
/// # Errors
/// When something could not be run at all.
pub(crate) fn run(workspace: &Workspace, part: Part, filter: &[String]) -> Result<bool> {
    let mut failed = Vec::new();
    if matches!(part, Part::All | Part::Static) {
        let mut stage = |name: &'static str, check: &mut dyn FnMut() -> Result<bool>| -> Result<()> {
            let start = Instant::now();
            let passed = check()?;
            let verdict = if passed { "passed" } else { "failed" };
            eprintln!("xtask: {name} {verdict} in {:.1} s", start.elapsed().as_secs_f64());
            if !passed {
                failed.push(name);
            }
            Ok(())
        };
        stage("tidy", &mut || tidy::run(workspace))?;
        stage("format", &mut || succeeds(&mut workspace.cargo(&["fmt", "--all", "--check"])))?;
        let clippy = ["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"];
        stage("lints", &mut || succeeds(&mut workspace.cargo(&clippy)))?;
    }
    if matches!(part, Part::All | Part::Embedded) && !embedded(workspace, filter)? {
        failed.push("tests on the embedded cluster");
    }
    if part == Part::All && filter.is_empty() && !differential(workspace)? {
        failed.push("the same requests to the real and the embedded API server");
    }
    // The other tests come last and nothing is printed after them but a failure: the output ends as cargo's does.
    if matches!(part, Part::All | Part::Unit | Part::E2e) && !tests(workspace, part, filter)? {
        failed.push("tests");
    }
    if !failed.is_empty() {
        eprintln!("xtask: failed: {}", failed.join(", "));
    }
    Ok(failed.is_empty())
}

/// The end-to-end suite alone, but built with the whole workspace, so that nothing is compiled twice.
const END_TO_END: &[&str] = &["test", "--workspace", "--test", "e2e"];

fn embedded(workspace: &Workspace, filter: &[String]) -> Result<bool> {
    if !succeeds(workspace.cargo(END_TO_END).args(["--no-run", "--quiet"]))? {
        return Ok(false);
    }
    let binary = workspace.program(Profile::Dev, "lockstep")?;
    let dir = tempfile::tempdir()?;
    let start = Instant::now();
    let embedded = Embedded::start(&binary, &dir.path().join("cluster"))?;
    eprintln!("xtask: embedded cluster up in {:.2} s", start.elapsed().as_secs_f64());
    let mut command = command(workspace, END_TO_END, filter);
    with_helm(&mut command)?;
    succeeds(command.env(KUBECONFIG, embedded.kubeconfig()))
}

/// How many random sequences of writes are compared, and from which seed on. Of the first three hundred one meets a difference that
/// the exclusions name, but random sequences have none.
const RANDOM: (u64, u64) = (300, 301);

/// Random writes to both servers: what is recorded is replayed by the tests of apistore, these are new to neither.
fn differential(workspace: &Workspace) -> Result<bool> {
    let (count, seed) = RANDOM;
    match crate::differential::run(workspace, &DifferentialOptions::random(count, seed)) {
        // The end-to-end suite says so once for all.
        Err(error) if is_without_go(&error) && !Workspace::in_ci() => Ok(true),
        other => other,
    }
}

fn is_without_go(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(KubeoneError::NoGo))
}

fn command(workspace: &Workspace, scope: &[&str], filter: &[String]) -> Command {
    let mut command = workspace.cargo(scope);
    command.arg("--").args(filter).env_remove(KUBECONFIG).env_remove(SKIP);
    if std::env::var_os(THREADS).is_none() {
        // End-to-end tests wait more than they compute: as many as there are cores would leave these idle.
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        command.env(THREADS, (2 * cores).to_string());
    }
    command
}

/// Installing it takes minutes, once: nothing that needs no cluster waits for that.
fn with_helm(command: &mut Command) -> Result<()> {
    if let Some(helm) = helm::ensure_installed()? {
        command.env(HELM, helm);
    }
    Ok(())
}

fn tests(workspace: &Workspace, part: Part, filter: &[String]) -> Result<bool> {
    let scope = if part == Part::E2e { END_TO_END } else { &["test", "--workspace"] };
    let mut command = command(workspace, scope, filter);
    if part == Part::Unit {
        return succeeds(command.env(SKIP, "1"));
    }
    with_helm(&mut command)?;
    let build = Instant::now();
    if !succeeds(workspace.cargo(scope).args(["--no-run", "--quiet"]))? {
        return Ok(false);
    }
    eprintln!("xtask: build of the tests took {:.1} s", build.elapsed().as_secs_f64());
    let dir = tempfile::tempdir()?;
    let start = Instant::now();
    match Kubeone::start(
        workspace,
        &dir.path().join("kubeone"),
        Options { lifetime: Lifetime::WithParent, audit: Audit::Writes },
    ) {
        Ok(kubeone) => {
            eprintln!("xtask: control plane up in {:.1} s", start.elapsed().as_secs_f64());
            succeeds(command.env(KUBECONFIG, kubeone.kubeconfig()))
        }
        Err(KubeoneError::NoGo) if !Workspace::in_ci() => {
            eprintln!(
                "xtask: no Go toolchain to build the control plane with: the tests on a real one are skipped"
            );
            succeeds(command.env(SKIP, "1"))
        }
        Err(error) => Err(error.into()),
    }
}

pub(crate) fn succeeds(command: &mut Command) -> Result<bool> {
    let program = Path::new(command.get_program()).display().to_string();
    Ok(command.status().context(program)?.success())
}
