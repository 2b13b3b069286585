//! Evicting pods, as far as disruption budgets allow.

use std::sync::Arc;

use lockstep_core::{Gvk, LabelSelector, Value};

use super::binding::set_condition;
use crate::admission::{self, Operation};
use crate::body;
use crate::call::{Call, Outcome, Shown};
use crate::delete::decide;
use crate::entry::Entry;
use crate::failure::{Cause, Failure, GroupResource, Halt, success};
use crate::options::{DeleteOptions, WriteKind as OptionsKind, WriteOptions};
use crate::read::key_of;
use crate::state::{State, Write, WriteKind};

const BUDGETS: &str = "policy/poddisruptionbudgets";
const MAX_DISRUPTED_PODS: usize = 2000;
const VIOLATES: &str = "Cannot evict pod as it would violate the pod's disruption budget.";

/// Evicts a pod.
pub(super) fn evict(state: &State, call: &mut Call<'_>) -> Result<Outcome, Halt> {
    let format = body::format(call)?;
    body::check_size(&call.request.body)?;
    let options = WriteOptions::read(call.request, OptionsKind::Create)?;
    let eviction =
        body::decode(call, format, &Gvk::new("policy", "v1", "Eviction"), options.field_validation)?;
    if eviction.str_at(&["metadata", "name"]) != Some(&call.info.name) {
        return Err(Failure::bad_request("name in URL does not match name in Eviction object").into());
    }
    let no_options = Value::Null;
    let mut deletion =
        DeleteOptions::read(call.request, Some(eviction.get("deleteOptions").unwrap_or(&no_options)))?;
    deletion.dry_run |= options.dry_run;
    admission::act(call, (state, Operation::Create, deletion.dry_run), Some(&eviction))?;
    let Some(entry) = state.entry(&call.served, call.namespace(), &call.info.name).cloned() else {
        return Err(call.not_found().into());
    };
    let pod = entry.value();
    let budget = if is_over(&pod) { None } else { budget(state, call, &pod, &entry)? };
    let mut writes: Vec<Write> = budget.into_iter().collect();
    writes.extend(delete(state, call, (&entry, pod), &deletion)?);
    if deletion.dry_run {
        writes.clear();
    }
    Ok(Outcome { code: 201, writes, shown: Shown::Object(success(201, "", "", "", "")) })
}

/// Whether the disruption has happened already, or there is none yet.
fn is_over(pod: &Value) -> bool {
    matches!(pod.str_at(&["status", "phase"]), Some("Succeeded" | "Failed" | "Pending"))
        || pod.at(&["metadata", "deletionTimestamp"]).is_some()
}

/// The pod says why it goes, then it goes.
fn delete(
    state: &State,
    call: &mut Call<'_>,
    (entry, mut pod): (&Arc<Entry>, Value),
    options: &DeleteOptions,
) -> Result<Vec<Write>, Halt> {
    let fields =
        [("status", "True"), ("reason", "EvictionByEvictionAPI"), ("message", "Eviction API: evicting")];
    set_condition(&mut pod, "DisruptionTarget", &fields, &call.time().to_string());
    let key = key_of(call);
    let told =
        Write { shelf: call.served.shelf.clone(), key: key.clone(), change: WriteKind::Put(pod.clone()) };
    let deletion = decide(state, call, (&key, entry, pod), options)?;
    Ok([told].into_iter().chain(deletion.writes).collect())
}

/// Takes one disruption from the budget of a pod, if it has one.
fn budget(state: &State, call: &Call<'_>, pod: &Value, entry: &Entry) -> Result<Option<Write>, Halt> {
    let prefix = format!("{}/", call.namespace());
    let shelf = state.shelf(BUDGETS);
    let budgets: Vec<(Arc<str>, Value)> = shelf
        .into_iter()
        .flat_map(|shelf| shelf.range(&prefix))
        .map(|(key, budget)| (key.clone(), budget.value()))
        .filter(|(_, budget)| {
            // A budget without a selector is for no pod, one with an empty selector for all.
            let selector = budget.at(&["spec", "selector"]);
            selector.is_some_and(|selector| LabelSelector(selector).selects(|key| entry.label(key)))
        })
        .collect();
    let (key, mut budget) = match &budgets[..] {
        [] => return Ok(None),
        [only] => only.clone(),
        _ => {
            let message = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
            return Err(Failure::new(500, "", message).into());
        }
    };
    let number = |budget: &Value, key: &str| budget.int_at(&["status", key]).unwrap_or(0);
    if !is_ready(pod) {
        let always = budget.str_at(&["spec", "unhealthyPodEvictionPolicy"]) == Some("AlwaysAllow");
        let (current, desired) = (number(&budget, "currentHealthy"), number(&budget, "desiredHealthy"));
        if always || (current >= desired && desired > 0) {
            return Ok(None);
        }
    }
    check(&budget)?;
    let allowed = number(&budget, "disruptionsAllowed") - 1;
    budget.set(&["status", "disruptionsAllowed"], allowed.into());
    if allowed == 0 {
        forbid(&mut budget, &call.time().to_string());
    }
    budget.set(&["status", "disruptedPods", &call.info.name], call.time().to_string().into());
    Ok(Some(Write { shelf: BUDGETS.into(), key, change: WriteKind::Put(budget) }))
}

