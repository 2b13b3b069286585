//! PersistentVolumeClaims.

use lockstep_core::{Health, HealthState, Value};

use crate::condition::{degraded, progressing};

/// Both sources' rules by phase. A claim that binds on first use is pending until something uses it.
pub(crate) fn health(object: &Value) -> Health {
    match object.str_at(&["status", "phase"]) {
        Some("Bound") => Health::healthy(),
        Some("Lost") => degraded("its volume is lost"),
        Some("Pending") | None => progressing("waits for a volume"),
        Some(phase) => Health::new(HealthState::Unknown, format!("phase {phase}")),
    }
}
