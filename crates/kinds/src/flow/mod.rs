//! How many requests the server takes, and whose come first.

mod flow_schema;
mod priority_level;

pub(crate) use flow_schema::FLOW_SCHEMA;
pub(crate) use priority_level::PRIORITY_LEVEL_CONFIGURATION;

use lockstep_core::Value;
use schema::{At, FieldError};

use crate::meta::View;

const GROUP: &str = "flowcontrol.apiserver.k8s.io";

/// Conditions that have a type each once.
fn validate_conditions(object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let at = At::ROOT.field("status");
    let at = at.field("conditions");
    let conditions = object.child("status").items("conditions");
    for (index, condition) in conditions.iter().enumerate() {
        let (at, kind) = (at.index(index), condition.text("type"));
        if conditions[..index].iter().any(|other| other.text("type") == kind) {
            errors.push(FieldError::duplicate(&at.field("type"), kind));
        }
        if kind.is_empty() {
            errors.push(FieldError::required(&at.field("type"), ""));
        }
    }
    errors
}
