//! From what was applied to what the Application says of itself: written only where it differs from what was told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ::plan::{Because, Kinds, LiveSet, NamespaceState, Report, Serving, SyncState, Verdict, Why};
use api::{HealthStatus, HistoryEntry, Operation, OperationPhase, Status, SyncStatus};
use lockstep_core::{AppKey, CommitId, Finding, Health, HealthState, ObjectKey};
use tokio::time::Instant;

use super::End;
use super::apply::Applied;
use super::assess::assess;
use super::dereference::Found;
use super::halt::{Refused, Why as Obstruction};
use super::observe::Observed;
use super::plan;
use super::standing::{self, Grounds};
use super::state::Syncing;
use crate::context::Context;
use crate::queue::Cause;

/// A state that is on its way to another is not told before it has lasted this long: most do not.
const SETTLE: Duration = Duration::from_secs(2);

/// Computes the status from what was applied and tells it.
pub(crate) async fn report(context: &Context, applied: Applied) {
    let Applied { mut observed, plan, report, complete } = applied;
    begin(context, &mut observed, &plan);
    let report = match report {
        Some(report) => report,
        None => {
            let (next, report) = plan::decide(context, &mut observed);
            if !next.is_empty() {
                context.mark(&next.app, Cause::Resume);
            }
            report
        }
    };
    wait(context, &observed, &report);
    let healths = assess(context, &mut observed);
    let summary = health::summary(healths.iter().map(|(key, health)| (key, health)));
    let mut status = compute(context, &observed, &report, &healths, &summary);
    finish(context, &mut observed, &mut status, &report, complete);
    tell(context, &mut observed.rendered.valid.found, status).await;
}

/// Remembers that a sync began, unless all that is done is to heal: that is told by metrics and logs, and costs no write.
fn begin(context: &Context, observed: &mut Observed, plan: &::plan::Plan) {
    let heals = |step: &::plan::Step| match &step.action {
        ::plan::Action::Apply(apply) => matches!(apply.why, Why::Heal(_)),
        ::plan::Action::Record(_) | ::plan::Action::Forget => true,
        _ => false,
    };
    let found = &mut observed.rendered.valid.found;
    if found.state.syncing.is_none() && !plan.steps().all(heals) {
        let (causes, since) = found.job;
        let noticed = causes.has(Cause::Revision).then_some(since);
        let (plan, started) = (plan.digest().short(), context.clock.now());
        found.state.syncing = Some(Syncing { plan, started, noticed });
    }
}

/// Sees to it that what the report waits for starts another run.
fn wait(context: &Context, observed: &Observed, report: &Report) {
    let app = &observed.rendered.valid.found.key;
    if let Some(at) = report.wake {
        context.wake(app, at);
    }
    let waits = |test: fn(&Because) -> bool| {
        report
            .entries
            .iter()
            .any(|entry| matches!(&entry.verdict, Verdict::Withheld(_, because) if test(because)))
    };
    if waits(|because| matches!(because, Because::Move(_) | Because::MovingFrom(_))) {
        context.claims.hold(app);
        if context.claims.unrendered(app).is_empty() {
            // The last one rendered between the plan and the hold.
            context.mark(app, Cause::Resume);
        }
    }
    wait_for_kinds(context, observed, report);
    wait_for_namespaces(context, app, report);
}

fn wait_for_kinds(context: &Context, observed: &Observed, report: &Report) {
    let unserved = |because: &Because| {
        matches!(because, Because::KindAwaited | Because::KindMissing | Because::OtherVersion(_))
    };
    let waits = report
        .entries
        .iter()
        .filter(|entry| matches!(&entry.verdict, Verdict::Withheld(_, because) if unserved(because)));
    let keys: Vec<&ObjectKey> = waits.map(|entry| &entry.key).collect();
    if keys.is_empty() {
        return;
    }
    let app = &observed.rendered.valid.found.key;
    context.await_kinds(app);
    let set = observed.rendered.outcome.rendering().map(|rendering| &rendering.set);
    let mut wanted = keys.into_iter().filter_map(|key| set?.get(key));
    if wanted.any(|object| context.cluster.serving(&object.gvk) == Serving::Served) {
        // It was not when the plan was made.
        context.mark(app, Cause::Resume);
    }
}

