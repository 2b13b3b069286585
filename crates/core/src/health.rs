//! How well an object or an application is.

use std::fmt;

/// The states of health, from best to worst, so that the maximum of several is their summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HealthState {
    /// Does what it should.
    Healthy,
    /// Deliberately not running, for example a paused Deployment.
    Suspended,
    /// On its way.
    Progressing,
    /// Desired and not there.
    Missing,
    /// Failed.
    Degraded,
    /// Could not be told.
    Unknown,
}

impl fmt::Display for HealthState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Healthy => "Healthy",
            Self::Suspended => "Suspended",
            Self::Progressing => "Progressing",
            Self::Missing => "Missing",
            Self::Degraded => "Degraded",
            Self::Unknown => "Unknown",
        })
    }
}

/// A state of health and why; `reason` is empty where there is nothing to say.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Health {
    /// The state.
    pub state: HealthState,
    /// One line for people, for example `1 of 3 replicas available`.
    pub reason: String,
}

impl Health {
    /// A state with its reason.
    pub fn new(state: HealthState, reason: impl Into<String>) -> Self {
        Self { state, reason: reason.into() }
    }

    /// Healthy, without a word.
    pub fn healthy() -> Self {
        Self::new(HealthState::Healthy, "")
    }
}