fn is_ready(pod: &Value) -> bool {
    condition(pod, "Ready").is_some_and(|condition| condition.str_at(&["status"]) == Some("True"))
}

fn condition<'o>(object: &'o Value, kind: &str) -> Option<&'o Value> {
    let list = object.at(&["status", "conditions"]).and_then(Value::as_list).unwrap_or_default();
    list.iter().find(|condition| condition.str_at(&["type"]) == Some(kind))
}

fn cause(message: String) -> Option<Cause> {
    Some(Cause { reason: "DisruptionBudget".into(), message, ..Cause::default() })
}

/// Whether a budget allows one more disruption.
fn check(budget: &Value) -> Result<(), Failure> {
    let name = budget.str_at(&["metadata", "name"]).unwrap_or_default();
    let number = |path: &[&str]| budget.int_at(path).unwrap_or(0);
    if number(&["status", "observedGeneration"]) < number(&["metadata", "generation"]) {
        let why = format!("The disruption budget {name} is still being processed by the server.");
        return Err(Failure::too_many_requests(VIOLATES, 10, cause(why)));
    }
    let allowed = number(&["status", "disruptionsAllowed"]);
    let resource = GroupResource::new("policy", "poddisruptionbudget");
    if allowed < 0 {
        return Err(Failure::forbidden(&resource, name, "pdb disruptions allowed is negative"));
    }
    let disrupted =
        budget.at(&["status", "disruptedPods"]).and_then(Value::as_map).map_or(0, |pods| pods.len());
    if disrupted > MAX_DISRUPTED_PODS {
        let why = "DisruptedPods map too big - too many evictions not confirmed by PDB controller";
        return Err(Failure::forbidden(&resource, name, why));
    }
    match allowed {
        0 => Err(Failure::too_many_requests(VIOLATES, 0, cause(why_not(budget, name)))),
        _ => Ok(()),
    }
}

fn why_not(budget: &Value, name: &str) -> String {
    let number = |key: &str| budget.int_at(&["status", key]).unwrap_or(0);
    let (current, desired) = (number("currentHealthy"), number("desiredHealthy"));
    let refused = condition(budget, "DisruptionAllowed")
        .filter(|condition| condition.str_at(&["status"]) == Some("False"))
        .map(|condition| ["reason", "message"].map(|key| condition.str_at(&[key]).unwrap_or_default()))
        .filter(|[_, message]| !message.is_empty());
    match refused {
        Some(["SyncFailed", message]) => format!(
            "The disruption budget {name} does not allow evicting pods currently because it failed sync: {message}"
        ),
        _ if current <= desired => {
            format!("The disruption budget {name} needs {desired} healthy pods and has {current} currently")
        }
        Some([reason, message]) => {
            format!(
                "The disruption budget {name} does not allow evicting pods currently ({reason}): {message}"
            )
        }
        None => format!("The disruption budget {name} does not allow evicting pods currently"),
    }
}

fn forbid(budget: &mut Value, now: &str) {
    let mut list = budget.at(&["status", "conditions"]).and_then(Value::as_list).unwrap_or_default().to_vec();
    let generation = budget.int_at(&["status", "observedGeneration"]).unwrap_or(0);
    let mut new = Value::default();
    for (key, text) in [
        ("type", "DisruptionAllowed"),
        ("status", "False"),
        ("reason", "InsufficientPods"),
        ("message", ""),
        ("lastTransitionTime", now),
    ] {
        new.set(&[key], text.into());
    }
    new.set(&["observedGeneration"], generation.into());
    list.retain(|condition| condition.str_at(&["type"]) != Some("DisruptionAllowed"));
    list.push(new);
    budget.set(&["status", "conditions"], Value::list(list));
}
