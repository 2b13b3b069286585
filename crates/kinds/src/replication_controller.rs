//! ReplicationControllers.

use lockstep_core::{Map, Value};
use schema::{At, FieldError};

use crate::meta::{Edit, View, dns_subdomain, named, not_negative};
use crate::pod_template::{
    default_template, does_not_select, keep_spec, keep_status, reset_status, spec_changed, validate_runs_on,
    validate_template,
};
use crate::replica_set::{replica_status, replica_warnings};
use crate::strategy::{ResetField, Status, Strategy};

/// The rules of ReplicationControllers.
pub(crate) const REPLICATION_CONTROLLER: Strategy = Strategy {
    default,
    prepare_create: |object| {
        reset_status(object);
        object.set(&["status", "replicas"], 0.into());
    },
    prepare_update: keep_status,
    validate: |object| validate_spec(object.child("spec")),
    validate_update: |object, _| validate_spec(object.child("spec")),
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
    ..Strategy::plain("", "ReplicationController", &["v1"])
};

/// What says nothing of labels and selector has those of its template.
fn default(object: &mut Value) {
    object.default_to("spec", Map::new());
    let labels = object.at(&["spec", "template", "metadata", "labels"]).cloned();
    if let Some(labels) = labels.filter(|labels| !labels.is_empty_container()) {
        for path in [&["spec", "selector"], &["metadata", "labels"]] {
            if object.at(path).is_none_or(Value::is_empty_container) {
                object.set(path, labels.clone());
            }
        }
    }
    let Some(spec) = object.child_mut("spec") else { return };
    spec.default_to("replicas", 1);
    default_template(spec, "template");
}

/// The rules of single numbers are declarative, and so come last.
fn validate_spec(spec: &Value) -> Vec<FieldError> {
    let (mut errors, at) = (validate_pods(spec), At::ROOT.field("spec"));
    for key in ["replicas", "minReadySeconds"] {
        not_negative(&mut errors, &at.field(key), spec.number(key));
    }
    errors
}

fn validate_pods(spec: &Value) -> Vec<FieldError> {
    let (mut errors, at) = (Vec::new(), At::ROOT.field("spec"));
    if spec.entries("selector").next().is_none() {
        errors.push(FieldError::required(&at.field("selector"), ""));
    }
    let (template_at, template) = (at.field("template"), spec.child("template"));
    if !spec.has("template") {
        errors.push(FieldError::required(&template_at, ""));
        return errors;
    }
    let labels = template.child("metadata").child("labels");
    if spec.entries("selector").any(|(key, value)| labels.get(key) != Some(value)) {
        does_not_select(&mut errors, &template_at, labels);
    }
    validate_template(&mut errors, &template_at, template);
    validate_runs_on(&mut errors, &template_at, (template, "ReplicationController"));
    errors
}
