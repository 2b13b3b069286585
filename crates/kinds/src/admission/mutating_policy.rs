//! MutatingAdmissionPolicies.

use lockstep_core::Value;
use schema::{At, FieldError};

use super::rules::validate_mutable;
use super::validating_policy::{default_policy, validate_common, validate_expressions};
use super::{Errors, GROUP, validate_name};
use crate::meta::View;
use crate::naming::subdomain;
use crate::strategy::Strategy;

pub(crate) const MUTATING_POLICY: Strategy = Strategy {
    default: default_policy,
    validate: |policy| {
        let mut errors = validate(policy);
        validate_name(&mut errors, policy);
        errors
    },
    validate_update: |policy, _| validate(policy),
    name: subdomain,
    generation: Some(crate::pod_template::spec_changed),
    unconditional_update: false,
    ..Strategy::plain(GROUP, "MutatingAdmissionPolicy", &["v1"])
};

fn validate(policy: &Value) -> Errors {
    let (mut errors, spec) = (Vec::new(), policy.child("spec"));
    let at = At::ROOT.field("spec");
    validate_common(&mut errors, &at, spec);
    validate_mutable(&mut errors, &at.field("matchConstraints"), spec.child("matchConstraints"));
    validate_expressions(&mut errors, &at, spec);
    let (list, mutations) = (at.field("mutations"), spec.items("mutations"));
    if mutations.is_empty() {
        errors.push(FieldError::required(&list, "mutations must contain at least one item"));
    }
    for (index, mutation) in mutations.iter().enumerate() {
        validate_mutation(&mut errors, &list.index(index), mutation);
    }
    let policies = &["IfNeeded", "Never"];
    let policy_at = at.field("reinvocationPolicy");
    match spec.text("reinvocationPolicy") {
        "" => errors.push(FieldError::required(&policy_at, "")),
        known if policies.contains(&known) => {}
        other => errors.push(FieldError::not_supported(&policy_at, other, policies)),
    }
    errors
}

fn validate_mutation(errors: &mut Errors, at: &At, mutation: &Value) {
    let kind = mutation.text("patchType");
    let (own, other) = match kind {
        "JSONPatch" => ("jsonPatch", "applyConfiguration"),
        "ApplyConfiguration" => ("applyConfiguration", "jsonPatch"),
        "" => {
            errors.push(FieldError::required(&at.field("patchType"), ""));
            return;
        }
        unknown => {
            let known = &["ApplyConfiguration", "JSONPatch"];
            errors.push(FieldError::not_supported(&at.field("patchType"), unknown, known));
            return;
        }
    };
    let own_at = at.field(own);
    if !mutation.has(own) {
        errors.push(FieldError::required(&own_at, format!("must be specified when patchType is {kind}")));
    } else if mutation.child(own).text("expression").trim().is_empty() {
        errors.push(FieldError::required(&own_at.field("expression"), ""));
    }
    if mutation.has(other) {
        let text = format!("must not be specified when patchType is {kind}");
        errors.push(FieldError::invalid(&at.field(other), format!("{{{other}}}"), text));
    }
}
