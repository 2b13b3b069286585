//! ReplicaSets: as many pods as wanted.

use std::time::Duration;

use lockstep_core::Value;

use crate::claim::claim;
use crate::client::{Actor, Context, Refused};
use crate::condition;
use crate::controller::{Controller, Due};
use crate::kind::Kind;
use crate::object::{controller, count, is_deleting, name, number, put, size, text};
use crate::pod::{available_at, from_template, is_active, is_available, is_finished, is_ready, rank};
use crate::selector::{has_all, selects};
use crate::view::{Change, Id, View};

/// Makes and deletes the pods of ReplicaSets.
#[derive(Clone, Debug)]
pub(crate) struct ReplicaSets;

/// So many pods are made or deleted at once.
const BURST: usize = 500;

impl Controller for ReplicaSets {
    fn actor(&self) -> Actor<'static> {
        Actor::Controller("replicaset-controller")
    }

    fn touched(&mut self, change: &Change, view: &View) -> Vec<Id> {
        match change.id.kind {
            Kind::REPLICA_SETS => vec![change.id.clone()],
            Kind::PODS => owners_of(change, view, "ReplicaSet", Kind::REPLICA_SETS),
            _ => Vec::new(),
        }
    }

    fn reconcile(&mut self, id: &Id, cx: &mut Context<'_>) -> Result<Due, Refused> {
        let Some(set) = cx.view.get(Kind::REPLICA_SETS, &id.key).cloned() else { return Ok(None) };
        let pods = claim(cx, Kind::PODS, &set)?;
        let failure = if is_deleting(&set) { Ok(()) } else { manage(&set, &pods, cx) };
        let after = status(&set, &pods, failure.as_ref().err(), cx);
        if after.get("status") != set.get("status") {
            cx.update_status(Kind::REPLICA_SETS, &after)?;
        }
        failure?;
        Ok(next_available(&pods, number(&set, &["spec", "minReadySeconds"]), cx.now))
    }
}

/// What controls a changed pod, or could take it over.
pub(crate) fn owners_of(change: &Change, view: &View, kind: &str, id: Kind) -> Vec<Id> {
    let mut ids: Vec<Id> = change
        .both()
        .filter_map(controller)
        .filter(|owner| text(owner, &["kind"]) == kind)
        .map(|owner| Id::new(id, &change.id.key.namespace, text(owner, &["name"])))
        .collect();
    if let Some(new) = change.new.as_ref().filter(|new| controller(new).is_none()) {
        let labels = new.at(&["metadata", "labels"]);
        let owners = view.within(id, &change.id.key.namespace);
        let fits = owners.filter(|(_, owner)| selects(owner.at(&["spec", "selector"]), labels));
        ids.extend(fits.map(|(key, _)| Id { kind: id, key: key.clone() }));
    }
    ids
}

/// Makes what is missing, deletes what is too many.
fn manage(set: &Value, pods: &[Value], cx: &mut Context<'_>) -> Result<(), Refused> {
    let mut active: Vec<&Value> = pods.iter().filter(|pod| is_active(pod)).collect();
    let wanted = size(set.int_at(&["spec", "replicas"]).unwrap_or(1));
    let template = set.at(&["spec", "template"]).cloned().unwrap_or_default();
    for _ in active.len()..wanted.min(active.len() + BURST) {
        create_pod(set, &from_template(set, &template), cx)?;
    }
    rank(&mut active, cx.now);
    for pod in active.iter().take(active.len().saturating_sub(wanted).min(BURST)) {
        cx.delete(Kind::PODS, pod, &[])?;
        cx.normal(set, "SuccessfulDelete", &format!("Deleted pod: {}", name(pod)));
    }
    Ok(())
}

/// Makes a pod, and tells how that went.
pub(crate) fn create_pod(owner: &Value, pod: &Value, cx: &mut Context<'_>) -> Result<Value, Refused> {
    let made = cx.create(Kind::PODS, pod);
    match &made {
        Ok(made) => cx.normal(owner, "SuccessfulCreate", &format!("Created pod: {}", name(made))),
        Err(Refused::Other(why)) => cx.warning(owner, "FailedCreate", &format!("Error creating: {why}")),
        Err(_) => {}
    }
    made
}

fn status(set: &Value, pods: &[Value], failure: Option<&Refused>, cx: &Context<'_>) -> Value {
    let active: Vec<&Value> = pods.iter().filter(|pod| is_active(pod)).collect();
    let labels = set.at(&["spec", "template", "metadata", "labels"]);
    let min_ready = number(set, &["spec", "minReadySeconds"]);
    let counted = |matches: &dyn Fn(&Value) -> bool| count(active.iter().filter(|pod| matches(pod)).count());
    let terminating = pods.iter().filter(|pod| is_deleting(pod) && !is_finished(pod)).count();
    let mut after = set.clone();
    let some = |number: i64| (number > 0).then(|| number.into());
    after.set(&["status", "replicas"], count(active.len()).into());
    put(
        &mut after,
        &["status", "fullyLabeledReplicas"],
        some(counted(&|pod| has_all(labels, pod.at(&["metadata", "labels"])))),
    );
    put(&mut after, &["status", "readyReplicas"], some(counted(&is_ready)));
    put(
        &mut after,
        &["status", "availableReplicas"],
        some(counted(&|pod| is_available(pod, min_ready, cx.now))),
    );
    after.set(&["status", "terminatingReplicas"], count(terminating).into());
    after.set(&["status", "observedGeneration"], number(set, &["metadata", "generation"]).into());
    match failure {
        None => condition::remove(&mut after, "ReplicaFailure"),
        // What was stale is no failure, and one that is told already is not told in other words.
        Some(Refused::Other(why)) if condition::find(set, "ReplicaFailure").is_none() => {
            let reason = match count(active.len()) < number(set, &["spec", "replicas"]) {
                true => "FailedCreate",
                false => "FailedDelete",
            };
            condition::set(
                &mut after,
                condition::condition("ReplicaFailure", "True", reason, why),
                &cx.stamp(),
            );
        }
        Some(_) => {}
    }
    after
}

/// When a pod that is ready will count as available, of some.
pub(crate) fn next_available(pods: &[Value], min_ready: i64, now: Duration) -> Due {
    let due = pods.iter().filter(|pod| is_active(pod)).filter_map(|pod| available_at(pod, min_ready));
    due.filter(|at| min_ready > 0 && *at > now).min()
}
