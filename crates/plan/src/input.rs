//! Everything that a decision rests on.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use lockstep_core::{
    AppRecord, Application, CommitId, Digest, Gvk, Key, ObjectKey, Run, Selection, Timestamp,
};

use crate::dependency::Unready;
use crate::desired::Desired;
use crate::failure::Failure;
use crate::fight::Fight;
use crate::live::{Claims, Kinds, LiveSet};
use crate::report::Report;

/// Milliseconds on the controller's clock, which only `runtime` reads. Compared with each other, never with wall-clock time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(pub u64);

impl Millis {
    /// This moment and a while.
    #[must_use]
    pub fn after(self, pause: std::time::Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX)))
    }

    /// How long it is from here to a later moment; nothing where that has passed.
    pub fn until(self, later: Self) -> std::time::Duration {
        std::time::Duration::from_millis(later.0.saturating_sub(self.0))
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ms", self.0)
    }
}

/// What a user asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// A sync was asked for and is not finished. It acts in mode Manual, writes over drift with `selfHeal: false`, and cuts
    /// the back-off of failures and fights short. The controller withdraws it once the plan it led to was executed and no deletion
    /// of it waits for an approval, or another revision came.
    pub sync: bool,
    /// The objects that the sync is for. With some of them left out, no hooks run.
    pub only: Selection,
    /// What is under way is to be ended, and nothing more done until there is something newer.
    pub abort: bool,
    /// The digest that `lockstep app approve` put down.
    pub approved: Option<Digest>,
}

/// What earlier attempts at this Application's objects came to. Kept by the controller in memory; losing it costs retries only.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The last failure of an object whose last attempt failed; see [`Failure::after`].
    pub failures: BTreeMap<ObjectKey, Failure>,
    /// The heals of an object; see [`Fight::after_heal`].
    pub fights: BTreeMap<ObjectKey, Fight>,
    /// The results of [`crate::Report::dry_runs`], the last one an object.
    pub dry_runs: BTreeMap<ObjectKey, DryRunResult>,
}

impl History {
    /// Forgets what became of objects that a report knows no more: they are neither wanted nor recorded nor owned. One that comes
    /// again starts afresh.
    pub fn keep_to(&mut self, report: &Report) {
        let is_here = |key: &ObjectKey| report.get(key).is_some();
        self.failures.retain(|key, _| is_here(key));
        self.fights.retain(|key, _| is_here(key));
        self.dry_runs.retain(|key, _| is_here(key));
    }
}

/// What an apply with `dryRun=All` showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DryRunResult {
    /// The digest of the body that was sent.
    pub digest: Digest,
    /// The resourceVersion of the live object that it was compared with.
    pub resource_version: Arc<str>,
    /// What came of it.
    pub outcome: DryRunOutcome,
}

/// What came of a dry run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DryRunOutcome {
    /// The apply would change nothing but managedFields.
    Unchanged,
    /// The apply would change the object.
    Changed,
    /// The API server refuses it, with this message.
    Refused(String),
}

/// Everything that a decision rests on.
pub struct Input<'a> {
    /// The Application.
    pub app: &'a Application,
    /// The installation's name: field manager and first part of owner annotations.
    pub instance: &'a str,
    /// The installation's key for digests.
    pub key: &'a Key,
    /// The managers whose fields an adoption takes over; exact names (by default [`diff::ADOPTABLE`]).
    pub adopted_managers: &'a [&'a str],
    /// What the render gave.
    pub desired: Desired<'a>,
    /// The commits that are told as rendered, one a source.
    pub revisions: &'a [CommitId],
    /// What was applied.
    pub record: &'a AppRecord,
    /// The live objects whose valid owner annotation names this Application, in any order.
    pub owned: &'a [(ObjectKey, Gvk)],
    /// The live objects.
    pub live: &'a dyn LiveSet,
    /// The kinds that are served.
    pub kinds: &'a dyn Kinds,
    /// What other Applications want.
    pub claims: &'a dyn Claims,
    /// What a user asked for.
    pub request: &'a Request,
    /// The dependencies that are not ready: nothing begins before they are.
    pub unready: &'a [Unready],
    /// What earlier attempts came to.
    pub history: &'a History,
    /// The last sync with hooks, as the status has it.
    pub run: Option<&'a Run>,
    /// Now.
    pub now: Millis,
    /// Now by the calendar, for what was told or made by others.
    pub today: Timestamp,
}
