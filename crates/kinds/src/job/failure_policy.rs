//! What the failure of a pod means for its Job.

use std::collections::BTreeSet;

use lockstep_core::Value;
use schema::{At, FieldError, Mistake};

use super::Errors;
use crate::meta::{View, invalid_each, qualified_name};

const ACTIONS: [&str; 4] = ["Count", "FailIndex", "FailJob", "Ignore"];
const OPERATORS: [&str; 2] = ["In", "NotIn"];
const STATUSES: [&str; 3] = ["False", "True", "Unknown"];

/// The policy of a spec.
pub(super) fn validate_failure_policy(errors: &mut Errors, at: &At, spec: &Value) {
    let (list, rules) = (at.field("rules"), spec.child("podFailurePolicy").items("rules"));
    if rules.len() > 20 {
        errors.push(FieldError::too_many(&list, rules.len(), 20));
    }
    for (index, rule) in rules.iter().enumerate() {
        validate_rule(errors, &list.index(index), (rule, spec));
    }
}

/// One of some words; where there is none, the server names them all.
fn one_of(errors: &mut Errors, at: &At, word: &str, known: &[&str]) {
    let quoted: Vec<_> = known.iter().map(|word| format!("{word:?}")).collect();
    match word {
        "" => errors.push(FieldError::required(at, format!("valid values: [{}]", quoted.join(" ")))),
        word if !known.contains(&word) => errors.push(FieldError::not_supported(at, word, known)),
        _ => {}
    }
}

fn validate_rule(errors: &mut Errors, at: &At, (rule, spec): (&Value, &Value)) {
    let (action_at, action) = (at.field("action"), rule.text("action"));
    match action {
        "FailIndex" if !spec.has("backoffLimitPerIndex") => {
            let text = "requires the backoffLimitPerIndex to be set";
            errors.push(FieldError::invalid(&action_at, action, text));
        }
        action => one_of(errors, &action_at, action, &ACTIONS),
    }
    let (codes, conditions) = (rule.has("onExitCodes"), rule.items("onPodConditions"));
    if codes {
        validate_codes(errors, &at.field("onExitCodes"), (rule.child("onExitCodes"), spec));
    }
    validate_conditions(errors, &at.field("onPodConditions"), conditions);
    let text = match (codes, conditions.is_empty()) {
        (true, false) => "specifying both OnExitCodes and OnPodConditions is not supported",
        (false, true) => "specifying one of OnExitCodes and OnPodConditions is required",
        _ => return,
    };
    errors.push(FieldError::new(Mistake::Invalid, at, None, text));
}

fn validate_conditions(errors: &mut Errors, at: &At, conditions: &[Value]) {
    if conditions.len() > 20 {
        errors.push(FieldError::too_many(at, conditions.len(), 20));
    }
    for (index, condition) in conditions.iter().enumerate() {
        let (at, kind) = (at.index(index), condition.text("type"));
        invalid_each(errors, &at.field("type"), &kind.into(), qualified_name(kind));
        one_of(errors, &at.field("status"), condition.text("status"), &STATUSES);
    }
}

fn validate_codes(errors: &mut Errors, at: &At, (codes, spec): (&Value, &Value)) {
    let operator = codes.text("operator");
    one_of(errors, &at.field("operator"), operator, &OPERATORS);
    let (pod, name) = (spec.child("template").child("spec"), codes.text("containerName"));
    let mut containers = ["containers", "initContainers"].into_iter().flat_map(|list| pod.items(list));
    if codes.has("containerName") && !containers.any(|container| container.text("name") == name) {
        let text = "must be one of the container or initContainer names in the pod template";
        errors.push(FieldError::invalid(&at.field("containerName"), name, text));
    }
    let (list, values) = (at.field("values"), codes.items("values"));
    if values.is_empty() {
        errors.push(FieldError::invalid(
            &list,
            codes.child("values").clone(),
            "at least one value is required",
        ));
    } else if values.len() > 255 {
        errors.push(FieldError::too_many(&list, values.len(), 255));
    }
    let mut seen = BTreeSet::new();
    for (index, value) in values.iter().enumerate() {
        let at = list.index(index);
        if operator == "In" && value.as_int() == Some(0) {
            errors.push(FieldError::invalid(&at, value.clone(), "must not be 0 for the In operator"));
        }
        if !seen.insert(value) {
            errors.push(FieldError::duplicate(&at, value.clone()));
        }
    }
    if !values.is_sorted() {
        errors.push(FieldError::invalid(&list, codes.child("values").clone(), "must be ordered"));
    }
}
