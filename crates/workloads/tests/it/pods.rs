//! What becomes of pods: crashes, pauses, ends, logs, places.

use std::time::Duration;

use apistore::{Method, Request};
use lockstep_core::Value;

use crate::cluster::{Cluster, value};

const POD: &str = "/api/v1/namespaces/default/pods/p";

fn pod(policy: &str, annotations: &[(&str, &str)]) -> Value {
    let mut pod = value(&format!(
        r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"p"}},
        "spec":{{"restartPolicy":"{policy}","containers":[{{"name":"main","image":"img:1"}}]}}}}"#
    ));
    for (key, text) in annotations {
        pod.set(&["metadata", "annotations", &format!("cluster.lockstep.dev/{key}")], (*text).into());
    }
    pod
}

/// Phase, restarts and the state of the container.
fn state(cluster: &mut Cluster) -> String {
    let pod = cluster.get(POD);
    let status = pod
        .at(&["status", "containerStatuses"])
        .and_then(Value::as_list)
        .and_then(|list| list.first())
        .unwrap();
    let state = status.get("state").and_then(Value::as_map).and_then(|map| map.iter().next()).unwrap();
    let (kind, state) = (state.0, state.1);
    let reason = state.str_at(&["reason"]).map(|reason| format!(":{reason}")).unwrap_or_default();
    let phase = pod.str_at(&["status", "phase"]).unwrap();
    format!("{phase} {} {kind}{reason}", status.int_at(&["restartCount"]).unwrap())
}

#[test]
fn containers_are_where_their_annotations_say() {
    let check = |policy: &str, annotations: &[(&str, &str)], after: u64, want: &str| {
        let mut cluster = Cluster::new();
        cluster.apply("default", &pod(policy, annotations));
        cluster.pass(Duration::from_secs(after));
        assert_eq!(state(&mut cluster), want, "{policy} {annotations:?}");
        cluster.rests();
    };
    check("Always", &[], 2, "Running 0 running");
    check("Never", &[], 2, "Succeeded 0 terminated:Completed");
    check("Never", &[("exit-code", "3")], 2, "Failed 0 terminated:Error");
    check("Never", &[("exit-after", "never")], 99, "Running 0 running");
    check("Always", &[("crash", "1")], 2, "Running 1 waiting:CrashLoopBackOff");
    check("Always", &[("crash", "1")], 15, "Running 2 waiting:CrashLoopBackOff");
    check("Always", &[("crash", "1")], 3600, "Running 16 waiting:CrashLoopBackOff");
    check("OnFailure", &[("crash", "1"), ("crash-times", "2")], 20, "Succeeded 2 terminated:Completed");
    check("Always", &[("pull", "fail")], 1, "Pending 0 waiting:ErrImagePull");
    check("Always", &[("pull", "fail")], 9, "Pending 0 waiting:ImagePullBackOff");
}

#[test]
fn readiness_changes_as_told() {
    let mut cluster = Cluster::new();
    cluster.apply("default", &pod("Always", &[("readiness-flips", "10s")]));
    let mut seen = Vec::new();
    for _ in 0..4 {
        cluster.pass(Duration::from_secs(10));
        let pod = cluster.get(POD);
        let conditions = pod.at(&["status", "conditions"]).and_then(Value::as_list).unwrap();
        let ready = conditions.iter().find(|one| one.str_at(&["type"]) == Some("Ready")).unwrap();
        seen.push(ready.str_at(&["status"]).unwrap().to_owned());
    }
    assert_eq!(seen, ["True", "False", "True", "False"]);
}

