//! PriorityClasses.

use lockstep_core::Value;
use schema::{At, FieldError};

use crate::meta::{Edit, View};
use crate::naming::subdomain;
use crate::strategy::Strategy;

const HIGHEST: i64 = 1_000_000_000;
const RESERVED: &str = "system-";
const SYSTEM: &[(&str, i64)] =
    &[("system-node-critical", 2_000_001_000), ("system-cluster-critical", 2_000_000_000)];

pub(crate) const PRIORITY_CLASS: Strategy = Strategy {
    default: |class| class.default_to("preemptionPolicy", "PreemptLowerPriority"),
    validate,
    validate_update: |class, old| {
        let mut errors = Vec::new();
        if class.number("value") != old.number("value") {
            errors.push(FieldError::forbidden(&At::ROOT.field("value"), "may not be changed in an update."));
        }
        if class.child("preemptionPolicy") != old.child("preemptionPolicy") {
            let value = class.child("preemptionPolicy").clone();
            let at = At::ROOT.field("preemptionPolicy");
            errors.push(FieldError::invalid(&at, value, "field is immutable"));
        }
        errors
    },
    name: subdomain,
    generation: Some(|_, _| false),
    ..Strategy::plain("scheduling.k8s.io", "PriorityClass", &["v1"])
};

fn validate(class: &Value) -> Vec<FieldError> {
    let (mut errors, name, value) = (Vec::new(), class.child("metadata").text("name"), class.number("value"));
    if name.starts_with(RESERVED) {
        if let Some(text) = not_of_the_system(name, value) {
            let at = At::ROOT.field("metadata");
            let text = format!(
                "priority class names with '{RESERVED}' prefix are reserved for system use only. error: {text}"
            );
            errors.push(FieldError::forbidden(&at.field("name"), text));
        }
    } else if value > HIGHEST {
        let text = format!("maximum allowed value of a user defined priority is {HIGHEST}");
        errors.push(FieldError::forbidden(&At::ROOT.field("value"), text));
    }
    let policies = &["PreemptLowerPriority", "Never"];
    let policy = class.text("preemptionPolicy");
    if class.has("preemptionPolicy") && !policies.contains(&policy) {
        let at = At::ROOT.field("preemptionPolicy");
        match policy {
            "" => errors.push(FieldError::required(&at, "")),
            other => errors.push(FieldError::not_supported(&at, other, policies)),
        }
    }
    errors
}

fn not_of_the_system(name: &str, value: i64) -> Option<String> {
    match SYSTEM.iter().find(|(known, _)| *known == name) {
        None => Some(format!("{name} is not a known system priority class")),
        Some((_, known)) if *known != value => Some(format!("value of {name} PriorityClass must be {known}")),
        Some(_) => None,
    }
}
