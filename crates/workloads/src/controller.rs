//! What a controller is.

use std::fmt::Debug;
use std::time::Duration;

use crate::client::{Actor, Context, Refused};
use crate::view::{Change, Id, View};

/// When something is to be looked at again, if nothing changes before.
pub(crate) type Due = Option<Duration>;

/// A reducer: what it does follows from what was seen and the time.
pub(crate) trait Controller: Debug + Send + Sync + Forked {
    /// Whom it writes as.
    fn actor(&self) -> Actor<'static>;

    /// What it must look at after a change.
    fn touched(&mut self, change: &Change, view: &View) -> Vec<Id>;

    /// Brings one object to where it should be.
    fn reconcile(&mut self, id: &Id, cx: &mut Context<'_>) -> Result<Due, Refused>;
}

/// What a clone of a cluster goes on with.
pub(crate) trait Forked {
    /// The same with a memory of its own.
    fn forked(&self) -> Box<dyn Controller>;
}

impl<T: Controller + Clone + 'static> Forked for T {
    fn forked(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}

impl Clone for Box<dyn Controller> {
    fn clone(&self) -> Self {
        (**self).forked()
    }
}
