//! The endpoint `resize` of Pods: what containers ask for and may use changes while they run.

use lockstep_core::Value;
use schema::{At, FieldError};

use super::Errors;
use super::disabled::drop_disabled;
use super::prepare::{default_pod_resources, quality};
use super::validate_pod;
use crate::meta::{Edit, View};

const LISTS: [&str; 2] = ["containers", "initContainers"];

/// What a writer of the endpoint `resize` may not change is taken from `old`. Who adds, removes or renames containers is not
/// helped: validation refuses it.
pub fn prepare_resize(pod: &mut Value, old: &Value) {
    let count = |pod: &Value| LISTS.map(|list| pod.child("spec").items(list).len());
    if count(pod) == count(old) {
        take_unsized(pod, old);
    }
    if !pod.child("spec").has("resources") {
        pod.take_from(old, &["spec", "resources"]);
    }
    default_pod_resources(pod);
    if let Some(spec) = pod.child_mut("spec") {
        drop_disabled(spec);
    }
}

fn take_unsized(pod: &mut Value, old: &Value) {
    let new = pod.child("spec").clone();
    for key in ["spec", "status"] {
        pod.take_from(old, &[key]);
    }
    for key in ["deletionTimestamp", "generation", "labels", "annotations", "finalizers", "ownerReferences"] {
        pod.take_from(old, &["metadata", key]);
    }
    match new.get("resources") {
        Some(resources) => pod.set(&["spec", "resources"], resources.clone()),
        None => drop(pod.remove(&["spec", "resources"])),
    }
    for list in LISTS {
        let (wanted, before) = (new.items(list), old.child("spec").items(list));
        if wanted.is_empty() {
            continue;
        }
        let same = wanted.iter().zip(before).all(|(new, old)| new.text("name") == old.text("name"));
        let containers = match same {
            true => wanted.iter().zip(before).map(|(new, old)| resized(new, old)).collect(),
            false => wanted.to_vec(),
        };
        pod.set(&["spec", list], Value::list(containers));
    }
}

fn resized(new: &Value, old: &Value) -> Value {
    let mut container = old.clone();
    for key in ["resources", "resizePolicy"] {
        container.take_from(new, &[key]);
    }
    container
}

/// What is wrong with such a change, its metadata apart. That a node may not know how to resize is not asked: simulated ones do.
pub fn validate_resize(pod: &Value, old: &Value) -> Vec<FieldError> {
    let nowhere = At::ROOT.key("");
    if old.child("metadata").child("annotations").has("kubernetes.io/config.mirror") {
        return vec![FieldError::forbidden(&nowhere, "static pods cannot be resized")];
    }
    if old.child("spec").child("os").text("name") == "windows" {
        return vec![FieldError::forbidden(&nowhere, "windows pods cannot be resized")];
    }
    let mut errors = validate_pod(pod);
    let (at, specs) = (At::ROOT.field("spec"), [pod, old].map(|pod| pod.child("spec")));
    let had = match old.child("status").text("qosClass") {
        "" => quality(specs[1]),
        known => known,
    };
    if had != quality(specs[0]) {
        let text = "Pod QOS Class may not change as a result of resizing";
        errors.push(FieldError::invalid(&at, pod.child("status").text("qosClass"), text));
    }
    validate_pod_level(&mut errors, &at, specs);
    if !validate_order(&mut errors, &at, specs) {
        return errors;
    }
    for list in ["initContainers", "containers"] {
        validate_kept(&mut errors, &at.field(list), specs.map(|spec| spec.items(list)));
    }
    validate_only_sizes(&mut errors, &at, specs);
    errors
}

fn validate_pod_level(errors: &mut Errors, at: &At, [spec, old]: [&Value; 2]) {
    let resources = [spec, old].map(|spec| spec.child("resources"));
    let sets = |resources: &Value| ["requests", "limits"].iter().any(|key| !is_empty(resources.child(key)));
    if !resources.iter().any(|resources| sets(resources)) {
        return;
    }
    for key in ["requests", "limits"] {
        if is_removed(resources.map(|resources| resources.child(key))) {
            let text = format!("pod-level resource {key} cannot be removed");
            errors.push(FieldError::forbidden(&at.field("resources").field(key), text));
        }
    }
    if masked(resources[0], resources[1]) != masked(resources[1], resources[1]) {
        let text = "only cpu and memory resources are mutable at pod-level";
        errors.push(FieldError::forbidden(at, text));
    }
}

/// Whether the containers are those that were there, in their order.
fn validate_order(errors: &mut Errors, at: &At, [spec, old]: [&Value; 2]) -> bool {
    let before = errors.len();
    for list in LISTS {
        let (at, new, old) = (at.field(list), spec.items(list), old.items(list));
        if new.len() != old.len() {
            let text = format!("{list} may not be added or removed on resize");
            errors.push(FieldError::forbidden(&at, text));
            continue;
        }
        for (index, _) in
            new.iter().zip(old).enumerate().filter(|(_, (new, old))| new.text("name") != old.text("name"))
        {
            let text = format!("{list} may not be renamed or reordered on resize");
            errors.push(FieldError::forbidden(&at.index(index).field("name"), text));
        }
    }
    errors.len() == before
}

fn validate_kept(errors: &mut Errors, at: &At, [new, old]: [&[Value]; 2]) {
    for (index, (new, old)) in new.iter().zip(old).enumerate() {
        let item = at.index(index);
        let at = item.field("resources");
        for key in ["requests", "limits"] {
            if is_removed([new, old].map(|container| container.child("resources").child(key))) {
                let text = format!("resource {key} cannot be removed");
                errors.push(FieldError::forbidden(&at.field(key), text));
            }
        }
    }
}

