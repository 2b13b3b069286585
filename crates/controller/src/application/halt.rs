//! Where a run ends before there is anything to apply.

use std::sync::Arc;

use lockstep_core::{Finding, Run};

use super::dereference::Found;

/// Why a run ended early.
pub(crate) enum Halt {
    /// Something has to come first (a fetch, a watch); it will mark the Application.
    Waiting,
    /// There is no such Application any more.
    Gone,
    /// The Application cannot be acted on; that is to be told.
    Refused(Box<Refused>),
}

/// An Application that cannot be acted on.
pub(crate) struct Refused {
    /// The Application.
    pub(crate) found: Found,
    /// Why.
    pub(crate) why: Why,
}

/// Why an Application cannot be acted on.
pub(crate) enum Why {
    /// The spec is refused.
    Spec(Vec<Finding>),
    /// The Project of this name does not exist.
    NoProject(Arc<str>),
    /// The Project has limits that cannot be enforced yet.
    Project(Vec<Finding>),
    /// `spec.suspend` is set.
    Suspended,
    /// Nothing was rendered yet, and the source cannot be read.
    Source(Arc<str>),
    /// It is being deleted, and these objects are not gone yet; with the hooks of that.
    Deleting(Vec<String>, Option<Run>),
}

impl Halt {
    pub(crate) fn refused(found: Found, why: Why) -> Self {
        Self::Refused(Box::new(Refused { found, why }))
    }
}
