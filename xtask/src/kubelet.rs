//! A fake kubelet: registers Ready nodes, marks every pod bound to a node Running and Ready, and finishes
//! its deletion at once. Annotations on the pod steer it:
//!
//! * `cluster.lockstep.dev/crash`: an exit code; other than 0 the containers crash again and again
//! * `cluster.lockstep.dev/pull`: `fail` and the image cannot be pulled
//! * `cluster.lockstep.dev/ready-after`: `never`, or how long from binding until the outcome shows (`1.5s`)
//!
//! These are those of the embedded cluster that matter to tests which run on both. A Job's pods succeed.
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use futures::StreamExt;
use serde_json::{Value, json};

use crate::rest::{Rest, WatchEvent, is_not_found, text};

const MANAGER: &str = "kubelet";
/// Only pods that the scheduler has bound are a kubelet's business.
const BOUND_PODS: &str = "/api/v1/pods?fieldSelector=spec.nodeName!%3D";

/// Registers the nodes and follows every pod; ends only when its task is dropped.
///
/// # Errors
/// When the nodes cannot be registered. A watch that breaks is resumed.
pub async fn run_kubelet(rest: Rest, nodes: usize) -> Result<Infallible> {
    register_nodes(&rest, nodes).await?;
    let kubelet = Kubelet::new(rest);
    loop {
        if let Err(error) = kubelet.follow().await {
            eprintln!("kubelet: {error:#}");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Makes `count` nodes named `fake-N` that are Ready and have room for thousands of pods.
///
/// # Errors
/// The API server's refusal.
pub async fn register_nodes(rest: &Rest, count: usize) -> Result<()> {
    for index in 0..count {
        let name = format!("fake-{index}");
        let labels = json!({
            "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
            "topology.kubernetes.io/zone": format!("z{}", index % 3),
        });
        let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}});
        rest.apply(&node, MANAGER).await?;
        rest.merge(&format!("/api/v1/nodes/{name}/status"), &node_status(), MANAGER).await?;
    }
    Ok(())
}

fn node_status() -> Value {
    let capacity = json!({"cpu": "1000", "memory": "4Ti", "pods": "20000", "ephemeral-storage": "10Ti"});
    let ready = json!({
        "type": "Ready", "status": "True", "reason": "KubeletReady", "message": "fake",
        "lastHeartbeatTime": now(), "lastTransitionTime": now(),
    });
    json!({"status": {
        "capacity": capacity, "allocatable": capacity, "conditions": [ready],
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        "nodeInfo": {
            "kubeletVersion": "v1.37.2-fake", "architecture": "amd64", "operatingSystem": "linux",
            "containerRuntimeVersion": "fake://1", "osImage": "fake", "bootID": "", "kernelVersion": "",
            "kubeProxyVersion": "", "machineID": "", "systemUUID": "",
        },
    }})
}

#[derive(Clone)]
struct Kubelet {
    rest: Rest,
    /// Pod uid to the outcome last written, so that our own status writes are not answered again.
    written: Arc<Mutex<HashMap<String, Outcome>>>,
    next_address: Arc<AtomicU32>,
}

impl Kubelet {
    fn new(rest: Rest) -> Self {
        Self { rest, written: Arc::default(), next_address: Arc::new(AtomicU32::new(1)) }
    }

    async fn follow(&self) -> Result<()> {
        let (pods, version) = self.rest.list(BOUND_PODS).await?;
        pods.into_iter().for_each(|pod| self.take_up(pod));
        let mut events = self.rest.watch(BOUND_PODS, &version).await?;
        while let Some(event) = events.next().await {
            match event? {
                WatchEvent::Added(pod) | WatchEvent::Modified(pod) => self.take_up(pod),
                WatchEvent::Deleted(pod) => self.forget(&pod),
                WatchEvent::Bookmark(_) => {}
                WatchEvent::Error(status) => anyhow::bail!("watch of pods: {}", status.message),
            }
        }
        Ok(())
    }

    /// A pod that becomes ready late must not hold up the others: each has a task of its own.
    fn take_up(&self, pod: Value) {
        let kubelet = self.clone();
        tokio::spawn(async move {
            if let Err(error) = kubelet.serve(&pod).await
                && !is_not_found(&error)
            {
                kubelet.forget(&pod);
                eprintln!("kubelet: {}: {error}", text(&pod, "/metadata/name"));
            }
        });
    }

    async fn serve(&self, pod: &Value) -> kube::Result<()> {
        let path = format!(
            "/api/v1/namespaces/{}/pods/{}",
            text(pod, "/metadata/namespace"),
            text(pod, "/metadata/name")
        );
        if pod.pointer("/metadata/deletionTimestamp").is_some() {
            return self.rest.delete(&format!("{path}?gracePeriodSeconds=0")).await;
        }
        let outcome = Outcome::of(pod);
        if self.note(pod, outcome) == Some(outcome) {
            return Ok(());
        }
        let status_path = format!("{path}/status");
        let address = self.address(pod);
        if let Some(delay) = ready_after(pod) {
            let waiting = pod_status(pod, &address, Outcome::Never);
            self.rest.merge(&status_path, &waiting, MANAGER).await?;
            tokio::time::sleep(delay).await;
        }
        self.rest.merge(&status_path, &pod_status(pod, &address, outcome), MANAGER).await.map(drop)
    }

    fn note(&self, pod: &Value, outcome: Outcome) -> Option<Outcome> {
        let uid = text(pod, "/metadata/uid").to_owned();
        self.written.lock().unwrap_or_else(PoisonError::into_inner).insert(uid, outcome)
    }

