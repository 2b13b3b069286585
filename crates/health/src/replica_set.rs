//! ReplicaSets.

use lockstep_core::{Health, Value};

use crate::condition::{Condition, degraded, progressing, unobserved};
use crate::replicas::{count, surplus, wanted, words};

/// Both sources' rules: pods that cannot be made (quota, admission) are a failure.
pub(crate) fn health(object: &Value) -> Health {
    if let Some(health) = unobserved(object) {
        return health;
    }
    if let Some(failure) = Condition::find_true(object, "ReplicaFailure") {
        return degraded(failure.words());
    }
    let want = wanted(object);
    let (there, available) = (count(object, "replicas"), count(object, "availableReplicas"));
    match () {
        () if available < want => progressing(words(available, want, "available")),
        () if there > want => progressing(surplus(there - want)),
        () => Health::healthy(),
    }
}
