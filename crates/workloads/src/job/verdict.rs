//! Whether a Job is over, and why.

use std::time::Duration;

use lockstep_core::Value;

use super::{Run, set_condition};
use crate::client::Context;
use crate::condition;
use crate::controller::Due;
use crate::object::{count, items, number, seconds, text, time};
use crate::pod::is_finished;

/// What is to become of a Job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Runs,
    Complete,
    Failed { reason: &'static str, message: &'static str },
}

const DEADLINE: Verdict =
    Verdict::Failed { reason: "DeadlineExceeded", message: "Job was active longer than specified deadline" };
const BACK_OFF: Verdict = Verdict::Failed {
    reason: "BackoffLimitExceeded",
    message: "Job has reached the specified backoff limit",
};

/// Whether a Job has ended, in either way.
pub(crate) fn is_over(job: &Value) -> bool {
    ["Complete", "Failed"].iter().any(|kind| condition::is_true(job, kind))
}

impl Run<'_> {
    pub(super) fn verdict(&self, now: Duration) -> Verdict {
        if let Some(told) = condition::find(&self.job, "FailureTarget") {
            return if text(told, &["reason"]) == "DeadlineExceeded" { DEADLINE } else { BACK_OFF };
        }
        if condition::is_true(&self.job, "SuccessCriteriaMet") {
            return Verdict::Complete;
        }
        let enough = match self.job.int_at(&["spec", "completions"]) {
            Some(completions) => self.succeeded() >= completions,
            None => self.succeeded() > 0 && self.active.is_empty(),
        };
        match () {
            () if enough => Verdict::Complete,
            () if self.deadline().is_some_and(|at| at <= now) => DEADLINE,
            () if self.exceeds_limit() => BACK_OFF,
            () => Verdict::Runs,
        }
    }

    fn exceeds_limit(&self) -> bool {
        let limit = number(&self.job, &["spec", "backoffLimit"]);
        if self.failed() > limit {
            return true;
        }
        if text(&self.job, &["spec", "template", "spec", "restartPolicy"]) != "OnFailure" {
            return false;
        }
        let statuses = self.active.iter().flat_map(|pod| items(pod, &["status", "containerStatuses"]));
        let restarts: i64 = statuses.map(|status| number(status, &["restartCount"])).sum();
        if limit == 0 { restarts > 0 } else { restarts >= limit }
    }

    /// Until when a Job may run.
    pub(super) fn deadline(&self) -> Due {
        let begun = time(&self.job, &["status", "startTime"]).filter(|_| !self.is_suspended())?;
        Some(begun + seconds(&self.job, &["spec", "activeDeadlineSeconds"])?)
    }

    /// Says how it ended: first what is to come, then, once no pod is left, that it has come.
    pub(super) fn tell(&mut self, verdict: Verdict, cx: &mut Context<'_>) {
        let now = cx.stamp();
        let left = self.pods.iter().filter(|pod| !is_finished(pod)).count();
        let rest = left > 0;
        match verdict {
            Verdict::Runs => {}
            Verdict::Complete => {
                let why = ("CompletionsReached", "Reached expected number of succeeded pods");
                set_condition(&mut self.job, ("SuccessCriteriaMet", "True"), why, &now);
                if !rest {
                    set_condition(&mut self.job, ("Complete", "True"), why, &now);
                    self.job.set(&["status", "completionTime"], now.into());
                    cx.normal(&self.job, "Completed", "Job completed");
                }
            }
            Verdict::Failed { reason, message } => {
                set_condition(&mut self.job, ("FailureTarget", "True"), (reason, message), &now);
                if !rest {
                    set_condition(&mut self.job, ("Failed", "True"), (reason, message), &now);
                    cx.warning(&self.job, reason, message);
                }
            }
        }
        if verdict != Verdict::Runs {
            self.job.set(&["status", "terminating"], count(left).into());
        }
    }
}