fn wait_for_namespaces(context: &Context, app: &AppKey, report: &Report) {
    let mut names: BTreeMap<&Arc<str>, NamespaceState> = BTreeMap::new();
    for entry in &report.entries {
        let known = match &entry.verdict {
            Verdict::Withheld(_, Because::NamespaceMissing) => NamespaceState::Missing,
            Verdict::Withheld(_, Because::NamespaceTerminating) => NamespaceState::Terminating,
            _ => continue,
        };
        names.insert(&entry.key.namespace, known);
    }
    for (name, known) in names {
        context.await_namespace(app, name);
        if context.cluster.namespace(name) != known {
            // It changed between the plan and the wait.
            context.mark(app, Cause::Resume);
        }
    }
}

fn compute(
    context: &Context,
    observed: &Observed,
    report: &Report,
    healths: &[(ObjectKey, Health)],
    summary: &Health,
) -> Status {
    let rendered = &observed.rendered;
    let found = &rendered.valid.found;
    let told = &found.told;
    let now = context.clock.now();
    let rendering = rendered.outcome.rendering();
    let grounds = Grounds {
        generation: found.generation(),
        outcome: &rendered.outcome,
        unreachable: rendered.unreachable.as_deref(),
        report,
        recorded: found.state.recorded.record().objects.len(),
        health: summary,
    };
    let since = told
        .health
        .as_ref()
        .filter(|before| before.state == summary.state)
        .map_or(now, |before| before.since);
    // What is live, not what is to be: the commits behind the next change are looked for from here on.
    let live = rendering.filter(|_| report.state == SyncState::Synced);
    let revisions = live.map(|rendering| rendering.revisions.clone());
    Status {
        observed_generation: found.generation(),
        sync: SyncStatus {
            state: standing::sync_state(report.state),
            revisions: revisions.unwrap_or_else(|| told.sync.revisions.clone()),
            plan: told.sync.plan.clone(),
        },
        health: rendering.map(|_| HealthStatus {
            state: summary.state,
            reason: summary.reason.clone(),
            since,
        }),
        operation: told.operation.clone(),
        history: told.history.clone(),
        conditions: standing::with_standing(&grounds, |standing| {
            api::conditions(standing, &told.conditions, now)
        }),
        objects: standing::counts(report, healths),
        images: rendering.map(|rendering| standing::images(rendering)).unwrap_or_default(),
        urls: rendering.map(|rendering| standing::urls(rendering)).unwrap_or_default(),
        handled: told.handled.clone(),
    }
}

/// Operation, history and intents: what a sync leaves when it is over.
fn finish(context: &Context, observed: &mut Observed, status: &mut Status, report: &Report, complete: bool) {
    let app = observed.rendered.valid.app.clone();
    let rendering = observed.rendered.outcome.rendering().cloned();
    let found = &mut observed.rendered.valid.found;
    if let Some(refresh) = found.requests.refresh.clone() {
        status.handled.refresh = Some(refresh);
    }
    let running = !complete || report.state == SyncState::Syncing;
    if let Some(sync) = found.requests.sync.clone() {
        let revision = rendering.as_ref().map(|rendering| rendering.set.revision().clone());
        if is_answered(&mut found.state.asked, &sync, revision, running || report.state == SyncState::Blocked)
        {
            status.handled.sync = Some(sync);
        }
    }
    for (operation, entry) in &found.state.ended {
        remember(status, operation.clone(), entry.clone(), app.history);
    }
    let Some(syncing) = found.state.syncing.clone() else { return };
    let (failures, phase) = phase(report, running);
    let (plan, started_at) = (syncing.plan, syncing.started);
    let finished_at = (phase != OperationPhase::Running).then(|| context.clock.now());
    let message = match failures {
        0 => String::new(),
        count => format!("{count} of {} objects failed", report.entries.len()),
    };
    let operation = Operation { phase, plan: plan.clone(), started_at, finished_at, message };
    let (Some(at), Some(rendering)) = (finished_at, rendering) else {
        return remember(status, operation, None, app.history);
    };
    found.state.syncing = None;
    if let (Some(noticed), OperationPhase::Succeeded) = (syncing.noticed, phase) {
        context.telemetry.went_live(noticed.elapsed());
    }
    let entry = rendering.commits.first().map(|commit| {
        let revision = commit.id.clone();
        let (author, subject) = (commit.author.clone(), commit.subject.clone());
        HistoryEntry { revision, author, subject, plan, result: phase, at }
    });
    remember(status, operation.clone(), entry.clone(), app.history);
    found.state.ended.push((operation, entry));
    let surplus = found.state.ended.len().saturating_sub(app.history.max(1));
    found.state.ended.drain(..surplus);
}

