//! ValidatingAdmissionPolicies.

use lockstep_core::{Map, Value};
use schema::{At, FieldError};

use super::match_condition::{validate_conditions, validate_variables};
use super::param::validate_kind;
use super::rules::validate_match_resources;
use super::{
    Errors, FAILURE_POLICIES, GROUP, default_rules, default_selectors, validate_name, validate_word,
};
use crate::meta::{Edit, View, invalid_each, qualified_name};
use crate::naming::subdomain;
use crate::reset::{V1_STATUS_ONLY, keep_all_but_status};
use crate::strategy::{Status, Strategy};

pub(crate) const VALIDATING_POLICY: Strategy = Strategy {
    default: default_policy,
    prepare_create: |policy| policy.set(&["status"], Value::map(Map::new())),
    prepare_update: |policy, old| policy.take_from(old, &["status"]),
    validate: |policy| {
        let mut errors = validate(policy);
        validate_name(&mut errors, policy);
        errors
    },
    validate_update: |policy, _| validate(policy),
    status: Some(Status {
        prepare_update: keep_all_but_status,
        validate_update: |policy, _| validate_status(policy),
        warnings: |_| Vec::new(),
    }),
    name: subdomain,
    generation: Some(crate::pod_template::spec_changed),
    unconditional_update: false,
    reset: V1_STATUS_ONLY,
    ..Strategy::plain(GROUP, "ValidatingAdmissionPolicy", &["v1"])
};

pub(super) fn default_policy(policy: &mut Value) {
    policy.default_to("spec", Map::new());
    let Some(spec) = policy.child_mut("spec") else { return };
    spec.default_to("failurePolicy", "Fail");
    if let Some(matched) = spec.child_mut("matchConstraints") {
        default_selectors(matched);
        default_rules(matched, &["resourceRules", "excludeResourceRules"]);
    }
}

/// What both kinds of policies have.
pub(super) fn validate_common(errors: &mut Errors, at: &At, spec: &Value) {
    validate_word(errors, &at.field("failurePolicy"), (spec.child("failurePolicy"), FAILURE_POLICIES));
    if spec.has("paramKind") {
        validate_kind(errors, &at.field("paramKind"), spec.child("paramKind"));
    }
    let (matched_at, matched) = (at.field("matchConstraints"), spec.child("matchConstraints"));
    if !spec.has("matchConstraints") {
        errors.push(FieldError::required(&matched_at, ""));
        return;
    }
    validate_match_resources(errors, &matched_at, matched);
    if matched.items("resourceRules").is_empty() {
        errors.push(FieldError::required(&matched_at.field("resourceRules"), ""));
    }
}

/// Their conditions and variables.
pub(super) fn validate_expressions(errors: &mut Errors, at: &At, spec: &Value) {
    validate_conditions(errors, &at.field("matchConditions"), spec.items("matchConditions"));
    validate_variables(errors, &at.field("variables"), spec.items("variables"));
}

fn validate(policy: &Value) -> Errors {
    const ONE: &str = "validations or auditAnnotations must contain at least one item";
    let (mut errors, spec) = (Vec::new(), policy.child("spec"));
    let at = At::ROOT.field("spec");
    validate_common(&mut errors, &at, spec);
    validate_expressions(&mut errors, &at, spec);
    let (list, validations) = (at.field("validations"), spec.items("validations"));
    if validations.is_empty() && spec.items("auditAnnotations").is_empty() {
        errors.push(FieldError::required(&list, ONE));
        errors.push(FieldError::required(&at.field("auditAnnotations"), ONE));
    }
    for (index, validation) in validations.iter().enumerate() {
        validate_validation(&mut errors, &list.index(index), validation);
    }
    validate_annotations(&mut errors, &at.field("auditAnnotations"), policy);
    errors
}

fn validate_validation(errors: &mut Errors, at: &At, validation: &Value) {
    const REASONS: &[&str] = &["Forbidden", "Invalid", "RequestEntityTooLarge"];
    let blank = |text: &str| !text.is_empty() && text.trim().is_empty();
    if validation.text("expression").trim().is_empty() {
        errors.push(FieldError::required(&at.field("expression"), "expression is not specified"));
    }
    for field in ["messageExpression", "message"] {
        let text = validation.text(field);
        if blank(text) {
            errors.push(FieldError::invalid(&at.field(field), text, "must be non-empty if specified"));
        } else if field == "message" && text.trim().contains(['\n', '\r']) {
            errors.push(FieldError::invalid(&at.field(field), text, "must not contain line breaks"));
        }
    }
    validate_word(errors, &at.field("reason"), (validation.child("reason"), REASONS));
}

fn validate_annotations(errors: &mut Errors, at: &At, policy: &Value) {
    let annotations = policy.child("spec").items("auditAnnotations");
    let name = policy.child("metadata").text("name");
    if annotations.len() > 20 {
        let value = policy.child("spec").child("auditAnnotations").clone();
        errors.push(FieldError::invalid(at, value, "must not have more than 20 auditAnnotations"));
    }
    for (index, annotation) in annotations.iter().enumerate() {
        let (place, key) = (at.index(index), annotation.text("key"));
        let full = format!("{name}/{key}");
        invalid_each(errors, &place.field("key"), &(&*full).into(), qualified_name(&full));
        match annotation.text("valueExpression").trim().len() {
            0 => {
                let text = "valueExpression is not specified";
                errors.push(FieldError::required(&place.field("valueExpression"), text));
            }
            5121.. => {
                let text = "must not exceed 5120 bytes in length";
                errors.push(FieldError::required(&place.field("valueExpression"), text));
            }
            _ => {}
        }
        if annotations[..index].iter().any(|other| other.text("key") == key) {
            errors.push(FieldError::duplicate(&place.field("key"), key));
        }
    }
}

fn validate_status(policy: &Value) -> Errors {
    let (mut errors, status) = (Vec::new(), policy.child("status"));
    let at = At::ROOT.field("status");
    let list = at.field("typeChecking");
    let list = list.field("expressionWarnings");
    let warnings = status.child("typeChecking").items("expressionWarnings");
    for (index, warning) in warnings.iter().enumerate() {
        for field in ["warning", "fieldRef"].into_iter().filter(|field| warning.text(field).trim().is_empty())
        {
            errors.push(FieldError::required(&list.index(index).field(field), ""));
        }
    }
    let conditions = status.items("conditions");
    crate::condition::validate_conditions(&mut errors, &at.field("conditions"), conditions);
    errors
}
