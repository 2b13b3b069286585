//! What is remembered of an Application between its runs. Losing it costs requests, never a decision: records and status are
//! on the API server.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use api::{HistoryEntry, Operation};
use lockstep_core::{Commit, CommitId, Finding, Gvk, Health, ObjectKey};
use plan::{DesiredSet, History, Memo};
use source::Reads;
use tokio::time::Instant;

use super::observe::Following;
use super::task::Made;
use crate::records::Recorded;

/// What one Application's last runs left.
pub(crate) struct AppState {
    /// What was applied.
    pub(crate) recorded: Recorded,
    /// What was, or may have been, written and is not in the record: saving that failed, or no answer came.
    pub(crate) unrecorded: BTreeMap<ObjectKey, Gvk>,
    /// The last set that was rendered without errors.
    pub(crate) rendering: Option<Arc<Rendering>>,
    /// The last render that was refused, as long as nothing newer was rendered.
    pub(crate) refused: Option<Arc<RefusedRendering>>,
    /// What was live before the start and cannot be rendered again.
    pub(crate) lost: Option<Inputs>,
    /// The last render for claims alone, while it is not acted on.
    pub(crate) claimed: Option<Made>,
    /// What plan remembers of unchanged objects.
    pub(crate) memo: Memo,
    /// What earlier attempts came to.
    pub(crate) history: History,
    /// The health of an object at a resourceVersion.
    pub(crate) health: HashMap<ObjectKey, (Arc<str>, Health)>,
    /// The spec that the revisions were last looked up for.
    pub(crate) looked: Option<Looked>,
    /// The status that differs from what is told, since when.
    pub(crate) untold: Option<Instant>,
    /// The sync that was asked for last, and the revision that it was for.
    pub(crate) asked: Option<(String, CommitId)>,
    /// The plan that is being worked off and when its work began.
    pub(crate) syncing: Option<Syncing>,
    /// A sync that an earlier process began was looked for.
    pub(crate) resumed: bool,
    /// Syncs that ended and are not told yet: the status of that moment may have been held back, or could not be written.
    pub(crate) ended: Vec<(Operation, Option<HistoryEntry>)>,
    /// What the live index follows for this Application.
    pub(crate) following: Following,
}

/// What has to be the same for the revisions that are known to count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Looked {
    /// The generation of the spec.
    pub(crate) generation: i64,
    /// The refresh that was asked for.
    pub(crate) refresh: Option<String>,
}

/// A sync under way.
#[derive(Clone, Debug)]
pub(crate) struct Syncing {
    /// The digest of its first plan.
    pub(crate) plan: String,
    /// The revision that it is for.
    pub(crate) revision: Option<CommitId>,
    /// When it began.
    pub(crate) started: lockstep_core::Timestamp,
    /// When the revision that it is for was noticed; `None` where it began for another reason.
    pub(crate) noticed: Option<Instant>,
}

/// A set that was rendered without errors, and from what.
pub(crate) struct Rendering {
    /// What was rendered.
    pub(crate) inputs: Inputs,
    /// The commits, one a source.
    pub(crate) commits: Vec<Commit>,
    /// What was read, one a source.
    pub(crate) reads: Vec<Arc<Reads>>,
    /// The revisions to tell: older ones than `commits` where nothing that was read has changed since.
    pub(crate) revisions: Vec<CommitId>,
    /// The objects.
    pub(crate) set: DesiredSet,
    /// Warnings.
    pub(crate) findings: Vec<Finding>,
    /// Kinds that the destination was asked about, and what it said.
    pub(crate) asked: Vec<(Gvk, Option<::render::Scope>)>,
}

/// A render that was refused.
pub(crate) struct RefusedRendering {
    /// What was rendered.
    pub(crate) inputs: Inputs,
    /// What was read, one a source.
    pub(crate) reads: Vec<Arc<Reads>>,
    /// Why, the errors among them.
    pub(crate) failure: RenderFailure,
}

/// Why a render was refused.
pub(crate) enum RenderFailure {
    /// What is wrong in the files.
    Findings(Vec<Finding>),
    /// The path of a source does not exist in its revision.
    VanishedPath(Arc<str>),
}

/// Equal inputs give equal renders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Inputs {
    /// The generation of the spec.
    pub(crate) generation: i64,
    /// The commits, one a source.
    pub(crate) commits: Vec<CommitId>,
}

impl AppState {
    /// Before the first run.
    pub(crate) fn new(recorded: Recorded) -> Self {
        Self {
            recorded,
            unrecorded: BTreeMap::new(),
            rendering: None,
            refused: None,
            lost: None,
            claimed: None,
            memo: Memo::default(),
            history: History::default(),
            health: HashMap::new(),
            looked: None,
            untold: None,
            asked: None,
            syncing: None,
            resumed: false,
            ended: Vec::new(),
            following: Following::default(),
        }
    }
}
