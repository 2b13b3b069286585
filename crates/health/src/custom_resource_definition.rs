//! CustomResourceDefinitions.

use lockstep_core::{Health, Value};

use crate::condition::{Condition, degraded, progressing};

/// Both sources' rules. Argo CD also degrades on NonStructuralSchema, which `apiextensions.k8s.io/v1` no longer admits.
pub(crate) fn health(object: &Value) -> Health {
    let refused = Condition::find(object, "NamesAccepted").filter(Condition::is_false);
    if let Some(condition) = refused {
        return degraded(condition.words());
    }
    match Condition::find(object, "Established") {
        Some(condition) if condition.is_true() => Health::healthy(),
        Some(condition) if condition.reason() == "Installing" => progressing("being installed"),
        Some(condition) => degraded(condition.words()),
        None => progressing("being installed"),
    }
}