#[test]
fn a_wrong_image_can_be_put_right() {
    let mut cluster = Cluster::new();
    let mut wrong = pod("Always", &[]);
    let image = |image: &str| value(&format!(r#"[{{"name":"main","image":"{image}"}}]"#));
    wrong.set(&["spec", "containers"], image("does-not-exist:1"));
    cluster.apply("default", &wrong);
    cluster.settle();
    assert_eq!(state(&mut cluster), "Pending 0 waiting:ImagePullBackOff");
    wrong.set(&["spec", "containers"], image("img:1"));
    cluster.apply("default", &wrong);
    cluster.settle();
    assert_eq!(state(&mut cluster), "Running 0 running");
}

#[test]
fn logs_have_the_lines_of_each_start() {
    let mut cluster = Cluster::new();
    cluster.apply("default", &pod("Always", &[("logs", "one\ntwo"), ("crash", "1"), ("crash-times", "1")]));
    cluster.settle();
    for _ in 0..2 {
        for query in ["", "previous"] {
            let log = cluster.send(Request::system(Method::Get, format!("{POD}/log")).with(query, "true"));
            assert_eq!(log.as_str(), Some("one\ntwo\n"), "{query}");
        }
        // Another process goes on.
        cluster.workloads = lockstep_workloads::Workloads::new("PEM");
        cluster.settle();
    }
}

#[test]
fn deleted_pods_take_the_time_that_they_need_and_are_given() {
    let check = |annotations: &[(&str, &str)], grace: &str, after_ms: u64, gone: bool| {
        let mut cluster = Cluster::new();
        cluster.apply("default", &pod("Always", annotations));
        cluster.settle();
        cluster.send(Request::system(Method::Delete, POD).with("gracePeriodSeconds", grace));
        cluster.pass(Duration::from_millis(after_ms));
        let (code, _) = cluster.ask(Request::system(Method::Get, POD));
        assert_eq!(code == 404, gone, "{annotations:?} {grace} {after_ms}");
        cluster.rests();
    };
    check(&[], "30", 1, true);
    check(&[("stop-after", "10s")], "30", 9_000, false);
    check(&[("stop-after", "10s")], "30", 11_000, true);
    check(&[("stop-after", "1h")], "5", 6_000, true);
    check(&[("stop-after", "1h")], "0", 1, true);
}

#[test]
fn pods_wait_for_a_node_that_fits_and_are_spread() {
    let mut cluster = Cluster::new();
    let mut wanting = pod("Always", &[]);
    wanting.set(&["spec", "nodeSelector"], value(r#"{"disk":"fast"}"#));
    cluster.apply("default", &wanting);
    cluster.settle();
    let found = cluster.get(POD);
    let conditions = found.at(&["status", "conditions"]).and_then(Value::as_list).unwrap();
    assert_eq!(
        conditions[0].str_at(&["message"]),
        Some(
            "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling."
        )
    );
    cluster.rests();
    let labels = Request::system(Method::Patch, "/api/v1/nodes/lockstep-2");
    cluster.send(
        labels.body("application/merge-patch+json", br#"{"metadata":{"labels":{"disk":"fast"}}}"#.to_vec()),
    );
    cluster.settle();
    assert_eq!(cluster.get(POD).str_at(&["spec", "nodeName"]), Some("lockstep-2"));
    cluster.apply("default", &crate::cluster::deployment("w", 3, "img:1", &[]));
    cluster.settle();
    let pods = cluster.list("/api/v1/namespaces/default/pods");
    let on = |node: &str| pods.iter().filter(|pod| pod.str_at(&["spec", "nodeName"]) == Some(node)).count();
    assert_eq!((on("lockstep-1"), on("lockstep-2")), (2, 2));
}

#[test]
fn what_happens_is_told_in_events_that_are_counted() {
    let mut cluster = Cluster::new();
    cluster.apply("default", &pod("Always", &[("crash", "1")]));
    cluster.pass(Duration::from_secs(60));
    let events = cluster.list("/api/v1/namespaces/default/events");
    let count = |reason: &str| {
        let found = events.iter().find(|event| event.str_at(&["reason"]) == Some(reason));
        found.and_then(|event| event.int_at(&["count"]).or(Some(1))).unwrap_or(0)
    };
    assert_eq!((count("Scheduled"), count("Started"), count("BackOff")), (1, 4, 3));
}

#[test]
fn events_end_after_an_hour_whoever_told_of_them() {
    const EVENTS: &str = "/api/v1/namespaces/default/events";
    let mut cluster = Cluster::new();
    cluster.apply("default", &pod("Always", &[]));
    cluster.settle();
    assert!(!cluster.list(EVENTS).is_empty());
    // Another process goes on.
    cluster.workloads = lockstep_workloads::Workloads::new("PEM");
    cluster.settle();
    assert!(!cluster.list(EVENTS).is_empty());
    cluster.now += Duration::from_secs(3700);
    cluster.settle();
    assert_eq!(cluster.list(EVENTS), []);
}

fn waiting(cluster: &mut Cluster) -> (String, String) {
    let pod = cluster.get(POD);
    let status = pod.at(&["status", "containerStatuses"]).and_then(Value::as_list).unwrap()[0].clone();
    let text = |key| status.str_at(&["state", "waiting", key]).unwrap_or_default().to_owned();
    (text("reason"), text("message"))
}

fn keys(kind: &str, name: &str, key: &str) -> Value {
    let (field, data) = if kind == "Secret" { ("data", "dg==") } else { ("data", "v") };
    value(&format!(
        r#"{{"apiVersion":"v1","kind":"{kind}","metadata":{{"name":"{name}"}},"{field}":{{"{key}":"{data}"}}}}"#
    ))
}

#[test]
fn containers_wait_for_what_they_read() {
    let check = |container: &str, want: &str, missing: Value| {
        let mut cluster = Cluster::new();
        let mut wanting = pod("Always", &[]);
        let list = format!(r#"[{{"name":"main","image":"img:1",{container}}}]"#);
        wanting.set(&["spec", "containers"], value(&list));
        cluster.apply("default", &wanting);
        cluster.settle();
        let expected = match want {
            "" => (String::new(), String::new()),
            want => ("CreateContainerConfigError".to_owned(), want.to_owned()),
        };
        assert_eq!(waiting(&mut cluster), expected, "{container}");
        let phase = if want.is_empty() { "Running" } else { "Pending" };
        assert_eq!(cluster.get(POD).str_at(&["status", "phase"]), Some(phase), "{container}");
        let events = cluster.list("/api/v1/namespaces/default/events");
        let error = format!("Error: {want}");
        let told = events.iter().any(|event| event.str_at(&["message"]) == Some(&error));
        assert_eq!(told, !want.is_empty(), "{container}");
        cluster.rests();
        cluster.apply("default", &missing);
        cluster.settle();
        assert_eq!(state(&mut cluster), "Running 0 running", "{container}");
        // What runs goes on without it.
        let kind = missing.str_at(&["kind"]).unwrap();
        let path = cluster.path("v1", kind, "default");
        cluster.delete(&format!("{path}/nope"), "Background");
        cluster.settle();
        assert_eq!(state(&mut cluster), "Running 0 running", "{container}");
    };
    let map = || keys("ConfigMap", "nope", "k");
    let secret = || keys("Secret", "nope", "k");
    check(r#""envFrom":[{"configMapRef":{"name":"nope"}}]"#, "configmap \"nope\" not found", map());
    check(r#""envFrom":[{"secretRef":{"name":"nope"}}]"#, "secret \"nope\" not found", secret());
    check(r#""envFrom":[{"configMapRef":{"name":"nope","optional":true}}]"#, "", map());
    let of = |key: &str, name: &str, more: &str| {
        format!(r#""env":[{{"name":"A","valueFrom":{{"{key}":{{"name":"{name}","key":"k"{more}}}}}}}]"#)
    };
    check(&of("configMapKeyRef", "nope", ""), "configmap \"nope\" not found", map());
    check(&of("secretKeyRef", "nope", ""), "secret \"nope\" not found", secret());
    check(&of("secretKeyRef", "nope", r#","optional":true"#), "", secret());
    let mut root = keys("ConfigMap", "kube-root-ca.crt", "k");
    root.set(&["data", "ca.crt"], "PEM".into());
    let absent = of("configMapKeyRef", "kube-root-ca.crt", r#","optional":true"#);
    check(&absent, "", root);
}

#[test]
fn a_key_that_is_not_there_is_named() {
    let mut cluster = Cluster::new();
    cluster.apply("default", &keys("ConfigMap", "c", "other"));
    let mut wanting = pod("Always", &[]);
    wanting.set(
        &["spec", "containers"],
        value(
            r#"[{"name":"main","image":"i:1","env":[{"name":"A","valueFrom":{"configMapKeyRef":{"name":"c","key":"k"}}}]},
            {"name":"side","image":"i:1"}]"#,
        ),
    );
    cluster.apply("default", &wanting);
    cluster.settle();
    assert_eq!(waiting(&mut cluster).1, "couldn't find key k in ConfigMap default/c");
    let pod = cluster.get(POD);
    let side = &pod.at(&["status", "containerStatuses"]).and_then(Value::as_list).unwrap()[1];
    assert_eq!(side.at(&["ready"]).and_then(Value::as_bool), Some(true));
    // Another process sees the same.
    cluster.workloads = lockstep_workloads::Workloads::new("PEM");
    cluster.settle();
    assert_eq!(waiting(&mut cluster).0, "CreateContainerConfigError");
    cluster.apply("default", &keys("ConfigMap", "c", "k"));
    cluster.settle();
    assert_eq!(state(&mut cluster), "Running 0 running");
}

#[test]
fn an_init_container_that_cannot_be_made_holds_the_others() {
    let mut cluster = Cluster::new();
    let mut wanting = pod("Always", &[]);
    wanting.set(
        &["spec", "initContainers"],
        value(r#"[{"name":"init","image":"i:1","envFrom":[{"secretRef":{"name":"nope"}}]}]"#),
    );
    cluster.apply("default", &wanting);
    cluster.settle();
    assert_eq!(waiting(&mut cluster).0, "PodInitializing");
    let pod = cluster.get(POD);
    let init = &pod.at(&["status", "initContainerStatuses"]).and_then(Value::as_list).unwrap()[0];
    assert_eq!(init.str_at(&["state", "waiting", "message"]), Some("secret \"nope\" not found"));
    cluster.apply("default", &keys("Secret", "nope", "k"));
    cluster.settle();
    assert_eq!(state(&mut cluster), "Running 0 running");
}

#[test]
fn pods_wait_for_what_they_mount() {
    let check = |volume: &str, want: &str, missing: Value| {
        let mut cluster = Cluster::new();
        let mut wanting = pod("Always", &[]);
        wanting.set(&["spec", "volumes"], value(&format!(r#"[{{"name":"v",{volume}}}]"#)));
        cluster.apply("default", &wanting);
        cluster.settle();
        let expected = if want.is_empty() { "" } else { "ContainerCreating" };
        assert_eq!(waiting(&mut cluster).0, expected, "{volume}");
        let events = cluster.list("/api/v1/namespaces/default/events");
        let failed = events.iter().find(|event| event.str_at(&["reason"]) == Some("FailedMount"));
        let said = failed.and_then(|event| event.str_at(&["message"])).unwrap_or_default();
        assert_eq!(said, want, "{volume}");
        cluster.apply("default", &missing);
        cluster.settle();
        assert_eq!(state(&mut cluster), "Running 0 running", "{volume}");
    };
    let failed = |why: &str| format!("MountVolume.SetUp failed for volume \"v\" : {why}");
    let map = || keys("ConfigMap", "nope", "k");
    let secret = || keys("Secret", "nope", "k");
    check(r#""configMap":{"name":"nope"}"#, &failed("configmap \"nope\" not found"), map());
    check(r#""configMap":{"name":"nope","optional":true}"#, "", map());
    check(r#""secret":{"secretName":"nope"}"#, &failed("secret \"nope\" not found"), secret());
    let projected = r#""projected":{"sources":[{"secret":{"name":"nope"}}]}"#;
    check(projected, &failed("secret \"nope\" not found"), secret());
    let keyed = r#""configMap":{"name":"kube-root-ca.crt","items":[{"key":"ca.crt","path":"x"}]}"#;
    check(keyed, "", map());
}

#[test]
fn annotations_that_cannot_be_followed_are_told() {
    let mut cluster = Cluster::new();
    cluster.apply("default", &pod("Always", &[("ready-after", "soon")]));
    cluster.settle();
    let events = cluster.list("/api/v1/namespaces/default/events");
    let told = events.iter().find(|event| event.str_at(&["reason"]) == Some("UnreadableAnnotation")).unwrap();
    assert_eq!(
        told.str_at(&["message"]),
        Some(
            "annotation cluster.lockstep.dev/ready-after: \"soon\" is no duration such as 1m30s, nor \"never\""
        )
    );
    assert_eq!(told.str_at(&["type"]), Some("Warning"));
}
