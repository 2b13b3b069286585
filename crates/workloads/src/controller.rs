//! What a controller is.

use std::fmt::Debug;
use std::time::Duration;

use crate::client::{Actor, Context, Refused};
use crate::view::{Change, Id, View};

/// When something is to be looked at again, if nothing changes before.
pub(crate) type Due = Option<Duration>;

/// A reducer: what it does follows from what was seen and the time.
pub(crate) trait Controller: Debug + Send {
    /// Whom it writes as.
    fn actor(&self) -> Actor<'static>;

    /// What it must look at after a change.
    fn touched(&mut self, change: &Change, view: &View) -> Vec<Id>;

    /// Brings one object to where it should be.
    fn reconcile(&mut self, id: &Id, cx: &mut Context<'_>) -> Result<Due, Refused>;
}
