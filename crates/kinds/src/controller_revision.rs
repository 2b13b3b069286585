//! ControllerRevisions.

use lockstep_core::Value;
use schema::{At, FieldError, Mistake};

use crate::meta::{View, dns_subdomain, named, not_negative};
use crate::strategy::Strategy;

/// The rules of ControllerRevisions.
pub(crate) const CONTROLLER_REVISION: Strategy = Strategy {
    validate,
    validate_update,
    name: |name| named(dns_subdomain(name)),
    ..Strategy::plain("apps", "ControllerRevision", &["v1"])
};

fn validate(object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    not_negative(&mut errors, &At::ROOT.field("revision"), object.number("revision"));
    let text = match object.child("data") {
        Value::Map(_) => return errors,
        Value::Null => "data is mandatory",
        _ => "data must be a valid JSON object",
    };
    errors.push(FieldError::required(&At::ROOT.field("data"), text));
    errors
}

fn validate_update(object: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    not_negative(&mut errors, &At::ROOT.field("revision"), object.number("revision"));
    if object.child("data") != old.child("data") {
        let data = Some(object.child("data").clone());
        errors.push(FieldError::new(Mistake::Invalid, &At::ROOT.field("data"), data, "field is immutable"));
    }
    errors
}
