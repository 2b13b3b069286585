//! What is wrong with an autoscaler.

use std::cmp::Ordering;

use lockstep_core::Value;
use schema::{At, FieldError};

use super::metrics::validate_metrics;
use crate::meta::{View, Wrong, invalid_each, not_negative, path_segment};
use crate::policy::amount_of;

pub(super) type Errors = Vec<FieldError>;

/// Of what a reference is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    /// A version with a group.
    Named,
    /// Any version.
    Any,
    /// Nothing: the object had it before.
    Unchecked,
}

pub(super) fn validate(autoscaler: &Value, old: Option<&Value>) -> Errors {
    let (mut errors, mut late, spec) = (Vec::new(), Vec::new(), autoscaler.child("spec"));
    let at = At::ROOT.field("spec");
    let (min, max) = (spec.int("minReplicas"), spec.number("maxReplicas"));
    if let Some(min) = min.filter(|min| *min < 0) {
        late.push(FieldError::invalid(&at.field("minReplicas"), min, "must be greater than or equal to 0"));
    }
    match max {
        0 => late.push(FieldError::required(&at.field("maxReplicas"), "")),
        ..0 => late.push(FieldError::invalid(
            &at.field("maxReplicas"),
            max,
            "must be greater than or equal to 1",
        )),
        _ => {}
    }
    if min.is_some_and(|min| max < min) {
        let text = "must be greater than or equal to `minReplicas`";
        errors.push(FieldError::invalid(&at.field("maxReplicas"), max, text));
    }
    let target = spec.child("scaleTargetRef");
    let had = old.map(|old| old.child("spec").child("scaleTargetRef"));
    let same = had.is_some_and(|had| {
        ["apiVersion", "kind"].iter().all(|field| had.child(field) == target.child(field))
    });
    let group = match target.text("kind") {
        _ if same => Group::Unchecked,
        "ReplicationController" => Group::Any,
        _ => Group::Named,
    };
    validate_reference(&mut errors, &at.field("scaleTargetRef"), (target, group));
    validate_metrics(&mut errors, &at.field("metrics"), spec);
    if spec.has("behavior") {
        let at = at.field("behavior");
        for side in ["scaleUp", "scaleDown"].into_iter().filter(|side| spec.child("behavior").has(side)) {
            validate_rules(&mut errors, &at.field(side), spec.child("behavior").child(side));
        }
    }
    errors.extend(late);
    errors
}

/// What is wrong with a reference to a scalable or described object.
pub(super) fn validate_reference(errors: &mut Errors, at: &At, (reference, group): (&Value, Group)) {
    for field in ["kind", "name"] {
        let text = reference.text(field);
        match text.is_empty() {
            true => errors.push(FieldError::required(&at.field(field), "")),
            false => invalid_each(errors, &at.field(field), &text.into(), path_segment(text)),
        }
    }
    let version = reference.text("apiVersion");
    invalid_each(errors, &at.field("apiVersion"), &version.into(), api_version(version, group));
}

fn api_version(version: &str, group: Group) -> Wrong {
    match version.matches('/').count() {
        _ if group == Group::Unchecked => Vec::new(),
        0 if group == Group::Named => vec!["apiVersion must specify API group".into()],
        0 | 1 => Vec::new(),
        _ => vec![format!("unexpected GroupVersion string: {version}")],
    }
}

fn validate_rules(errors: &mut Errors, at: &At, rules: &Value) {
    const SELECTS: &[&str] = &["Disabled", "Max", "Min"];
    let window_at = at.field("stabilizationWindowSeconds");
    match rules.int("stabilizationWindowSeconds") {
        Some(window) if window < 0 => {
            errors.push(FieldError::invalid(&window_at, window, "must be greater than or equal to zero"));
        }
        Some(window) if window > 3600 => {
            errors.push(FieldError::invalid(&window_at, window, "must be less than or equal to 3600"));
        }
        _ => {}
    }
    let select = rules.text("selectPolicy");
    if rules.has("selectPolicy") && !SELECTS.contains(&select) {
        errors.push(FieldError::not_supported(&at.field("selectPolicy"), select, SELECTS));
    }
    let (list, policies) = (at.field("policies"), rules.items("policies"));
    if policies.is_empty() {
        errors.push(FieldError::required(&list, "must specify at least one Policy"));
    }
    for (index, policy) in policies.iter().enumerate() {
        validate_policy(errors, &list.index(index), policy);
    }
    let tolerance = amount_of(rules.child("tolerance"));
    if tolerance.sign() == Ordering::Less {
        let text = "must be greater than or equal to 0";
        errors.push(FieldError::invalid(&at.field("tolerance"), tolerance.to_string(), text));
    }
}

fn validate_policy(errors: &mut Errors, at: &At, policy: &Value) {
    let kind = policy.text("type");
    if !["Pods", "Percent"].contains(&kind) {
        errors.push(FieldError::not_supported(&at.field("type"), kind, &["Percent", "Pods"]));
    }
    for field in ["value", "periodSeconds"] {
        let number = policy.number(field);
        if number <= 0 {
            errors.push(FieldError::invalid(&at.field(field), number, "must be greater than zero"));
        }
        if field == "periodSeconds" && number > 1800 {
            errors.push(FieldError::invalid(&at.field(field), number, "must be less than or equal to 1800"));
        }
    }
}

pub(super) fn validate_status(autoscaler: &Value) -> Errors {
    let (mut errors, status) = (Vec::new(), autoscaler.child("status"));
    let at = At::ROOT.field("status");
    let list = at.field("conditions");
    for (index, condition) in status.items("conditions").iter().enumerate() {
        let at = list.index(index);
        not_negative(&mut errors, &at.field("observedGeneration"), condition.number("observedGeneration"));
    }
    for field in ["currentReplicas", "desiredReplicas"] {
        not_negative(&mut errors, &at.field(field), status.number(field));
    }
    errors
}
