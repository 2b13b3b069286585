//! One request while it is answered.

use std::sync::Arc;
use std::time::Duration;

use lockstep_core::{Timestamp, Value};

use crate::chance::Chance;
use crate::demand::{Answer, Answers, Demand};
use crate::failure::{Failure, GroupResource, Halt};
use crate::info::Info;
use crate::request::Request;
use crate::response::List;
use crate::served::Served;
use crate::state::Write;
use crate::subresource::FollowedLog;
use crate::user::User;
use crate::watch::Watch;

/// One request, and what is found on the way to its answer.
pub(crate) struct Call<'a> {
    pub(crate) request: &'a Request,
    pub(crate) answers: &'a Answers,
    pub(crate) now: Duration,
    pub(crate) info: &'a Info,
    pub(crate) served: Arc<Served>,
    /// Who asks, after impersonation.
    pub(crate) user: User,
    pub(crate) chance: Chance,
    pub(crate) warnings: Vec<String>,
    /// Whether what it stores is something else than what will be read of that ([`crate::state::WriteKind::PutRaw`]).
    pub(crate) raw: bool,
}

/// What a request comes to.
pub(crate) struct Outcome {
    pub(crate) code: u16,
    pub(crate) writes: Vec<Write>,
    pub(crate) shown: Shown,
}

/// What is shown of it.
pub(crate) enum Shown {
    /// This JSON.
    Json(Arc<[u8]>),
    /// This object.
    Object(Value),
    /// What a write has stored.
    Written(usize),
    /// This object, in the version that a write has made.
    At(usize, Value),
    List(List),
    Watch(Box<Watch>),
    Text(Arc<[u8]>),
    /// A log that goes on.
    Log(Box<FollowedLog>),
}

impl Outcome {
    pub(crate) fn read(shown: Shown) -> Self {
        Self { code: 200, writes: Vec::new(), shown }
    }

    pub(crate) fn with(code: u16, shown: Shown) -> Self {
        Self { code, writes: Vec::new(), shown }
    }
}

impl<'a> Call<'a> {
    pub(crate) fn time(&self) -> Timestamp {
        Timestamp(i64::try_from(self.now.as_secs()).unwrap_or(0))
    }

    pub(crate) fn warn(&mut self, text: impl Into<String>) {
        let text = text.into();
        if !text.is_empty() && !self.warnings.contains(&text) {
            self.warnings.push(text);
        }
    }

    /// The answer to a demand, if it has one yet.
    pub(crate) fn answer(&self, demand: Demand) -> Result<&'a Answer, Halt> {
        match self.answers.get(&demand) {
            Some(answer) => Ok(answer),
            None => Err(Halt::Need(vec![demand])),
        }
    }

    pub(crate) fn resource(&self) -> GroupResource {
        self.served.group_resource()
    }

    /// The namespace of the objects that are asked for: none for those without.
    pub(crate) fn namespace(&self) -> &'a str {
        if self.served.resource.namespaced { &self.info.namespace } else { "" }
    }

    pub(crate) fn not_found(&self) -> Failure {
        Failure::not_found(&self.resource(), &self.info.name)
    }
}
