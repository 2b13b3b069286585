//! What becomes of a pod before it is checked and stored.

use lockstep_core::{Map, Value};

use super::app_armor::take_annotations;
use super::disabled::drop_disabled;
use super::resources::sum_of_requests;
use crate::meta::{Edit, Quantity, View};

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

/// Status and generation begin anew; selectors take in the labels that they name by key.
pub(super) fn prepare_create(pod: &mut Value) {
    pod.set(&["metadata", "generation"], 1.into());
    pod.set(&["status"], Value::map(Map::new()));
    pod.set(&["status", "phase"], "Pending".into());
    if !pod.child("spec").items("schedulingGates").is_empty() {
        pod.set(&["status", "conditions"], Value::list(vec![gated()]));
    }
    if let Some(spec) = pod.child_mut("spec") {
        drop_disabled(spec);
    }
    take_labels(pod);
    take_annotations(pod);
    default_pod_resources(pod);
    let class = quality(pod.child("spec"));
    pod.set(&["status", "qosClass"], class.into());
}

fn gated() -> Value {
    let mut condition = Value::map(Map::new());
    for (key, text) in [
        ("type", "PodScheduled"),
        ("status", "False"),
        ("reason", "SchedulingGated"),
        ("message", "Scheduling is blocked due to non-empty scheduling gates"),
    ] {
        condition.set(&[key], text.into());
    }
    condition.set(&["lastProbeTime"], Value::Null);
    condition.set(&["lastTransitionTime"], Value::Null);
    condition
}

/// Selectors of affinity and spread get the pod's own value of each key in `matchLabelKeys` and `mismatchLabelKeys`.
fn take_labels(pod: &mut Value) {
    let labels = pod.child("metadata").child("labels").clone();
    let Some(spec) = pod.child_mut("spec") else { return };
    for kind in ["podAffinity", "podAntiAffinity"] {
        let Some(terms) = spec.child_mut("affinity").and_then(|affinity| affinity.child_mut(kind)) else {
            continue;
        };
        terms.items_mut(PREFERRED).iter_mut().filter_map(|term| term.child_mut("podAffinityTerm")).for_each(
            |term| {
                take_label_keys(term, &labels);
            },
        );
        terms.items_mut(REQUIRED).iter_mut().for_each(|term| take_label_keys(term, &labels));
    }
    spec.items_mut("topologySpreadConstraints").iter_mut().for_each(|term| take_label_keys(term, &labels));
}

fn take_label_keys(term: &mut Value, labels: &Value) {
    for (list, operator) in [("matchLabelKeys", "In"), ("mismatchLabelKeys", "NotIn")] {
        let found: Vec<Value> = term
            .items(list)
            .iter()
            .filter_map(|key| {
                let value = labels.get(key.as_str()?)?.clone();
                let mut requirement = Value::map(Map::new());
                requirement.set(&["key"], key.clone());
                requirement.set(&["operator"], operator.into());
                requirement.set(&["values"], Value::list(vec![value]));
                Some(requirement)
            })
            .collect();
        if let Some(selector) = term.child_mut("labelSelector").filter(|_| !found.is_empty()) {
            let all = [selector.items("matchExpressions"), &found].concat();
            selector.set(&["matchExpressions"], Value::list(all));
        }
    }
}

/// A pod that says what it may use as a whole also says what it asks for.
pub(super) fn default_pod_resources(pod: &mut Value) {
    let limits = pod.child("spec").child("resources").child("limits").clone();
    for (name, limit) in limits.as_map().into_iter().flatten() {
        if !matches!(&**name, "cpu" | "memory") && !name.starts_with("hugepages-") {
            continue;
        }
        let path = ["spec", "resources", "requests", &**name];
        if pod.at(&path).is_none() {
            let sum = sum_of_requests(pod.child("spec"), name);
            pod.set(&path, sum.map_or_else(|| limit.clone(), |sum| sum.to_string().into()));
        }
    }
    if matches!(limits, Value::Map(_)) {
        for name in ["cpu", "memory"] {
            let path = ["spec", "resources", "requests", name];
            if let Some(sum) = sum_of_requests(pod.child("spec"), name).filter(|_| pod.at(&path).is_none()) {
                pod.set(&path, sum.to_string().into());
            }
        }
    }
}

