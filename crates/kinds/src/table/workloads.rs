//! What makes Pods.

use std::time::Duration;

use lockstep_core::Value;

use super::cell::{Row, age, containers, name};
use super::elapsed::{between, since};
use super::pod::pod;
use super::selector::{labels, selector, text};
use crate::meta::View;

pub(super) static PRINTERS: &[(&str, &str, Row)] = &[
    ("", "Pod", pod),
    ("", "PodTemplate", |one, _| {
        let template = one.child("template");
        let [names, images] = containers(template.child("spec"));
        vec![name(one), names, images, labels(template.child("metadata").child("labels"))]
    }),
    ("", "ReplicationController", |one, now| {
        replicas(one, (labels(one.child("spec").child("selector")), now))
    }),
    ("apps", "ReplicaSet", |one, now| replicas(one, (selector(one.child("spec").child("selector")), now))),
    ("apps", "Deployment", deployment),
    ("apps", "StatefulSet", |one, now| {
        let [names, images] = template(one);
        vec![name(one), ready(one), age(one, now), names, images]
    }),
    ("apps", "DaemonSet", daemon_set),
    ("apps", "ControllerRevision", |one, now| {
        vec![name(one), controller(one), one.number("revision").into(), age(one, now)]
    }),
    ("batch", "Job", job),
    ("batch", "CronJob", cron_job),
    ("autoscaling", "Scale", |one, now| {
        let count = |part: &str| one.child(part).number("replicas").into();
        vec![name(one), count("spec"), count("status"), age(one, now)]
    }),
];

fn template(object: &Value) -> [Value; 2] {
    containers(object.child("spec").child("template").child("spec"))
}

fn ready(object: &Value) -> Value {
    let (ready, wanted) =
        (object.child("status").number("readyReplicas"), object.child("spec").number("replicas"));
    format!("{ready}/{wanted}").into()
}

fn replicas(object: &Value, (selects, now): (Value, Duration)) -> Vec<Value> {
    let (spec, status) = (object.child("spec"), object.child("status"));
    let [names, images] = template(object);
    vec![
        name(object),
        spec.number("replicas").into(),
        status.number("replicas").into(),
        status.number("readyReplicas").into(),
        age(object, now),
        names,
        images,
        selects,
    ]
}

fn deployment(object: &Value, now: Duration) -> Vec<Value> {
    let (spec, status) = (object.child("spec"), object.child("status"));
    let [names, images] = template(object);
    vec![
        name(object),
        ready(object),
        status.number("updatedReplicas").into(),
        status.number("availableReplicas").into(),
        age(object, now),
        names,
        images,
        text(spec.child("selector")).map_or("<invalid>".into(), Value::from),
    ]
}

fn daemon_set(object: &Value, now: Duration) -> Vec<Value> {
    let (spec, status) = (object.child("spec"), object.child("status"));
    let count = |field: &str| Value::from(status.number(field));
    let [names, images] = template(object);
    vec![
        name(object),
        count("desiredNumberScheduled"),
        count("currentNumberScheduled"),
        count("numberReady"),
        count("updatedNumberScheduled"),
        count("numberAvailable"),
        labels(spec.child("template").child("spec").child("nodeSelector")),
        age(object, now),
        names,
        images,
        selector(spec.child("selector")),
    ]
}

fn job(job: &Value, now: Duration) -> Vec<Value> {
    let (spec, status) = (job.child("spec"), job.child("status"));
    let succeeded = status.number("succeeded");
    let completions = match (spec.int("completions"), spec.number("parallelism")) {
        (Some(wanted), _) => format!("{succeeded}/{wanted}"),
        (None, parallel) if parallel > 1 => format!("{succeeded}/1 of {parallel}"),
        (None, _) => format!("{succeeded}/1"),
    };
    let (start, end) = (status.text("startTime"), status.text("completionTime"));
    let took = match (start, end) {
        ("", _) => String::new(),
        (start, "") => since(start, now),
        (start, end) => between(start, end),
    };
    let [names, images] = template(job);
    vec![
        name(job),
        job_state(job).into(),
        completions.into(),
        took.into(),
        age(job, now),
        names,
        images,
        selector(spec.child("selector")),
    ]
}

fn job_state(job: &Value) -> &'static str {
    let conditions = job.child("status").items("conditions");
    let has = |kind: &str| {
        let found = conditions.iter().find(|condition| condition.text("type") == kind);
        found.is_some_and(|condition| condition.text("status") == "True")
    };
    let deleted = job.child("metadata").has("deletionTimestamp");
    match () {
        () if has("Complete") => "Complete",
        () if has("Failed") => "Failed",
        () if deleted => "Terminating",
        () if has("Suspended") => "Suspended",
        () if has("FailureTarget") => "FailureTarget",
        () if has("SuccessCriteriaMet") => "SuccessCriteriaMet",
        () => "Running",
    }
}

fn cron_job(object: &Value, now: Duration) -> Vec<Value> {
    let (spec, status) = (object.child("spec"), object.child("status"));
    let last = match status.text("lastScheduleTime") {
        "" => "<none>".into(),
        time => since(time, now),
    };
    let suspended = match spec.child("suspend").as_bool() {
        None => "<unset>",
        Some(true) => "True",
        Some(false) => "False",
    };
    let job = spec.child("jobTemplate").child("spec");
    let [names, images] = containers(job.child("template").child("spec"));
    vec![
        name(object),
        spec.text("schedule").into(),
        if spec.has("timeZone") { spec.text("timeZone") } else { "<none>" }.into(),
        suspended.into(),
        (status.items("active").len() as u64).into(),
        last.into(),
        age(object, now),
        names,
        images,
        selector(job.child("selector")),
    ]
}

fn controller(object: &Value) -> Value {
    let owners = object.child("metadata").items("ownerReferences");
    let Some(owner) = owners.iter().find(|owner| owner.flag("controller")) else { return "<none>".into() };
    let kind = match owner.text("apiVersion").rsplit_once('/') {
        Some((group, _)) => format!("{}.{group}", owner.text("kind")),
        None => owner.text("kind").to_owned(),
    };
    format!("{}/{}", kind.to_lowercase(), owner.text("name")).into()
}
