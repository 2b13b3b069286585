//! ValidatingAdmissionPolicyBindings and MutatingAdmissionPolicyBindings.

use lockstep_core::Value;
use schema::{At, FieldError};

use super::param::validate_reference;
use super::rules::{validate_match_resources, validate_mutable};
use super::{Errors, GROUP, default_rules, default_selectors, validate_name};
use crate::address::texts;
use crate::meta::{Edit, View, dns_subdomain, invalid_each};
use crate::naming::subdomain;
use crate::strategy::Strategy;

pub(crate) const VALIDATING_BINDING: Strategy = Strategy {
    default: |binding| {
        if let Some(matched) = binding.child_mut("spec").and_then(|spec| spec.child_mut("matchResources")) {
            default_selectors(matched);
            default_rules(matched, &["resourceRules", "excludeResourceRules"]);
        }
    },
    validate: |binding| {
        let mut errors = validate_validating(binding);
        validate_name(&mut errors, binding);
        errors
    },
    validate_update: |binding, _| validate_validating(binding),
    name: subdomain,
    generation: Some(crate::pod_template::spec_changed),
    unconditional_update: false,
    ..Strategy::plain(GROUP, "ValidatingAdmissionPolicyBinding", &["v1"])
};

pub(crate) const MUTATING_BINDING: Strategy = Strategy {
    kind: "MutatingAdmissionPolicyBinding",
    validate: |binding| {
        let mut errors = validate_mutating(binding);
        validate_name(&mut errors, binding);
        errors
    },
    validate_update: |binding, _| validate_mutating(binding),
    ..VALIDATING_BINDING
};

fn validate_common(errors: &mut Errors, at: &At, spec: &Value) {
    let (at_name, name) = (at.field("policyName"), spec.text("policyName"));
    if !name.is_empty() {
        invalid_each(errors, &at_name, &name.into(), dns_subdomain(name));
    }
    if spec.has("paramRef") {
        validate_reference(errors, &at.field("paramRef"), spec.child("paramRef"));
    }
    if spec.has("matchResources") {
        validate_match_resources(errors, &at.field("matchResources"), spec.child("matchResources"));
    }
}

fn validate_validating(binding: &Value) -> Errors {
    const ACTIONS: &[&str] = &["Audit", "Deny", "Warn"];
    let (mut errors, spec) = (Vec::new(), binding.child("spec"));
    let at = At::ROOT.field("spec");
    validate_common(&mut errors, &at, spec);
    let (list, actions) = (at.field("validationActions"), texts(spec.items("validationActions")));
    for (index, action) in actions.iter().enumerate() {
        if !ACTIONS.contains(action) {
            errors.push(FieldError::not_supported(&list.index(index), *action, ACTIONS));
        }
        if actions[..index].contains(action) {
            errors.push(FieldError::duplicate(&list.index(index), *action));
        }
    }
    if actions.contains(&"Deny") && actions.contains(&"Warn") {
        let text = "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)";
        errors.push(FieldError::invalid(&list, spec.child("validationActions").clone(), text));
    }
    if spec.text("policyName").is_empty() {
        errors.push(FieldError::required(&at.field("policyName"), ""));
    }
    if actions.is_empty() {
        errors.push(FieldError::required(&list, ""));
    }
    errors
}

fn validate_mutating(binding: &Value) -> Errors {
    let (mut errors, spec) = (Vec::new(), binding.child("spec"));
    let at = At::ROOT.field("spec");
    if spec.text("policyName").is_empty() {
        errors.push(FieldError::required(&at.field("policyName"), ""));
    }
    validate_common(&mut errors, &at, spec);
    validate_mutable(&mut errors, &at.field("matchResources"), spec.child("matchResources"));
    errors
}
