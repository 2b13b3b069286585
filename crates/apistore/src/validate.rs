//! What is wrong with an object.

use kinds::{invalid_on_create, invalid_on_status_update, invalid_on_update};
use lockstep_core::Value;
use schema::FieldError;

use crate::served::Served;

/// With a new one.
pub(crate) fn on_create(served: &Served, object: &Value) -> Vec<FieldError> {
    invalid_on_create(served.strategy(), object, served.scope())
}

/// With a changed one, by the endpoint that changes it.
pub(crate) fn on_update(served: &Served, subresource: &str, object: &Value, old: &Value) -> Vec<FieldError> {
    match subresource {
        "status" => invalid_on_status_update(served.strategy(), object, old, served.scope()),
        _ => invalid_on_update(served.strategy(), object, old, served.scope()),
    }
}
