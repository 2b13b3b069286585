//! An Application's status, and how it is written and read back.

mod wire;

use lockstep_core::{CommitId, HealthState, Map, Run, Timestamp, Value};

use self::wire::{count, fields, items, text, texts};
use crate::patch::merge_patch;

/// Makes an enum with the words that the wire has for it.
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $word:ident,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$doc])* $word,)* }

        impl $name {
            /// Every word.
            pub const WORDS: &'static [&'static str] = &[$(stringify!($word)),*];

            /// As the wire spells it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$word => stringify!($word),)* }
            }

            /// Parses what `as_str` gives.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $(stringify!($word) => Some(Self::$word),)* _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use words;

words! {
    /// How live compares with the sources.
    SyncState {
        /// Every step of the last plan is applied and recorded, whatever the health.
        Synced,
        /// Live differs and nothing is running.
        OutOfSync,
        /// Steps are outstanding.
        Syncing,
        /// Only deletions that wait for an approval are left.
        Blocked,
        /// Nothing was rendered yet.
        Unknown,
    }
}

words! {
    /// How far an operation is, and how a past one ended.
    OperationPhase {
        /// It goes on.
        Running,
        /// Every step was applied.
        Succeeded,
        /// A step failed.
        Failed,
    }
}

words! {
    /// The conditions that an Application can have.
    ConditionType {
        /// Synced, healthy, of the current spec, and the source was reachable.
        Ready,
        /// The controller is at work (kstatus).
        Reconciling,
        /// The controller cannot get on without help (kstatus).
        Stalled,
        /// Another writer keeps undoing what is applied.
        Fighting,
    }
}

/// An Application's status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The generation of the spec that this speaks of.
    pub observed_generation: i64,
    /// How live compares with the sources.
    pub sync: SyncStatus,
    /// How well its objects are; `None` before anything was rendered.
    pub health: Option<HealthStatus>,
    /// The last sync.
    pub operation: Option<Operation>,
    /// What was synced, newest first.
    pub history: Vec<HistoryEntry>,
    /// Ready, and the others while they hold.
    pub conditions: Vec<Condition>,
    /// Its objects, counted.
    pub objects: Counts,
    /// Container images, the first of them.
    pub images: Vec<String>,
    /// Addresses that it serves at.
    pub urls: Vec<String>,
    /// The last sync, or deletion, with hooks.
    pub run: Option<Run>,
    /// The hooks that its deletion has to run, as `Kind/name`.
    pub deletion_hooks: Vec<String>,
    /// Which wishes were already acted on.
    pub handled: Handled,
}

/// How live compares with the sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncStatus {
    /// In a word.
    pub state: SyncState,
    /// The commits that are live, one a source.
    pub revisions: Vec<CommitId>,
    /// The digest of the last plan.
    pub plan: Option<String>,
}

impl Default for SyncStatus {
    fn default() -> Self {
        Self { state: SyncState::Unknown, revisions: Vec::new(), plan: None }
    }
}

/// How well an Application's objects are, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthStatus {
    /// The worst of its objects' states.
    pub state: HealthState,
    /// Why.
    pub reason: String,
    /// When it became so.
    pub since: Timestamp,
}

/// One sync.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// How far it is.
    pub phase: OperationPhase,
    /// The wave that it is in, or failed in; `None` without waves.
    pub wave: Option<i64>,
    /// The digest of its plan.
    pub plan: String,
    /// The first source's commit that it is for.
    pub revision: Option<CommitId>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// What it says.
    pub message: String,
}

/// One past sync.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    /// The first source's commit.
    pub revision: CommitId,
    /// Its author.
    pub author: String,
    /// The first line of its message.
    pub subject: String,
    /// The digest of the plan.
    pub plan: String,
    /// How it ended.
    pub result: OperationPhase,
    /// When it ended.
    pub at: Timestamp,
}

/// One condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Which one.
    pub kind: ConditionType,
    /// Whether it holds.
    pub holds: bool,
    /// One word for machines.
    pub reason: String,
    /// One text for people.
    pub message: String,
    /// When `holds` last changed.
    pub since: Timestamp,
    /// The generation of the spec that it speaks of.
    pub observed_generation: i64,
}

/// Objects, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// How many the sources name.
    pub total: usize,
    /// How many are not in sync.
    pub out_of_sync: usize,
    /// How many are degraded.
    pub degraded: usize,
}

