//! What goes wrong between the controller and the API server, on purpose.

use std::time::Duration;

use apistore::Info;
use lockstep_core::{Value, to_json};

use crate::discovery::map;

/// What happens to the next requests of the controller that match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) effect: Effect,
    pub(crate) times: u32,
    /// As RBAC names it; `None` for any that writes.
    pub(crate) verb: Option<String>,
    /// The plural name of a resource.
    pub(crate) resource: Option<String>,
    /// The name of an object.
    pub(crate) name: Option<String>,
}

/// What happens to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It is refused with this code.
    Refused(u16),
    /// The connection breaks before anything is done.
    Unsent,
    /// It is done, but the answer is lost.
    Unanswered,
    /// The answer comes late.
    Late(Duration),
}

impl Fault {
    /// Whether it happens to a request; `writes` tells whether that is one that changes something.
    pub(crate) fn matches(&self, info: &Info, writes: bool) -> bool {
        let fits =
            |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|wanted| wanted == found);
        let verb = match &self.verb {
            Some(verb) => verb == info.verb.as_str(),
            None => writes,
        };
        verb && fits(&self.resource, &info.resource) && fits(&self.name, &info.name)
    }
}

/// The `Status` of a refusal.
pub(crate) fn status(code: u16) -> Vec<u8> {
    let (reason, message) = match code {
        409 => ("Conflict", "the object has been modified; please apply your changes to the latest version"),
        410 => ("Expired", "too old resource version"),
        429 => ("TooManyRequests", "too many requests, please try again later"),
        500 => ("InternalError", "Internal error occurred: etcdserver: no leader"),
        503 => ("ServiceUnavailable", "the server is currently unable to handle the request"),
        504 => ("Timeout", "request did not complete within the allotted timeout"),
        _ => ("", "a fault"),
    };
    let mut status = map([
        ("kind", "Status".into()),
        ("apiVersion", "v1".into()),
        ("metadata", Value::map(lockstep_core::Map::new())),
        ("status", "Failure".into()),
        ("message", message.into()),
        ("reason", reason.into()),
        ("code", Value::from(i64::from(code))),
    ]);
    if code == 429 {
        status.set(&["details", "retryAfterSeconds"], Value::from(2_i64));
    }
    to_json(&status)
}
