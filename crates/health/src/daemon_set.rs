//! DaemonSets.

use lockstep_core::{Health, Value};

use crate::condition::{progressing, unobserved};
use crate::replicas::count;

/// Both sources' rules; kstatus' additional `numberReady` is implied by `numberAvailable`. Pods of strategy OnDelete are replaced
/// by hand: Argo CD calls such a set healthy at once, kstatus waits for its pods to be available, and so do we.
pub(crate) fn health(object: &Value) -> Health {
    if let Some(health) = unobserved(object) {
        return health;
    }
    let want = count(object, "desiredNumberScheduled");
    let (updated, available) = (count(object, "updatedNumberScheduled"), count(object, "numberAvailable"));
    let by_hand = object.str_at(&["spec", "updateStrategy", "type"]) == Some("OnDelete");
    match () {
        () if updated < want && !by_hand => progressing(words(updated, want, "updated")),
        () if available < want => progressing(words(available, want, "available")),
        () => Health::healthy(),
    }
}

fn words(have: i64, want: i64, what: &str) -> String {
    let noun = if want == 1 { "pod" } else { "pods" };
    format!("{have} of {want} {noun} {what}")
}
