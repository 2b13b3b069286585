//! The names of resources, and amounts of them.

use std::cmp::Ordering;

use lockstep_core::Value;
use schema::{At, FieldError};

use crate::meta::{Quantity, Wrong, qualified_name};

const COUNTED: &[&str] = &[
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "services.nodeports",
    "services.loadbalancers",
];
const MEASURED: &[&str] = &[
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.storage",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
];

/// An amount as the server reads it.
pub(crate) fn amount_of(value: &Value) -> Quantity {
    match value {
        Value::String(text) => text.parse().unwrap_or(Quantity::ZERO),
        other => other.as_int().map_or(Quantity::ZERO, Quantity::from),
    }
}

/// Whether a resource is one of those that the cluster itself knows.
fn is_native(name: &str) -> bool {
    !name.contains('/') || name.contains("kubernetes.io/")
}

/// Whether more of a resource may be promised than there is.
pub(crate) fn may_overcommit(name: &str) -> bool {
    is_native(name) && !name.starts_with("hugepages-")
}

fn is_extended(name: &str) -> bool {
    !is_native(name)
        && !name.starts_with("requests.")
        && qualified_name(&format!("requests.{name}")).is_empty()
}

/// Whether a quota knows a resource by this name.
pub(super) fn is_quota_resource(name: &str) -> bool {
    COUNTED.contains(&name)
        || MEASURED.contains(&name)
        || name.starts_with("hugepages-")
        || name.starts_with("requests.hugepages-")
}

/// What is wrong with the name of any resource.
pub(crate) fn resource_name(name: &str) -> Wrong {
    let wrong = qualified_name(name);
    let known = is_quota_resource(name) || name == "storage";
    match wrong.is_empty() && !name.contains('/') && !known {
        true => vec!["must be a standard resource type or fully qualified".into()],
        false => wrong,
    }
}

/// What is wrong with the name of a resource in a quota.
pub(super) fn quota_resource_name(name: &str) -> Wrong {
    let mut wrong = resource_name(name);
    if !name.contains('/') && !is_quota_resource(name) {
        wrong.push("must be a standard resource for quota".into());
    }
    wrong
}

/// What is wrong with the name of a resource of a container.
pub(crate) fn container_resource_name(name: &str) -> Wrong {
    let mut wrong = resource_name(name);
    let known = ["cpu", "memory", "ephemeral-storage"].contains(&name) || name.starts_with("hugepages-");
    if !name.contains('/') && !known {
        wrong.push("must be a standard resource for containers".into());
    } else if !is_native(name) && !is_extended(name) {
        wrong.push("doesn't follow extended resource name standard".into());
    }
    wrong
}

/// An amount of a resource is not negative, and whole where the resource is counted.
pub(crate) fn validate_amount(errors: &mut Vec<FieldError>, at: &At, (name, value): (&str, &Value)) {
    let amount = amount_of(value);
    if amount.sign() == Ordering::Less {
        errors.push(FieldError::invalid(at, amount.to_string(), "must be greater than or equal to 0"));
    }
    if (COUNTED.contains(&name) || is_extended(name)) && amount.milli_value() % 1000 != 0 {
        errors.push(FieldError::invalid(at, amount.to_string(), "must be an integer"));
    }
}
