//! `PodSecurity`: what pods may do on their node, by the labels of their namespace.

mod checks;
mod policy;
mod restricted;

use std::collections::BTreeMap;

use lockstep_core::Value;
use schema::FieldError;

use super::stage::{Stage, items};
use crate::failure::{Failure, GroupResource};
use checks::violations;
use policy::{Level, Policy};

/// Further endpoints that do not change what a pod may do.
const IGNORED: [&str; 8] = ["exec", "attach", "binding", "eviction", "log", "portforward", "proxy", "status"];
/// How many pods of a namespace are looked at when its level changes.
const MOST_PODS: usize = 3000;

/// Refuses pods, and warns of those that come.
pub(super) fn validate(
    stage: &mut Stage<'_, '_>,
    object: &Value,
    old: Option<&Value>,
) -> Result<(), Failure> {
    if !(stage.creates() || stage.updates()) {
        return Ok(());
    }
    if stage.is("", "namespaces") {
        return namespace(stage, object, old);
    }
    let (pod, is_pod) = match template(stage, object) {
        Some(found) => found,
        None => return Ok(()),
    };
    let Some(entry) = stage.namespace_object() else { return Ok(()) };
    let (policy, _) = Policy::of(&entry.value());
    if is_pod && stage.updates() && old.is_some_and(|old| !is_significant(object, old)) {
        return Ok(());
    }
    if is_pod {
        let found = violations(&policy.enforce, &pod);
        if !found.is_empty() {
            let why = format!("violates PodSecurity \"{}\": {}", policy.enforce, detailed(&found));
            return Err(stage.forbidden(object, &why));
        }
    }
    let found = violations(&policy.warn, &pod);
    if !found.is_empty() {
        stage.call.warn(format!("would violate PodSecurity \"{}\": {}", policy.warn, detailed(&found)));
    }
    Ok(())
}

/// The pod of an object: itself, or its template; and whether it is itself.
fn template(stage: &Stage<'_, '_>, object: &Value) -> Option<(Value, bool)> {
    let resource = stage.call.resource().to_string();
    if resource == "pods" {
        let ignored = IGNORED.contains(&stage.attributes.subresource);
        return (!ignored).then(|| (object.clone(), true));
    }
    if !stage.attributes.subresource.is_empty() {
        return None;
    }
    let path: &[&str] = match &*resource {
        "podtemplates" => &["template"],
        "replicationcontrollers"
        | "replicasets.apps"
        | "deployments.apps"
        | "statefulsets.apps"
        | "daemonsets.apps"
        | "jobs.batch" => &["spec", "template"],
        "cronjobs.batch" => &["spec", "jobTemplate", "spec", "template"],
        _ => return None,
    };
    Some((object.at(path)?.clone(), false))
}

/// Whether an update changes what runs in a pod.
fn is_significant(pod: &Value, old: &Value) -> bool {
    let images = |pod: &Value, list: &str| -> Vec<Option<String>> {
        let containers = items(pod, &["spec", list]).iter();
        containers.map(|container| container.str_at(&["image"]).map(str::to_owned)).collect()
    };
    let named = |pod: &Value| -> BTreeMap<String, Option<String>> {
        let containers = items(pod, &["spec", "ephemeralContainers"]).iter();
        let text = |container: &Value, key: &str| container.str_at(&[key]).map(str::to_owned);
        containers
            .map(|container| (text(container, "name").unwrap_or_default(), text(container, "image")))
            .collect()
    };
    let before = named(old);
    ["containers", "initContainers"].iter().any(|list| images(pod, list) != images(old, list))
        || named(pod).iter().any(|(name, image)| before.get(name) != Some(image))
}

/// Reasons with their details, as errors show them.
fn detailed(found: &[(String, String)]) -> String {
    let one = |(reason, detail): &(String, String)| match detail.is_empty() {
        true => reason.clone(),
        false => format!("{reason} ({detail})"),
    };
    found.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// The labels of a namespace must say something; pods that a new level would refuse are told.
fn namespace(stage: &mut Stage<'_, '_>, object: &Value, old: Option<&Value>) -> Result<(), Failure> {
    let (new_policy, errors) = Policy::of(object);
    let (old_policy, old_errors) = old.map(Policy::of).unwrap_or_default();
    let same = |a: &[FieldError], b: &[FieldError]| {
        a.iter().map(ToString::to_string).eq(b.iter().map(ToString::to_string))
    };
    if !errors.is_empty() && (stage.creates() || old_errors.is_empty() || !same(&errors, &old_errors)) {
        let name = object.str_at(&["metadata", "name"]).unwrap_or_default();
        return Err(Failure::invalid(&GroupResource::new("", "Namespace"), name, &errors));
    }
    let (new, before) = (new_policy.enforce, old_policy.enforce);
    let relaxed = new.version == before.version && new.level <= before.level;
    if stage.updates() && new != before && new.level != Level::Privileged && !relaxed {
        warn_of_pods(stage, &new);
    }
    Ok(())
}

fn warn_of_pods(stage: &mut Stage<'_, '_>, level: &policy::Wanted) {
    let namespace = stage.namespace().to_owned();
    let prefix = format!("{namespace}/");
    let mut found: BTreeMap<String, (String, usize)> = BTreeMap::new();
    for entry in stage.state().objects("/pods", &prefix).take(MOST_PODS) {
        let pod = entry.value();
        let reasons: Vec<String> = violations(level, &pod).into_iter().map(|(reason, _)| reason).collect();
        if !reasons.is_empty() {
            let name = pod.str_at(&["metadata", "name"]).unwrap_or_default().to_owned();
            let (first, count) = found.entry(reasons.join(", ")).or_insert_with(|| (name.clone(), 0));
            *count += 1;
            if name < *first {
                *first = name;
            }
        }
    }
    if found.is_empty() {
        return;
    }
    stage.call.warn(format!(
        "existing pods in namespace \"{namespace}\" violate the new PodSecurity enforce level \"{level}\""
    ));
    let mut lines: Vec<String> = found
        .into_iter()
        .map(|(reasons, (name, count))| match count {
            1 => format!("{name}: {reasons}"),
            2 => format!("{name} (and 1 other pod): {reasons}"),
            count => format!("{name} (and {} other pods): {reasons}", count - 1),
        })
        .collect();
    lines.sort();
    lines.into_iter().for_each(|line| stage.call.warn(line));
}
