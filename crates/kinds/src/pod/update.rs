//! What may become of a Pod once it is there: little.

use lockstep_core::Value;
use schema::{At, FieldError};

use super::Errors;
use super::annotations::validate_annotation_change;
use super::scheduling::validate_tolerations;
use super::validate_pod;
use crate::meta::{Edit, View, dns_subdomain, internal_diff, invalid_each, legacy_ip, qualified_name};

const UPDATABLE: &str = "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

/// A change of the Pod itself.
pub(super) fn validate_update(pod: &Value, old: &Value) -> Errors {
    let mut errors = validate_pod(pod);
    validate_annotations(&mut errors, pod, old);
    validate_spec_change(&mut errors, [pod, old].map(|pod| pod.child("spec")));
    errors
}

/// What holds for annotations whether the Pod or its status is written.
fn validate_annotations(errors: &mut Errors, pod: &Value, old: &Value) {
    let annotations = [pod, old].map(|pod| pod.child("metadata").child("annotations"));
    let meta = At::ROOT.field("metadata");
    let at = meta.field("annotations");
    validate_annotation_change(errors, &at, annotations);
    super::annotations::validate_pod_annotations(errors, &at, (annotations[0], pod.child("spec")));
}

fn validate_spec_change(errors: &mut Errors, [spec, old]: [&Value; 2]) {
    let at = At::ROOT.field("spec");
    for list in ["containers", "initContainers"] {
        if validate_images(errors, &at.field(list), [spec, old].map(|spec| spec.items(list))).is_err() {
            return;
        }
    }
    if validate_deadline(errors, &at.field("activeDeadlineSeconds"), [spec, old]).is_err() {
        return;
    }
    validate_added_tolerations(
        errors,
        &at.field("tolerations"),
        [spec, old].map(|spec| spec.items("tolerations")),
    );
    let gates = at.field("schedulingGates");
    for (index, gate) in spec.items("schedulingGates").iter().enumerate() {
        let name = gate.text("name");
        if !old.items("schedulingGates").iter().any(|other| other.text("name") == name) {
            let text = format!("only deletion is allowed, but found new scheduling gate '{name}'");
            let at = gates.index(index);
            errors.push(FieldError::forbidden(&at.field("name"), text));
        }
    }
    if spec == old {
        return;
    }
    let munged = munge(spec, old);
    let munged = validate_gated(errors, munged, old);
    if munged != *old {
        let diff = internal_diff("core.PodSpec", old, &munged);
        errors.push(FieldError::forbidden(
            &at,
            format!("pod updates may not change fields other than {UPDATABLE}\n{diff}"),
        ));
    }
}

/// After some mistakes the server looks no further.
struct Stop;

fn validate_images(errors: &mut Errors, at: &At, [new, old]: [&[Value]; 2]) -> Result<(), Stop> {
    if new.len() != old.len() {
        errors.push(FieldError::forbidden(at, "pod updates may not add or remove containers"));
        return Err(Stop);
    }
    for (index, container) in new.iter().enumerate() {
        let at = at.index(index);
        if container.text("image").is_empty() {
            errors.push(FieldError::required(&at.field("image"), ""));
        }
        super::container::validate_image_spaces(errors, &at, container);
    }
    Ok(())
}

fn validate_deadline(errors: &mut Errors, at: &At, [spec, old]: [&Value; 2]) -> Result<(), Stop> {
    let [new, before] = [spec, old].map(|spec| spec.int("activeDeadlineSeconds"));
    let wrong = match (new, before) {
        (Some(new), _) if !(0..=2_147_483_647).contains(&new) => {
            "must be between 0 and 2147483647, inclusive"
        }
        (Some(new), Some(before)) if before < new => "must be less than or equal to previous value",
        (None, Some(_)) => {
            let text = "must not update from a positive integer to nil value";
            errors.push(FieldError::invalid(at, Value::Null, text));
            return Ok(());
        }
        _ => return Ok(()),
    };
    errors.push(FieldError::invalid(at, new.unwrap_or_default(), wrong));
    Err(Stop)
}

fn validate_added_tolerations(errors: &mut Errors, at: &At, [new, old]: [&[Value]; 2]) {
    let without = |toleration: &Value| {
        let mut toleration = toleration.clone();
        toleration.remove(&["tolerationSeconds"]);
        toleration
    };
    if old.iter().any(|before| !new.iter().any(|toleration| without(toleration) == without(before))) {
        let text = "existing toleration can not be modified except its tolerationSeconds";
        errors.push(FieldError::forbidden(at, text));
        return;
    }
    validate_tolerations(errors, at, new);
}

/// The new spec with everything as it was that may change.
fn munge(spec: &Value, old: &Value) -> Value {
    let mut munged = spec.clone();
    for list in ["containers", "initContainers"] {
        let old = old.items(list);
        for (container, old) in munged.items_mut(list).iter_mut().zip(old) {
            container.take_from(old, &["image"]);
        }
    }
    for key in ["activeDeadlineSeconds", "schedulingGates", "tolerations"] {
        munged.take_from(old, &[key]);
    }
    let period = "terminationGracePeriodSeconds";
    if old.number(period) < 0 && munged.number(period) == 1 {
        munged.take_from(old, &[period]);
    }
    munged
}

