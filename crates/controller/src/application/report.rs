//! From what was applied to what the Application says of itself.

use ::plan::Report;
use api::{HealthStatus, Status, SyncStatus};
use lockstep_core::{Finding, Health, HealthState, ObjectKey};

use super::End;
use super::apply::Applied;
use super::assess::assess;
use super::depend;
use super::halt::{Refused, Why as Obstruction};
use super::observe::Observed;
use super::standing::{self, Grounds};
use super::tell::tell;
use super::{claim, hook_log, operation, plan, wait};
use crate::context::Context;
use crate::queue::Cause;

/// Computes the status from what was applied and tells it.
pub(crate) async fn report(context: &Context, applied: Applied) {
    let Applied { mut observed, plan, report, complete } = applied;
    operation::begin(context, &mut observed, &plan);
    let mut report = match report {
        Some(report) => report,
        None => {
            let (next, report) = plan::decide(context, &mut observed);
            if !next.is_empty() {
                context.mark(&next.app, Cause::Resume);
            }
            report
        }
    };
    hook_log::add(context, &observed, &mut report).await;
    observed.rendered.valid.found.state.history.keep_to(&report);
    wait::wait(context, &observed, &report);
    let healths = assess(context, &mut observed);
    let summary = health::summary(healths.iter().map(|(key, health)| (key, health)));
    let mut status = compute(context, &observed, &report, &healths, &summary);
    operation::finish(context, &mut observed, &mut status, &report, complete);
    depend::settle(context, &observed.rendered.valid.found, &status);
    tell(context, &mut observed.rendered.valid.found, status).await;
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
        clock: &context.clock,
    };
    let since = told
        .health
        .as_ref()
        .filter(|before| before.state == summary.state)
        .map_or(now, |before| before.since);
    // What is live, not what is to be: the commits behind the next change are looked for from here on.
    let live = rendering.filter(|_| report.is_live());
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
        run: report.run.clone(),
        deletion_hooks: rendering.map(|rendering| standing::deletion_hooks(rendering)).unwrap_or_default(),
        handled: told.handled.clone(),
    }
}

/// Tells an Application that it cannot be acted on.
pub(super) async fn refused(context: &Context, refused: Refused) -> End {
    let Refused { mut found, why } = refused;
    let health = found.told.health.as_ref();
    let health = Health::new(health.map_or(HealthState::Unknown, |h| h.state), "");
    let (findings, name): (&[Finding], &str) = match &why {
        Obstruction::Spec(findings) | Obstruction::Project(findings) => (findings, ""),
        Obstruction::NoProject(name) => (&[], name),
        Obstruction::Suspended | Obstruction::Source(_) | Obstruction::Deleting(..) => (&[], ""),
    };
    let obstacle = match &why {
        Obstruction::Spec(_) => Some(api::Obstacle::InvalidSpec(findings)),
        Obstruction::Project(_) => Some(api::Obstacle::ProjectBlocked(findings)),
        Obstruction::NoProject(_) => Some(api::Obstacle::ProjectNotFound(name)),
        Obstruction::Deleting(left, _) => Some(api::Obstacle::Deleting(left)),
        Obstruction::Suspended | Obstruction::Source(_) => None,
    };
    // What it had goes, whatever was told of it before.
    let (leaves, run) = match &why {
        Obstruction::Deleting(_, run) => (true, run.as_ref()),
        _ => (false, None),
    };
    let logs = standing::logs(run);
    let sync = if leaves { api::SyncState::Syncing } else { found.told.sync.state };
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
        logs: &logs,
        pending: &[],
        retry_at: None,
        stalled: None,
        fights: &[],
        health: &health,
    };
    let conditions = api::conditions(&standing, &found.told.conditions, context.clock.now());
    let mut status = Status { observed_generation: found.generation(), conditions, ..found.told.clone() };
    status.sync.state = sync;
    if leaves {
        status.run = run.cloned().or(status.run);
        status.handled.sync = found.requests.sync.clone().or(status.handled.sync);
    }
    // Nothing is under way that could be ended.
    status.handled.abort = found.requests.abort.clone().or(status.handled.abort);
    if let (Some(refresh), Obstruction::Source(_)) = (found.requests.refresh.clone(), &why) {
        status.handled.refresh = Some(refresh);
    }
    depend::settle(context, &found, &status);
    tell(context, &mut found, status).await;
    if !found.is_deleting() && !matches!(why, Obstruction::Source(_)) {
        claim::claim(context, found).await;
    }
    End::Reported
}
