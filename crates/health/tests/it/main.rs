//! Objects as the API server shows them, and how well they are.
#![allow(clippy::unwrap_used, reason = "a scenario that cannot be set up is a failed test")]

mod pods;
mod status;
mod summary;
mod waiting;
mod workloads;

use lockstep_core::{ObjectKey, from_json};

/// Compares the health of `{metadata, spec, status}` with `State` or `State: reason`.
#[track_caller]
fn check((group, kind): (&str, &str), object: &str, expected: &str) {
    let key = ObjectKey::new(group, kind, "shop", "x");
    let object = from_json(object.as_bytes()).unwrap();
    let health = lockstep_health::health_of(&key, &object);
    let actual = match &*health.reason {
        "" => health.state.to_string(),
        reason => format!("{}: {reason}", health.state),
    };
    assert_eq!(actual, expected, "{object:?}");
}
