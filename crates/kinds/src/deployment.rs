//! Deployments.

use lockstep_core::{Map, Value};
use schema::{At, FieldError};

use crate::meta::{
    Edit, Selector, View, dns_subdomain, immutable, named, not_more_than_all, not_negative,
    not_supported_internal, number_or_percent, validate_number_or_percent,
};
use crate::pod_template::{
    default_template, keep_status, name_warning, reset_status, template_warnings, validate_collisions,
    validate_counts, validate_not_more, validate_owner_selector, validate_runs_on, validate_selects,
    validate_template,
};
use crate::strategy::{ResetField, Status, Strategy};

type Errors = Vec<FieldError>;

/// The rules of Deployments.
pub(crate) const DEPLOYMENT: Strategy = Strategy {
    default,
    prepare_create: reset_status,
    prepare_update: keep_status,
    validate: |object| validate_spec(object.child("spec")),
    validate_update,
    status: Some(Status {
        prepare_update: prepare_status,
        validate_update: validate_status,
        warnings: |_| Vec::new(),
    }),
    warnings,
    name: |name| named(dns_subdomain(name)),
    generation: Some(changed),
    reset: &[
        ResetField { version: "v1", subresource: "", path: &["status"] },
        ResetField { version: "v1", subresource: "status", path: &["spec"] },
        ResetField { version: "v1", subresource: "status", path: &["metadata", "labels"] },
    ],
    ..Strategy::plain("apps", "Deployment", &["v1"])
};

fn default(object: &mut Value) {
    object.default_to("spec", Map::new());
    let Some(spec) = object.child_mut("spec") else { return };
    spec.default_to("replicas", 1);
    spec.default_to("strategy", Map::new());
    if let Some(strategy) = spec.child_mut("strategy") {
        strategy.default_text("type", "RollingUpdate");
        if strategy.text("type") == "RollingUpdate" {
            strategy.default_to("rollingUpdate", Map::new());
            if let Some(rolling) = strategy.child_mut("rollingUpdate") {
                rolling.default_to("maxUnavailable", "25%");
                rolling.default_to("maxSurge", "25%");
            }
        }
    }
    spec.default_to("revisionHistoryLimit", 10);
    spec.default_to("progressDeadlineSeconds", 600);
    default_template(spec, "template");
}

fn prepare_status(object: &mut Value, old: &Value) {
    object.take_from(old, &["spec"]);
    object.take_from(old, &["metadata", "labels"]);
}

/// Annotations are handed on to ReplicaSets, so they count.
fn changed(object: &Value, old: &Value) -> bool {
    let annotations = |object: &Value| object.child("metadata").child("annotations").clone();
    object.child("spec") != old.child("spec") || annotations(object) != annotations(old)
}

fn warnings(object: &Value, old: Option<&Value>) -> Vec<String> {
    match old {
        None => [name_warning(object), template_warnings(object)].concat(),
        Some(old) if changed(object, old) => template_warnings(object),
        Some(_) => Vec::new(),
    }
}

fn validate_update(object: &Value, old: &Value) -> Errors {
    let [spec, before] = [object, old].map(|object| object.child("spec"));
    let mut errors = validate_spec(spec);
    let at = At::ROOT.field("spec");
    let selectors = [spec, before].map(|spec| spec.child("selector"));
    immutable(&mut errors, &at.field("selector"), "*v1.LabelSelector", selectors);
    errors
}

fn validate_spec(spec: &Value) -> Errors {
    let (mut errors, at) = (Vec::new(), At::ROOT.field("spec"));
    not_negative(&mut errors, &at.field("replicas"), spec.number("replicas"));
    validate_owner_selector(&mut errors, &at.field("selector"), (spec, "deployment"));
    validate_replica_template(&mut errors, &at, spec);
    validate_strategy(&mut errors, &at.field("strategy"), spec.child("strategy"));
    not_negative(&mut errors, &at.field("minReadySeconds"), spec.number("minReadySeconds"));
    not_negative(&mut errors, &at.field("revisionHistoryLimit"), spec.number("revisionHistoryLimit"));
    if let Some(deadline) = spec.int("progressDeadlineSeconds") {
        let at = at.field("progressDeadlineSeconds");
        not_negative(&mut errors, &at, deadline);
        if deadline <= spec.number("minReadySeconds") {
            errors.push(FieldError::invalid(&at, deadline, "must be greater than minReadySeconds"));
        }
    }
    errors
}

/// The template of a Deployment or ReplicaSet.
pub(crate) fn validate_replica_template(errors: &mut Errors, at: &At, spec: &Value) {
    let (template_at, template) = (at.field("template"), spec.child("template"));
    let Some(selector) = Selector::of(spec.child("selector")) else {
        let shown = ("*v1.LabelSelector", spec.child("selector"));
        errors.push(crate::meta::invalid_internal(&at.field("selector"), shown, "invalid label selector"));
        return;
    };
    // An absent selector selects nothing, and is not empty as the server's is that selects everything.
    if matches!(spec.child("selector"), Value::Null) {
        crate::pod_template::does_not_select(
            errors,
            &template_at,
            template.child("metadata").child("labels"),
        );
    } else {
        validate_selects(errors, &template_at, (selector, template));
    }
    validate_template(errors, &template_at, template);
    validate_runs_on(errors, &template_at, (template, "ReplicaSet"));
}

fn validate_strategy(errors: &mut Errors, at: &At, strategy: &Value) {
    let rolling_at = at.field("rollingUpdate");
    match strategy.text("type") {
        "Recreate" if strategy.has("rollingUpdate") => {
            let text = "may not be specified when strategy `type` is 'Recreate'";
            errors.push(FieldError::forbidden(&rolling_at, text));
        }
        "Recreate" => {}
        "RollingUpdate" => validate_rolling(errors, &rolling_at, strategy.child("rollingUpdate")),
        _ => {
            let shown = ("apps.DeploymentStrategy", strategy);
            errors.push(not_supported_internal(at, shown, &["Recreate", "RollingUpdate"]));
        }
    }
}

fn validate_rolling(errors: &mut Errors, at: &At, rolling: &Value) {
    let (unavailable_at, unavailable) = (at.field("maxUnavailable"), rolling.child("maxUnavailable"));
    let surge = rolling.child("maxSurge");
    validate_number_or_percent(errors, &unavailable_at, unavailable);
    validate_number_or_percent(errors, &at.field("maxSurge"), surge);
    if number_or_percent(unavailable) == 0 && number_or_percent(surge) == 0 {
        let text = "may not be 0 when `maxSurge` is 0";
        errors.push(FieldError::invalid(&unavailable_at, unavailable.clone(), text));
    }
    not_more_than_all(errors, &unavailable_at, unavailable);
}

fn validate_status(object: &Value, old: &Value) -> Errors {
    let (mut errors, status) = (Vec::new(), object.child("status"));
    validate_counts(
        &mut errors,
        status,
        &[
            "observedGeneration",
            "replicas",
            "updatedReplicas",
            "readyReplicas",
            "availableReplicas",
            "unavailableReplicas",
            "terminatingReplicas",
            "collisionCount",
        ],
    );
    for key in ["updatedReplicas", "readyReplicas", "availableReplicas"] {
        validate_not_more(&mut errors, status, (key, "replicas", "cannot be greater than status.replicas"));
    }
    let text = "cannot be greater than readyReplicas";
    validate_not_more(&mut errors, status, ("availableReplicas", "readyReplicas", text));
    validate_collisions(&mut errors, [status, old.child("status")]);
    errors
}