/// Puts a sync into the status.
fn remember(status: &mut Status, operation: Operation, entry: Option<HistoryEntry>, limit: usize) {
    status.sync.plan = Some(operation.plan.clone());
    status.operation = Some(operation);
    if let Some(entry) = entry {
        status.remember(entry, limit);
    }
}

/// Whether a sync that was asked for is over: nothing of it is outstanding, or there is another revision than it was for.
fn is_answered(
    asked: &mut Option<(String, CommitId)>,
    sync: &str,
    revision: Option<CommitId>,
    outstanding: bool,
) -> bool {
    let Some(revision) = revision else { return !outstanding };
    match asked {
        Some((known, first)) if known == sync => !outstanding || *first != revision,
        _ => {
            *asked = Some((sync.to_owned(), revision));
            !outstanding
        }
    }
}

fn phase(report: &Report, running: bool) -> (usize, OperationPhase) {
    let failed =
        |verdict: &Verdict| matches!(verdict, Verdict::Withheld(_, because) if standing::is_failure(because));
    let failures = report.entries.iter().filter(|entry| failed(&entry.verdict)).count();
    let phase = match (failures, running) {
        (0, true) => OperationPhase::Running,
        (0, false) => OperationPhase::Succeeded,
        _ => OperationPhase::Failed,
    };
    (failures, phase)
}

/// Tells an Application that it cannot be acted on.
pub(super) async fn refused(context: &Context, refused: Refused) -> End {
    let Refused { mut found, why } = refused;
    if !matches!(why, Obstruction::Source(_)) {
        // It follows nothing, so nobody may wait for what it would render.
        context.hub.leave(&found.key);
        let released = context.claims.set_repositories(&found.key, Default::default());
        released.iter().for_each(|other| context.mark(other, Cause::Resume));
        // Coming back looks the revisions up afresh.
        found.state.looked = None;
    }
    let health = found.told.health.as_ref();
    let health = Health::new(health.map_or(HealthState::Unknown, |h| h.state), "");
    let (findings, name): (&[Finding], &str) = match &why {
        Obstruction::Spec(findings) | Obstruction::Project(findings) => (findings, ""),
        Obstruction::NoProject(name) => (&[], name),
        Obstruction::Suspended | Obstruction::Source(_) | Obstruction::Deleting(_) => (&[], ""),
    };
    let obstacle = match &why {
        Obstruction::Spec(_) => Some(api::Obstacle::InvalidSpec(findings)),
        Obstruction::Project(_) => Some(api::Obstacle::ProjectBlocked(findings)),
        Obstruction::NoProject(_) => Some(api::Obstacle::ProjectNotFound(name)),
        Obstruction::Deleting(left) => Some(api::Obstacle::Deleting(left)),
        Obstruction::Suspended | Obstruction::Source(_) => None,
    };
    let sync = found.told.sync.state;
    let standing = api::Standing {
        generation: found.generation(),
        suspended: matches!(why, Obstruction::Suspended),
        obstacle,
        source_error: if let Obstruction::Source(reason) = &why { Some(reason) } else { None },
        sync,
        revision: found.told.sync.revisions.first(),
        objects: found.told.objects.total,
        conflicts: &[],
        failures: &[],
        pending: &[],
        stalled: None,
        fights: &[],
        health: &health,
    };
    let conditions = api::conditions(&standing, &found.told.conditions, context.clock.now());
    let mut status = Status { observed_generation: found.generation(), conditions, ..found.told.clone() };
    if let (Some(refresh), Obstruction::Source(_)) = (found.requests.refresh.clone(), &why) {
        status.handled.refresh = Some(refresh);
    }
    tell(context, &mut found, status).await;
    End::Reported
}

