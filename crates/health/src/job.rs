//! Jobs.

use lockstep_core::{Health, HealthState, Value};

use crate::condition::{Condition, degraded, progressing};

/// Argo CD's rules. kstatus calls a Job current once it has started; what waits for a Job waits for its end.
pub(crate) fn health(object: &Value) -> Health {
    if let Some(failed) = Condition::find_true(object, "Failed") {
        return degraded(failed.words());
    }
    if Condition::find_true(object, "Complete").is_some() {
        return Health::healthy();
    }
    let asked = object.at(&["spec", "suspend"]).and_then(Value::as_bool) == Some(true);
    if asked || Condition::find_true(object, "Suspended").is_some() {
        return Health::new(HealthState::Suspended, "suspended");
    }
    let count = |field: &str| object.int_at(&["status", field]).unwrap_or(0);
    let (want, succeeded, failed) =
        (object.int_at(&["spec", "completions"]).unwrap_or(1), count("succeeded"), count("failed"));
    match failed {
        0 => progressing(format!("{succeeded} of {want} completed")),
        failed => progressing(format!("{succeeded} of {want} completed, {failed} failed")),
    }
}
