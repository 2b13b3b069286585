//! One round with the controller: start to last Ready, commits, foreign writes, idleness, a restart.
use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::bare::{Fresh, PATIENCE, apply_all};
use super::figures::{print_latency, print_megabytes, print_seconds};
use super::live::Live;
use super::workload::{NAMESPACE, Workload, manifest};
use crate::controller::{Controller, ControllerOptions};
use crate::git::GitRepo;
use crate::metrics::Metrics;
use crate::process::{cpu_time, peak_memory};
use crate::rest::{Resource, Rest, text};
use crate::scenario::condition;
use crate::workspace::Workspace;

/// What is measured after the first sync.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub(super) commits: usize,
    pub(super) heals: usize,
    pub(super) idle: Duration,
    pub(super) in_flight: usize,
}

/// What came out.
pub(super) struct Round {
    /// From the controller's start to the last Ready.
    pub(super) took: Duration,
    cpu: Duration,
    peak_at_ready: u64,
    control_plane_cpu: Duration,
    control_plane_peak: u64,
    commits: Vec<Duration>,
    heals: Vec<Duration>,
    idle: Option<f64>,
    restart: Restart,
    peak: u64,
}

impl Round {
    pub(super) fn print(&self) {
        print_seconds("controller", self.took);
        print_seconds("controller_cpu", self.cpu);
        print_megabytes("controller_peak_at_ready", self.peak_at_ready);
        print_megabytes("controller_peak", self.peak);
        print_seconds("control_plane_cpu", self.control_plane_cpu);
        print_megabytes("control_plane_peak", self.control_plane_peak);
        print_latency("commit_to_live", &self.commits);
        print_latency("drift_to_healed", &self.heals);
        if let Some(percent) = self.idle {
            println!("idle_cpu_percent: {percent:.3}");
        }
        print_seconds("restart_to_ready", self.restart.took);
        println!("restart_object_writes: {}", self.restart.object_writes);
        println!("restart_status_writes: {}", self.restart.status_writes);
        println!("restart_record_writes: {}", self.restart.record_writes);
        println!("restart_reconciles: {}", self.restart.reconciles);
    }
}

struct Restart {
    took: Duration,
    object_writes: f64,
    status_writes: f64,
    record_writes: f64,
    /// By the controller's own count, when it said that it is ready.
    reconciles: f64,
}

/// The stage of a round.
struct Stage<'a> {
    workload: &'a Workload,
    rest: &'a Rest,
    repo: GitRepo,
    controller: Controller,
}

/// Runs a round on a control plane of its own.
pub(super) async fn measure(
    workspace: &Workspace,
    binary: &Path,
    workload: &Workload,
    plan: Plan,
) -> Result<Round> {
    let fresh = Fresh::start(workspace).await?;
    let repo = GitRepo::new();
    for (path, text) in workload.files() {
        repo.write(&path, &text);
    }
    let sha = repo.commit("the workload");
    // As every host keeps it: a server that packs thousands of loose objects for the first fetch is not what is measured.
    repo.git(&["gc", "--quiet"]);
    install(binary, &fresh.rest).await?;
    apply_all(&fresh.rest, workload.applications(&repo.url()), plan.in_flight).await?;
    let mut applications = Live::open(&fresh.rest, &applications()).await?;

    let state = tempfile::tempdir()?;
    let options = ControllerOptions {
        kubeconfig: fresh.kubeone.kubeconfig(),
        instance: "lockstep".into(),
        namespace: "lockstep-system".into(),
        watched: Vec::new(),
        state: state.path().to_path_buf(),
        poll: Duration::from_secs(60),
        flags: Vec::new(),
    };
    let control_plane = fresh.kubeone.pid();
    let cpu_before = cpu_time(control_plane)?;
    let start = Instant::now();
    let controller = Controller::start(binary, options)?;
    let last = all_ready(&mut applications, workload, &sha).await;
    let last = last.with_context(|| format!("the controller's log ends:\n{}", end_of(&controller)))?;
    let took = last.duration_since(start);
    let (cpu, peak_at_ready) = (cpu_time(controller.pid())?, peak_memory(controller.pid())?);
    let control_plane_cpu = cpu_time(control_plane)?.saturating_sub(cpu_before);
    let control_plane_peak = peak_memory(control_plane)?;
    eprintln!("bench: {} Applications Ready after {:.2} s", workload.apps().count(), took.as_secs_f64());
    all_there(&fresh.rest, workload).await?;

    let mut stage = Stage { workload, rest: &fresh.rest, repo, controller };
    let commits = stage.commits(plan.commits, &mut applications).await?;
    let heals = stage.heals(plan.heals).await?;
    let idle = stage.idle(plan.idle).await?;
    let peak = peak_memory(stage.controller.pid())?;
    let restart = stage.restart().await?;
    Ok(Round {
        took,
        cpu,
        peak_at_ready,
        control_plane_cpu,
        control_plane_peak,
        commits,
        heals,
        idle,
        restart,
        peak,
    })
}

