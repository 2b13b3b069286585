//! Namespaces.

use lockstep_core::{Health, Value};

use crate::condition::{Condition, progressing};

/// Neither source has a rule. A namespace that is going, and what holds it up, is worth telling.
pub(crate) fn health(object: &Value) -> Health {
    if object.str_at(&["status", "phase"]) != Some("Terminating") {
        return Health::healthy();
    }
    let obstacles =
        ["NamespaceDeletionContentFailure", "NamespaceFinalizersRemaining", "NamespaceContentRemaining"];
    let obstacle = obstacles.iter().find_map(|kind| Condition::find_true(object, kind));
    progressing(obstacle.map_or_else(|| "being deleted".to_owned(), |condition| condition.words()))
}
