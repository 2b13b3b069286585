//! RuntimeClasses.

use lockstep_core::Value;
use schema::{At, FieldError};

use super::quota::round_amounts;
use super::resource_name::{container_resource_name, validate_amount};
use super::validate_taint_effect;
use crate::meta::{Edit, View, dns_label, invalid_each, label_value, qualified_name, validate_labels};
use crate::naming::subdomain;
use crate::strategy::Strategy;

type Errors = Vec<FieldError>;

pub(crate) const RUNTIME_CLASS: Strategy = Strategy {
    default: |class| {
        if let Some(amounts) = class.child_mut("overhead").and_then(|overhead| overhead.child_mut("podFixed"))
        {
            round_amounts(amounts);
        }
    },
    validate,
    validate_update: |class, old| {
        let mut errors = validate(class);
        if class.text("handler") != old.text("handler") {
            let at = At::ROOT.field("handler");
            errors.push(FieldError::invalid(&at, Value::Null, "field is immutable"));
        }
        errors
    },
    name: subdomain,
    create_on_update: true,
    unconditional_update: false,
    ..Strategy::plain("node.k8s.io", "RuntimeClass", &["v1"])
};

fn validate(class: &Value) -> Errors {
    let mut errors = Vec::new();
    let overhead = At::ROOT.field("overhead");
    let limits = overhead.field("limits");
    for (name, amount) in class.child("overhead").entries("podFixed") {
        let at = limits.key(name);
        invalid_each(&mut errors, &at, &name.into(), container_resource_name(name));
        validate_amount(&mut errors, &at, (name, amount));
    }
    let scheduling = class.child("scheduling");
    let at = At::ROOT.field("scheduling");
    validate_labels(&mut errors, &at.field("nodeSelector"), scheduling.child("nodeSelector"));
    validate_tolerations(&mut errors, &at.field("tolerations"), scheduling.items("tolerations"));
    let (at, handler) = (At::ROOT.field("handler"), class.text("handler"));
    match handler {
        "" => errors.push(FieldError::required(&at, "")),
        _ => invalid_each(&mut errors, &at, &handler.into(), dns_label(handler)),
    }
    errors
}

fn validate_tolerations(errors: &mut Errors, at: &At, tolerations: &[Value]) {
    for (index, toleration) in tolerations.iter().enumerate() {
        let (at, key) = (at.index(index), toleration.text("key"));
        if !key.is_empty() {
            invalid_each(errors, &at.field("key"), &key.into(), qualified_name(key));
        }
        let (operator, value) = (toleration.text("operator"), toleration.text("value"));
        if key.is_empty() && operator != "Exists" {
            let text =
                "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
            errors.push(FieldError::invalid(&at.field("operator"), operator, text));
        }
        validate_operator(errors, &at, (operator, value));
        if !toleration.text("effect").is_empty() {
            validate_taint_effect(errors, &at.field("effect"), toleration.text("effect"));
        }
    }
}

fn validate_operator(errors: &mut Errors, at: &At, (operator, value): (&str, &str)) {
    match operator {
        "" | "Equal" => {
            let wrong = label_value(value);
            if !wrong.is_empty() {
                errors.push(FieldError::invalid(&at.field("operator"), value, wrong.join(";")));
            }
        }
        "Exists" if !value.is_empty() => {
            let text = "value must be empty when `operator` is 'Exists'";
            errors.push(FieldError::invalid(&at.field("operator"), value, text));
        }
        "Exists" => {}
        other => errors.push(FieldError::not_supported(&at.field("operator"), other, &["Equal", "Exists"])),
    }
}
