//! What pods are given by their priority, their runtime and the nodes that may fail: `Priority`, `RuntimeClass`,
//! `DefaultTolerationSeconds`.

use lockstep_core::Value;

use super::stage::{Stage, items, push};
use crate::failure::{Failure, quoted};

/// A pod leaves a failed node after a while.
pub(super) fn tolerate(stage: &Stage<'_, '_>, pod: &mut Value) {
    if !stage.is("", "pods") || !(stage.creates() || stage.updates()) {
        return;
    }
    kinds::tolerate_lost_nodes(pod);
}

/// The number of a priority comes from its class.
pub(super) fn prioritize(stage: &Stage<'_, '_>, pod: &mut Value, old: Option<&Value>) -> Result<(), Failure> {
    if !stage.is("", "pods") {
        return Ok(());
    }
    if stage.updates() {
        for key in ["priority", "preemptionPolicy"] {
            if let (None, Some(value)) = (pod.at(&["spec", key]), old.and_then(|old| old.at(&["spec", key])))
            {
                pod.set(&["spec", key], value.clone());
            }
        }
        return Ok(());
    }
    if !stage.creates() {
        return Ok(());
    }
    let name = pod.str_at(&["spec", "priorityClassName"]).unwrap_or_default().to_owned();
    let class = match &*name {
        "" => default_class(stage),
        name => match stage.state().find("scheduling.k8s.io/priorityclasses", "", name) {
            Some(entry) => Some(entry.value()),
            None => {
                let why = format!("no PriorityClass with name {name} was found");
                return Err(stage.forbidden(pod, &why));
            }
        },
    };
    let priority = class.as_ref().and_then(|class| class.int_at(&["value"])).unwrap_or(0);
    let policy = match &class {
        Some(class) => class.str_at(&["preemptionPolicy"]),
        None => Some("PreemptLowerPriority"),
    };
    if let Some(said) = pod.int_at(&["spec", "priority"]).filter(|said| *said != priority) {
        let why = format!(
            "the integer value of priority ({said}) must not be provided in pod spec; priority admission controller computed {priority} from the given PriorityClass name"
        );
        return Err(stage.forbidden(pod, &why));
    }
    if let Some(policy) = policy {
        if let Some(said) = pod.str_at(&["spec", "preemptionPolicy"]).filter(|said| *said != policy) {
            let why = format!(
                "the string value of PreemptionPolicy ({said}) must not be provided in pod spec; priority admission controller computed {policy} from the given PriorityClass name"
            );
            return Err(stage.forbidden(pod, &why));
        }
        pod.set(&["spec", "preemptionPolicy"], policy.into());
    }
    if let Some(name) = class.as_ref().and_then(|class| class.str_at(&["metadata", "name"])) {
        pod.set(&["spec", "priorityClassName"], name.into());
    }
    pod.set(&["spec", "priority"], priority.into());
    Ok(())
}

/// The class of pods that name none: the lowest of those that want to be it.
fn default_class(stage: &Stage<'_, '_>) -> Option<Value> {
    let classes = stage.state().objects("scheduling.k8s.io/priorityclasses", "").map(|entry| entry.value());
    let wants = |class: &Value| class.get("globalDefault").and_then(Value::as_bool) == Some(true);
    classes.filter(wants).min_by_key(|class| class.int_at(&["value"]).unwrap_or(0))
}

/// Only one class is the default.
pub(super) fn validate_class(stage: &Stage<'_, '_>, class: &Value) -> Result<(), Failure> {
    let writes = stage.creates() || stage.updates();
    let wants = class.get("globalDefault").and_then(Value::as_bool) == Some(true);
    if !stage.is("scheduling.k8s.io", "priorityclasses") || !writes || !wants {
        return Ok(());
    }
    let Some(known) = default_class(stage) else { return Ok(()) };
    let name = |class: &Value| class.str_at(&["metadata", "name"]).unwrap_or_default().to_owned();
    if stage.updates() && name(&known) == name(class) {
        return Ok(());
    }
    let why =
        format!("PriorityClass {} is already marked as default. Only one default can exist", name(&known));
    Err(stage.forbidden(class, &why))
}

fn runtime(stage: &Stage<'_, '_>, pod: &Value) -> Result<Option<Value>, Failure> {
    let Some(name) = pod.str_at(&["spec", "runtimeClassName"]) else { return Ok(None) };
    match stage.state().find("node.k8s.io/runtimeclasses", "", name) {
        Some(entry) => Ok(Some(entry.value())),
        None => {
            let why = format!("pod rejected: RuntimeClass {} not found", quoted(name));
            Err(stage.forbidden(pod, &why))
        }
    }
}

/// The runtime's overhead, and where it runs.
pub(super) fn set_runtime(stage: &Stage<'_, '_>, pod: &mut Value) -> Result<(), Failure> {
    if !(stage.is("", "pods") && stage.creates()) {
        return Ok(());
    }
    let Some(class) = runtime(stage, pod)? else { return Ok(()) };
    if let Some(overhead) = class.at(&["overhead", "podFixed"]) {
        let said = pod.at(&["spec", "overhead"]).filter(|said| !said.is_empty_container());
        if said.is_some_and(|said| said != overhead) {
            let why = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";
            return Err(stage.forbidden(pod, why));
        }
        pod.set(&["spec", "overhead"], overhead.clone());
    }
    let selector =
        class.at(&["scheduling", "nodeSelector"]).and_then(Value::as_map).cloned().unwrap_or_default();
    for (key, value) in selector {
        let (wanted, said) =
            (value.as_str().unwrap_or_default(), pod.str_at(&["spec", "nodeSelector", &key]));
        if let Some(said) = said.filter(|said| *said != wanted) {
            let why = format!(
                "conflict: runtimeClass.scheduling.nodeSelector[{key}] = {wanted}; pod.spec.nodeSelector[{key}] = {said}"
            );
            return Err(stage.forbidden(pod, &why));
        }
        pod.set(&["spec", "nodeSelector", &key], value);
    }
    for toleration in items(&class, &["scheduling", "tolerations"]) {
        if !items(pod, &["spec", "tolerations"]).contains(toleration) {
            push(pod, &["spec", "tolerations"], toleration.clone());
        }
    }
    Ok(())
}

/// Overhead is the runtime's to say.
pub(super) fn validate_runtime(stage: &Stage<'_, '_>, pod: &Value) -> Result<(), Failure> {
    if !(stage.is("", "pods") && stage.creates()) {
        return Ok(());
    }
    let class = runtime(stage, pod)?;
    let overhead = class.as_ref().and_then(|class| class.at(&["overhead", "podFixed"]));
    match (overhead, pod.at(&["spec", "overhead"])) {
        (Some(overhead), said) if said != Some(overhead) => {
            let why = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";
            Err(stage.forbidden(pod, why))
        }
        (None, Some(_)) => {
            let why = "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead";
            Err(stage.forbidden(pod, why))
        }
        _ => Ok(()),
    }
}
