//! Giving a pod to a node.

use lockstep_core::{Gvk, Value};
use schema::{At, FieldError};

use crate::admission::{self, Operation};
use crate::body;
use crate::call::{Call, Outcome, Shown};
use crate::failure::{Failure, GroupResource, Halt, success};
use crate::options::{WriteKind as OptionsKind, WriteOptions};
use crate::shelf::key;
use crate::state::{State, Write, WriteKind};

const PODS: &str = "/pods";

/// Binds a pod to the node of the body: of `pods/NAME/binding`, or of `bindings`.
pub(crate) fn bind(state: &State, call: &mut Call<'_>) -> Result<Outcome, Halt> {
    let format = body::format(call)?;
    body::check_size(&call.request.body)?;
    let options = WriteOptions::read(call.request, OptionsKind::Create)?;
    let binding = body::decode(call, format, &Gvk::new("", "v1", "Binding"), options.field_validation)?;
    let text = |path: &[&str]| binding.str_at(path).unwrap_or_default();
    let name = if call.info.name.is_empty() { text(&["metadata", "name"]) } else { &call.info.name };
    check(&binding)?;
    admission::act(call, (state, Operation::Create, options.dry_run), Some(&binding))?;
    let pods = GroupResource::new("", "pods");
    let Some(entry) = state.find(PODS, &call.info.namespace, name) else {
        return Err(Failure::not_found(&pods, name).into());
    };
    let mut pod = entry.value();
    let refuse = |why: String| Failure::conflict(&GroupResource::new("", "pods/binding"), name, &why);
    if pod.at(&["metadata", "deletionTimestamp"]).is_some() {
        return Err(refuse(format!("pod {name} is being deleted, cannot be assigned to a host")).into());
    }
    if let Some(node) = pod.str_at(&["spec", "nodeName"]).filter(|node| !node.is_empty()) {
        let node = crate::failure::quoted(node);
        return Err(refuse(format!("pod {name} is already assigned to node {node}")).into());
    }
    assign(&mut pod, &binding, &call.time().to_string());
    let write =
        Write { shelf: PODS.into(), key: key(&call.info.namespace, name), change: WriteKind::Put(pod) };
    let writes = if options.dry_run { Vec::new() } else { vec![write] };
    Ok(Outcome { code: 201, writes, shown: Shown::Object(success(201, "", "", "", "")) })
}

fn check(binding: &Value) -> Result<(), Failure> {
    let target = At::ROOT.field("target");
    let mut errors = Vec::new();
    match binding.str_at(&["target", "kind"]).unwrap_or_default() {
        "" | "Node" => {}
        kind => errors.push(FieldError::not_supported(&target.field("kind"), kind, &["Node", "<empty>"])),
    }
    if binding.str_at(&["target", "name"]).is_none_or(str::is_empty) {
        errors.push(FieldError::required(&target.field("name"), ""));
    }
    match errors.is_empty() {
        true => Ok(()),
        // The server does not say that it is the client's fault.
        false => {
            let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
            Err(Failure::unknown(crate::failure::joined(&errors)))
        }
    }
}

fn assign(pod: &mut Value, binding: &Value, now: &str) {
    pod.set(&["spec", "nodeName"], binding.str_at(&["target", "name"]).unwrap_or_default().into());
    pod.remove(&["status", "nominatedNodeName"]);
    for key in ["annotations", "labels"] {
        for (name, value) in binding.at(&["metadata", key]).and_then(Value::as_map).into_iter().flatten() {
            pod.set(&["metadata", key, name], value.clone());
        }
    }
    set_condition(pod, "PodScheduled", &[("status", "True")], now);
}

/// Sets a condition of a pod; its time changes with its status.
pub(super) fn set_condition(pod: &mut Value, kind: &str, fields: &[(&str, &str)], now: &str) {
    let mut list = pod.at(&["status", "conditions"]).and_then(Value::as_list).unwrap_or_default().to_vec();
    let index = list.iter().position(|condition| condition.str_at(&["type"]) == Some(kind));
    let before = index.and_then(|index| list.get(index)).cloned().unwrap_or_default();
    let mut condition = Value::default();
    condition.set(&["type"], kind.into());
    condition.set(&["lastProbeTime"], Value::Null);
    for (key, text) in fields {
        condition.set(&[key], (*text).into());
    }
    let same = before.get("status") == condition.get("status");
    let since = before.str_at(&["lastTransitionTime"]).filter(|_| same).unwrap_or(now);
    condition.set(&["lastTransitionTime"], since.into());
    match index.and_then(|index| list.get_mut(index)) {
        Some(old) => *old = condition,
        None => list.push(condition),
    }
    pod.set(&["status", "conditions"], Value::list(list));
}
