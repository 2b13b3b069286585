//! Why each object is, or is not, part of the Plan.

use std::sync::Arc;

use diff::{DriftedField, Extra};
use lockstep_core::{
    AppKey, CommitId, DesiredObject, Digest, Gvk, ObjectKey, Origin, Owner, Phase, Run, Wave,
};

use crate::failure::Failure;
use crate::gate::Gate;
use crate::input::Millis;
use crate::live::Unrendered;

/// Everything there is to say about an Application's objects.
#[derive(Clone, Debug)]
pub struct Report {
    /// One entry for each object that is desired, recorded or owned, sorted by key.
    pub entries: Vec<Entry>,
    /// `status.sync.state`, before the plan is executed.
    pub state: SyncState,
    /// The reason of condition Ready, as far as syncing goes (health is added by the controller).
    pub reason: Reason,
    /// The message of condition Ready. Names up to 20 items, then a count.
    pub message: String,
    /// Managers that keep taking fields back, for condition Fighting: `by <manager> at <field> of <object>`, a line each.
    pub fights: Vec<String>,
    /// Deletions that wait for `lockstep app approve`.
    pub block: Option<Block>,
    /// Dry runs whose results would make this Report exact. They are asked for only where nothing may be written, or where the
    /// live object cannot be compared; run them, put the results into [`crate::History::dry_runs`] and plan again.
    pub dry_runs: Vec<DryRun>,
    /// The wave that is being worked on, or that others wait for; `None` where there are no waves or nothing is to be done.
    pub wave: Option<Wave>,
    /// The sync with hooks, as it is to be told before anything more is done because of it.
    pub run: Option<Run>,
    /// When to plan again although nothing changed.
    pub wake: Option<Millis>,
}

impl Report {
    /// Whether what was rendered is live. What Git does not have any more may be live too, where the policy is to leave it.
    pub fn is_live(&self) -> bool {
        let is_live = |entry: &Entry| match &entry.verdict {
            Verdict::InSync | Verdict::Kept(_) => true,
            Verdict::Withheld(Change::Prune { .. }, because) => *because == Because::PruneOff,
            _ => false,
        };
        self.state != SyncState::Unknown && self.entries.iter().all(is_live)
    }

    /// How many objects the Application has, those that are leaving included.
    pub fn objects(&self) -> usize {
        let is_here = |entry: &&Entry| entry.origin.is_some() || !matches!(entry.verdict, Verdict::Kept(_));
        self.entries.iter().filter(is_here).count()
    }

    /// How many of them are not as they should be.
    pub fn out_of_sync(&self) -> usize {
        let settled = |entry: &&Entry| matches!(entry.verdict, Verdict::InSync | Verdict::Kept(_));
        self.entries.len() - self.entries.iter().filter(settled).count()
    }

    /// The entry of an object.
    pub fn get(&self, key: &ObjectKey) -> Option<&Entry> {
        let index = self.entries.binary_search_by(|entry| entry.key.cmp(key)).ok()?;
        self.entries.get(index)
    }
}

/// What the Report says of one object.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The object.
    pub key: ObjectKey,
    /// Where Git has it; `None` where it does not.
    pub origin: Option<Origin>,
    /// The commit that last changed it.
    pub commit: Option<CommitId>,
    /// The wave in which it is applied; of an object that Git does not have, the one before which it is deleted.
    pub wave: Wave,
    /// What is done about it and why.
    pub verdict: Verdict,
    /// Fields that others added, which stay.
    pub extras: Arc<[Extra]>,
    /// Another Application wants this object too. Ours by right: the other one leaves it alone.
    pub contested: Option<AppKey>,
}

/// What is done about an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Nothing: live is what was recorded, and that is what Git wants.
    InSync,
    /// It differs, and the Plan has a step for it.
    Act(Change),
    /// It differs, and nothing is done now.
    Withheld(Change, Because),
    /// It belongs to someone else and is left alone.
    Conflict(Owner),
    /// It stays as it is: not desired any more and no longer ours, or desired and left alone.
    Kept(KeptBecause),
    /// Its live state cannot be told, so nothing is decided.
    Unknown(Arc<str>),
}

/// How an object differs from what it should be.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// It does not exist.
    Create,
    /// Git changed it since it was applied.
    Update,
    /// The cluster changed it since it was applied.
    Heal(Drift),
    /// It exists and has no record.
    Adopt {
        /// The managers whose fields are taken over.
        from: Vec<Arc<str>>,
        /// The Application that it belonged to and that does not want it any more.
        owner: Option<AppKey>,
    },
    /// Its last apply was refused because a field is immutable: it is deleted and created.
    Recreate,
    /// It is as it should be, only the record of it was lost.
    Recover,
    /// Git does not have it any more.
    Prune {
        /// The uid of the live object.
        uid: Arc<str>,
    },
    /// Git does not have it any more and it is gone.
    Forget,
    /// It is a hook, and its turn has come.
    Hook(Phase),
    /// It is what a hook that is through has left.
    HookEnded,
}

/// What the cluster changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Drift {
    /// The object was deleted.
    Deleted,
    /// The object was deleted and another one made under its name.
    Replaced,
    /// Fields of ours were changed, removed or taken. Empty where it is sure that something changed, and not what.
    Fields(Vec<DriftedField>),
    /// The live object cannot be compared (it repeats a key in a list); an apply, or a dry run, will tell.
    Undecided,
}

