//! The conditions of a status.

use lockstep_core::Value;
use schema::{At, FieldError};

use crate::meta::{View, Wrong, form_error, invalid_each, qualified_name};

const STATUSES: &[&str] = &["False", "True", "Unknown"];
const REASON_LIMIT: usize = 1024;
const MESSAGE_LIMIT: usize = 32768;

/// Whether a status has a condition that is true.
pub(crate) fn is_true(status: &Value, kind: &str) -> bool {
    let conditions = status.items("conditions");
    conditions.iter().any(|condition| condition.text("type") == kind && condition.text("status") == "True")
}

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

/// What is wrong with `metav1.Condition`s.
pub(crate) fn validate_conditions(errors: &mut Vec<FieldError>, at: &At, conditions: &[Value]) {
    for (index, condition) in conditions.iter().enumerate() {
        let (place, kind) = (at.index(index), condition.text("type"));
        if conditions[..index].iter().any(|other| other.text("type") == kind) {
            errors.push(FieldError::duplicate(&place, kind));
        }
        validate_condition(errors, &place, condition);
    }
}

fn validate_condition(errors: &mut Vec<FieldError>, at: &At, condition: &Value) {
    let (kind, status, why) = (condition.text("type"), condition.text("status"), condition.text("reason"));
    match kind.is_empty() {
        true => errors.push(FieldError::required(&at.field("type"), "is required")),
        false => invalid_each(errors, &at.field("type"), &kind.into(), qualified_name(kind)),
    }
    match status {
        "" => errors.push(FieldError::required(&at.field("status"), "")),
        known if STATUSES.contains(&known) => {}
        other => errors.push(FieldError::not_supported(&at.field("status"), other, STATUSES)),
    }
    let generation = condition.number("observedGeneration");
    if generation < 0 {
        let at = at.field("observedGeneration");
        errors.push(FieldError::invalid(&at, generation, "must be greater than or equal to zero"));
    }
    if condition.text("lastTransitionTime").is_empty() {
        errors.push(FieldError::required(&at.field("lastTransitionTime"), ""));
    }
    match why.is_empty() {
        true => errors.push(FieldError::required(&at.field("reason"), "")),
        false => invalid_each(errors, &at.field("reason"), &why.into(), reason(why)),
    }
    for (field, limit) in [("reason", REASON_LIMIT), ("message", MESSAGE_LIMIT)] {
        if condition.text(field).len() > limit {
            errors.push(FieldError::too_long(&at.field(field), limit));
        }
    }
}
