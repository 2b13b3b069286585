//! The conditions of a status.

use lockstep_core::Value;
use schema::{At, FieldError};

use crate::meta::{View, Wrong, form_error, invalid_each, qualified_name};

const STATUSES: &[&str] = &["False", "True", "Unknown"];
const REASON_LIMIT: usize = 1024;
const MESSAGE_LIMIT: usize = 32768;

/// A word in the form of a reason.
pub(crate) fn reason(text: &str) -> Wrong {
    let outer = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let bytes = text.as_bytes();
    let fine = bytes.first().is_some_and(u8::is_ascii_alphabetic)
        && bytes.last().is_some_and(|last| outer(*last))
        && bytes.iter().all(|byte| outer(*byte) || matches!(byte, b',' | b':'));
    match fine {
        true => Vec::new(),
        false => vec![form_error(
            "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_'",
            "[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?",
            &["my_name", "MY_NAME", "MyName", "ReasonA,ReasonB", "ReasonA:ReasonB"],
        )],
    }
}

/// What is wrong with `metav1.Condition`s. What must be there the server says at the very end: it is given back.
#[must_use]
pub(crate) fn validate_conditions(
    errors: &mut Vec<FieldError>,
    at: &At,
    conditions: &[Value],
) -> Vec<FieldError> {
    let mut late = Vec::new();
    for (index, condition) in conditions.iter().enumerate() {
        let (place, kind, why) = (at.index(index), condition.text("type"), condition.text("reason"));
        if !kind.is_empty() {
            invalid_each(errors, &place.field("type"), &kind.into(), qualified_name(kind));
        }
        if !why.is_empty() {
            invalid_each(errors, &place.field("reason"), &why.into(), reason(why));
        }
        if condition.text("message").len() > MESSAGE_LIMIT {
            errors.push(FieldError::too_long(&place.field("message"), MESSAGE_LIMIT));
        }
        if conditions[..index].iter().any(|other| other.text("type") == kind) {
            late.push(FieldError::duplicate(&place, kind));
        }
        require(&mut late, &place, condition);
    }
    late
}

fn require(late: &mut Vec<FieldError>, at: &At, condition: &Value) {
    for field in ["type", "status", "lastTransitionTime", "reason"] {
        if condition.text(field).is_empty() {
            late.push(FieldError::required(&at.field(field), ""));
        }
    }
    let status = condition.text("status");
    if !status.is_empty() && !STATUSES.contains(&status) {
        late.push(FieldError::not_supported(&at.field("status"), status, STATUSES));
    }
    let generation = condition.number("observedGeneration");
    if generation < 0 {
        let at = at.field("observedGeneration");
        late.push(FieldError::invalid(&at, generation, "must be greater than or equal to 0"));
    }
    if condition.text("reason").len() > REASON_LIMIT {
        late.push(FieldError::too_long(&at.field("reason"), REASON_LIMIT));
    }
}
