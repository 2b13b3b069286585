//! ReplicaSets.

use lockstep_core::{Map, Value};
use schema::{At, FieldError};

use crate::deployment::validate_replica_template;
use crate::meta::{Edit, View, dns_subdomain, immutable, named, not_negative};
use crate::pod_template::{
    default_template, keep_spec, keep_status, name_warning, reset_status, spec_changed, template_warnings,
    validate_counts, validate_not_more, validate_owner_selector,
};
use crate::strategy::{ResetField, Status, Strategy};

type Errors = Vec<FieldError>;

/// The rules of ReplicaSets.
pub(crate) const REPLICA_SET: Strategy = Strategy {
    default,
    prepare_create: |object| {
        reset_status(object);
        object.set(&["status", "replicas"], 0.into());
    },
    prepare_update: keep_status,
    validate: |object| validate_spec(object.child("spec")),
    validate_update,
    status: Some(Status {
        prepare_update: keep_spec,
        validate_update: |object, _| replica_status(object.child("status")),
        warnings: |_| Vec::new(),
    }),
    warnings: replica_warnings,
    name: |name| named(dns_subdomain(name)),
    generation: Some(spec_changed),
    reset: &[
        ResetField { version: "v1", subresource: "", path: &["status"] },
        ResetField { version: "v1", subresource: "status", path: &["spec"] },
    ],
    selectable: |object| vec![("status.replicas", object.child("status").number("replicas").to_string())],
    ..Strategy::plain("apps", "ReplicaSet", &["v1"])
};

fn default(object: &mut Value) {
    object.default_to("spec", Map::new());
    let Some(spec) = object.child_mut("spec") else { return };
    spec.default_to("replicas", 1);
    default_template(spec, "template");
}

/// Warnings where a change of the spec is what counts.
pub(crate) fn replica_warnings(object: &Value, old: Option<&Value>) -> Vec<String> {
    match old {
        None => [name_warning(object), template_warnings(object)].concat(),
        Some(old) if spec_changed(object, old) => template_warnings(object),
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
    for key in ["replicas", "minReadySeconds"] {
        not_negative(&mut errors, &at.field(key), spec.number(key));
    }
    validate_owner_selector(&mut errors, &at.field("selector"), (spec, "deployment")); // as the server says it
    validate_replica_template(&mut errors, &at, spec);
    errors
}

/// The status of what keeps a number of pods.
pub(crate) fn replica_status(status: &Value) -> Errors {
    let mut errors = Vec::new();
    validate_counts(
        &mut errors,
        status,
        &[
            "replicas",
            "fullyLabeledReplicas",
            "readyReplicas",
            "availableReplicas",
            "observedGeneration",
            "terminatingReplicas",
        ],
    );
    for key in ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"] {
        validate_not_more(&mut errors, status, (key, "replicas", "cannot be greater than status.replicas"));
    }
    let text = "cannot be greater than readyReplicas";
    validate_not_more(&mut errors, status, ("availableReplicas", "readyReplicas", text));
    errors
}
