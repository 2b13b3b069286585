//! `managedFields`: what each kind of write leaves there.

use lockstep_core::Value;
use schema::{ApplyError, FieldManager, Force, Write};

use crate::answers::Ask;
use crate::convert::Versions;
use crate::failure::{Failure, Halt};
use crate::served::Served;

/// Who writes to which endpoint.
#[derive(Clone, Copy)]
pub(crate) struct Writer<'a> {
    pub(crate) ask: Ask<'a>,
    pub(crate) served: &'a Served,
    pub(crate) subresource: &'a str,
    pub(crate) write: Write<'a>,
}

impl<'a> Writer<'a> {
    fn manager<'v>(&'v self, versions: &'v Versions<'a>) -> FieldManager<'v> {
        FieldManager {
            kind: &self.served.gvk,
            subresource: self.subresource,
            convert: versions,
            ignored: self.served.ignored(self.subresource),
            empty: self.served.empty(),
        }
    }

    /// The new object of a write other than apply, in the version of the request.
    pub(crate) fn update(&self, live: Option<&Value>, new: &Value) -> Result<Value, Halt> {
        let versions = Versions::new(self.served, self.ask);
        let new = self.manager(&versions).update(live, new, self.write);
        versions.settled()?;
        Ok(new)
    }

    /// The object with a patch applied. It is not defaulted.
    pub(crate) fn apply(&self, live: Option<&Value>, patch: &Value, force: Force) -> Result<Value, Halt> {
        let versions = Versions::new(self.served, self.ask);
        let live = live.unwrap_or(self.served.empty());
        let applied = self.manager(&versions).apply(live, patch, self.write, force);
        versions.settled()?;
        applied.map_err(|error| {
            let message = error.to_string();
            match error {
                ApplyError::Conflicts(conflicts) => Failure::apply_conflicts(&conflicts, message).into(),
                ApplyError::BadRequest(text) => Failure::bad_request(text).into(),
                ApplyError::Failed(_) | ApplyError::Managers(_) => Failure::unknown(message).into(),
            }
        })
    }
}
