//! The kinds of dynamic resource allocation that people write: no driver runs on the simulated nodes, so that nothing is ever
//! allocated. What their CEL expressions select is not looked at, and of the status of a claim, which is the scheduler's, nothing.

mod claim;
mod class;
mod taint_rule;

pub(crate) use claim::{RESOURCE_CLAIM, RESOURCE_CLAIM_TEMPLATE};
pub(crate) use class::DEVICE_CLASS;
pub(crate) use taint_rule::DEVICE_TAINT_RULE;

use lockstep_core::Value;
use schema::{At, FieldError};

use crate::meta::{View, dns_label, dns_subdomain, invalid_each};

const GROUP: &str = "resource.k8s.io";

type Errors = Vec<FieldError>;

/// The longest name of a driver, and of a pool, in bytes.
const LONGEST_DRIVER: usize = 63;
const LONGEST_POOL: usize = 253;

fn validate_driver(errors: &mut Errors, at: &At, name: &str) {
    match name.len() {
        0 => errors.push(FieldError::required(at, "")),
        length => {
            if length > LONGEST_DRIVER {
                errors.push(FieldError::too_long(at, LONGEST_DRIVER));
            }
            invalid_each(errors, at, &name.into(), dns_subdomain(name));
        }
    }
}

/// Names with slashes between.
fn validate_pool(errors: &mut Errors, at: &At, name: &str) {
    if name.is_empty() {
        errors.push(FieldError::required(at, ""));
        return;
    }
    if name.len() > LONGEST_POOL {
        errors.push(FieldError::too_long(at, LONGEST_POOL));
    }
    for part in name.split('/') {
        invalid_each(errors, at, &part.into(), dns_subdomain(part));
    }
}

fn validate_device(errors: &mut Errors, at: &At, name: &str) {
    invalid_each(errors, at, &name.into(), dns_label(name));
}

fn validate_selectors(errors: &mut Errors, at: &At, selectors: &[Value]) {
    if selectors.len() > 32 {
        errors.push(FieldError::too_many(at, selectors.len(), 32));
    }
    for (index, selector) in selectors.iter().enumerate() {
        if !selector.has("cel") {
            errors.push(FieldError::required(&at.index(index).field("cel"), ""));
        }
    }
}

/// What a driver is told.
fn validate_config(errors: &mut Errors, at: &At, config: &Value) {
    let (at, opaque) = (at.field("opaque"), config.child("opaque"));
    if !config.has("opaque") {
        errors.push(FieldError::required(&at, ""));
        return;
    }
    validate_driver(errors, &at.field("driver"), opaque.text("driver"));
    let parameters = at.field("parameters");
    match opaque.child("parameters") {
        Value::Null => errors.push(FieldError::required(&parameters, "")),
        Value::Map(_) => {}
        other => {
            errors.push(FieldError::invalid(&parameters, other.clone(), "must be a valid JSON object"));
        }
    }
}
