//! Attempts that failed, and when to try again.

use lockstep_core::{CommitId, Digest, Retry};

use crate::input::Millis;
use crate::step::{Action, Plan, Step};

/// Why a step failed, classified once by `apply` from status codes, never from text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// 422, and a dry-run create of the same object under a probe name was accepted: the transition is what is forbidden.
    Immutable,
    /// 422 or 400: the object itself is not valid.
    Invalid,
    /// 403 or 401.
    Forbidden,
    /// 409: a precondition did not hold. The next plan sees the newer object.
    Conflict,
    /// 404: the kind or the namespace is not there.
    NotFound,
    /// 500 on an apply, most often an undeclared field: the object's own error, never back-pressure from the cluster.
    Internal,
    /// 429, 502, 503, 504, or no answer at all.
    Unavailable,
}

impl Refusal {
    /// One word for conditions and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Immutable => "Immutable",
            Self::Invalid => "Invalid",
            Self::Forbidden => "Forbidden",
            Self::Conflict => "Conflict",
            Self::NotFound => "NotFound",
            Self::Internal => "Internal",
            Self::Unavailable => "Unavailable",
        }
    }
}

/// What was attempted. Failures of another attempt say nothing about this one: a new revision or a change of the spec starts afresh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The revision of the plan.
    pub revision: Option<CommitId>,
    /// The generation of the Application.
    pub generation: i64,
    /// The digest of what was applied; `None` for a deletion.
    pub digest: Option<Digest>,
}

impl Attempt {
    /// What a step of a plan attempts.
    pub fn of(plan: &Plan, step: &Step) -> Self {
        let digest = match &step.action {
            Action::Apply(apply) => Some(apply.desired.digest),
            Action::Recreate(recreate) => Some(recreate.apply.desired.digest),
            Action::Prune(_) | Action::Record(_) | Action::Abandon(_) | Action::Forget => None,
        };
        Self { revision: plan.revision.clone(), generation: plan.generation, digest }
    }
}

/// The failures of one object in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What was attempted.
    pub attempt: Attempt,
    /// Why it failed the last time.
    pub refusal: Refusal,
    /// What the API server said, with secrets' values taken out.
    pub message: String,
    /// How many times in a row it failed.
    pub attempts: u32,
    /// When it may be tried again.
    pub not_before: Millis,
    /// The limit of `sync.retry` is reached: it goes on, at the longest pause.
    pub exhausted: bool,
}

impl Failure {
    /// The state after one more failure.
    pub fn after(
        previous: Option<&Self>,
        attempt: Attempt,
        (refusal, message): (Refusal, String),
        retry: &Retry,
        now: Millis,
    ) -> Self {
        let attempts = previous.filter(|p| p.attempt == attempt).map_or(0, |p| p.attempts).saturating_add(1);
        let exhausted = retry.is_exhausted(attempts);
        let pause = if exhausted { retry.max_duration } else { retry.pause(attempts) };
        Self { attempt, refusal, message, attempts, not_before: now.after(pause), exhausted }
    }
}