/// While a pod waits, where it may run can be narrowed down.
fn validate_gated(errors: &mut Errors, mut munged: Value, old: &Value) -> Value {
    if old.items("schedulingGates").is_empty() {
        return munged;
    }
    let at = At::ROOT.field("spec");
    if munged.child("nodeSelector") != old.child("nodeSelector") {
        let at = at.field("nodeSelector");
        for (key, value) in old.entries("nodeSelector") {
            if munged.child("nodeSelector").get(key) != Some(value) {
                let shown = munged.child("nodeSelector").clone();
                errors.push(FieldError::invalid(
                    &at,
                    shown,
                    "only additions to spec.nodeSelector are allowed (no mutations or deletions)",
                ));
                break;
            }
        }
        munged.take_from(old, &["nodeSelector"]);
    }
    let affinity = ["affinity", "nodeAffinity"];
    if munged.at(&affinity) != old.at(&affinity) {
        let at = at.field("affinity");
        let nodes = [&munged, old].map(|spec| spec.child("affinity").child("nodeAffinity"));
        validate_narrowed(errors, &at.field("nodeAffinity"), nodes);
        munged.take_from(old, &affinity);
        if munged.child("affinity").is_empty_container() && !old.has("affinity") {
            munged.remove(&["affinity"]);
        }
    }
    munged
}

/// Terms that must hold may become longer, but neither more nor fewer.
fn validate_narrowed(errors: &mut Errors, at: &At, nodes: [&Value; 2]) {
    const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
    let at = at.field(REQUIRED);
    let at = at.field("nodeSelectorTerms");
    let [new, old] = nodes.map(|node| node.child(REQUIRED).child("nodeSelectorTerms"));
    let [terms, before] = [new, old].map(|terms| terms.as_list().unwrap_or_default());
    if !before.is_empty() && terms.len() != before.len() {
        let text = "no additions/deletions to non-empty NodeSelectorTerms list are allowed";
        return super::container::invalid(errors, &at, ("[]core.NodeSelectorTerm", new), text);
    }
    for (index, (term, before)) in terms.iter().zip(before).enumerate() {
        let lists = ["matchExpressions", "matchFields"].map(|list| (term.items(list), before.items(list)));
        let grown = lists.iter().all(|(new, old)| new.starts_with(old));
        let said_nothing =
            lists.iter().all(|(_, old)| old.is_empty()) && lists.iter().any(|(new, _)| !new.is_empty());
        if !grown || said_nothing {
            let text = "only additions are allowed (no mutations or deletions)";
            super::container::invalid(errors, &at.index(index), ("core.NodeSelectorTerm", term), text);
        }
    }
}

/// A change of the status.
pub(super) fn validate_status(pod: &Value, old: &Value) -> Errors {
    let mut errors = Vec::new();
    validate_annotations(&mut errors, pod, old);
    let at = At::ROOT.field("status");
    let [status, before] = [pod, old].map(|pod| pod.child("status"));
    validate_conditions(&mut errors, &at.field("conditions"), status.items("conditions"));
    let node = status.text("nominatedNodeName");
    if node != before.text("nominatedNodeName") && !node.is_empty() {
        invalid_each(&mut errors, &at.field("nominatedNodeName"), &node.into(), dns_subdomain(node));
    }
    if status.number("observedGeneration") < 0 {
        let generation = status.number("observedGeneration");
        let at = at.field("observedGeneration");
        errors.push(FieldError::invalid(&at, generation, "must be a non-negative integer"));
    }
    if status.text("qosClass") != before.text("qosClass") {
        errors.push(FieldError::invalid(
            &at.field("qosClass"),
            status.text("qosClass"),
            "field is immutable",
        ));
    }
    for list in ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"] {
        let statuses = [status, before].map(|status| status.items(list));
        validate_transition(&mut errors, &at.field(list), statuses, (old.child("spec"), list));
    }
    validate_pod_ips(&mut errors, &at.field("podIPs"), [status, before]);
    validate_host_ips(&mut errors, &at.field("hostIPs"), [status, before]);
    errors
}

fn validate_conditions(errors: &mut Errors, at: &At, conditions: &[Value]) {
    for (index, condition) in conditions.iter().enumerate() {
        let (at, kind) = (at.index(index), condition.text("type"));
        if condition.number("observedGeneration") < 0 {
            let at = at.field("observedGeneration");
            let generation = condition.number("observedGeneration");
            errors.push(FieldError::invalid(&at, generation, "must be a non-negative integer"));
        }
        if !matches!(kind, "PodScheduled" | "Ready" | "Initialized") {
            invalid_each(errors, &at.field("Type"), &kind.into(), qualified_name(kind));
        }
    }
}