impl Stage<'_> {
    /// From telling about a one-line commit to its value in the API server, one commit after the other.
    async fn commits(&self, count: usize, applications: &mut Live) -> Result<Vec<Duration>> {
        let mut maps = Live::open(self.rest, &config_maps()).await?;
        let mut latencies = Vec::new();
        for round in 0..count {
            let (app, value) =
                (spread(round, count, self.workload.apps().count()), format!("commit-{round}"));
            let Some((path, object)) = self.workload.config(app, &value) else { break };
            let name = text(&object, "/metadata/name");
            let sha = self.repo.write(&path, &manifest(&object)).commit("one line");
            let start = Instant::now();
            self.controller.refresh(&self.repo.url())?;
            let live =
                |map: &Value| text(map, "/metadata/name") == name && text(map, "/data/colour") == value;
            let seen = maps.wait(PATIENCE, live).await.with_context(|| format!("commit {round}"))?;
            latencies.push(seen.at.duration_since(start));
            // The next commit starts on a quiet system.
            let settled = |app: &Value| text(app, "/metadata/name") == name && ready_at(app, &sha);
            applications
                .wait(PATIENCE, settled)
                .await
                .with_context(|| format!("status of commit {round}"))?;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(latencies)
    }

    /// From sending a foreign write to the healed value in the API server; a different object each time.
    async fn heals(&self, count: usize) -> Result<Vec<Duration>> {
        let mut maps = Live::open(self.rest, &config_maps()).await?;
        let apps = self.workload.apps().count();
        let mut latencies = Vec::new();
        for round in 0..count.min(apps) {
            // From the other end than the commits, whose first heal would otherwise race with their last status.
            let Some((_, object)) = self.workload.config(apps - 1 - round, "blue") else { break };
            let (name, path) = (text(&object, "/metadata/name"), Resource::locate(&object)?.1);
            let wanted = text(&self.rest.get(&path).await?, "/data/colour").to_owned();
            let start = Instant::now();
            self.rest.merge(&path, &json!({"data": {"colour": "foreign"}}), "intruder").await?;
            for value in ["foreign", &wanted] {
                let is =
                    |map: &Value| text(map, "/metadata/name") == name && text(map, "/data/colour") == value;
                let seen = maps.wait(PATIENCE, is).await.with_context(|| format!("heal of {name}"))?;
                if value == wanted {
                    latencies.push(seen.at.duration_since(start));
                }
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(latencies)
    }

    /// The share of a core, in percent, that the controller takes while nothing changes.
    async fn idle(&self, time: Duration) -> Result<Option<f64>> {
        if time.is_zero() {
            return Ok(None);
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
        eprintln!("bench: watching the idle controller for {time:?}");
        let (start, before) = (Instant::now(), cpu_time(self.controller.pid())?);
        tokio::time::sleep(time).await;
        let used = cpu_time(self.controller.pid())?.saturating_sub(before);
        Ok(Some(used.as_secs_f64() / start.elapsed().as_secs_f64() * 100.0))
    }

    /// A stop and a start in which nothing has changed.
    async fn restart(&mut self) -> Result<Restart> {
        self.controller.terminate(Duration::from_secs(30))?;
        let before = self.writes().await?;
        let start = Instant::now();
        self.controller.restart()?;
        self.controller.wait_ready(PATIENCE)?;
        let took = start.elapsed();
        let reconciles = self.controller.metrics()?.sum("lockstep_reconciles_total", &[]);
        // A write that should not be might come late.
        tokio::time::sleep(Duration::from_secs(5)).await;
        let after = self.writes().await?;
        Ok(Restart {
            took,
            object_writes: after.0 - before.0,
            status_writes: after.1 - before.1,
            record_writes: after.2 - before.2,
            reconciles,
        })
    }

    /// Writes that the API server has answered since its start: to objects, to Applications, to Secrets. At rest
    /// nobody but the controller writes any of these.
    async fn writes(&self) -> Result<(f64, f64, f64)> {
        let metrics = Metrics::parse(&self.rest.text("/metrics").await?);
        let sum = |resources: &[&str]| {
            let verbs = ["POST", "PUT", "PATCH", "APPLY", "DELETE"];
            let pairs = resources.iter().flat_map(|resource| verbs.map(|verb| (*resource, verb)));
            pairs
                .map(|(resource, verb)| {
                    metrics.sum("apiserver_request_total", &[("resource", resource), ("verb", verb)])
                })
                .sum()
        };
        Ok((
            sum(&["serviceaccounts", "services", "deployments", "configmaps"]),
            sum(&["applications"]),
            sum(&["secrets"]),
        ))
    }
}

/// Which of `apps` the `round`-th of `count` picks: spread over all of them.
fn spread(round: usize, count: usize, apps: usize) -> usize {
    round * apps / count.max(1)
}

fn applications() -> String {
    Resource::of("lockstep.dev/v1alpha1", "Application").collection(Some(NAMESPACE))
}

fn config_maps() -> String {
    Resource::of("v1", "ConfigMap").collection(Some(NAMESPACE))
}

/// Applies what `lockstep install` prints, which the product's own `render` turns into JSON.
async fn install(binary: &Path, rest: &Rest) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let run = |arguments: &[&str]| {
        let output = std::process::Command::new(binary).args(arguments).output()?;
        ensure!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(output.stdout)
    };
    std::fs::write(dir.path().join("install.yaml"), run(&["install"])?)?;
    let list = run(&["render", &dir.path().to_string_lossy(), "-o", "json"])?;
    let list: Value = serde_json::from_slice(&list)?;
    let (kinds, others): (Vec<Value>, Vec<Value>) = list["items"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|item| !matches!(text(item, "/kind"), "Deployment" | "Service"))
        .cloned()
        .partition(|item| matches!(text(item, "/kind"), "CustomResourceDefinition" | "Namespace"));
    ensure!(!kinds.is_empty(), "`lockstep install` prints no CustomResourceDefinition");
    apply_all(rest, kinds.into_iter(), 1).await?;
    // The new kinds are served a moment after their definitions are accepted.
    let deadline = Instant::now() + PATIENCE;
    while let Err(error) = rest.get(&applications()).await {
        ensure!(Instant::now() < deadline, "Applications are not served: {error}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    apply_all(rest, others.into_iter(), 1).await
}

fn ready_at(application: &Value, sha: &str) -> bool {
    condition(application, "Ready").is_some_and(|ready| text(ready, "/status") == "True")
        && text(application, "/status/sync/revision") == sha
}

/// The moment at which the last Application was seen Ready.
async fn all_ready(applications: &mut Live, workload: &Workload, sha: &str) -> Result<Instant> {
    let mut waiting: BTreeSet<String> = workload.apps().collect();
    let mut last = Instant::now();
    while !waiting.is_empty() {
        let seen =
            applications.next(PATIENCE).await.with_context(|| format!("{} are not Ready", waiting.len()))?;
        if ready_at(&seen.object, sha) && waiting.remove(text(&seen.object, "/metadata/name")) {
            last = seen.at;
        }
    }
    Ok(last)
}

/// Whether what the Applications say is so.
async fn all_there(rest: &Rest, workload: &Workload) -> Result<()> {
    let mut found = 0;
    for (api_version, kind) in
        [("v1", "ServiceAccount"), ("v1", "Service"), ("apps/v1", "Deployment"), ("v1", "ConfigMap")]
    {
        let collection = Resource::of(api_version, kind).collection(Some(NAMESPACE));
        let (items, _) =
            rest.list(&format!("{collection}?labelSelector=app.kubernetes.io/part-of%3Dbench")).await?;
        found += items.len();
    }
    ensure!(found == workload.len(), "{found} of {} objects are there", workload.len());
    Ok(())
}

fn end_of(controller: &Controller) -> String {
    let log = controller.log();
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}
