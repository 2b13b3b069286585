//! Which requests a webhook or a policy is asked about.

use lockstep_core::Value;
use schema::{At, FieldError};

use super::{Errors, validate_word};
use crate::address::texts;
use crate::meta::{View, invalid_each, path_segment, validate_selector};

const OPERATIONS: &[&str] = &["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];

/// The operations that can be changed by a policy.
pub(super) const MUTABLE: &[&str] = &["*", "CONNECT", "CREATE", "UPDATE"];

pub(super) fn validate_rule(errors: &mut Errors, at: &At, rule: &Value) {
    let (list, operations) = (at.field("operations"), texts(rule.items("operations")));
    if operations.is_empty() {
        errors.push(FieldError::required(&list, ""));
    }
    star_alone(errors, &list, (rule.child("operations"), "operations"));
    for (index, operation) in operations.iter().enumerate().filter(|(_, one)| !OPERATIONS.contains(one)) {
        errors.push(FieldError::not_supported(&list.index(index), *operation, OPERATIONS));
    }
    for (field, what) in [("apiGroups", "API groups"), ("apiVersions", "API versions")] {
        if rule.items(field).is_empty() {
            errors.push(FieldError::required(&at.field(field), ""));
        }
        star_alone(errors, &at.field(field), (rule.child(field), what));
    }
    let list = at.field("apiVersions");
    for (index, version) in texts(rule.items("apiVersions")).into_iter().enumerate() {
        if version.is_empty() {
            errors.push(FieldError::required(&list.index(index), ""));
        }
    }
    validate_resources(errors, &at.field("resources"), rule.child("resources"));
    validate_word(errors, &at.field("scope"), (rule.child("scope"), &["*", "Cluster", "Namespaced"]));
}

fn star_alone(errors: &mut Errors, at: &At, (list, what): (&Value, &str)) {
    let items = texts(list.as_list().unwrap_or_default());
    if items.len() > 1 && items.contains(&"*") {
        let text = format!("if '*' is present, must not specify other {what}");
        errors.push(FieldError::invalid(at, list.clone(), text));
    }
}

fn validate_resources(errors: &mut Errors, at: &At, list: &Value) {
    let resources = texts(list.as_list().unwrap_or_default());
    if resources.is_empty() {
        errors.push(FieldError::required(at, ""));
    }
    let (mut all_below, mut on_all, mut plain) = (Vec::new(), Vec::new(), false);
    for (index, resource) in resources.iter().enumerate() {
        let at = at.index(index);
        if resource.is_empty() {
            errors.push(FieldError::required(&at, ""));
            continue;
        }
        let Some((name, below)) = resource.split_once('/') else {
            plain = *resource != "*";
            continue;
        };
        if all_below.contains(&name) {
            let text = format!("if '{name}/*' is present, must not specify {resource}");
            errors.push(FieldError::invalid(&at, *resource, text));
        }
        if on_all.contains(&below) {
            let text = format!("if '*/{below}' is present, must not specify {resource}");
            errors.push(FieldError::invalid(&at, *resource, text));
        }
        if below == "*" {
            all_below.push(name);
        }
        if name == "*" {
            on_all.push(below);
        }
    }
    let wrong = |text: &str| FieldError::invalid(at, list.clone(), text);
    if resources.len() > 1 && resources.contains(&"*/*") {
        errors.push(wrong("if '*/*' is present, must not specify other resources"));
    }
    if resources.contains(&"*") && plain {
        errors.push(wrong("if '*' is present, must not specify other resources without subresources"));
    }
}

/// What a policy or its binding matches.
pub(super) fn validate_match_resources(errors: &mut Errors, at: &At, matched: &Value) {
    let policy_at = at.field("matchPolicy");
    match matched.has("matchPolicy") {
        false => errors.push(FieldError::required(&policy_at, "")),
        true => {
            let policies = &["Equivalent", "Exact"];
            validate_word(errors, &policy_at, (matched.child("matchPolicy"), policies));
        }
    }
    for field in ["namespaceSelector", "objectSelector"] {
        match matched.has(field) {
            true => validate_selector(errors, &at.field(field), matched.child(field)),
            false => errors.push(FieldError::required(&at.field(field), "")),
        }
    }
    for field in ["resourceRules", "excludeResourceRules"] {
        let list = at.field(field);
        for (index, rule) in matched.items(field).iter().enumerate() {
            validate_named_rule(errors, &list.index(index), rule);
        }
    }
}

fn validate_named_rule(errors: &mut Errors, at: &At, rule: &Value) {
    let (list, names) = (at.field("resourceNames"), texts(rule.items("resourceNames")));
    for (index, name) in names.iter().enumerate() {
        invalid_each(errors, &list.index(index), &(*name).into(), path_segment(name));
        if names[..index].contains(name) {
            errors.push(FieldError::duplicate(&list.index(index), *name));
        }
    }
    validate_rule(errors, at, rule);
}

/// A policy that changes objects cannot be asked about every operation.
pub(super) fn validate_mutable(errors: &mut Errors, at: &At, matched: &Value) {
    let at = at.field("resourceRules");
    let at = at.field("operations");
    for rule in matched.items("resourceRules") {
        let bad = texts(rule.items("operations")).into_iter().filter(|one| !MUTABLE.contains(one));
        errors.extend(bad.map(|operation| FieldError::not_supported(&at, operation, MUTABLE)));
    }
}