/// The last values of the intents' annotations that were acted on. An approval is not among them: it is no wish that is answered
/// once, but binds to one plan for as long as its annotation is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Handled {
    /// Of `lockstep.dev/sync`.
    pub sync: Option<String>,
    /// Of `lockstep.dev/refresh`.
    pub refresh: Option<String>,
    /// Of `lockstep.dev/abort`.
    pub abort: Option<String>,
}

/// So many characters of what an author wrote are kept in a history entry.
const LONGEST_LINE: usize = 200;

impl Status {
    /// Reads the status of an Application as it is on the server; what is missing or unreadable is left at its default.
    pub fn read(application: &Value) -> Self {
        let empty = Value::default();
        let status = application.get("status").unwrap_or(&empty);
        let counts = |name| count(status, &["summary", "objects", name]);
        let handled = |name| text(status, &["lastHandled", name]);
        Self {
            observed_generation: status.int_at(&["observedGeneration"]).unwrap_or_default(),
            sync: SyncStatus::read(status.get("sync").unwrap_or(&empty)),
            health: status.get("health").and_then(HealthStatus::read),
            operation: status.get("operation").and_then(Operation::read),
            history: items(status, &["history"]).iter().filter_map(HistoryEntry::read).collect(),
            conditions: items(status, &["conditions"]).iter().filter_map(Condition::read).collect(),
            objects: Counts {
                total: counts("total"),
                out_of_sync: counts("outOfSync"),
                degraded: counts("degraded"),
            },
            images: texts(status, &["summary", "images"]),
            urls: texts(status, &["summary", "urls"]),
            run: status.get("run").and_then(wire::read_run),
            deletion_hooks: texts(status, &["deletionHooks"]),
            handled: Handled { sync: handled("sync"), refresh: handled("refresh"), abort: handled("abort") },
        }
    }

    /// The merge patch for the status subresource that turns the status which `application` has on the server into this one;
    /// `None` where they are equal, so that nothing is written.
    pub fn patch(&self, application: &Value) -> Option<Value> {
        let before = application.get("status").cloned().unwrap_or_else(|| Value::map(Map::new()));
        let patch = merge_patch(&before, &self.to_value())?;
        Some(Value::map(Map::from([("status".into(), patch)])))
    }

    /// Adds a past sync at the front and keeps the newest `limit`. Long lines are cut. A further attempt at the same plan takes
    /// the place of the one before: a sync that keeps failing must not push out what was live.
    pub fn remember(&mut self, mut entry: HistoryEntry, limit: usize) {
        entry.author = cut(&entry.author, LONGEST_LINE);
        entry.subject = cut(&entry.subject, LONGEST_LINE);
        let again = |before: &HistoryEntry| {
            (&before.revision, &before.plan, before.result) == (&entry.revision, &entry.plan, entry.result)
        };
        match self.history.first_mut().filter(|before| again(before)) {
            Some(before) => *before = entry,
            None => self.history.insert(0, entry),
        }
        self.history.truncate(limit);
    }

    /// One condition.
    pub fn condition(&self, kind: ConditionType) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.kind == kind)
    }

    /// The status as the wire has it.
    pub fn to_value(&self) -> Value {
        let Self {
            observed_generation,
            sync,
            health,
            operation,
            history,
            conditions,
            objects,
            images,
            urls,
            run,
            deletion_hooks,
            handled,
        } = self;
        let list = |items: Vec<Value>| (!items.is_empty()).then(|| Value::list(items));
        fields([
            ("observedGeneration", Some((*observed_generation).into())),
            ("sync", Some(sync.to_value())),
            ("health", health.as_ref().map(HealthStatus::to_value)),
            ("operation", operation.as_ref().map(Operation::to_value)),
            ("history", list(history.iter().map(HistoryEntry::to_value).collect())),
            ("conditions", list(conditions.iter().map(Condition::to_value).collect())),
            (
                "summary",
                Some(fields([
                    ("objects", Some(objects.to_value())),
                    ("images", wire::list(images)),
                    ("urls", wire::list(urls)),
                ])),
            ),
            ("run", run.as_ref().map(wire::run)),
            ("deletionHooks", wire::list(deletion_hooks)),
            ("lastHandled", handled.to_value()),
        ])
    }
}

/// At most so many characters, with an ellipsis where some were cut.
pub(crate) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}