/// A container that has ended and is not started again does not run again.
fn validate_transition(
    errors: &mut Errors,
    at: &At,
    [new, old]: [&[Value]; 2],
    (spec, list): (&Value, &str),
) {
    let containers = if list == "containerStatuses" { "containers" } else { "initContainers" };
    for (index, before) in old.iter().enumerate() {
        let (name, ended) = (before.text("name"), before.child("state").child("terminated"));
        if matches!(ended, Value::Null) {
            continue;
        }
        let runs = |status: &&Value| status.text("name") == name && !status.child("state").has("terminated");
        if new.iter().find(runs).is_none() {
            continue;
        }
        let container = spec.items(containers).iter().find(|container| container.text("name") == name);
        if list == "ephemeralContainerStatuses"
            || !container.is_some_and(|container| restarts(spec, container, ended))
        {
            let at = at.index(index);
            errors.push(FieldError::forbidden(
                &at.field("state"),
                "may not be transitioned to non-terminated state",
            ));
        }
    }
}

fn restarts(spec: &Value, container: &Value, ended: &Value) -> bool {
    let code = ended.number("exitCode");
    let rule = container.items("restartPolicyRules").iter().any(|rule| {
        let codes = rule.child("exitCodes");
        codes.items("values").contains(&code.into()) == (codes.text("operator") == "In")
    });
    let policy = match container.text("restartPolicy") {
        "" => spec.text("restartPolicy"),
        own => own,
    };
    rule || policy == "Always" || (policy == "OnFailure" && code != 0)
}

fn known(status: &Value, list: &str, ip: &str) -> bool {
    status.items(list).iter().any(|entry| entry.text("ip") == ip)
}

fn validate_pod_ips(errors: &mut Errors, at: &At, [status, before]: [&Value; 2]) {
    let (ips, single) = (status.items("podIPs"), status.text("podIP"));
    for (index, entry) in ips.iter().enumerate() {
        let ip = entry.text("ip");
        if !known(before, "podIPs", ip) {
            invalid_each(errors, &at.index(index), &ip.into(), legacy_ip(ip));
        }
    }
    validate_families(errors, at, status.child("podIPs"));
    if single.is_empty() != ips.is_empty() {
        let text = "podIP and podIPs must either both be set or both be unset";
        super::container::invalid(errors, at, ("[]core.PodIP", status.child("podIPs")), text);
    } else if let Some(first) = ips.first().filter(|first| first.text("ip") != single) {
        let at = at.index(0);
        errors.push(FieldError::invalid(&at.field("ip"), first.text("ip"), "must be equal to `podIP`"));
    }
}

fn validate_families(errors: &mut Errors, at: &At, list: &Value) {
    let ips: Vec<_> = list.as_list().unwrap_or_default().iter().map(|entry| entry.text("ip")).collect();
    let six = ips.iter().filter(|ip| ip.contains(':')).count();
    if ips.len() > 2 || (ips.len() == 2 && six != 1) {
        let text = "may specify no more than one IP for each IP family";
        super::container::invalid(errors, at, ("[]core.PodIP", list), text);
    }
}

fn validate_host_ips(errors: &mut Errors, at: &At, [status, before]: [&Value; 2]) {
    let ips = status.items("hostIPs");
    let Some(first) = ips.first() else { return };
    if first.text("ip") != status.text("hostIP") {
        let at = at.index(0);
        errors.push(FieldError::invalid(&at.field("ip"), first.text("ip"), "must be equal to `hostIP`"));
    }
    for (index, entry) in
        ips.iter().enumerate().filter(|(_, entry)| !known(before, "hostIPs", entry.text("ip")))
    {
        let ip = entry.text("ip");
        invalid_each(errors, &at.index(index), &ip.into(), legacy_ip(ip));
    }
    validate_families(errors, at, status.child("hostIPs"));
}

/// A change of the ephemeral containers, through the endpoint of that name: `pod` is the old one with the new ones.
pub fn validate_ephemeral_update(pod: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = validate_pod(pod);
    let at = At::ROOT.field("spec");
    let at = at.field("ephemeralContainers");
    let new = pod.child("spec").items("ephemeralContainers");
    for before in old.child("spec").items("ephemeralContainers") {
        let name = before.text("name");
        match new.iter().find(|container| container.text("name") == name) {
            None => {
                let text = format!("existing ephemeral containers {name:?} may not be removed\n");
                errors.push(FieldError::forbidden(&at, text));
            }
            Some(after) if after != before => {
                let diff = internal_diff("core.EphemeralContainer", before, after);
                let text = format!("existing ephemeral containers {name:?} may not be changed\n{diff}");
                errors.push(FieldError::forbidden(&at, text));
            }
            Some(_) => {}
        }
    }
    errors
}

/// What a writer of the endpoint `ephemeralcontainers` may not change is taken from `old`.
pub fn prepare_ephemeral_update(pod: &mut Value, old: &Value) {
    let containers = pod.at(&["spec", "ephemeralContainers"]).cloned();
    for path in [&["spec"][..], &["status"]] {
        pod.take_from(old, path);
    }
    for key in ["labels", "annotations", "finalizers", "ownerReferences", "deletionTimestamp", "generateName"]
    {
        pod.take_from(old, &["metadata", key]);
    }
    match containers {
        Some(containers) => pod.set(&["spec", "ephemeralContainers"], containers),
        None => drop(pod.remove(&["spec", "ephemeralContainers"])),
    }
}
