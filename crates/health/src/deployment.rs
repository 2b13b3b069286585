//! Deployments.

use lockstep_core::{Health, HealthState, Value};

use crate::condition::{Condition, degraded, progressing, unobserved};
use crate::replicas::{count, surplus, wanted, words};

/// Argo CD's rules, and kstatus' demand that condition Available is true: the counts alone agree for a moment when a rollout starts.
pub(crate) fn health(object: &Value) -> Health {
    if object.at(&["spec", "paused"]).and_then(Value::as_bool) == Some(true) {
        return Health::new(HealthState::Suspended, "paused");
    }
    if let Some(health) = unobserved(object) {
        return health;
    }
    let late = Condition::find(object, "Progressing").filter(|c| c.reason() == "ProgressDeadlineExceeded");
    if let Some(condition) = late {
        return degraded(condition.words());
    }
    let want = wanted(object);
    let (updated, available) = (count(object, "updatedReplicas"), count(object, "availableReplicas"));
    let old = count(object, "replicas") - updated;
    match () {
        () if updated < want => progressing(words(updated, want, "updated")),
        () if old > 0 => progressing(surplus(old)),
        () if available < want => not_available(object, available, want),
        () => match Condition::find(object, "Available") {
            Some(condition) if condition.is_true() => Health::healthy(),
            Some(condition) => progressing(condition.words()),
            None => progressing("its availability is not known yet"),
        },
    }
}

fn not_available(object: &Value, available: i64, want: i64) -> Health {
    let counts = words(available, want, "available");
    match Condition::find_true(object, "ReplicaFailure") {
        Some(failure) => progressing(format!("{counts} ({})", failure.words())),
        None => progressing(counts),
    }
}