/// Writes the status if it differs from what is told, at once where it says something final.
async fn tell(context: &Context, found: &mut Found, status: Status) {
    context.telemetry.set_standing(&found.key, &status);
    let Some(patch) = status.patch(&found.resource) else {
        found.state.untold = None;
        found.state.ended.clear();
        return;
    };
    if is_passing(&status, &found.told) {
        let since = *found.state.untold.get_or_insert_with(Instant::now);
        if since.elapsed() < SETTLE {
            context.queue.wake_at(&found.key, since + SETTLE);
            return;
        }
    }
    match context.patch_application_status(&found.key, patch).await {
        Ok(resource) => {
            context.events.tell(&found.resource, &found.told, &status).await;
            found.resource = resource;
            found.told = status;
            found.state.untold = None;
            found.state.ended.clear();
        }
        Err(error) => {
            tracing::warn!(app = %found.key, error = %error, "The status could not be written");
            context.retry(&found.key);
        }
    }
}

/// Whether this is a state that is about to be left: everything under way, nothing wrong, and no answer that somebody waits for.
fn is_passing(status: &Status, told: &Status) -> bool {
    let passing =
        [api::Reason::Syncing, api::Reason::Progressing, api::Reason::Missing].map(api::Reason::as_str);
    let ready = status.condition(api::ConditionType::Ready);
    let moving = ready.is_some_and(|ready| !ready.holds && passing.contains(&ready.reason.as_str()))
        || is_reworded(status, told);
    // Most deletions are over before anybody could read of them.
    let leaving = ready.is_some_and(|ready| ready.reason == api::Reason::Deleting.as_str());
    leaving
        || moving && status.handled == told.handled && status.observed_generation == told.observed_generation
        || moving && told.conditions.is_empty()
}

/// Whether it says no more than why something is Degraded that was Degraded before: pods that crash change their minds often,
/// and after a restart they are heard of later than their workload.
fn is_reworded(status: &Status, told: &Status) -> bool {
    let degraded = |status: &Status| {
        let ready = status.condition(api::ConditionType::Ready);
        ready.is_some_and(|ready| ready.reason == api::Reason::Degraded.as_str())
    };
    degraded(status) && degraded(told) && status.sync == told.sync && status.operation == told.operation
}

#[cfg(test)]
mod tests {
    use api::{Condition, ConditionType, Reason};
    use lockstep_core::Timestamp;

    use super::*;

    fn status(reason: Reason, message: &str) -> Status {
        let condition = Condition {
            kind: ConditionType::Ready,
            holds: reason == Reason::Ready,
            reason: reason.as_str().to_owned(),
            message: message.to_owned(),
            since: Timestamp(0),
            observed_generation: 1,
        };
        Status { conditions: vec![condition], ..Status::default() }
    }

    #[test]
    fn what_is_about_to_change_waits_and_what_is_final_does_not() {
        use Reason::{Degraded, Progressing, Ready};
        for (told, now, waits) in [
            (Ready, Progressing, true),
            (Progressing, Progressing, true),
            (Progressing, Ready, false),
            (Progressing, Degraded, false),
            (Degraded, Degraded, true),
            (Degraded, Ready, false),
        ] {
            let (told, now) = (status(told, "x"), status(now, "y"));
            assert_eq!(is_passing(&now, &told), waits, "{told:?} {now:?}");
        }
        // Somebody waits for the answer.
        let mut answered = status(Degraded, "y");
        answered.handled.refresh = Some("now".to_owned());
        assert!(!is_passing(&answered, &status(Degraded, "x")));
        let mut spoken = status(Degraded, "y");
        spoken.sync.plan = Some("plan".to_owned());
        assert!(!is_passing(&spoken, &status(Degraded, "x")), "a sync is told at once");
    }
}
