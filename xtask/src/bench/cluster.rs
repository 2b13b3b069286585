//! The embedded cluster: what its API server does over TLS, and what its store does in the process.
//!
//! Every figure that has a limit is followed by its ratio to it: at most 1 where it keeps within.
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::{StreamExt, TryStreamExt};
use serde_json::{Value, json};

use super::bare::{PATIENCE, apply_all};
use super::figures::{percentile, print_latency, print_megabytes, print_seconds};
use super::live::Live;
use super::workload::{NAMESPACE, object};
use crate::embedded::Embedded;
use crate::process::{cpu_time, peak_memory};
use crate::rest::{Resource, Rest, text};
use crate::workspace::{Profile, Workspace};

/// What is asked of the cluster.
#[derive(Clone, Copy)]
pub(super) struct Plan {
    pub(super) applies: usize,
    pub(super) in_flight: usize,
    pub(super) events: usize,
    pub(super) objects: usize,
}

/// Which of an application's objects is a ConfigMap.
const MAP: usize = 3;
/// ConfigMaps applied in a second of one core, over TLS.
const APPLIES: f64 = 1_500.0;
/// How long after its write an event may come.
const EVENT: Duration = Duration::from_millis(2);
/// Of a cluster with so many ConfigMaps as `load` makes, and of their list.
const MEMORY: u64 = 500_000_000;
const LIST: Duration = Duration::from_millis(1_500);

/// Measures and prints.
pub(super) fn measure(workspace: &Workspace, binary: &Path, plan: Plan) -> Result<()> {
    let examples = ["load", "thousand"].map(|name| workspace.example(Profile::Release, name));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(over_tls(binary, plan))?;
    for example in examples {
        let example = example?;
        let status = Command::new(&example).status().with_context(|| example.display().to_string())?;
        ensure!(status.success(), "{} failed", example.display());
    }
    Ok(())
}

async fn over_tls(binary: &Path, plan: Plan) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let cluster = Embedded::start(binary, dir.path())?;
    let rest = Rest::from_kubeconfig(&cluster.kubeconfig()).await?;
    rest.create(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})).await?;
    let maps = (0..plan.applies).map(|app| object(&format!("app-{app:05}"), MAP));
    let rate = applies(&cluster, &rest, maps.collect(), plan.in_flight).await?;
    println!("applies: {}", plan.applies);
    println!("applies_per_second: {:.0}", rate.per_second);
    println!("applies_per_core_second: {:.0}", rate.per_core_second);
    println!("applies_ratio: {:.2}", APPLIES / rate.per_core_second);
    events(&rest, plan.events).await?;
    // Those that were applied are among them.
    let (from, to) = (plan.applies, plan.objects.max(plan.applies));
    fill(&rest, from..to, plan.in_flight).await?;
    let listed = list(&rest, plan.objects).await?;
    let memory = peak_memory(cluster.pid())?;
    println!("objects: {}", plan.objects);
    print_megabytes("cluster_peak", memory);
    println!("cluster_peak_ratio: {:.2}", memory as f64 / MEMORY as f64);
    print_seconds("list", listed);
    println!("list_ratio: {:.2}", listed.as_secs_f64() / LIST.as_secs_f64());
    Ok(())
}

/// How fast objects are applied.
struct Rate {
    /// As the client sees it.
    per_second: f64,
    /// In a second of processor time of the cluster's process.
    per_core_second: f64,
}

/// Applies new objects.
async fn applies(cluster: &Embedded, rest: &Rest, objects: Vec<Value>, in_flight: usize) -> Result<Rate> {
    let (count, cpu, start) = (objects.len() as f64, cpu_time(cluster.pid())?, Instant::now());
    apply_all(rest, objects.into_iter(), in_flight).await?;
    let (took, cpu) = (start.elapsed(), cpu_time(cluster.pid())?.saturating_sub(cpu));
    Ok(Rate { per_second: count / took.as_secs_f64(), per_core_second: count / cpu.as_secs_f64() })
}

/// One write after the other, each with its event: how long after it was sent the write was answered and the event came, and how
/// long after the answer the event.
async fn events(rest: &Rest, count: usize) -> Result<()> {
    let mut maps = Live::open(rest, &Resource::of("v1", "ConfigMap").collection(Some(NAMESPACE))).await?;
    let (mut writes, mut events, mut lags) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..count {
        let (mut map, value) = (object("app-00000", MAP), format!("event-{round}"));
        map["data"]["colour"] = json!(value);
        let start = Instant::now();
        let write = async {
            rest.apply(&map, "bench").await?;
            Ok(Instant::now())
        };
        let event = maps.wait(PATIENCE, |map| text(map, "/data/colour") == value);
        let (answered, seen) = tokio::try_join!(write, event)?;
        writes.push(answered.duration_since(start));
        events.push(seen.at.duration_since(start));
        lags.push(seen.at.saturating_duration_since(answered));
    }
    print_latency("write", &writes);
    print_latency("watch_event", &events);
    print_latency("watch_event_after_answer", &lags);
    let ratio = percentile(&events, 50).as_secs_f64() / EVENT.as_secs_f64();
    println!("watch_event_ratio: {ratio:.2}");
    Ok(())
}

/// Creates ConfigMaps of a kilobyte.
async fn fill(rest: &Rest, numbers: std::ops::Range<usize>, in_flight: usize) -> Result<()> {
    let text = "0123456789".repeat(100);
    let map = |index: usize| {
        json!({
            "apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "1", "text": text},
            "metadata": {"name": format!("c{index}"), "namespace": NAMESPACE, "labels": {"filling": "yes"}},
        })
    };
    futures::stream::iter(numbers.map(map))
        .map(|map| async move { rest.create(&map).await })
        .buffer_unordered(in_flight)
        .try_for_each(|_| std::future::ready(Ok(())))
        .await?;
    Ok(())
}

/// From the request for a list to its last byte.
async fn list(rest: &Rest, objects: usize) -> Result<Duration> {
    let path = Resource::of("v1", "ConfigMap").collection(None);
    let request = http::Request::get(path).body(Vec::new())?;
    let start = Instant::now();
    let answer = rest.answer(request).await?;
    let took = start.elapsed();
    let bytes = answer.body().len();
    ensure!(answer.status().is_success() && bytes > objects * 500, "a list of {bytes} bytes");
    Ok(took)
}
