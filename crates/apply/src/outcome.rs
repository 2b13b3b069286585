//! What came of the steps of a plan.

use cluster::FieldOwner;
use lockstep_core::{LiveObject, ObjectKey, ObjectRecord};
use plan::Refusal;

/// What came of one step.
#[derive(Debug)]
pub struct Outcome {
    /// The object.
    pub key: ObjectKey,
    /// What was done, or why not.
    pub result: Result<Done, Failed>,
}

/// What was done.
#[derive(Debug)]
pub enum Done {
    /// The object was applied.
    Applied {
        /// It, as the server answered.
        live: Box<LiveObject>,
        /// What to record of it.
        record: Box<ObjectRecord>,
        /// Whose fields were taken, where the plan asked first.
        owners: Vec<FieldOwner>,
        /// Whether the server stored something new; false for an apply that changed nothing.
        changed: bool,
    },
    /// Nothing was written; this is to be recorded.
    Recorded(Box<ObjectRecord>),
    /// The object is gone; its record goes too.
    Deleted,
    /// The deletion was accepted; finalizers or dependents hold it.
    Deleting,
    /// Only the record goes.
    Dropped,
}

/// Why nothing, or not everything, was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// The class, for the next plan.
    pub refusal: Refusal,
    /// For people; holds no value of a Secret.
    pub message: String,
}
