//! What an autoscaler goes by.

use std::cmp::Ordering;

use lockstep_core::Value;
use schema::{At, FieldError};

use super::validate::{Errors, Group, validate_reference};
use crate::meta::{View, dns_label, invalid_each, path_segment};
use crate::policy::{amount_of, container_resource_name};

const TYPES: &[&str] = &["ContainerResource", "External", "Object", "Pods", "Resource"];
/// The fields of the sources in the order in which the server looks at them; only the first that is set is looked into.
const SOURCES: &[&str] = &["object", "external", "pods", "resource", "containerResource"];

pub(super) fn validate_metrics(errors: &mut Errors, at: &At, spec: &Value) {
    let metrics = spec.items("metrics");
    for (index, metric) in metrics.iter().enumerate() {
        validate_metric(errors, &at.index(index), metric);
    }
    let outside = metrics.iter().any(|metric| ["Object", "External"].contains(&metric.text("type")));
    if spec.int("minReplicas") == Some(0) && !outside {
        let text = "must specify at least one Object or External metric to support scaling to zero replicas";
        errors.push(FieldError::forbidden(at, text));
    }
}

fn validate_metric(errors: &mut Errors, at: &At, metric: &Value) {
    let kind = metric.text("type");
    if kind.is_empty() {
        errors.push(FieldError::required(&at.field("type"), "must specify a metric source type"));
    }
    let unknown = || FieldError::not_supported(&at.field("type"), kind, TYPES);
    if !TYPES.contains(&kind) {
        errors.push(unknown());
    }
    let present: Vec<_> = SOURCES.iter().filter(|source| metric.has(source)).collect();
    if let Some(source) = present.first() {
        validate_source(errors, &at.field(source), (source, metric.child(source)));
    }
    let expected =
        kind.chars().next().map(|first| first.to_lowercase().chain(kind.chars().skip(1)).collect::<String>());
    let expected = expected.filter(|_| TYPES.contains(&kind));
    match &expected {
        None => errors.push(unknown()),
        Some(field) if !metric.has(field) => {
            let text = "must populate information for the given metric source";
            errors.push(FieldError::required(&at.field(field), text));
        }
        Some(_) => {}
    }
    if present.len() != 1 {
        for source in present.into_iter().filter(|source| Some(**source) != expected.as_deref()) {
            errors
                .push(FieldError::forbidden(&at.field(source), "must populate the given metric source only"));
        }
    }
}

fn validate_source(errors: &mut Errors, at: &At, (name, source): (&str, &Value)) {
    let target = source.child("target");
    let target_at = at.field("target");
    let (value, average, used) =
        (target.has("value"), target.has("averageValue"), target.has("averageUtilization"));
    match name {
        "resource" | "containerResource" => validate_resource_name(errors, at, (name, source)),
        "object" => {
            let described = (source.child("describedObject"), Group::Any);
            validate_reference(errors, &at.field("describedObject"), described);
            validate_identifier(errors, &at.field("metric"), source.child("metric"));
        }
        _ => validate_identifier(errors, &at.field("metric"), source.child("metric")),
    }
    validate_target(errors, &target_at, target);
    let required = |field: &str, text: &str| FieldError::required(&target_at.field(field), text);
    let forbidden = |field: &str, text: &str| FieldError::forbidden(&target_at.field(field), text);
    match name {
        "object" if !value && !average => {
            errors.push(required("averageValue", "must set either a target value or averageValue"));
        }
        "external" if !value && !average => errors
            .push(required("averageValue", "must set either a target value for metric or a per-pod target")),
        "external" if value && average => {
            errors
                .push(forbidden("value", "may not set both a target value for metric and a per-pod target"));
        }
        "pods" if !average => {
            errors.push(required("averageValue", "must specify a positive target averageValue"));
        }
        "resource" | "containerResource" if !used && !average => errors.push(required(
            "averageUtilization",
            "must set either a target raw value or a target utilization",
        )),
        "resource" | "containerResource" if used && average => errors
            .push(forbidden("averageValue", "may not set both a target raw value and a target utilization")),
        _ => {}
    }
}

fn validate_resource_name(errors: &mut Errors, at: &At, (kind, source): (&str, &Value)) {
    let (name_at, name) = (at.field("name"), source.text("name"));
    if name.is_empty() {
        errors.push(FieldError::required(&name_at, "must specify a resource name"));
    } else if kind == "containerResource" {
        invalid_each(errors, &name_at, &name.into(), container_resource_name(name));
    }
    if kind == "containerResource" {
        let (at, container) = (at.field("container"), source.text("container"));
        match container.is_empty() {
            true => errors.push(FieldError::required(&at, "must specify a container")),
            false => invalid_each(errors, &at, &container.into(), dns_label(container)),
        }
    }
}

fn validate_identifier(errors: &mut Errors, at: &At, metric: &Value) {
    let (at, name) = (at.field("name"), metric.text("name"));
    match name.is_empty() {
        true => errors.push(FieldError::required(&at, "must specify a metric name")),
        false => invalid_each(errors, &at, &name.into(), path_segment(name)),
    }
}

fn validate_target(errors: &mut Errors, at: &At, target: &Value) {
    let kind = target.text("type");
    if kind.is_empty() {
        errors.push(FieldError::required(&at.field("type"), "must specify a metric target type"));
    }
    if !["Utilization", "Value", "AverageValue"].contains(&kind) {
        let text = "must be either Utilization, Value, or AverageValue";
        errors.push(FieldError::invalid(&at.field("type"), kind, text));
    }
    for field in ["value", "averageValue"].into_iter().filter(|field| target.has(field)) {
        let amount = amount_of(target.child(field));
        if amount.sign() != Ordering::Greater {
            errors.push(FieldError::invalid(&at.field(field), amount.to_string(), "must be positive"));
        }
    }
    if let Some(percent) = target.int("averageUtilization").filter(|percent| *percent < 1) {
        errors.push(FieldError::invalid(&at.field("averageUtilization"), percent, "must be greater than 0"));
    }
}