    fn forget(&self, pod: &Value) {
        self.written.lock().unwrap_or_else(PoisonError::into_inner).remove(text(pod, "/metadata/uid"));
    }

    fn address(&self, pod: &Value) -> String {
        match text(pod, "/status/podIP") {
            "" => {
                let next = self.next_address.fetch_add(1, Ordering::Relaxed);
                format!("10.{}.{}.{}", 64 + (next >> 16) % 64, (next >> 8) & 255, next & 255)
            }
            known => known.to_owned(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Ready,
    Never,
    Succeed,
    ImagePull,
    CrashLoop,
}

impl Outcome {
    fn of(pod: &Value) -> Self {
        match (annotation(pod, "pull"), annotation(pod, "crash"), annotation(pod, "ready-after")) {
            ("fail", ..) => Self::ImagePull,
            (_, code, _) if !matches!(code, "" | "0") => Self::CrashLoop,
            (_, _, "never") => Self::Never,
            _ if owned_by_job(pod) => Self::Succeed,
            _ => Self::Ready,
        }
    }

    fn phase(self) -> &'static str {
        match self {
            Self::Succeed => "Succeeded",
            Self::ImagePull => "Pending",
            Self::Ready | Self::Never | Self::CrashLoop => "Running",
        }
    }

    fn container_state(self, at: &str) -> Value {
        let waiting =
            |reason: &str, message: &str| json!({"waiting": {"reason": reason, "message": message}});
        match self {
            Self::Ready | Self::Never => json!({"running": {"startedAt": at}}),
            Self::Succeed => json!({"terminated": {
                "exitCode": 0, "reason": "Completed", "startedAt": at, "finishedAt": at}}),
            Self::ImagePull => waiting("ImagePullBackOff", "Back-off pulling image"),
            Self::CrashLoop => waiting("CrashLoopBackOff", "back-off 5m0s restarting failed container"),
        }
    }
}

fn pod_status(pod: &Value, address: &str, outcome: Outcome) -> Value {
    let at = now();
    let ready = outcome == Outcome::Ready;
    let container = |spec: &Value| {
        let (name, image) = (text(spec, "/name"), text(spec, "/image"));
        json!({
            "name": name, "image": image, "imageID": format!("fake://{image}"),
            "containerID": format!("fake://{name}"), "ready": ready, "started": ready,
            "restartCount": if outcome == Outcome::CrashLoop { 3 } else { 0 },
            "state": outcome.container_state(&at),
        })
    };
    let containers = pod.pointer("/spec/containers").and_then(Value::as_array).into_iter().flatten();
    let condition = |kind: &str, holds: bool| json!({"type": kind, "status": if holds { "True" } else { "False" }, "lastTransitionTime": at});
    json!({"status": {
        "phase": outcome.phase(), "startTime": at, "hostIP": "127.0.0.1", "hostIPs": [{"ip": "127.0.0.1"}],
        "podIP": address, "podIPs": [{"ip": address}],
        "containerStatuses": containers.map(container).collect::<Vec<_>>(),
        "observedGeneration": pod.pointer("/metadata/generation"),
        "conditions": [
            condition("PodReadyToStartContainers", true), condition("Initialized", true),
            condition("Ready", ready), condition("ContainersReady", ready),
        ],
    }})
}

fn ready_after(pod: &Value) -> Option<Duration> {
    let seconds = annotation(pod, "ready-after").strip_suffix('s')?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

fn annotation<'a>(pod: &'a Value, name: &str) -> &'a str {
    text(pod, &format!("/metadata/annotations/cluster.lockstep.dev~1{name}"))
}

fn owned_by_job(pod: &Value) -> bool {
    let owners = pod.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    owners.is_some_and(|owners| owners.iter().any(|owner| owner["kind"] == "Job"))
}

fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(annotations: Value, owner: &str) -> Value {
        json!({
            "metadata": {"annotations": annotations, "ownerReferences": [{"kind": owner}]},
            "spec": {"containers": [{"name": "c", "image": "i"}]},
        })
    }

    #[test]
    fn annotations_steer_and_a_job_succeeds_without_one() {
        let check = |annotations: Value, owner, phase: &str, ready: bool| {
            let pod = pod(annotations, owner);
            let status = pod_status(&pod, "10.0.0.1", Outcome::of(&pod));
            assert_eq!(status["status"]["phase"], phase, "{pod}");
            assert_eq!(status["status"]["containerStatuses"][0]["ready"], ready, "{pod}");
        };
        check(Value::Null, "ReplicaSet", "Running", true);
        check(Value::Null, "Job", "Succeeded", false);
        check(json!({"cluster.lockstep.dev/crash": "0"}), "ReplicaSet", "Running", true);
        check(json!({"cluster.lockstep.dev/crash": "1"}), "ReplicaSet", "Running", false);
        check(json!({"cluster.lockstep.dev/ready-after": "never"}), "ReplicaSet", "Running", false);
        check(json!({"cluster.lockstep.dev/pull": "fail"}), "ReplicaSet", "Pending", false);
    }

    #[test]
    fn a_delay_that_is_no_number_is_none() {
        let with = |value: &str| pod(json!({"cluster.lockstep.dev/ready-after": value}), "ReplicaSet");
        assert_eq!(ready_after(&with("1.5s")), Some(Duration::from_millis(1500)));
        assert_eq!(ready_after(&with("soon")), None);
        assert_eq!(ready_after(&with("-1s")), None);
    }
}
