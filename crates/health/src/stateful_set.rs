//! StatefulSets.

use lockstep_core::{Health, Value};

use crate::condition::{progressing, unobserved};
use crate::replicas::{count, surplus, wanted, words};

/// Both sources' rules. Pods of strategy OnDelete are replaced by hand, so that old ones are no reason to wait.
pub(crate) fn health(object: &Value) -> Health {
    if let Some(health) = unobserved(object) {
        return health;
    }
    let want = wanted(object);
    let ready = count(object, "readyReplicas");
    if ready < want {
        return progressing(words(ready, want, "ready"));
    }
    let there = count(object, "replicas");
    if there > want {
        return progressing(surplus(there - want));
    }
    if object.str_at(&["spec", "updateStrategy", "type"]) == Some("OnDelete") {
        return Health::healthy();
    }
    let partition = object.int_at(&["spec", "updateStrategy", "rollingUpdate", "partition"]).unwrap_or(0);
    let updated = count(object, "updatedReplicas");
    // Those below the partition keep the old revision on purpose.
    let to_update = (want - partition).max(0);
    if partition > 0 {
        return match updated < to_update {
            true => progressing(words(updated, to_update, "updated")),
            false => Health::healthy(),
        };
    }
    let revision = |field: &str| object.str_at(&["status", field]).unwrap_or_default();
    match revision("updateRevision") == revision("currentRevision") {
        true => Health::healthy(),
        false => progressing(words(updated, want, "updated")),
    }
}