/// Why nothing is done about a difference.
#[derive(Clone, Debug, PartialEq)]
pub enum Because {
    /// `spec.sync.mode: Notify`.
    Notify,
    /// `spec.sync.mode: Manual`, and no sync was asked for.
    Manual,
    /// `spec.suspend: true`.
    Suspended,
    /// `spec.sync.selfHeal: false`.
    SelfHealOff,
    /// `spec.sync.prune: false`.
    PruneOff,
    /// More deletions than `spec.sync.deletionBudget` allows.
    Budget,
    /// Deleting an object of this kind always needs an approval.
    Approval,
    /// The render is empty and `spec.sync.allowEmpty` is false.
    EmptyRender,
    /// Without a good render nothing is deleted.
    NotRendered,
    /// It may be about to appear in these Applications.
    Move(Vec<Unrendered>),
    /// This Application has it and has not rendered the newest commit yet.
    MovingFrom(AppKey),
    /// Its kind is not served yet; a CustomResourceDefinition of this Application defines it.
    KindAwaited,
    /// Its kind is not served.
    KindMissing,
    /// Its kind is served, but not in its version: in this one.
    OtherVersion(Gvk),
    /// The live object is being deleted.
    Terminating,
    /// Its namespace is being deleted.
    NamespaceTerminating,
    /// Its namespace does not exist.
    NamespaceMissing,
    /// The last attempt failed.
    Failed(Box<Failure>, Option<&'static str>),
    /// Another manager keeps taking a field back.
    Fighting {
        /// Which one, if managedFields names it.
        manager: Option<Arc<str>>,
        /// The next heal waits for this.
        until: Millis,
    },
    /// An earlier wave has to be applied and healthy first.
    Wave(Arc<Gate>),
    /// It is a hook that is on its way, or was let finish.
    HookRuns {
        /// How it fares.
        words: String,
        /// Until when it may take.
        until: Option<Millis>,
    },
    /// It is a hook that failed.
    HookFailed(String),
    /// Objects that may depend on it have to be gone first.
    Order,
    /// A dry run has to tell whether it differs at all.
    DryRun,
    /// A dry run was refused with this message.
    Refused(String),
}

/// Why an object stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeptBecause {
    /// `lockstep.dev/prune: disabled` on it.
    PruneDisabled,
    /// It is what a hook has left, with `lockstep.dev/hook-delete: never`.
    HookNever,
    /// `spec.deletion: Orphan`.
    Orphan,
    /// Another Application desires it.
    MovedTo(AppKey),
    /// Its owner annotation names someone else.
    OwnedBy(Owner),
    /// It is not the object that was applied: someone deleted that one and made this one.
    Replaced,
    /// Git wants it, and it says that it is left alone.
    Untouched,
    /// Git wants it only where it is not there, and it is.
    Exists,
}

/// Deletions that wait for an approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// What an approval has to name: the digest of the revision and the deletions.
    pub digest: Digest,
    /// The objects to delete and their uids, sorted.
    pub deletions: Vec<(ObjectKey, Arc<str>)>,
    /// How many deletions the budget allows.
    pub limit: usize,
    /// How many objects the Application has recorded.
    pub objects: usize,
}

/// An apply with `dryRun=All` that is asked for.
#[derive(Clone, Debug)]
pub struct DryRun {
    /// What Git wants, as it is sent; its digest goes into the result.
    pub desired: Arc<DesiredObject>,
    /// The resourceVersion of the live object that the answer is compared with; goes into the result.
    pub resource_version: Arc<str>,
}

/// `status.sync.state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SyncState {
    /// Every step is applied and recorded.
    Synced,
    /// Live differs and nothing is running.
    OutOfSync,
    /// Steps are outstanding.
    Syncing,
    /// Only deletions over budget, or unapproved, are left.
    Blocked,
    /// Nothing was rendered yet, or what is live cannot be told.
    Unknown,
}

impl SyncState {
    /// As status spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Synced => "Synced",
            Self::OutOfSync => "OutOfSync",
            Self::Syncing => "Syncing",
            Self::Blocked => "Blocked",
            Self::Unknown => "Unknown",
        }
    }
}

/// The reason of condition Ready, as far as syncing goes. Ordered: of several the first one is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The Application is being deleted.
    Deleting,
    /// The source cannot be reached.
    SourceUnavailable,
    /// The render was refused.
    RenderFailed,
    /// The path of a source does not exist.
    PathNotFound,
    /// The render is empty while objects are recorded.
    EmptyRender,
    /// An object belongs to someone else, or someone else wants it.
    Conflict,
    /// An object cannot be applied or deleted.
    SyncFailed,
    /// A controller writes against us.
    Fighting,
    /// Live objects cannot be told.
    LiveUnknown,
    /// Steps are outstanding.
    Progressing,
    /// Something that is not there yet is waited for.
    Waiting,
    /// Only deletions that need an approval are left.
    Blocked,
    /// `spec.suspend: true`.
    Suspended,
    /// Live differs, and the policy says to leave it.
    OutOfSync,
    /// All is as it should be.
    Synced,
}

impl Reason {
    /// As the condition spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deleting => "Deleting",
            Self::SourceUnavailable => "SourceUnavailable",
            Self::RenderFailed => "RenderFailed",
            Self::PathNotFound => "PathNotFound",
            Self::EmptyRender => "EmptyRender",
            Self::Conflict => "Conflict",
            Self::SyncFailed => "SyncFailed",
            Self::Fighting => "Fighting",
            Self::LiveUnknown => "LiveUnknown",
            Self::Progressing => "Progressing",
            Self::Waiting => "Waiting",
            Self::Blocked => "Blocked",
            Self::Suspended => "Suspended",
            Self::OutOfSync => "OutOfSync",
            Self::Synced => "Synced",
        }
    }
}
