//! What real controllers made of manifests (`recorded.jsonl`: Kubernetes 1.37.2, its controllers and scheduler, with a fake kubelet),
//! compared with what is made of them here: whole objects, with their managed fields. Compared after what is random or of a
//! machine has been named alike: uids, hashes, generated names, addresses, times, nodes.

use std::collections::BTreeMap;

use lockstep_core::{Map, Value};

use crate::cluster::{Cluster, value};

static RECORDED: &str = include_str!("recorded.jsonl");

/// Kinds whose objects are compared, with their API version.
const KINDS: [(&str, &str); 16] = [
    ("v1", "Service"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "ReplicaSet"),
    ("v1", "Pod"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("apps/v1", "ControllerRevision"),
    ("batch/v1", "Job"),
    ("batch/v1", "CronJob"),
    ("v1", "Endpoints"),
    ("discovery.k8s.io/v1", "EndpointSlice"),
    ("policy/v1", "PodDisruptionBudget"),
    ("autoscaling/v2", "HorizontalPodAutoscaler"),
    ("v1", "PersistentVolumeClaim"),
    ("v1", "ServiceAccount"),
    ("v1", "ConfigMap"),
];

fn list<'v>(value: &'v Value, path: &[&str]) -> &'v [Value] {
    value.at(path).and_then(Value::as_list).unwrap_or_default()
}

fn text<'v>(value: &'v Value, path: &[&str]) -> &'v str {
    value.str_at(path).unwrap_or_default()
}

/// What stands for names that differ from cluster to cluster.
fn names(objects: &[Value]) -> Vec<(String, String)> {
    let mut names = BTreeMap::new();
    for object in objects {
        let kind = text(object, &["kind"]);
        names.insert(text(object, &["metadata", "uid"]).to_owned(), format!("uid of a {kind}"));
        let revision = match kind {
            "ReplicaSet" => {
                text(object, &["metadata", "annotations", "deployment.kubernetes.io/revision"]).to_owned()
            }
            "ControllerRevision" => object.int_at(&["revision"]).unwrap_or(0).to_string(),
            _ if object.at(&["metadata", "generateName"]).is_some() => {
                names.insert(text(object, &["metadata", "name"]).to_owned(), format!("a {kind}"));
                continue;
            }
            _ => continue,
        };
        let hash = text(object, &["metadata", "name"]).rsplit('-').next().unwrap_or_default();
        if !revision.is_empty() {
            names.insert(hash.to_owned(), format!("HASH{revision}"));
        }
    }
    names.remove("");
    // Longer names first: one may be part of another.
    let mut names: Vec<_> = names.into_iter().collect();
    names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    names
}

fn plain_text(text: &str, names: &[(String, String)]) -> String {
    let is_time = text.len() == 20 && text.ends_with('Z') && text.get(10..11) == Some("T");
    if is_time {
        return "TIME".to_owned();
    }
    if text.parse::<std::net::IpAddr>().is_ok() {
        return "IP".to_owned();
    }
    if text.starts_with("kube-api-access-") {
        return "kube-api-access".to_owned();
    }
    let mut text = text.to_owned();
    if text.contains("nodes are available") {
        text = text.replace(|letter: char| letter.is_ascii_digit(), "N");
    }
    for (name, stands_for) in names {
        text = text.replace(name, stands_for);
    }
    text
}

fn plain(value: &Value, names: &[(String, String)]) -> Value {
    match value {
        Value::String(text) => plain_text(text, names).into(),
        Value::List(items) => Value::list(items.iter().map(|item| plain(item, names)).collect()),
        Value::Map(map) => {
            let entries = map.iter().map(|(key, value)| {
                let key = plain_text(key, names);
                let key = if key.starts_with("k:{\"ip\"") { "k:IP".to_owned() } else { key };
                let value = match key.as_str() {
                    "nodeName" => "NODE".into(),
                    _ => plain(value, names),
                };
                (key.into(), value)
            });
            Value::map(entries.collect::<Map>())
        }
        other => other.clone(),
    }
}

