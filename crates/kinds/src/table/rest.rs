//! What limits, ranks, scales and steers requests.

use std::time::Duration;

use lockstep_core::Value;

use super::cell::{Row, age, name};
use crate::meta::View;
use crate::policy::amount_of;

const FLOW: &str = "flowcontrol.apiserver.k8s.io";
const RESOURCE: &str = "resource.k8s.io";

pub(super) static PRINTERS: &[(&str, &str, Row)] = &[
    ("", "ResourceQuota", quota),
    ("policy", "PodDisruptionBudget", budget),
    ("autoscaling", "HorizontalPodAutoscaler", autoscaler),
    ("coordination.k8s.io", "Lease", |one, now| {
        vec![name(one), one.child("spec").text("holderIdentity").into(), age(one, now)]
    }),
    ("coordination.k8s.io", "LeaseCandidate", |one, now| {
        let text = |field: &str| one.child("spec").text(field).into();
        vec![name(one), text("leaseName"), text("binaryVersion"), text("emulationVersion"), age(one, now)]
    }),
    ("scheduling.k8s.io", "PriorityClass", |one, now| {
        let (value, global) = (one.number("value").into(), one.flag("globalDefault").into());
        vec![name(one), value, global, age(one, now), one.text("preemptionPolicy").into()]
    }),
    ("node.k8s.io", "RuntimeClass", |one, now| vec![name(one), one.text("handler").into(), age(one, now)]),
    (FLOW, "FlowSchema", flow_schema),
    (FLOW, "PriorityLevelConfiguration", priority_level),
    (RESOURCE, "DeviceClass", |one, now| vec![name(one), age(one, now)]),
    (RESOURCE, "ResourceClaimTemplate", |one, now| vec![name(one), age(one, now)]),
    (RESOURCE, "ResourceClaim", |one, now| vec![name(one), claim_state(one).into(), age(one, now)]),
    (RESOURCE, "ResourceSlice", |one, now| {
        let spec = one.child("spec");
        let pool = spec.child("pool").text("name").into();
        vec![name(one), spec.text("nodeName").into(), spec.text("driver").into(), pool, age(one, now)]
    }),
    ("apiextensions.k8s.io", "CustomResourceDefinition", definition),
    ("certificates.k8s.io", "ClusterTrustBundle", |one, _| {
        vec![name(one), super::cell::or(one.child("spec").text("signerName"), "<none>")]
    }),
];

/// The name, and when it was made.
pub(super) fn plain(object: &Value, _: Duration) -> Vec<Value> {
    vec![name(object), object.child("metadata").text("creationTimestamp").into()]
}

fn definition(definition: &Value, _: Duration) -> Vec<Value> {
    let (spec, names) = (definition.child("spec"), definition.child("spec").child("names"));
    let served = spec.items("versions").iter().filter(|version| version.flag("served"));
    let versions: Vec<String> = served
        .map(|version| match version.flag("storage") {
            true => format!("{}(storage)", version.text("name")),
            false => version.text("name").to_owned(),
        })
        .collect();
    let short: Vec<&str> = names.items("shortNames").iter().filter_map(Value::as_str).collect();
    let established = crate::condition::is_true(definition.child("status"), "Established");
    vec![
        name(definition),
        spec.text("scope").into(),
        versions.join(",").into(),
        // A date that kubectl does not turn into an age.
        definition.child("metadata").text("creationTimestamp").into(),
        spec.text("group").into(),
        names.text("kind").into(),
        short.join(",").into(),
        established.into(),
    ]
}

fn claim_state(claim: &Value) -> String {
    let (deleted, status) = (claim.child("metadata").has("deletionTimestamp"), claim.child("status"));
    let allocated = status.has("allocation");
    let states = [
        ("deleted", deleted),
        ("pending", !allocated && !deleted),
        ("allocated", allocated),
        ("reserved", allocated && !status.items("reservedFor").is_empty()),
    ];
    states.iter().filter(|(_, is)| *is).map(|(state, _)| *state).collect::<Vec<_>>().join(",")
}

fn quota(quota: &Value, now: Duration) -> Vec<Value> {
    let (status, mut requests, mut limits) = (quota.child("status"), Vec::new(), Vec::new());
    for (resource, hard) in status.entries("hard") {
        let used = amount_of(status.child("used").child(resource));
        let list = if resource.starts_with("limits.") { &mut limits } else { &mut requests };
        list.push(format!("{resource}: {used}/{}", amount_of(hard)));
    }
    vec![name(quota), requests.join(", ").into(), limits.join(", ").into(), age(quota, now)]
}

