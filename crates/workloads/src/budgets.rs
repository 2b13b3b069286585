//! PodDisruptionBudgets: how many pods may go.

use std::collections::BTreeMap;

use lockstep_core::Value;

use crate::client::{Actor, Context, Refused};
use crate::condition;
use crate::controller::{Controller, Due};
use crate::deployment::{Rounding, portion};
use crate::kind::Kind;
use crate::object::{controller, count, is_deleting, namespace, number, object, put, text};
use crate::pod::{is_finished, is_ready};
use crate::selector::selects;
use crate::view::{Change, Id, View};

/// Keeps the status of budgets.
#[derive(Clone, Debug)]
pub(crate) struct Budgets;

impl Controller for Budgets {
    fn actor(&self) -> Actor<'static> {
        Actor::Controller("disruption-controller")
    }

    fn touched(&mut self, change: &Change, view: &View) -> Vec<Id> {
        let all = || {
            let budgets = view.within(Kind::BUDGETS, &change.id.key.namespace);
            budgets.map(|(key, budget)| (Id { kind: Kind::BUDGETS, key: key.clone() }, budget))
        };
        match change.id.kind {
            Kind::BUDGETS => vec![change.id.clone()],
            Kind::PODS => {
                let fits = |budget: &Value| {
                    change
                        .both()
                        .any(|pod| selects(budget.at(&["spec", "selector"]), pod.at(&["metadata", "labels"])))
                };
                all().filter(|(_, budget)| fits(budget)).map(|(id, _)| id).collect()
            }
            // How many are expected follows from what makes the pods.
            Kind::DEPLOYMENTS | Kind::REPLICA_SETS | Kind::STATEFUL_SETS => all().map(|(id, _)| id).collect(),
            _ => Vec::new(),
        }
    }

    fn reconcile(&mut self, id: &Id, cx: &mut Context<'_>) -> Result<Due, Refused> {
        let Some(budget) = cx.view.get(Kind::BUDGETS, &id.key) else { return Ok(None) };
        if is_deleting(budget) {
            return Ok(None);
        }
        let selector = budget.at(&["spec", "selector"]);
        let pods = cx.view.within(Kind::PODS, namespace(budget)).map(|(_, pod)| pod);
        let pods = pods.filter(|pod| selects(selector, pod.at(&["metadata", "labels"])) && !is_finished(pod));
        let pods: Vec<&Value> = pods.collect();
        let (expected, desired) = numbers(budget, &pods, cx.view);
        let disrupted = budget.at(&["status", "disruptedPods"]).and_then(Value::as_map);
        let going = |pod: &Value| disrupted.is_some_and(|map| map.contains_key(crate::object::name(pod)));
        let healthy = pods.iter().filter(|pod| is_ready(pod) && !is_deleting(pod) && !going(pod)).count();
        let after = status(budget, (expected, desired, count(healthy)), &pods, cx);
        if after.get("status") != budget.get("status") {
            cx.update_status(Kind::BUDGETS, &after)?;
        }
        Ok(None)
    }
}

/// How many pods are expected, and how many of them must be healthy.
fn numbers(budget: &Value, pods: &[&Value], view: &View) -> (i64, i64) {
    let (most, least) = (budget.at(&["spec", "maxUnavailable"]), budget.at(&["spec", "minAvailable"]));
    if let Some(most) = most {
        let expected = scale(pods, view);
        return (expected, (expected - portion(Some(most), expected, Rounding::Up)).max(0));
    }
    match least {
        Some(Value::String(_)) => {
            let expected = scale(pods, view);
            (expected, portion(least, expected, Rounding::Up))
        }
        _ => (count(pods.len()), portion(least, 0, Rounding::Up)),
    }
}

/// How many pods those that make these pods want.
fn scale(pods: &[&Value], view: &View) -> i64 {
    let mut makers: BTreeMap<String, i64> = BTreeMap::new();
    for pod in pods {
        let Some(owner) = controller(pod) else { continue };
        let find = |owner: &Value| {
            let kind = view.kinds.of(
                text(owner, &["apiVersion"]).split_once('/').map_or("", |(group, _)| group),
                text(owner, &["kind"]),
            )?;
            view.find(kind, namespace(pod), text(owner, &["name"]))
        };
        let made = find(owner);
        let above =
            made.and_then(controller).filter(|above| text(above, &["kind"]) == "Deployment").and_then(find);
        if let Some(maker) = above.or(made) {
            makers.insert(crate::object::uid(maker).to_owned(), number(maker, &["spec", "replicas"]));
        }
    }
    makers.values().sum()
}

fn status(
    budget: &Value,
    (expected, desired, healthy): (i64, i64, i64),
    pods: &[&Value],
    cx: &Context<'_>,
) -> Value {
    let allowed = if expected > 0 { (healthy - desired).max(0) } else { 0 };
    let mut after = budget.clone();
    let generation = number(budget, &["metadata", "generation"]);
    for (key, number) in [
        ("expectedPods", expected),
        ("desiredHealthy", desired),
        ("currentHealthy", healthy),
        ("disruptionsAllowed", allowed),
        ("observedGeneration", generation),
    ] {
        after.set(&["status", key], number.into());
    }
    // Pods that were evicted and have gone.
    let disrupted =
        budget.at(&["status", "disruptedPods"]).and_then(Value::as_map).cloned().unwrap_or_default();
    let kept: lockstep_core::Map = disrupted
        .into_iter()
        .filter(|(name, _)| pods.iter().any(|pod| *crate::object::name(pod) == **name && !is_deleting(pod)))
        .collect();
    put(&mut after, &["status", "disruptedPods"], (!kept.is_empty()).then(|| Value::map(kept)));
    let (status, reason) =
        if allowed > 0 { ("True", "SufficientPods") } else { ("False", "InsufficientPods") };
    let mut condition =
        object! {"type": "DisruptionAllowed", "status": status, "reason": reason, "message": ""};
    condition.set(&["observedGeneration"], generation.into());
    condition::set(&mut after, condition, &cx.stamp());
    after
}
