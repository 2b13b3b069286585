//! Pods.

use lockstep_core::{Health, HealthState, Value};

use crate::condition::{Condition, degraded, progressing};

/// Argo CD's rules. kstatus calls a running pod that does not restart (a task) current as soon as it is ready; what waits for a
/// task waits for its end, so it is progressing until then.
pub(crate) fn health(object: &Value) -> Health {
    let restarts = matches!(object.str_at(&["spec", "restartPolicy"]), Some("Always") | None);
    if restarts && let Some(trouble) = containers(object).find_map(waiting_trouble) {
        return degraded(trouble);
    }
    match object.str_at(&["status", "phase"]) {
        Some("Succeeded") => Health::healthy(),
        Some("Failed") => degraded(failure(object)),
        Some("Running") if restarts => running(object),
        Some("Running") => progressing("running to its end"),
        Some("Pending") | None => progressing(pending(object)),
        Some("Unknown") => Health::new(HealthState::Unknown, "its node does not answer"),
        Some(phase) => Health::new(HealthState::Unknown, format!("phase {phase}")),
    }
}

fn containers(object: &Value) -> impl Iterator<Item = &Value> {
    ["initContainerStatuses", "containerStatuses"]
        .into_iter()
        .flat_map(|field| object.at(&["status", field]).and_then(Value::as_list).unwrap_or_default())
}

/// Reasons to wait that do not pass by themselves: `CrashLoopBackOff`, `ImagePullBackOff`, `ErrImagePull`,
/// `CreateContainerConfigError`, recognised as Argo CD does.
fn waiting_trouble(container: &Value) -> Option<String> {
    let waiting = container.at(&["state", "waiting"])?;
    let reason = waiting.str_at(&["reason"])?;
    let bad = reason.starts_with("Err") || reason.ends_with("Error") || reason.ends_with("BackOff");
    bad.then(|| match waiting.str_at(&["message"]) {
        None | Some("") => reason.to_owned(),
        Some(message) => format!("{reason}: {message}"),
    })
}

fn running(object: &Value) -> Health {
    if Condition::find_true(object, "Ready").is_some() {
        return Health::healthy();
    }
    // Not ready and ended before: it does not come up.
    match containers(object).find_map(|container| ended(container, "lastState")) {
        Some(end) => degraded(end),
        None => progressing(not_ready(object)),
    }
}

fn not_ready(object: &Value) -> String {
    let waits = containers(object).find(|c| c.get("ready").and_then(Value::as_bool) != Some(true));
    match waits.and_then(|container| container.str_at(&["name"])) {
        Some(name) => format!("container {name} is not ready"),
        None => "not ready".to_owned(),
    }
}

/// How a container ended, if it failed: `container web ended with exit code 137 (OOMKilled)`.
fn ended(container: &Value, state: &str) -> Option<String> {
    let end = container.at(&[state, "terminated"])?;
    let code = end.int_at(&["exitCode"]).filter(|code| *code != 0)?;
    let name = container.str_at(&["name"]).unwrap_or_default();
    let mut text = format!("container {name} ended with exit code {code}");
    if let Some(reason) = end.str_at(&["reason"]).filter(|reason| *reason != "Error") {
        text.push_str(&format!(" ({reason})"));
    }
    if let Some(message) = end.str_at(&["message"]).and_then(|message| message.lines().last()) {
        text.push_str(&format!(": {message}"));
    }
    Some(text)
}

fn failure(object: &Value) -> String {
    let said = ["message", "reason"].iter().find_map(|field| object.str_at(&["status", field]));
    let said = said.filter(|text| !text.is_empty()).map(str::to_owned);
    said.or_else(|| containers(object).find_map(|container| ended(container, "state")))
        .unwrap_or_else(|| "failed".to_owned())
}

fn pending(object: &Value) -> String {
    let unscheduled = Condition::find(object, "PodScheduled").filter(Condition::is_false);
    if let Some(condition) = unscheduled {
        return condition.words();
    }
    let waiting = containers(object).find_map(|container| container.str_at(&["state", "waiting", "reason"]));
    waiting.unwrap_or("pending").to_owned()
}
