//! What an Application depends on, looked at now; and what others that depend on it are told.

use std::collections::BTreeSet;

use ::plan::Unready;
use api::{ConditionType, Status};
use cluster::{Catalog, Live, Lookup};
use lockstep_core::{AppKey, Application, Dependency, Finding, Gvk, Health, HealthState, ObjectKey, Value};
use rules::Expression;

use super::dereference::Found;
use crate::context::Context;
use crate::dependencies::Progress;
use crate::queue::Cause;

/// The dependencies that are not ready, and why.
pub(super) fn unready(context: &Context, app: &Application) -> Vec<Unready> {
    let catalog = context.cluster.discovery.catalog();
    let one = |dependency: &Dependency| {
        let (key, why) = match dependency.application() {
            Some(other) => (dependency.key(), why_application(context, dependency, &other)),
            None => match placed(&catalog, dependency) {
                Ok(key) => {
                    let why = why_object(context, dependency, &key);
                    (key, why)
                }
                Err(why) => (dependency.key(), Some(why)),
            },
        };
        Some(Unready { key, why: why? })
    };
    app.depends_on.iter().filter_map(one).collect()
}

/// The object that is meant, if the cluster serves its kind.
pub(crate) fn placed(catalog: &Catalog, dependency: &Dependency) -> Result<ObjectKey, String> {
    match catalog.resource(&dependency.gvk) {
        Lookup::Served(resource) if resource.namespaced() => Ok(dependency.key()),
        Lookup::Served(_) => Ok(ObjectKey { namespace: "".into(), ..dependency.key() }),
        Lookup::NotServed => Err(format!("cannot be there: the cluster does not serve {}", dependency.gvk)),
        Lookup::GroupFailing(reason) => Err(format!("cannot be looked at: {reason}")),
    }
}

/// The objects other than Applications that are depended on.
pub(super) fn objects(context: &Context, app: &Application) -> BTreeSet<(ObjectKey, Gvk)> {
    let catalog = context.cluster.discovery.catalog();
    let others = app.depends_on.iter().filter(|dependency| dependency.application().is_none());
    others
        .filter_map(|dependency| Some((placed(&catalog, dependency).ok()?, dependency.gvk.clone())))
        .collect()
}

fn why_application(context: &Context, dependency: &Dependency, other: &AppKey) -> Option<String> {
    let Some(resource) = context.store.application(other) else { return Some("does not exist".to_owned()) };
    if resource.at(&["metadata", "deletionTimestamp"]).is_some() {
        return Some("is being deleted".to_owned());
    }
    if let Some(ready) = &dependency.ready {
        return why_expression(ready, &resource);
    }
    if context.claims.has_outstanding(other) {
        return Some("has a new revision to render".to_owned());
    }
    let generation = resource.int_at(&["metadata", "generation"]).unwrap_or_default();
    match context.dependencies.progress(other) {
        None => Some("was not looked at yet".to_owned()),
        Some(progress) if progress.generation != generation => Some("has a new spec".to_owned()),
        Some(progress) => progress.unready,
    }
}

fn why_object(context: &Context, dependency: &Dependency, key: &ObjectKey) -> Option<String> {
    match (&dependency.ready, context.cluster.index.get(&dependency.gvk, key)) {
        (Some(ready), Live::Present(live)) => why_expression(ready, &live.value),
        _ => Unready::by_health(&context.cluster.health(key, &dependency.gvk)),
    }
}

/// What keeps an object from being ready by an expression. Never what the object holds.
pub(crate) fn why_expression(ready: &str, object: &Value) -> Option<String> {
    let said = Expression::about_self(ready).map_err(|error| error.to_string());
    match said.and_then(|expression| expression.holds_for(object).map_err(|error| error.to_string())) {
        Ok(true) => None,
        Ok(false) => Some(format!("is not ready by {ready}")),
        Err(error) => Some(format!("is not ready by {ready} ({error})")),
    }
}

/// What keeps a live object from being ready, where it was read by whoever asks.
pub(crate) fn why_live(dependency: &Dependency, live: &::plan::Live) -> Option<String> {
    match (live, &dependency.ready) {
        (::plan::Live::Present(live), Some(ready)) => why_expression(ready, &live.value),
        (::plan::Live::Present(live), None) => Unready::by_health(&health::health(live)),
        (::plan::Live::Absent, _) => Unready::by_health(&Health::new(HealthState::Missing, "")),
        (::plan::Live::Unknown(reason), _) => Some(format!("cannot be looked at: {reason}")),
    }
}

/// What keeps an Application from being ready, as its status tells.
pub(crate) fn why_status(resource: &Value) -> Option<String> {
    let status = Status::read(resource);
    if resource.int_at(&["metadata", "generation"]).unwrap_or_default() != status.observed_generation {
        return Some("has a new spec".to_owned());
    }
    why(&status)
}

fn why(status: &Status) -> Option<String> {
    match status.condition(ConditionType::Ready) {
        Some(ready) if ready.holds => None,
        Some(ready) => Some(format!("is not ready ({})", ready.reason)),
        None => Some("was not looked at yet".to_owned()),
    }
}

/// Tells those that wait for this Application how far it is.
pub(super) fn settle(context: &Context, found: &Found, status: &Status) {
    let progress = Progress { generation: found.generation(), unready: why(status) };
    if context.dependencies.set_progress(&found.key, progress) {
        context.progressed(&found.key);
    }
}

/// What is wrong where an Application depends on itself.
pub(super) fn cycle(context: &Context, app: &AppKey) -> Option<Finding> {
    let cycle = context.dependencies.cycle(app);
    for other in context.dependencies.set_cyclic(app, cycle.as_deref()) {
        context.mark(&other, Cause::Resume);
    }
    let way: Vec<String> = cycle?.iter().map(ToString::to_string).collect();
    let message = format!("spec.dependsOn: it depends on itself: {}", way.join(" -> "));
    Some(Finding::error("dependency-cycle", message).with_hint("take one of these off"))
}
