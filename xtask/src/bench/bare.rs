//! The least that anyone can do: the same writes, and a look at what became of the Deployments.
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::{StreamExt, TryStreamExt};
use serde_json::{Value, json};

use super::figures::{print_megabytes, print_seconds};
use super::live::Live;
use super::workload::{NAMESPACE, Workload};
use crate::kubeone::{Audit, Kubeone, Lifetime, Options};
use crate::process::{cpu_time, peak_memory};
use crate::rest::{Resource, Rest, text};
use crate::scenario::condition;
use crate::workspace::Workspace;

/// How long nothing at all may happen before a measurement is given up.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

/// What the bare client took.
pub(super) struct Bare {
    /// Until the last object was written and the last Deployment was seen available.
    pub(super) took: Duration,
    /// Until the last object was written.
    writes: Duration,
    control_plane_cpu: Duration,
    control_plane_peak: u64,
}

impl Bare {
    pub(super) fn print(&self) {
        print_seconds("bare", self.took);
        print_seconds("bare_writes", self.writes);
        print_seconds("bare_control_plane_cpu", self.control_plane_cpu);
        print_megabytes("bare_control_plane_peak", self.control_plane_peak);
    }
}

/// A control plane that nobody has used, and a client of it.
pub(super) struct Fresh {
    pub(super) kubeone: Kubeone,
    pub(super) rest: Rest,
    _dir: tempfile::TempDir,
}

impl Fresh {
    pub(super) async fn start(workspace: &Workspace) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let options = Options { lifetime: Lifetime::WithParent, audit: Audit::Off };
        let (workspace, place) = (workspace.clone(), dir.path().join("kubeone"));
        let start = move || Kubeone::start(&workspace, &place, options);
        let kubeone = tokio::task::spawn_blocking(start).await??;
        let rest = Rest::from_kubeconfig(&kubeone.kubeconfig()).await?;
        let fresh = Self { kubeone, rest, _dir: dir };
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}});
        fresh.rest.create(&namespace).await?;
        // The controllers fill the namespace; they should be done before the clock starts.
        tokio::time::sleep(Duration::from_secs(2)).await;
        Ok(fresh)
    }
}

/// Writes the workload with server-side apply, so many requests in flight, and waits for the Deployments.
pub(super) async fn measure(workspace: &Workspace, workload: &Workload, in_flight: usize) -> Result<Bare> {
    let fresh = Fresh::start(workspace).await?;
    let pid = fresh.kubeone.pid();
    let collection = Resource::of("apps/v1", "Deployment").collection(Some(NAMESPACE));
    let mut deployments = Live::open(&fresh.rest, &collection).await?;
    let cpu_before = cpu_time(pid)?;
    let start = Instant::now();
    let writing = async {
        apply_all(&fresh.rest, workload.all(), in_flight).await?;
        anyhow::Ok(start.elapsed())
    };
    let watching = async {
        let (mut available, mut last) = (BTreeSet::new(), start);
        while available.len() < workload.deployments() {
            let seen = deployments.next(PATIENCE).await?;
            if condition(&seen.object, "Available").is_some_and(|found| text(found, "/status") == "True")
                && available.insert(text(&seen.object, "/metadata/name").to_owned())
            {
                last = seen.at;
            }
        }
        anyhow::Ok(last.duration_since(start))
    };
    let (writes, available) = tokio::try_join!(writing, watching)?;
    let control_plane_cpu = cpu_time(pid)?.saturating_sub(cpu_before);
    let control_plane_peak = peak_memory(pid)?;
    Ok(Bare { took: writes.max(available), writes, control_plane_cpu, control_plane_peak })
}

/// Applies objects, so many requests in flight.
pub(super) async fn apply_all(
    rest: &Rest,
    objects: impl Iterator<Item = Value>,
    in_flight: usize,
) -> Result<()> {
    futures::stream::iter(objects)
        .map(|object| async move {
            let applied = rest.apply(&object, "bench").await;
            let applied = applied.with_context(|| format!("apply of {}", text(&object, "/metadata/name")))?;
            ensure!(!text(&applied, "/metadata/uid").is_empty(), "an apply without an object");
            Ok(())
        })
        .buffer_unordered(in_flight)
        .try_collect()
        .await
}