fn validate_only_sizes(errors: &mut Errors, at: &At, [spec, old]: [&Value; 2]) {
    let others = |new: &Value, old: &Value| {
        let plain = |container: &Value| {
            let mut plain = container.clone();
            plain.set(&["resources"], masked(container.child("resources"), old.child("resources")));
            plain
        };
        plain(new) != plain(old)
    };
    for (new, old) in spec.items("containers").iter().zip(old.items("containers")) {
        if others(new, old) {
            errors.push(FieldError::forbidden(at, "only cpu and memory resources are mutable"));
        }
    }
    let list = at.field("initContainers");
    for (index, (new, old)) in
        spec.items("initContainers").iter().zip(old.items("initContainers")).enumerate()
    {
        let at = list.index(index);
        if others(new, old) {
            let text = "only cpu and memory resources for init or sidecar containers are mutable";
            errors.push(FieldError::forbidden(&at, text));
        }
        let restarts = |policy: &&Value| policy.text("restartPolicy") == "RestartContainer";
        if new != old && new.text("restartPolicy") != "Always" {
            for _ in new.items("resizePolicy").iter().filter(restarts) {
                let text =
                    "non-sidecar init containers with a resize policy of RestartContainer cannot be resized";
                errors.push(FieldError::forbidden(&at, text));
            }
        }
    }
}

/// Go does not tell an empty mapping from none.
fn is_empty(amounts: &Value) -> bool {
    amounts.as_map().is_none_or(lockstep_core::Map::is_empty)
}

fn is_removed([new, old]: [&Value; 2]) -> bool {
    old.as_map().into_iter().flatten().any(|(name, _)| new.get(name).is_none())
}

/// Resources with the amounts of `old` of what may change; what is empty is left out.
fn masked(resources: &Value, old: &Value) -> Value {
    let mut masked = Value::map(lockstep_core::Map::new());
    for key in ["requests", "limits"] {
        let mut amounts = match resources.child(key) {
            amounts if is_empty(amounts) => Value::map(lockstep_core::Map::new()),
            amounts => amounts.clone(),
        };
        for name in ["cpu", "memory"] {
            amounts.take_from(old.child(key), &[name]);
        }
        if !is_empty(&amounts) {
            masked.set(&[key], amounts);
        }
    }
    if !resources.items("claims").is_empty() {
        masked.set(&["claims"], resources.child("claims").clone());
    }
    masked
}

#[cfg(test)]
mod tests {
    use lockstep_core::from_json;

    use super::*;

    fn pod(class: &str, containers: &str) -> Value {
        let text = format!(
            r#"{{"metadata":{{"name":"p","namespace":"d"}},"status":{{"qosClass":"{class}"}},"spec":{{"restartPolicy":"Always","dnsPolicy":"ClusterFirst","terminationGracePeriodSeconds":30,"serviceAccountName":"d","serviceAccount":"d","containers":[{containers}]}}}}"#
        );
        from_json(text.as_bytes()).unwrap()
    }

    fn container(name: &str, requests: &str, limits: &str) -> String {
        format!(
            r#"{{"name":"{name}","image":"i","imagePullPolicy":"Always","terminationMessagePolicy":"File","resources":{{"requests":{{{requests}}},"limits":{{{limits}}}}}}}"#
        )
    }

    #[test]
    fn only_amounts_of_cpu_and_memory_change_within_the_class() {
        let old = pod("Burstable", &container("c", r#""cpu":"100m""#, r#""cpu":"200m""#));
        let check = |containers: &str, expected: &[&str]| {
            let mut new = pod("", containers);
            new.set(&["metadata", "labels", "not"], "taken".into());
            prepare_resize(&mut new, &old);
            let same = [&new, &old].map(|pod| pod.child("spec").items("containers").len());
            assert_eq!(new.child("metadata").has("labels"), same[0] != same[1]);
            let errors: Vec<String> = validate_resize(&new, &old).iter().map(ToString::to_string).collect();
            assert_eq!(errors, expected, "{containers}");
        };
        let one = |requests: &str, limits: &str| container("c", requests, limits);
        check(&one(r#""cpu":"150m""#, r#""cpu":"300m""#), &[]);
        check(
            &one(r#""cpu":"1""#, r#""cpu":"200m""#),
            &[
                "spec.containers[0].resources.requests: Invalid value: \"1\": must be less than or equal to cpu limit of 200m",
            ],
        );
        check(
            &one(r#""cpu":"200m","memory":"1Gi""#, r#""cpu":"200m","memory":"1Gi""#),
            &["spec: Invalid value: \"Burstable\": Pod QOS Class may not change as a result of resizing"],
        );
        check(
            &one(r#""cpu":"100m","ephemeral-storage":"1Gi""#, r#""cpu":"200m""#),
            &["spec: Forbidden: only cpu and memory resources are mutable"],
        );
        check(
            &one(r#""cpu":"100m""#, ""),
            &["spec.containers[0].resources.limits: Forbidden: resource limits cannot be removed"],
        );
        check(
            &container("d", r#""cpu":"100m""#, r#""cpu":"200m""#),
            &["spec.containers[0].name: Forbidden: containers may not be renamed or reordered on resize"],
        );
        let two = [one(r#""cpu":"100m""#, r#""cpu":"200m""#), container("d", "", "")].join(",");
        check(&two, &["spec.containers: Forbidden: containers may not be added or removed on resize"]);
    }
}
