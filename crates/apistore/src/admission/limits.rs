//! `LimitRanger`: what a LimitRange gives containers that say nothing, and what it lets them ask for.

use std::collections::BTreeMap;

use lockstep_core::{Map, Value};
use schema::Quantity;

use super::amounts::{Amounts, amounts, of_pod};
use super::stage::{Stage, items};

use crate::failure::{Failure, joined};

const ANNOTATION: &str = "kubernetes.io/limit-ranger";

fn ranges(stage: &Stage<'_, '_>) -> Vec<Value> {
    let prefix = format!("{}/", stage.namespace());
    stage.state().objects("/limitranges", &prefix).map(|entry| entry.value()).collect()
}

/// Fills in what containers do not say.
pub(super) fn mutate(stage: &Stage<'_, '_>, pod: &mut Value) {
    if !(stage.is("", "pods") && stage.creates()) {
        return;
    }
    for range in ranges(stage) {
        let (mut requests, mut limits) = (BTreeMap::new(), BTreeMap::new());
        for limit in items(&range, &["spec", "limits"]) {
            if limit.str_at(&["type"]) == Some("Container") {
                requests
                    .extend(limit.get("defaultRequest").and_then(Value::as_map).cloned().unwrap_or_default());
                limits.extend(limit.get("default").and_then(Value::as_map).cloned().unwrap_or_default());
            }
        }
        let mut said = Vec::new();
        for (list, word) in [("containers", "container"), ("initContainers", "init container")] {
            let mut containers = items(pod, &["spec", list]).to_vec();
            for container in &mut containers {
                let name = container.str_at(&["name"]).unwrap_or_default().to_owned();
                let set_requests = fill(container, "requests", &requests);
                let set_limits = fill(container, "limits", &limits);
                for (set, kind) in [(set_requests, "request"), (set_limits, "limit")] {
                    if !set.is_empty() {
                        said.push(format!("{} {kind} for {word} {name}", set.join(", ")));
                    }
                }
            }
            if !containers.is_empty() {
                pod.set(&["spec", list], Value::list(containers));
            }
        }
        if !said.is_empty() {
            let text = format!("LimitRanger plugin set: {}", said.join("; "));
            pod.set(&["metadata", "annotations", ANNOTATION], text.into());
        }
    }
}

/// Sets what is missing; tells its names.
fn fill(container: &mut Value, kind: &str, defaults: &Map) -> Vec<String> {
    let mut set = Vec::new();
    for (name, amount) in defaults {
        if container.at(&["resources", kind, name]).is_none() {
            container.set(&["resources", kind, name], amount.clone());
            set.push(name.to_string());
        }
    }
    set
}

/// Refuses what is outside the limits.
pub(super) fn validate(stage: &Stage<'_, '_>, object: &Value, old: Option<&Value>) -> Result<(), Failure> {
    let pods = stage.is("", "pods") && stage.creates();
    let resized = stage.is_of("", "pods") && stage.attributes.subresource == "resize" && stage.updates();
    let claims = stage.is("", "persistentvolumeclaims") && (stage.creates() || stage.updates());
    let deleted = old.is_some_and(|old| old.at(&["metadata", "deletionTimestamp"]).is_some());
    if !(pods || resized || claims) || deleted {
        return Ok(());
    }
    for range in ranges(stage) {
        let mut errors = Vec::new();
        for limit in items(&range, &["spec", "limits"]) {
            match limit.str_at(&["type"]).unwrap_or_default() {
                "PersistentVolumeClaim" if claims => check_claim(&mut errors, limit, object),
                "Container" if !claims => {
                    for list in ["containers", "initContainers"] {
                        for container in items(object, &["spec", list]) {
                            let asked = |kind| amounts(container.at(&["resources", kind]));
                            check(&mut errors, limit, "Container", (&asked("requests"), &asked("limits")));
                        }
                    }
                }
                "Pod" if !claims => {
                    check(
                        &mut errors,
                        limit,
                        "Pod",
                        (&of_pod(object, "requests"), &of_pod(object, "limits")),
                    );
                }
                _ => {}
            }
        }
        if !errors.is_empty() {
            return Err(stage.forbidden(object, &joined(&errors)));
        }
    }
    Ok(())
}

fn check(errors: &mut Vec<String>, limit: &Value, kind: &str, (requests, limits): (&Amounts, &Amounts)) {
    for (name, least) in amounts(limit.get("min")) {
        errors.extend(too_little(kind, &name, &least, (requests.get(&name), limits.get(&name))));
    }
    for (name, most) in amounts(limit.get("max")) {
        errors.extend(too_much(kind, &name, &most, (requests.get(&name), limits.get(&name))));
    }
    for (name, ratio) in amounts(limit.get("maxLimitRequestRatio")) {
        errors.extend(too_far(kind, &name, &ratio, (requests.get(&name), limits.get(&name))));
    }
}

fn check_claim(errors: &mut Vec<String>, limit: &Value, claim: &Value) {
    let kind = "PersistentVolumeClaim";
    let requests = amounts(claim.at(&["spec", "resources", "requests"]));
    for (name, least) in amounts(limit.get("min")) {
        errors.extend(too_little(kind, &name, &least, (requests.get(&name), None)));
    }
    for (name, most) in amounts(limit.get("max")) {
        let head = format!("maximum {name} usage per {kind} is {most}");
        match requests.get(&name) {
            None => errors.push(format!("{head}.  No request is specified")),
            Some(request) if *request > most => errors.push(format!("{head}, but request is {request}")),
            Some(_) => {}
        }
    }
}

type Pair<'q> = (Option<&'q Quantity>, Option<&'q Quantity>);

fn too_little(kind: &str, name: &str, least: &Quantity, (request, limit): Pair<'_>) -> Option<String> {
    let head = format!("minimum {name} usage per {kind} is {least}");
    match (request, limit) {
        (None, _) => Some(format!("{head}.  No request is specified")),
        (Some(request), _) if request < least => Some(format!("{head}, but request is {request}")),
        (_, Some(limit)) if limit < least => Some(format!("{head}, but limit is {limit}")),
        _ => None,
    }
}

fn too_much(kind: &str, name: &str, most: &Quantity, (request, limit): Pair<'_>) -> Option<String> {
    let head = format!("maximum {name} usage per {kind} is {most}");
    match (request, limit) {
        (_, None) => Some(format!("{head}.  No limit is specified")),
        (_, Some(limit)) if limit > most => Some(format!("{head}, but limit is {limit}")),
        (Some(request), _) if request > most => Some(format!("{head}, but request is {request}")),
        _ => None,
    }
}

#[allow(clippy::cast_precision_loss)] // as the server computes it
fn too_far(kind: &str, name: &str, ratio: &Quantity, (request, limit): Pair<'_>) -> Option<String> {
    let head = format!("{name} max limit to request ratio per {kind} is {ratio}");
    let some = |amount: &&Quantity| **amount != Quantity::ZERO;
    let Some(request) = request.filter(some) else {
        return Some(format!("{head}, but no request is specified or request is 0"));
    };
    let Some(limit) = limit.filter(some) else {
        return Some(format!("{head}, but no limit is specified or limit is 0"));
    };
    let observed = limit.milli_value() as f64 / request.milli_value() as f64;
    let most = ratio.milli_value() as f64;
    (observed * 1000.0 > most).then(|| format!("{head}, but provided ratio is {observed:.6}"))
}
