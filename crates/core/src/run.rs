//! A sync with hooks, or with a limit of time, as it is kept in an Application's status; so is a deletion with hooks.

use std::collections::BTreeMap;

use crate::revision::Timestamp;

/// A sync with hooks. All of it is in the status before anything is done because of it: a process that ends anywhere goes on from there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The digest of everything that the sync is to bring about.
    pub target: String,
    /// The revisions that it was begun for, in short.
    pub revision: String,
    /// Counts the syncs of the Application, so that no two of them are taken for one.
    pub number: u64,
    /// How many times in a row this target was tried, this time included.
    pub attempt: u32,
    /// Which hooks it has.
    pub scope: RunScope,
    /// How far it is.
    pub stage: RunStage,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Why it failed, or ended before its time.
    pub failure: Option<String>,
    /// The hooks that came to their end, by phase and object: `PreSync batch/Job:ns/name`.
    pub hooks: BTreeMap<String, HookEnd>,
}

/// Which hooks a sync has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RunScope {
    /// All of them: it changes something.
    #[default]
    All,
    /// Those that run for each revision, and nothing else is to be done.
    Always,
}

impl RunScope {
    /// As status spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "All",
            Self::Always => "Always",
        }
    }

    /// Parses what `as_str` gives.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::All, Self::Always].into_iter().find(|scope| scope.as_str() == text)
    }
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
    /// Over, because a user said so.
    Aborted,
}

impl RunStage {
    /// Every stage.
    pub const ALL: [Self; 5] = [Self::Running, Self::Failing, Self::Succeeded, Self::Failed, Self::Aborted];

    /// As status spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "Running",
            Self::Failing => "Failing",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Aborted => "Aborted",
        }
    }

    /// Parses what `as_str` gives.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.as_str() == text)
    }

    /// Whether nothing of it is to come.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Aborted)
    }
}

/// How a hook ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookEnd {
    /// It did what it is for.
    Succeeded,
    /// It cannot be made, and nothing is lost by that: its namespace is on its way out.
    Skipped,
    /// It failed, and is made again.
    Again {
        /// How many times it failed.
        failures: u32,
        /// Why, the last time.
        why: String,
    },
    /// It did not do what it is for.
    Failed(HookFailure),
}

/// Why a hook failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookFailure {
    /// In a line.
    pub why: String,
    /// The last lines of what its pod wrote, without the values of secrets; empty where there are none.
    pub log: String,
}

impl HookEnd {
    /// A failure whose log is not looked at yet.
    pub fn failed(why: impl Into<String>) -> Self {
        Self::Failed(HookFailure { why: why.into(), log: String::new() })
    }

    /// Whether nothing has to wait for the hook any more.
    pub fn is_through(&self) -> bool {
        matches!(self, Self::Succeeded | Self::Skipped)
    }
}
