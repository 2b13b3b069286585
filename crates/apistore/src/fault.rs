//! Faults and latency that tests ask for.

use std::time::Duration;

use crate::failure::Failure;
use crate::info::Info;

/// What happens to the next requests that match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The verb, as RBAC names it: `patch`; `None` for any.
    pub verb: Option<String>,
    /// The plural name of the resource: `deployments`; `None` for any.
    pub resource: Option<String>,
    /// The namespace; `None` for any.
    pub namespace: Option<String>,
    /// The name of the object; `None` for any.
    pub name: Option<String>,
    /// How many requests it happens to.
    pub times: u32,
    /// What happens.
    pub effect: Effect,
}

/// What happens to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It is refused, and nothing is done.
    Status {
        /// The status code of HTTP.
        code: u16,
        /// The reason, such as `ServiceUnavailable`; may be empty.
        reason: String,
        /// The message.
        message: String,
        /// After how many seconds to try again; 0 for no word of it.
        retry_after: u32,
    },
    /// The connection breaks before anything is done.
    ResetBefore,
    /// It is done, but the connection breaks before the answer.
    ResetAfter,
    /// The answer comes late.
    Delay(Duration),
}

/// The faults that are still to happen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// What happens to a request: the first fault that matches, once less.
    pub(crate) fn take(&mut self, info: &Info) -> Option<Effect> {
        let index = self.0.iter().position(|fault| fault.matches(info))?;
        let fault = &mut self.0[index];
        fault.times -= 1;
        let effect = fault.effect.clone();
        if fault.times == 0 {
            self.0.remove(index);
        }
        Some(effect)
    }
}

impl Fault {
    /// The effect on the next request of a verb for a resource.
    pub fn next(verb: &str, resource: &str, effect: Effect) -> Self {
        let some = |text: &str| Some(text.to_owned());
        Self { verb: some(verb), resource: some(resource), namespace: None, name: None, times: 1, effect }
    }

    /// The same for the object `name` only.
    #[must_use]
    pub fn of(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// The same for more than one request.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    fn matches(&self, info: &Info) -> bool {
        let fits =
            |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|wanted| wanted == found);
        self.times > 0
            && fits(&self.verb, info.verb.as_str())
            && fits(&self.resource, &info.resource)
            && fits(&self.namespace, &info.namespace)
            && fits(&self.name, &info.name)
    }
}

impl Effect {
    /// The refusal, where it is one.
    pub(crate) fn refusal(&self) -> Option<Failure> {
        match self {
            Self::Status { code, reason, message, retry_after } => {
                let failure = Failure::new(*code, reason, message.clone());
                Some(if *retry_after > 0 { failure.retry_after(*retry_after) } else { failure })
            }
            Self::ResetBefore => Some(Failure::new(503, "ServiceUnavailable", "the connection breaks")),
            Self::ResetAfter | Self::Delay(_) => None,
        }
    }
}
