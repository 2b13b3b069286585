//! The sync under way: when it begins, when it is over, and what it leaves in the status.

use ::plan::{Plan, Report, SyncState, Verdict, Why};
use api::{HistoryEntry, Operation, OperationPhase, Status};
use lockstep_core::CommitId;

use super::observe::Observed;
use super::standing;
use super::state::{AppState, Syncing};
use crate::context::Context;
use crate::queue::Cause;

/// Remembers that a sync began, unless all that is done is to heal: that is told by metrics and logs, and costs no write.
pub(super) fn begin(context: &Context, observed: &mut Observed, plan: &Plan) {
    let heals = |step: &::plan::Step| match &step.action {
        ::plan::Action::Apply(apply) => matches!(apply.why, Why::Heal(_)),
        ::plan::Action::Record(_) | ::plan::Action::Forget => true,
        _ => false,
    };
    let found = &mut observed.rendered.valid.found;
    resume(&mut found.state, found.told.operation.as_ref());
    let other = |syncing: &Syncing| syncing.revision.is_some() && syncing.revision != plan.revision;
    let fresh = found.state.syncing.as_ref().is_none_or(other);
    if fresh && !plan.steps().all(heals) {
        let (causes, since) = found.job;
        let noticed = causes.has(Cause::Revision).then_some(since);
        let (digest, started) = (plan.digest().short(), context.clock.now());
        found.state.syncing =
            Some(Syncing { plan: digest, revision: plan.revision.clone(), started, noticed });
    }
}

/// After a restart: a sync that was told of and not over goes on, with its name and its beginning.
fn resume(state: &mut AppState, told: Option<&Operation>) {
    if std::mem::replace(&mut state.resumed, true) || state.syncing.is_some() {
        return;
    }
    let running = told.filter(|operation| operation.phase == OperationPhase::Running);
    state.syncing = running.map(|operation| Syncing {
        plan: operation.plan.clone(),
        revision: operation.revision.clone(),
        started: operation.started_at,
        noticed: None,
    });
}

/// Operation, history and intents: what a sync leaves when it is over.
pub(super) fn finish(
    context: &Context,
    observed: &mut Observed,
    status: &mut Status,
    report: &Report,
    complete: bool,
) {
    let app = observed.rendered.valid.app.clone();
    let rendering = observed.rendered.outcome.rendering().cloned();
    let found = &mut observed.rendered.valid.found;
    if let Some(refresh) = found.requests.refresh.clone() {
        status.handled.refresh = Some(refresh);
    }
    if let Some(abort) = found.requests.abort.clone() {
        status.handled.abort = Some(abort);
    }
    // As long as nobody knows what is live, nobody knows that it is over.
    let running = !complete || matches!(report.state, SyncState::Syncing | SyncState::Unknown);
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
    let (plan, revision, started_at) = (syncing.plan, syncing.revision, syncing.started);
    let finished_at = (phase != OperationPhase::Running).then(|| context.clock.now());
    let ended = report.run.as_ref().and_then(|run| run.failure.clone());
    let message = match (failures, ended) {
        (0, _) => String::new(),
        (_, Some(why)) => why,
        (count, None) => format!("{count} of {} objects failed", report.entries.len()),
    };
    let wave = report.wave.filter(|_| phase != OperationPhase::Succeeded).map(|wave| wave.0);
    let plan_of = plan.clone();
    let operation = Operation { phase, wave, plan: plan_of, revision, started_at, finished_at, message };
    let (Some(at), Some(rendering)) = (finished_at, rendering) else {
        return remember(status, operation, None, app.history);
    };
    found.state.syncing = None;
    if let (Some(noticed), OperationPhase::Succeeded) = (syncing.noticed, phase) {
        context.telemetry.went_live(noticed.elapsed());
    }
    // What was synced of it in part is not what was live.
    let whole = found.requests.only.is_all();
    let entry = rendering.commits.first().filter(|_| whole).map(|commit| {
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
