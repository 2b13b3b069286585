//! Numbers of replicas in words.

use lockstep_core::Value;

/// `spec.replicas`; the API's default is 1.
pub(crate) fn wanted(object: &Value) -> i64 {
    object.int_at(&["spec", "replicas"]).unwrap_or(1)
}

/// A number of `status`; what is left out is zero.
pub(crate) fn count(object: &Value, field: &str) -> i64 {
    object.int_at(&["status", field]).unwrap_or(0)
}

/// `1 of 3 replicas available`.
pub(crate) fn words(have: i64, want: i64, what: &str) -> String {
    let noun = if want == 1 { "replica" } else { "replicas" };
    format!("{have} of {want} {noun} {what}")
}

/// `2 old replicas still there`.
pub(crate) fn surplus(count: i64) -> String {
    let noun = if count == 1 { "replica" } else { "replicas" };
    format!("{count} old {noun} still there")
}
