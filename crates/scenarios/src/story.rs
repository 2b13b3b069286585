//! What happened, and how it is told.

use std::fmt;
use std::time::Duration;

use api::{ConditionType, Status};
use lockstep_core::Value;

/// One thing that the controller did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// When, since 1970.
    pub(crate) at: Duration,
    pub(crate) what: What,
}

/// What the controller did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A request that writes.
    Write(Write),
    /// It said something new of an Application.
    Said { app: String, words: String },
    /// It wrote an Event.
    Event { app: String, text: String },
    /// It died.
    Crash,
    /// It could not start.
    Unstarted(String),
}

/// A request that writes, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Write {
    pub(crate) verb: &'static str,
    /// `Deployment/web`, `Deployment/team/web` outside of `default`.
    pub(crate) object: String,
    pub(crate) result: Outcome,
    pub(crate) subject: Subject,
}

/// What a write is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// An object of an Application.
    Object,
    /// A record.
    Record,
    /// The controller's own: statuses, Events, finalizers, its resources.
    Own,
}

/// What came of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    /// It was accepted and is as it was.
    Unchanged,
    Refused(u16),
    /// The connection broke before it was done.
    Unsent,
    /// It was done, and nobody said so.
    Unanswered,
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write(write) => {
                write!(f, "{:<7} {}", write.verb, write.object)?;
                match write.result {
                    Outcome::Done => Ok(()),
                    Outcome::Unchanged => f.write_str(" (unchanged)"),
                    Outcome::Refused(code) => write!(f, " -> {code}"),
                    Outcome::Unsent => f.write_str(" -> connection lost"),
                    Outcome::Unanswered => f.write_str(" -> answer lost"),
                }
            }
            Self::Said { app, words } => write!(f, "{app}: {words}"),
            Self::Event { app, text } => write!(f, "event   {app}: {text}"),
            Self::Crash => f.write_str("the controller dies"),
            Self::Unstarted(why) => write!(f, "the controller cannot start: {why}"),
        }
    }
}

/// An Application's status in a line.
pub(crate) fn words(application: &Value) -> String {
    let status = Status::read(application);
    let health = status.health.as_ref().map_or("-".to_owned(), |health| health.state.to_string());
    let mut words = format!("{} {health}", status.sync.state);
    let told = [ConditionType::Ready, ConditionType::Fighting, ConditionType::Stalled];
    for condition in status.conditions.iter().filter(|condition| told.contains(&condition.kind)) {
        let ready = condition.kind == ConditionType::Ready;
        if ready && condition.holds || !ready && !condition.holds {
            continue;
        }
        let kind = if ready { "" } else { condition.kind.as_str() };
        let joint = if kind.is_empty() { "" } else { " " };
        let same = status
            .conditions
            .iter()
            .any(|other| other.kind == ConditionType::Ready && other.message == condition.message && !ready);
        match same {
            true => words.push_str(&format!("; {kind}")),
            false => words.push_str(&format!("; {kind}{joint}{}: {}", condition.reason, condition.message)),
        }
    }
    words
}
