//! Pods.

use std::time::Duration;

use lockstep_core::{Map, Value};

use super::cell::{age, name, or};
use super::elapsed::{nanos, since};
use crate::meta::View;

pub(super) fn conditions(object: &Value) -> Vec<Value> {
    let (phase, message) = match (object.text("kind"), object.child("status").text("phase")) {
        ("Pod", "Succeeded") => ("Succeeded", "The pod has completed successfully."),
        ("Pod", "Failed") => ("Failed", "The pod failed."),
        _ => return Vec::new(),
    };
    let entries = [("type", "Completed"), ("status", "True"), ("reason", phase), ("message", message)];
    vec![Value::map(entries.into_iter().map(|(key, value)| (key.into(), value.into())).collect::<Map>())]
}

/// What is told of the containers.
#[derive(Default)]
struct Told {
    reason: String,
    ready: usize,
    restarts: i64,
    last_restart: String,
}

impl Told {
    fn restarted(&mut self, container: &Value) {
        self.restarts += container.number("restartCount");
        let finished = container.child("lastState").child("terminated").text("finishedAt");
        if nanos(finished) > nanos(&self.last_restart) {
            finished.clone_into(&mut self.last_restart);
        }
    }
}

pub(super) fn pod(pod: &Value, now: Duration) -> Vec<Value> {
    let (spec, status) = (pod.child("spec"), pod.child("status"));
    let sidecars: Vec<&str> = spec
        .items("initContainers")
        .iter()
        .filter(|container| container.text("restartPolicy") == "Always")
        .map(|container| container.text("name"))
        .collect();
    let total = spec.items("containers").len() + sidecars.len();
    let mut told = Told { reason: first_reason(status), ..Told::default() };
    let mut of_sidecars = Told::default();
    let initializing = initialization(&mut told, &mut of_sidecars, (pod, &sidecars));
    let initialized = condition(status, "Initialized") == Some("True");
    if !initializing || initialized {
        (told.restarts, told.last_restart) = (of_sidecars.restarts, of_sidecars.last_restart);
        running(&mut told, status);
    }
    let deleted = pod.child("metadata").has("deletionTimestamp");
    let over = ["Failed", "Succeeded"].contains(&status.text("phase"));
    if deleted && status.text("reason") == "NodeLost" {
        told.reason = "Unknown".into();
    } else if deleted && !over {
        told.reason = "Terminating".into();
    }
    let restarts = match told.restarts != 0 && !told.last_restart.is_empty() {
        true => format!("{} ({} ago)", told.restarts, since(&told.last_restart, now)),
        false => told.restarts.to_string(),
    };
    let ip = status.items("podIPs").first().map_or("", |ip| ip.text("ip"));
    vec![
        name(pod),
        format!("{}/{total}", told.ready).into(),
        told.reason.into(),
        restarts.into(),
        age(pod, now),
        or(ip, "<none>"),
        or(spec.text("nodeName"), "<none>"),
        or(status.text("nominatedNodeName"), "<none>"),
        gates(pod),
    ]
}

fn condition<'v>(status: &'v Value, kind: &str) -> Option<&'v str> {
    let found = status.items("conditions").iter().find(|condition| condition.text("type") == kind)?;
    Some(found.text("status"))
}

fn first_reason(status: &Value) -> String {
    const GATED: &str = "SchedulingGated";
    let gated = status
        .items("conditions")
        .iter()
        .any(|condition| condition.text("type") == "PodScheduled" && condition.text("reason") == GATED);
    match status.text("reason") {
        _ if gated => GATED.into(),
        "" => status.text("phase").into(),
        reason => reason.into(),
    }
}

/// Why a container ended, where the server has no word for it.
fn exit(ended: &Value) -> String {
    match (ended.text("reason"), ended.number("signal")) {
        ("", 0) => format!("ExitCode:{}", ended.number("exitCode")),
        ("", signal) => format!("Signal:{signal}"),
        (reason, _) => reason.into(),
    }
}

/// Looks at init containers until one that is not done; whether there is one.
fn initialization(told: &mut Told, of_sidecars: &mut Told, (pod, sidecars): (&Value, &[&str])) -> bool {
    let all = pod.child("spec").items("initContainers").len();
    for (index, container) in pod.child("status").items("initContainerStatuses").iter().enumerate() {
        told.restarted(container);
        let sidecar = sidecars.contains(&container.text("name"));
        if sidecar {
            of_sidecars.restarted(container);
        }
        let state = container.child("state");
        let (ended, waiting) = (state.child("terminated"), state.child("waiting").text("reason"));
        if state.has("terminated") && ended.number("exitCode") == 0 {
            continue;
        }
        if sidecar && container.flag("started") {
            told.ready += usize::from(container.flag("ready"));
            continue;
        }
        told.reason = match state.has("terminated") {
            true => format!("Init:{}", exit(ended)),
            false if !waiting.is_empty() && waiting != "PodInitializing" => format!("Init:{waiting}"),
            false => format!("Init:{index}/{all}"),
        };
        return true;
    }
    false
}

fn running(told: &mut Told, status: &Value) {
    let (mut has_running, mut error) = (false, String::new());
    for container in status.items("containerStatuses").iter().rev() {
        told.restarted(container);
        let state = container.child("state");
        let waiting = state.child("waiting").text("reason");
        if !waiting.is_empty() {
            told.reason = waiting.into();
        } else if state.has("terminated") {
            let ended = state.child("terminated");
            told.reason = exit(ended);
            if ended.number("exitCode") != 0 {
                error.clone_from(&told.reason);
            }
        } else if container.flag("ready") && state.has("running") {
            has_running = true;
            told.ready += 1;
        }
    }
    if told.reason == "Completed" {
        let ready = status
            .items("conditions")
            .iter()
            .any(|condition| condition.text("type") == "Ready" && condition.text("status") == "True");
        if has_running && ready {
            told.reason = "Running".into();
        } else if !error.is_empty() {
            told.reason = error;
        } else if has_running {
            told.reason = "NotReady".into();
        }
    }
}

fn gates(pod: &Value) -> Value {
    let gates = pod.child("spec").items("readinessGates");
    let open = |gate: &&Value| condition(pod.child("status"), gate.text("conditionType")) == Some("True");
    match gates.is_empty() {
        true => "<none>".into(),
        false => format!("{}/{}", gates.iter().filter(open).count(), gates.len()).into(),
    }
}
