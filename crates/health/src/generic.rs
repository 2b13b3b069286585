//! Kinds without rules of their own.

use lockstep_core::{Health, Value};

use crate::condition::{Condition, degraded, generation, observed_older, progressing};

/// kstatus' conventions: `observedGeneration`, conditions Stalled, Reconciling and Ready. An object that follows none of them is
/// healthy by being there, as both sources have it. A Ready condition that was written for an older generation does not count.
pub(crate) fn health(object: &Value) -> Health {
    if let Some(health) = observed_older(object) {
        return health;
    }
    if let Some(stalled) = Condition::find_true(object, "Stalled") {
        return degraded(stalled.words());
    }
    if let Some(reconciling) = Condition::find_true(object, "Reconciling") {
        return progressing(reconciling.words());
    }
    match Condition::find(object, "Ready") {
        None => Health::healthy(),
        Some(ready) if ready.is_older_than(generation(object)) => {
            progressing("its controller has not seen the newest change yet")
        }
        Some(ready) if ready.is_true() => Health::healthy(),
        // kstatus: not ready is on its way; only Stalled says that it will not get there.
        Some(ready) => progressing(ready.words()),
    }
}