fn number_or(spec: &Value, field: &str, none: &str) -> Value {
    match spec.child(field) {
        Value::Null => none.into(),
        Value::String(text) => (&**text).into(),
        number => number.as_int().unwrap_or_default().to_string().into(),
    }
}

fn budget(budget: &Value, now: Duration) -> Vec<Value> {
    let spec = budget.child("spec");
    let allowed = budget.child("status").number("disruptionsAllowed").into();
    let [least, most] = ["minAvailable", "maxUnavailable"].map(|field| number_or(spec, field, "N/A"));
    vec![name(budget), least, most, allowed, age(budget, now)]
}

fn autoscaler(object: &Value, now: Duration) -> Vec<Value> {
    let object = match object.text("apiVersion") {
        "autoscaling/v1" => &crate::autoscaling::convert(object.clone(), "v2"),
        _ => object,
    };
    let (spec, status) = (object.child("spec"), object.child("status"));
    let target = spec.child("scaleTargetRef");
    vec![
        name(object),
        format!("{}/{}", target.text("kind"), target.text("name")).into(),
        metrics(spec.items("metrics"), status.items("currentMetrics")).into(),
        number_or(spec, "minReplicas", "<unset>"),
        spec.number("maxReplicas").into(),
        status.number("currentReplicas").into(),
        age(object, now),
    ]
}

fn metrics(wanted: &[Value], current: &[Value]) -> String {
    let shown: Vec<String> =
        wanted.iter().enumerate().map(|(index, metric)| metric_text(metric, current.get(index))).collect();
    match shown.len() {
        0 => "<none>".into(),
        count @ 3.. => format!("{} + {} more...", shown[..2].join(", "), count - 2),
        _ => shown.join(", "),
    }
}

fn metric_text(metric: &Value, current: Option<&Value>) -> String {
    let kind = metric.text("type");
    let source = match kind {
        "External" => "external",
        "Pods" => "pods",
        "Object" => "object",
        "Resource" => "resource",
        "ContainerResource" => "containerResource",
        _ => return "<unknown type>".into(),
    };
    let target = metric.child(source).child("target");
    let now = current.map(|current| current.child(source)).filter(|source| source.has("current"));
    let now = |field: &str| {
        now.map(|source| source.child("current")).filter(|now| now.has(field)).map(|now| now.child(field))
    };
    let amounts = |field: &str| {
        let now = now(field).map_or("<unknown>".into(), |now| amount_of(now).to_string());
        format!("{now}/{}", amount_of(target.child(field)))
    };
    let average = target.has("averageValue");
    let prefix = match source {
        "resource" | "containerResource" => format!("{}: ", metric.child(source).text("name")),
        _ => String::new(),
    };
    match source {
        "external" | "object" if average => format!("{} (avg)", amounts("averageValue")),
        "external" | "object" => amounts("value"),
        _ if average || source == "pods" => format!("{prefix}{}", amounts("averageValue")),
        _ => {
            let percent = |value: &Value| format!("{}%", value.as_int().unwrap_or_default());
            let used = now("averageUtilization").map_or("<unknown>".into(), percent);
            let wanted = match target.has("averageUtilization") {
                true => percent(target.child("averageUtilization")),
                false => "<auto>".into(),
            };
            format!("{prefix}{used}/{wanted}")
        }
    }
}

fn flow_schema(schema: &Value, now: Duration) -> Vec<Value> {
    let spec = schema.child("spec");
    let method = match spec.has("distinguisherMethod") {
        true => spec.child("distinguisherMethod").text("type"),
        false => "<none>",
    };
    let conditions = schema.child("status").items("conditions");
    let dangling = conditions.iter().find(|condition| condition.text("type") == "Dangling");
    vec![
        name(schema),
        spec.child("priorityLevelConfiguration").text("name").into(),
        spec.number("matchingPrecedence").into(),
        method.into(),
        age(schema, now),
        dangling.map_or("?", |condition| condition.text("status")).into(),
    ]
}

fn priority_level(level: &Value, now: Duration) -> Vec<Value> {
    let (spec, limited) = (level.child("spec"), level.child("spec").child("limited"));
    let queuing = limited.child("limitResponse").child("queuing");
    let number = |of: &Value, field: &str| of.int(field).map_or("<none>".into(), Value::from);
    vec![
        name(level),
        spec.text("type").into(),
        number(limited, "nominalConcurrencyShares"),
        number(queuing, "queues"),
        number(queuing, "handSize"),
        number(queuing, "queueLengthLimit"),
        age(level, now),
    ]
}
