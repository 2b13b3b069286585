//! The rules in schemas, `x-kubernetes-validations`.

use lockstep_core::Value;
use schema::FieldError;

/// Which rules an object breaks.
pub(crate) fn check(_schema: &Value, _object: &Value, _old: Option<&Value>) -> Vec<FieldError> {
    Vec::new()
}
