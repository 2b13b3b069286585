//! `status.conditions` and `status.observedGeneration`.

use lockstep_core::{Health, HealthState, Value};

/// One of `status.conditions`.
#[derive(Clone, Copy)]
pub(crate) struct Condition<'a>(&'a Value);

impl<'a> Condition<'a> {
    /// The condition of a type.
    pub(crate) fn find(object: &'a Value, kind: &str) -> Option<Self> {
        let conditions = object.at(&["status", "conditions"]).and_then(Value::as_list).unwrap_or_default();
        conditions.iter().find(|condition| condition.str_at(&["type"]) == Some(kind)).map(Self)
    }

    /// The condition of a type, if it is true.
    pub(crate) fn find_true(object: &'a Value, kind: &str) -> Option<Self> {
        Self::find(object, kind).filter(Self::is_true)
    }

    pub(crate) fn is_true(&self) -> bool {
        self.0.str_at(&["status"]) == Some("True")
    }

    pub(crate) fn is_false(&self) -> bool {
        self.0.str_at(&["status"]) == Some("False")
    }

    pub(crate) fn reason(&self) -> &'a str {
        self.0.str_at(&["reason"]).unwrap_or_default()
    }

    /// `reason: message`, as far as there is one.
    pub(crate) fn words(&self) -> String {
        let message = self.0.str_at(&["message"]).unwrap_or_default().trim();
        match (self.reason(), message) {
            ("", message) => message.to_owned(),
            (reason, "") => reason.to_owned(),
            (reason, message) => format!("{reason}: {message}"),
        }
    }

    /// The condition was written for an older generation than this.
    pub(crate) fn is_older_than(&self, generation: i64) -> bool {
        self.0.int_at(&["observedGeneration"]).is_some_and(|observed| observed < generation)
    }
}

/// `metadata.generation`.
pub(crate) fn generation(object: &Value) -> i64 {
    object.int_at(&["metadata", "generation"]).unwrap_or(0)
}

/// Progressing, where a controller that always writes `status.observedGeneration` has not looked at the current spec.
pub(crate) fn unobserved(object: &Value) -> Option<Health> {
    let observed = object.int_at(&["status", "observedGeneration"]).unwrap_or(0);
    (observed < generation(object) || observed == 0).then(not_looked_at)
}

/// The same for kinds that may not write it at all.
pub(crate) fn observed_older(object: &Value) -> Option<Health> {
    let observed = object.int_at(&["status", "observedGeneration"])?;
    (observed < generation(object)).then(not_looked_at)
}

fn not_looked_at() -> Health {
    Health::new(HealthState::Progressing, "its controller has not seen the newest change yet")
}

/// A state with a reason.
pub(crate) fn progressing(reason: impl Into<String>) -> Health {
    Health::new(HealthState::Progressing, reason)
}

/// A state with a reason.
pub(crate) fn degraded(reason: impl Into<String>) -> Health {
    Health::new(HealthState::Degraded, reason)
}
