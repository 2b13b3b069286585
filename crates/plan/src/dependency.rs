//! Dependencies: what has to be ready before an Application is synced.

use std::fmt;

use lockstep_core::{Health, HealthState, ObjectKey};

/// A dependency that is not ready, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unready {
    /// What is waited for.
    pub key: ObjectKey,
    /// What is the matter with it, after "it": `is Progressing`.
    pub why: String,
}

impl Unready {
    /// What keeps an object from being ready by its health; `None`: nothing.
    pub fn by_health(health: &Health) -> Option<String> {
        match (health.state, &*health.reason) {
            (HealthState::Healthy, _) => None,
            (HealthState::Missing, _) => Some("does not exist".to_owned()),
            (state, "") => Some(format!("is {state}")),
            (state, reason) => Some(format!("is {state} ({reason})")),
        }
    }
}

/// `Application.lockstep.dev/db in team is Progressing`.
impl fmt::Display for Unready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.key.fmt(f)?;
        if !self.key.namespace.is_empty() {
            write!(f, " in {}", self.key.namespace)?;
        }
        write!(f, ", which {}", self.why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_healthy_is_ready() {
        for (state, reason, expected) in [
            (HealthState::Healthy, "", None),
            (HealthState::Healthy, "all is well", None),
            (HealthState::Suspended, "", Some("is Suspended")),
            (HealthState::Progressing, "1 of 2", Some("is Progressing (1 of 2)")),
            (HealthState::Missing, "", Some("does not exist")),
        ] {
            let found = Unready::by_health(&Health::new(state, reason));
            assert_eq!(found.as_deref(), expected, "{state}");
        }
        let key = ObjectKey::new("", "ConfigMap", "n", "a");
        let unready = Unready { key, why: "is Degraded".to_owned() };
        assert_eq!(unready.to_string(), "ConfigMap/a in n, which is Degraded");
    }
}
