//! A sync with hooks, as it is kept in an Application's status.

use std::collections::BTreeMap;

use crate::revision::Timestamp;

/// A sync with hooks. All of it is in the status before anything is done because of it: a process that ends anywhere goes on from there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The digest of everything that the sync is to bring about.
    pub target: String,
    /// Counts the syncs of the Application, so that no two of them are taken for one.
    pub number: u64,
    /// How many times in a row this target was tried, this time included.
    pub attempt: u32,
    /// How far it is.
    pub stage: RunStage,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// The hooks that came to their end, by phase and object: `PreSync batch/Job:ns/name`.
    pub hooks: BTreeMap<String, HookEnd>,
}

/// How far a sync with hooks is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunStage {
    /// On its way, as far as its hooks tell.
    Running,
    /// It failed, and the hooks for that are on their way.
    Failing,
    /// Over, and good.
    Succeeded,
    /// Over, and failed.
    Failed,
}

impl RunStage {
    /// As status spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "Running",
            Self::Failing => "Failing",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
        }
    }

    /// Parses what `as_str` gives.
    pub fn parse(text: &str) -> Option<Self> {
        let all = [Self::Running, Self::Failing, Self::Succeeded, Self::Failed];
        all.into_iter().find(|stage| stage.as_str() == text)
    }

    /// Whether nothing of it is to come.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }
}

/// How a hook ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookEnd {
    /// It did what it is for.
    Succeeded,
    /// It did not, and why.
    Failed(String),
}
