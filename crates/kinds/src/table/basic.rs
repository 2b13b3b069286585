//! Namespaces, Nodes, Events and what is configured.

use std::collections::BTreeSet;
use std::time::Duration;

use lockstep_core::Value;

use super::cell::{Row, age, name, or};
use super::elapsed::since;
use crate::meta::View;

pub(super) static PRINTERS: &[(&str, &str, Row)] = &[
    ("", "Namespace", |one, now| vec![name(one), one.child("status").text("phase").into(), age(one, now)]),
    ("", "ConfigMap", |one, now| {
        let count = one.entries("data").count() + one.entries("binaryData").count();
        vec![name(one), (count as u64).into(), age(one, now)]
    }),
    ("", "Secret", |one, now| {
        let count = one.entries("data").count();
        vec![name(one), one.text("type").into(), (count as u64).into(), age(one, now)]
    }),
    ("", "ServiceAccount", |one, now| vec![name(one), age(one, now)]),
    ("", "Node", node),
    ("", "Event", event),
    ("events.k8s.io", "Event", |one, now| event(&crate::basic::convert_event(one, "v1"), now)),
    ("", "ComponentStatus", component_status),
];

fn node(node: &Value, now: Duration) -> Vec<Value> {
    let (status, info) = (node.child("status"), node.child("status").child("nodeInfo"));
    let ready = status.items("conditions").iter().rev().find(|condition| condition.text("type") == "Ready");
    let mut state = match ready.map(|ready| ready.text("status")) {
        None => "Unknown".to_owned(),
        Some("True") => "Ready".to_owned(),
        Some(_) => "NotReady".to_owned(),
    };
    if node.child("spec").flag("unschedulable") {
        state.push_str(",SchedulingDisabled");
    }
    let address = |kind: &str| {
        let found = status.items("addresses").iter().find(|address| address.text("type") == kind);
        Value::from(found.map_or("<none>", |address| address.text("address")))
    };
    let mut kernel = or(info.text("kernelVersion"), "<unknown>");
    if !info.text("architecture").is_empty() {
        kernel = format!("{} ({})", kernel.as_str().unwrap_or_default(), info.text("architecture")).into();
    }
    vec![
        name(node),
        state.into(),
        or(&roles(node), "<none>"),
        age(node, now),
        info.text("kubeletVersion").into(),
        address("InternalIP"),
        address("ExternalIP"),
        or(info.text("osImage"), "<unknown>"),
        kernel,
        or(info.text("containerRuntimeVersion"), "<unknown>"),
    ]
}

fn roles(node: &Value) -> String {
    let roles: BTreeSet<&str> = node
        .child("metadata")
        .entries("labels")
        .filter_map(|(key, value)| match key.strip_prefix("node-role.kubernetes.io/") {
            Some(role) => Some(role),
            None if key == "kubernetes.io/role" => value.as_str(),
            None => None,
        })
        .filter(|role| !role.is_empty())
        .collect();
    roles.into_iter().collect::<Vec<_>>().join(",")
}

fn event(event: &Value, now: Duration) -> Vec<Value> {
    let ago = |field: &str| since(event.text(field), now);
    let first = if event.has("firstTimestamp") { ago("firstTimestamp") } else { ago("eventTime") };
    let mut last = if event.has("lastTimestamp") { ago("lastTimestamp") } else { first.clone() };
    let mut count = event.number("count").max(1);
    if event.has("series") {
        last = since(event.child("series").text("lastObservedTime"), now);
        count = event.child("series").number("count");
    }
    let about = event.child("involvedObject");
    let kind = about.text("kind").to_lowercase();
    let target = match about.text("name") {
        "" => kind,
        name => format!("{kind}/{name}"),
    };
    let source = event.child("source");
    let either = |one: &str, other: &str| if one.is_empty() { other.to_owned() } else { one.to_owned() };
    let component = either(source.text("component"), event.text("reportingComponent"));
    let instance = either(source.text("host"), event.text("reportingInstance"));
    let source = if instance.is_empty() { component } else { format!("{component}, {instance}") };
    vec![
        last.into(),
        event.text("type").into(),
        event.text("reason").into(),
        target.into(),
        about.text("fieldPath").into(),
        source.into(),
        event.text("message").trim().into(),
        first.into(),
        count.into(),
        name(event),
    ]
}

fn component_status(component: &Value, _: Duration) -> Vec<Value> {
    let healthy = component.items("conditions").iter().find(|condition| condition.text("type") == "Healthy");
    let state = match healthy.map(|condition| condition.text("status")) {
        None => "Unknown",
        Some("True") => "Healthy",
        Some(_) => "Unhealthy",
    };
    let text = |field: &str| Value::from(healthy.map_or("", |condition| condition.text(field)));
    vec![name(component), state.into(), text("message"), text("error")]
}
