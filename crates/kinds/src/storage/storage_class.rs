//! StorageClasses.

use lockstep_core::Value;
use schema::{At, FieldError};

use super::unchanged;
use crate::address::texts;
use crate::meta::{Edit, View, invalid_each, qualified_name};
use crate::naming::subdomain;
use crate::strategy::Strategy;

type Errors = Vec<FieldError>;

pub(crate) const STORAGE_CLASS: Strategy = Strategy {
    default: |class| {
        class.default_to("reclaimPolicy", "Delete");
        class.default_to("volumeBindingMode", "Immediate");
    },
    validate,
    validate_update: |class, old| {
        let mut errors = validate(class);
        for field in ["provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"] {
            unchanged(&mut errors, &At::ROOT.field(field), (class.child(field), old.child(field)));
        }
        errors
    },
    name: subdomain,
    ..Strategy::plain("storage.k8s.io", "StorageClass", &["v1"])
};

fn validate(class: &Value) -> Errors {
    let (mut errors, mut late) = (Vec::new(), Vec::new());
    validate_provisioner((&mut errors, &mut late), &At::ROOT.field("provisioner"), class.text("provisioner"));
    validate_parameters(&mut errors, &At::ROOT.field("parameters"), class);
    for (field, known) in [
        ("reclaimPolicy", &["Delete", "Retain"]),
        ("volumeBindingMode", &["Immediate", "WaitForFirstConsumer"]),
    ] {
        let text = class.text(field);
        if class.has(field) && !known.contains(&text) {
            errors.push(FieldError::not_supported(&At::ROOT.field(field), text, known));
        }
    }
    validate_topologies(&mut errors, class.items("allowedTopologies"));
    errors.extend(late);
    errors
}

/// The name of what provides the volumes; the server's generated rules, which come last, say that there must be one.
pub(super) fn validate_provisioner((errors, late): (&mut Errors, &mut Errors), at: &At, name: &str) {
    match name.is_empty() {
        true => late.push(FieldError::required(at, "")),
        false => {
            let name = name.to_lowercase();
            invalid_each(errors, at, &(&*name).into(), qualified_name(&name));
        }
    }
}

/// At most 512 parameters of 256 KiB together.
pub(super) fn validate_parameters(errors: &mut Errors, at: &At, class: &Value) {
    if class.entries("parameters").count() > 512 {
        errors.push(FieldError::too_long(at, 512));
        return;
    }
    let mut size = 0;
    for (key, value) in class.entries("parameters") {
        if key.is_empty() {
            errors.push(FieldError::invalid(at, "", "field can not be empty."));
        }
        size += key.len() + value.as_str().map_or(0, str::len);
    }
    if size > 256 * 1024 {
        errors.push(FieldError::too_long(at, 256 * 1024));
    }
}

fn validate_topologies(errors: &mut Errors, topologies: &[Value]) {
    let at = At::ROOT.field("allowedTopologies");
    for (index, term) in topologies.iter().enumerate() {
        let term_at = at.index(index);
        let list = term_at.field("matchLabelExpressions");
        let expressions = term.items("matchLabelExpressions");
        for (index, expression) in expressions.iter().enumerate() {
            let at = list.index(index);
            validate_expression(errors, &at, expression);
            let key = expression.text("key");
            if expressions[..index].iter().any(|other| other.text("key") == key) {
                errors.push(FieldError::duplicate(&at.field("key"), key));
            }
        }
        if topologies[..index].contains(term) {
            errors.push(FieldError::duplicate(&list, ""));
        }
    }
}

fn validate_expression(errors: &mut Errors, at: &At, expression: &Value) {
    let (list, values) = (at.field("values"), texts(expression.items("values")));
    if values.is_empty() {
        errors.push(FieldError::required(&list, ""));
    }
    for (index, value) in values.iter().enumerate().filter(|(index, value)| values[..*index].contains(value))
    {
        errors.push(FieldError::duplicate(&list.index(index), *value));
    }
    let key = expression.text("key");
    invalid_each(errors, &at.field("key"), &key.into(), qualified_name(key));
}
