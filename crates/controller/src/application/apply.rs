//! From a linted plan to what was really written, recorded before it counts.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use ::apply::{Done, Failed, Outcome};
use ::cluster::ApiError;
use ::plan::{Action, Attempt, DryRunOutcome, DryRunResult, Failure, Fight, Plan, Refusal, Step, Why};
use lockstep_core::{AppRecord, Gvk, ObjectKey};
use tokio::sync::mpsc;

use super::checkpoint::Gathering;
use super::lint::Linted;
use super::observe::Observed;
use super::plan::Planned;
use crate::context::Context;
use crate::queue::Fence;
use crate::records::Recorded;

/// What was written, with everything that status is computed from.
pub(crate) struct Applied {
    /// What it was made from. Record and history are those after the writes.
    pub(crate) observed: Observed,
    /// The plan that was executed.
    pub(crate) plan: Plan,
    /// The plan's report, true to what is there now where nothing was executed.
    pub(crate) report: Option<::plan::Report>,
    /// Every step was taken and recorded.
    pub(crate) complete: bool,
}

impl ::apply::Fence for Fence {
    fn is_raised(&self) -> bool {
        Fence::is_raised(self)
    }
}

/// Executes a plan and records what came of it.
pub(crate) async fn apply(context: &Context, linted: Linted, fence: &Fence) -> Applied {
    let Planned { mut observed, plan, report } = linted.planned;
    if plan.is_empty() {
        return Applied { observed, plan, report: Some(report), complete: true };
    }
    tracing::info!(app = %plan.app, plan = %plan.digest().short(), steps = plan.steps().count(), "Applying");
    let complete = execute(context, &mut observed, &plan, fence).await;
    Applied { observed, plan, report: None, complete }
}

/// Takes the steps of a plan and takes what came of them into record and history. Returns whether every step was taken and recorded.
pub(super) async fn execute(context: &Context, observed: &mut Observed, plan: &Plan, fence: &Fence) -> bool {
    let (sender, outcomes) = mpsc::unbounded_channel();
    let executor = context.executor();
    let work = async {
        let mut tell = |outcome| drop(sender.send(outcome));
        let complete = ::apply::execute(&executor, plan, fence, &mut tell).await;
        // Whoever gathers has to know that there is no more.
        drop(sender);
        complete
    };
    let recorded = &mut observed.rendered.valid.found.state.recorded;
    let gather = async {
        let mut gathering = Gathering::new(outcomes);
        while gathering.is_due().await {
            if record(context, recorded, gathering.unrecorded()).await.is_ok() {
                gathering.set_recorded();
            }
        }
        gathering.finish()
    };
    let (complete, outcomes) = tokio::join!(work, gather);
    settle(context, observed, plan, &outcomes).await && complete
}

/// Records outcomes, those that are recorded already among them. The error is logged here.
async fn record(context: &Context, recorded: &mut Recorded, outcomes: &[Outcome]) -> Result<(), ApiError> {
    let mut after = recorded.record().clone();
    outcomes.iter().for_each(|outcome| remember(context, &mut after, outcome));
    let saved = recorded.save(&context.cluster.writer, after).await;
    if let Err(error) = &saved {
        tracing::error!(app = %recorded.app(), %error, "The record could not be written");
    }
    saved
}

/// Takes outcomes into record and history. Returns whether the record was saved.
async fn settle(context: &Context, observed: &mut Observed, plan: &Plan, outcomes: &[Outcome]) -> bool {
    let waited = observed.rendered.valid.found.job.1.elapsed();
    let found = &mut observed.rendered.valid.found;
    let steps: HashMap<_, _> = plan.steps().map(|step| (&step.key, step)).collect();
    found
        .state
        .unrecorded
        .extend(outcomes.iter().filter_map(|outcome| written(steps.get(&outcome.key)?, outcome)));
    if record(context, &mut found.state.recorded, outcomes).await.is_err() {
        context.retry(&found.key);
        return false;
    }
    let keys: HashSet<_> = found.state.recorded.record().objects.keys().cloned().collect();
    found.state.unrecorded.retain(|key, _| !keys.contains(key));
    context.claims.set_recorded(&found.key, keys);
    for outcome in outcomes {
        if outcome.key.is("", "Namespace") {
            // The index has it from the answer, and tells nobody of it.
            context.namespace_changed(&outcome.key.name);
        }
        if let Some(step) = steps.get(&outcome.key) {
            learn(context, observed, (plan, step), outcome, waited);
        }
    }
    true
}