/// An object without what is another in every cluster.
fn comparable(object: &Value, names: &[(String, String)], case: &str) -> Value {
    let mut object = plain(object, names);
    for key in ["uid", "resourceVersion", "creationTimestamp", "selfLink"] {
        object.remove(&["metadata", key]);
    }
    object.remove(&["metadata", "labels", "topology.kubernetes.io/zone"]);
    match text(&object, &["kind"]) {
        "Pod" => {
            if case != "unschedulable" {
                object.remove(&["status"]);
            }
            object.remove(&["metadata", "managedFields"]);
            if case.starts_with("daemon-set") {
                // They differ by their node only.
                object.remove(&["spec", "affinity"]);
                object.remove(&["spec", "nodeName"]);
            }
        }
        "EndpointSlice" => {
            object.remove(&["metadata", "generation"]);
            let endpoints = list(&object, &["endpoints"]).iter().map(|endpoint| {
                let mut endpoint = endpoint.clone();
                endpoint.remove(&["zone"]);
                endpoint
            });
            let endpoints = endpoints.collect();
            object.set(&["endpoints"], Value::list(endpoints));
            let mut ports = list(&object, &["ports"]).to_vec();
            ports.sort();
            if !ports.is_empty() {
                object.set(&["ports"], Value::list(ports));
            }
        }
        // That cluster has other nodes, one of which takes no pods.
        "DaemonSet" if case != "daemon-set-nowhere" => _ = object.remove(&["status"]),
        "ConfigMap" => object.set(&["data", "ca.crt"], "PEM".into()),
        _ => {}
    }
    // When was written by whom is another order of the same fields.
    let mut managers = list(&object, &["metadata", "managedFields"]).to_vec();
    for entry in &mut managers {
        entry.remove(&["time"]);
        if text(&object, &["kind"]) == "DaemonSet" {
            entry.remove(&["fieldsV1", "f:status", "f:numberUnavailable"]);
        }
    }
    managers.sort();
    if !managers.is_empty() {
        object.set(&["metadata", "managedFields"], Value::list(managers));
    }
    object
}

fn all_comparable(objects: &[Value], case: &str) -> Vec<Value> {
    let names = names(objects);
    let compared =
        objects.iter().filter(|object| KINDS.iter().any(|(_, kind)| *kind == text(object, &["kind"])));
    let mut all: Vec<Value> = compared.map(|object| comparable(object, &names, case)).collect();
    all.sort();
    if case.starts_with("daemon-set") {
        all.dedup();
    }
    all
}

fn run(case: &Value) -> Vec<Value> {
    let name = text(case, &["name"]);
    let namespace = format!("wlr-{name}");
    let mut cluster = Cluster::new();
    cluster.namespace(&namespace);
    for manifest in list(case, &["apply"]) {
        cluster.apply(&namespace, manifest);
        cluster.settle();
    }
    cluster.pass(std::time::Duration::from_secs(20));
    cluster.rests();
    let mut found = Vec::new();
    for (api, kind) in KINDS {
        let path = cluster.path(api, kind, &namespace);
        for mut object in cluster.list(&path) {
            object.set(&["kind"], kind.into());
            object.set(&["apiVersion"], api.into());
            found.push(object);
        }
    }
    all_comparable(&found, name)
}

/// The first differences of two values, by their paths.
fn differences(want: &Value, got: &Value, path: &str, out: &mut Vec<String>) {
    match (want, got) {
        _ if want == got => {}
        (Value::Map(a), Value::Map(b)) => {
            for key in a.keys().chain(b.keys().filter(|key| !a.contains_key(*key))) {
                let none = Value::from("(absent)");
                let (a, b) = (a.get(key).unwrap_or(&none), b.get(key).unwrap_or(&none));
                differences(a, b, &format!("{path}.{key}"), out);
            }
        }
        (Value::List(a), Value::List(b)) if a.len() == b.len() => {
            a.iter()
                .zip(b.iter())
                .enumerate()
                .for_each(|(at, (a, b))| differences(a, b, &format!("{path}[{at}]"), out));
        }
        _ => {
            let show = |value: &Value| String::from_utf8(lockstep_core::to_json(value)).unwrap();
            out.push(format!("{path}: want {:.300} got {:.300}", show(want), show(got)));
        }
    }
}

#[test]
fn objects_are_those_that_real_controllers_make() {
    let mut wrong = Vec::new();
    let cases: Vec<Value> = RECORDED.lines().map(value).collect();
    assert!(cases.len() >= 25, "{}", cases.len());
    for case in &cases {
        let name = text(case, &["name"]);
        if EXCLUDED.iter().any(|(excluded, _)| *excluded == name) {
            continue;
        }
        let (want, got) = (all_comparable(list(case, &["objects"]), name), run(case));
        let mut out = Vec::new();
        let kinds = |objects: &[Value]| {
            objects.iter().map(|object| text(object, &["kind"]).to_owned()).collect::<Vec<_>>()
        };
        if kinds(&want) == kinds(&got) {
            want.iter().zip(&got).for_each(|(a, b)| differences(a, b, text(a, &["kind"]), &mut out));
        } else {
            out.push(format!("want {:?} got {:?}", kinds(&want), kinds(&got)));
        }
        wrong.extend(out.into_iter().map(|line| format!("{name}: {line}")));
    }
    assert!(wrong.is_empty(), "{} differences\n{}", wrong.len(), wrong.join("\n"));
}

/// Cases that are not compared, and why.
const EXCLUDED: [(&str, &str); 1] = [("quota", "what it refuses is admission's part, not the controllers'")];
