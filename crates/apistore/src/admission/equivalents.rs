//! The object of a request as other resources show it: for policies that are about one of those.

use std::cell::RefCell;
use std::sync::Arc;

use lockstep_core::{ApiVersion, Value};
use rules::{Equivalents, Resource};

use super::review;
use super::stage::Stage;
use crate::convert::convert;
use crate::failure::Halt;
use crate::served::{Rules, Served};

/// The resources that share the shelf of a request's.
pub(super) struct Others<'s, 'a, 'b> {
    stage: &'b Stage<'s, 'a>,
    /// What a conversion must know first; what was decided without it does not count.
    halt: RefCell<Option<Halt>>,
}

impl<'s, 'a, 'b> Others<'s, 'a, 'b> {
    pub(super) fn new(stage: &'b Stage<'s, 'a>) -> Self {
        Self { stage, halt: RefCell::default() }
    }

    /// What must be known before the result counts.
    pub(super) fn settled(self) -> Result<(), Halt> {
        self.halt.take().map_or(Ok(()), Err)
    }

    fn served(&self) -> impl Iterator<Item = &Arc<Served>> {
        self.stage.state().catalog.beside(&self.stage.call.served)
    }

    fn converted(&self, object: &Value, to: &str) -> Result<Value, String> {
        let served = &self.stage.call.served;
        // What a further endpoint holds has one version.
        if object.str_at(&["kind"]) != Some(&*served.gvk.kind) {
            return Ok(object.clone());
        }
        convert(served, self.stage.attributes.ask, object.clone(), to).map_err(|halt| {
            let why = match &halt {
                Halt::Failed(failure) => return failure.message().to_owned(),
                Halt::Need(_) => "not known yet".to_owned(),
            };
            *self.halt.borrow_mut() = Some(halt);
            why
        })
    }
}

impl Equivalents for Others<'_, '_, '_> {
    fn others(&self) -> Vec<Resource> {
        let resource = |served: &Arc<Served>| {
            let (_, _, kind) = review::kind(self.stage, served);
            let resource = &served.resource;
            let (group, version) = (resource.group.clone(), resource.version.clone());
            Resource { group, version, kind, plural: resource.plural.clone() }
        };
        self.served().map(resource).collect()
    }

    fn convert(&self, object: &Value, to: &Resource) -> Result<Value, String> {
        let to = ApiVersion { group: to.group.as_str().into(), version: to.version.as_str().into() };
        self.converted(object, &to.to_string())
    }

    /// The real server cannot do this for its own kinds: it knows conversions by way of its inner version only.
    fn convert_back(&self, object: &Value) -> Result<Value, String> {
        let served = &self.stage.call.served;
        let from = object.str_at(&["apiVersion"]).unwrap_or_default();
        match served.rules {
            Rules::BuiltIn(_) => {
                let from = from.rsplit('/').next().unwrap_or_default();
                let (kind, to) = (&served.gvk.kind, &served.gvk.api.version);
                Err(format!("converting ({from}.{kind}) to ({to}.{kind}): unknown conversion"))
            }
            Rules::Custom(_) => self.converted(object, &served.api_version),
        }
    }
}