/// What a step has written, or may have where no answer came.
fn written(step: &Step, outcome: &Outcome) -> Option<(ObjectKey, Gvk)> {
    let apply = match &step.action {
        Action::Apply(apply) => apply,
        Action::Recreate(recreate) => &recreate.apply,
        Action::Prune(_) | Action::Record(_) | Action::Abandon(_) | Action::Forget => return None,
    };
    let unanswered = |failed: &Failed| failed.refusal == Refusal::Unavailable;
    let is = match &outcome.result {
        Ok(done) => matches!(done, Done::Applied { .. }),
        Err(failed) => unanswered(failed),
    };
    is.then(|| (step.key.clone(), apply.desired.gvk.clone()))
}

fn remember(context: &Context, record: &mut AppRecord, outcome: &Outcome) {
    match &outcome.result {
        Ok(Done::Applied { record: entry, .. } | Done::Recorded(entry)) => {
            let mut entry = (**entry).clone();
            context.share_fields(&mut entry);
            record.objects.insert(outcome.key.clone(), entry);
        }
        Ok(Done::Deleted | Done::Dropped) => drop(record.objects.remove(&outcome.key)),
        Ok(Done::Deleting) | Err(_) => {}
    }
}

fn learn(
    context: &Context,
    observed: &mut Observed,
    (plan, step): (&Plan, &Step),
    outcome: &Outcome,
    waited: Duration,
) {
    let retry = observed.rendered.valid.app.sync.retry;
    let history = &mut observed.rendered.valid.found.state.history;
    let now = context.clock.millis();
    match &outcome.result {
        Ok(done) => {
            history.failures.remove(&outcome.key);
            let heal = match &step.action {
                Action::Apply(apply) => match &apply.why {
                    Why::Heal(drift) => Some(drift),
                    Why::Create | Why::Change | Why::Adopt => None,
                },
                _ => None,
            };
            if let (Some(_), Done::Applied { changed: false, live, .. }) = (heal, done) {
                context.telemetry.healed_nothing();
                // Not to be tried again for as long as neither side changes.
                let resource_version = live.resource_version.clone();
                let unchanged = Attempt::of(plan, step).digest.map(|digest| DryRunResult {
                    digest,
                    resource_version,
                    outcome: DryRunOutcome::Unchanged,
                });
                history.dry_runs.extend(unchanged.map(|unchanged| (outcome.key.clone(), unchanged)));
            }
            if let (Some(drift), Done::Applied { changed: true, .. }) = (heal, done) {
                context.telemetry.healed(waited);
                tracing::info!(app = %plan.app, object = %outcome.key, "Healed");
                let before = history.fights.get(&outcome.key);
                if let Some(fight) = Fight::after_heal(before, drift, now) {
                    history.fights.insert(outcome.key.clone(), fight);
                }
            }
        }
        Err(Failed { refusal, message }) => {
            tracing::warn!(app = %plan.app, object = %outcome.key, refusal = refusal.as_str(), error = message, "A step failed");
            let attempt = Attempt::of(plan, step);
            let before = history.failures.get(&outcome.key);
            let failure = Failure::after(before, attempt, (*refusal, message.clone()), &retry, now);
            history.failures.insert(outcome.key.clone(), failure);
        }
    }
}

#[cfg(test)]
mod tests {
    use ::plan::{Apply, Ownership};
    use lockstep_core::{CommitId, DesiredObject, Digest, Origin, Value};

    use super::*;

    fn step() -> Step {
        let desired = DesiredObject {
            key: ObjectKey::new("", "ConfigMap", "n", "a"),
            gvk: Gvk::new("", "v1", "ConfigMap"),
            value: Value::default(),
            digest: Digest::of(b""),
            origin: Origin::new("a.yaml", 1, 1),
            commit: CommitId::parse(&"a".repeat(40)).unwrap(),
        };
        let apply = Apply {
            desired: desired.clone().into(),
            why: Why::Create,
            ownership: Ownership::Force,
            seen: None,
            handover: None,
            rewrite: None,
        };
        Step { key: desired.key, action: Action::Apply(Box::new(apply)) }
    }

    #[test]
    fn what_may_have_been_written_is_known_until_it_is_recorded() {
        let (apply, forget) = (step(), Step { action: Action::Forget, ..step() });
        let failed = |refusal| Err(Failed { refusal, message: String::new() });
        for (step, result, expected) in [
            (&apply, failed(Refusal::Unavailable), true),
            (&apply, failed(Refusal::Invalid), false),
            (&forget, Ok(Done::Dropped), false),
        ] {
            let outcome = Outcome { key: step.key.clone(), result };
            assert_eq!(written(step, &outcome).is_some(), expected, "{outcome:?}");
        }
    }
}