fn amounts(resources: &Value, key: &str) -> Vec<(String, Quantity)> {
    let amount =
        |value: &Value| value.as_str()?.parse::<Quantity>().ok().filter(|amount| amount.sign().is_gt());
    resources
        .entries(key)
        .filter(|(name, _)| matches!(*name, "cpu" | "memory"))
        .filter_map(|(name, value)| Some((name.to_owned(), amount(value)?)))
        .collect()
}

/// How a pod is treated when a node runs out of something.
pub(super) fn quality(spec: &Value) -> &'static str {
    let all: Vec<&Value> = match spec.has("resources") {
        true => vec![spec.child("resources")],
        false => ["containers", "initContainers"]
            .into_iter()
            .flat_map(|list| spec.items(list))
            .map(|container| container.child("resources"))
            .collect(),
    };
    let each: Vec<_> =
        all.iter().map(|resources| [amounts(resources, "requests"), amounts(resources, "limits")]).collect();
    let nothing = |list: &[Vec<(String, Quantity)>; 2]| list.iter().all(Vec::is_empty);
    if each.iter().all(nothing) {
        return "BestEffort";
    }
    let guaranteed =
        |[requests, limits]: &[Vec<(String, Quantity)>; 2]| limits.len() == 2 && requests == limits;
    if each.iter().all(guaranteed) { "Guaranteed" } else { "Burstable" }
}

/// A writer of a Pod does not write its status. Pod resources once given stay.
pub(super) fn prepare_update(pod: &mut Value, old: &Value) {
    pod.take_from(old, &["status"]);
    if !pod.child("spec").has("resources") && old.child("spec").has("resources") {
        pod.take_from(old, &["spec", "resources"]);
    }
    if let Some(spec) = pod.child_mut("spec") {
        drop_disabled(spec);
    }
}

/// A writer of the status writes little else.
pub(super) fn prepare_status(pod: &mut Value, old: &Value) {
    pod.take_from(old, &["spec"]);
    pod.remove(&["metadata", "deletionTimestamp"]);
    pod.take_from(old, &["metadata", "ownerReferences"]);
    for key in [
        "qosClass",
        "resourceClaimStatuses",
        "extendedResourceClaimStatus",
        "nodeAllocatableResourceClaimStatuses",
    ] {
        if !pod.child("status").has(key) && old.child("status").has(key) {
            pod.take_from(old, &["status", key]);
        }
    }
    keep_generations(pod, old);
}

/// Which generation a condition is about is kept where the writer does not say it.
fn keep_generations(pod: &mut Value, old: &Value) {
    const KEY: &str = "observedGeneration";
    let mut known: Vec<(String, Value)> = old
        .child("status")
        .items("conditions")
        .iter()
        .map(|condition| (condition.text("type").to_owned(), condition.child(KEY).clone()))
        .collect();
    let Some(status) = pod.child_mut("status") else { return };
    if status.number(KEY) == 0 && old.child("status").has(KEY) {
        status.set(&[KEY], old.child("status").child(KEY).clone());
    }
    for condition in status.items_mut("conditions") {
        let Some(index) = known.iter().position(|(kind, _)| kind == condition.text("type")) else { continue };
        let (_, generation) = known.remove(index);
        if condition.number(KEY) == 0 && !matches!(generation, Value::Null) {
            condition.set(&[KEY], generation);
        }
    }
}

#[cfg(test)]
mod tests {
    use lockstep_core::from_json;

    use super::*;

    #[test]
    fn a_pod_is_treated_by_what_its_containers_ask_for() {
        let check = |containers: &str, class: &str| {
            let spec = from_json(format!(r#"{{"containers":{containers}}}"#).as_bytes()).unwrap();
            assert_eq!(quality(&spec), class, "{containers}");
        };
        let all = r#"{"resources":{"limits":{"cpu":"1","memory":"1Gi"},"requests":{"cpu":"1000m","memory":"1Gi"}}}"#;
        check("[{}]", "BestEffort");
        check(r#"[{"resources":{"limits":{"cpu":"0"}}}]"#, "BestEffort");
        check(r#"[{"resources":{"limits":{"a.b/c":"1"},"requests":{"a.b/c":"1"}}}]"#, "BestEffort");
        check(&format!("[{all}]"), "Guaranteed");
        check(&format!("[{all},{{}}]"), "Burstable");
        check(r#"[{"resources":{"requests":{"cpu":"1"}}}]"#, "Burstable");
    }
}
