//! PodDisruptionBudgets.

use lockstep_core::{Map, Value};
use schema::{At, FieldError};

use crate::condition::validate_conditions;
use crate::meta::{
    Edit, View, invalid_internal, not_more_than_all, not_negative, validate_number_or_percent,
    validate_selector,
};
use crate::naming::subdomain;
use crate::reset::V1;
use crate::strategy::{Status, Strategy};

type Errors = Vec<FieldError>;

pub(crate) const POD_DISRUPTION_BUDGET: Strategy = Strategy {
    prepare_create: |budget| budget.set(&["status"], empty_status()),
    prepare_update: |budget, old| budget.take_from(old, &["status"]),
    validate,
    validate_update: |budget, _| validate(budget),
    status: Some(Status { validate_update: |budget, _| validate_status(budget), ..Status::PLAIN }),
    name: subdomain,
    generation: Some(crate::pod_template::spec_changed),
    unconditional_update: false,
    reset: V1,
    ..Strategy::plain("policy", "PodDisruptionBudget", &["v1"])
};

/// The counts are written even where they are zero.
fn empty_status() -> Value {
    let counts = ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"];
    Value::map(counts.map(|count| (count.into(), 0.into())).into_iter().collect::<Map>())
}

fn validate(budget: &Value) -> Errors {
    let (mut errors, spec) = (Vec::new(), budget.child("spec"));
    let at = At::ROOT.field("spec");
    if spec.has("minAvailable") && spec.has("maxUnavailable") {
        let text = "minAvailable and maxUnavailable cannot be both set";
        errors.push(invalid_internal(&at, ("policy.PodDisruptionBudgetSpec", spec), text));
    }
    for field in ["minAvailable", "maxUnavailable"] {
        if spec.has(field) {
            validate_number_or_percent(&mut errors, &at.field(field), spec.child(field));
            not_more_than_all(&mut errors, &at.field(field), spec.child(field));
        }
    }
    validate_selector(&mut errors, &at.field("selector"), spec.child("selector"));
    let policy = spec.text("unhealthyPodEvictionPolicy");
    let known = &["AlwaysAllow", "IfHealthyBudget"];
    if spec.has("unhealthyPodEvictionPolicy") && !known.contains(&policy) {
        errors.push(FieldError::not_supported(&at.field("unhealthyPodEvictionPolicy"), policy, known));
    }
    errors
}

fn validate_status(budget: &Value) -> Errors {
    let (mut errors, status) = (Vec::new(), budget.child("status"));
    let at = At::ROOT.field("status");
    validate_conditions(&mut errors, &at.field("conditions"), status.items("conditions"));
    for field in ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"] {
        not_negative(&mut errors, &at.field(field), status.number(field));
    }
    errors
}
