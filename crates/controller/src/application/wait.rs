//! What a report waits for, made to start the next run.

use std::collections::BTreeMap;
use std::sync::Arc;

use ::plan::{Because, Entry, Kinds, LiveSet, NamespaceState, Obstacle, Report, Serving, Unready, Verdict};
use lockstep_core::{AppKey, ObjectKey};

use super::depend;
use super::observe::Observed;
use crate::context::Context;
use crate::queue::Cause;

/// Sees to it that what the report waits for starts another run.
pub(super) fn wait(context: &Context, observed: &Observed, report: &Report) {
    let app = &observed.rendered.valid.found.key;
    if let Some(at) = report.wake {
        context.wake(app, at);
    }
    hold(context, app, report);
    wait_for_kinds(context, observed, report);
    wait_for_namespaces(context, app, report);
    wait_for_dependencies(context, observed, report);
}

/// Waits for the Applications that others are depended on; other objects wake by their own changes.
fn wait_for_dependencies(context: &Context, observed: &Observed, report: &Report) {
    let gates = report.entries.iter().find_map(|entry| match &entry.verdict {
        Verdict::Withheld(_, Because::Wave(gate)) => Some(gate),
        _ => None,
    });
    let Some(Obstacle::Dependencies(known)) = gates.map(|gate| &gate.obstacle) else { return };
    let (app, spec) = (&observed.rendered.valid.found.key, &observed.rendered.valid.app);
    for other in known.iter().filter_map(application) {
        let _ = context.waiting.applications.wait(&other, app);
    }
    // Of a kind that is not served yet nothing is watched.
    context.await_kinds(app);
    if depend::unready(context, spec) != *known {
        // It changed between the plan and the wait.
        context.mark(app, Cause::Resume);
    }
}

fn application(unready: &Unready) -> Option<AppKey> {
    let is_one = unready.key.is(api::GROUP, "Application");
    is_one.then(|| AppKey { namespace: unready.key.namespace.clone(), name: unready.key.name.clone() })
}

/// Waits for those who have to render before the Application deletes, or takes, an object that may be moving.
pub(super) fn hold(context: &Context, app: &AppKey, report: &Report) {
    let moves = |entry: &Entry| {
        matches!(&entry.verdict, Verdict::Withheld(_, Because::Move(_) | Because::MovingFrom(_)))
    };
    if report.entries.iter().any(moves) {
        context.claims.hold(app);
        if context.claims.unrendered(app).is_empty() {
            // The last one rendered between the plan and the hold.
            context.mark(app, Cause::Resume);
        }
    }
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
