//! Pods: their logs, their nodes, and how they go.

use lockstep_apistore::{Answers, Body, Handled, Method};

use crate::api::{Api, Reply, request};

const PODS: &str = "/api/v1/namespaces/default/pods";
const BUDGETS: &str = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";

fn pod(api: &mut Api, name: &str) -> Reply {
    let body = format!(
        r#"{{"kind":"Pod","apiVersion":"v1","metadata":{{"name":"{name}","labels":{{"app":"x"}}}},"spec":{{"containers":[{{"name":"main","image":"i"}}]}}}}"#
    );
    api.post(PODS, &body).ok()
}

fn bind(api: &mut Api, name: &str) {
    let body = format!(r#"{{"metadata":{{"name":"{name}"}},"target":{{"kind":"Node","name":"n"}}}}"#);
    api.post(&format!("{PODS}/{name}/binding"), &body).ok();
}

fn status(api: &mut Api, path: &str, status: &str) {
    api.patch(&format!("{path}/status"), "merge", &format!(r#"{{"status":{status}}}"#)).ok();
}

#[test]
fn logs_are_read() {
    let mut api = Api::new();
    let made = pod(&mut api, "a");
    assert_eq!(api.get(&format!("{PODS}/a/log")).code, 204, "no node yet");
    bind(&mut api, "a");
    for line in ["one", "two"] {
        api.store.log(made.text(&["metadata", "uid"]), "main", line, api.now);
    }
    assert_eq!(api.get(&format!("{PODS}/a/log")).ok().body.as_str(), Some("one\ntwo\n"));
    assert_eq!(api.get(&format!("{PODS}/a/log?tailLines=1")).ok().body.as_str(), Some("two\n"));
    let wrong = api.get(&format!("{PODS}/a/log?container=x"));
    assert_eq!((wrong.code, wrong.message()), (400, "container x is not valid for pod a"));
    status(
        &mut api,
        &format!("{PODS}/a"),
        r#"{"containerStatuses":[{"name":"main","image":"i","imageID":"","ready":false,"restartCount":0,"state":{"waiting":{"reason":"ContainerCreating"}}}]}"#,
    );
    let waiting = api.get(&format!("{PODS}/a/log"));
    assert_eq!(waiting.message(), r#"container "main" in pod "a" is waiting to start: ContainerCreating"#);
    let none = api.get(&format!("{PODS}/a/log?previous=true"));
    assert_eq!(
        (none.code, none.message()),
        (400, r#"previous terminated container "main" in pod "a" not found"#)
    );
}

#[test]
fn the_log_is_of_one_run() {
    let mut api = Api::new();
    let made = pod(&mut api, "a");
    bind(&mut api, "a");
    let uid = made.text(&["metadata", "uid"]).to_owned();
    for line in ["first", "second"] {
        api.store.begin_log(&uid, "main");
        api.store.log(&uid, "main", line, api.now);
    }
    let ended = r#"{"terminated":{"exitCode":1}}"#;
    let mut check = |state: &str, want: (&str, &str)| {
        let of = r#""name":"main","image":"i","imageID":"","ready":false,"restartCount":1"#;
        let list = format!(r#"{{"containerStatuses":[{{{of},"lastState":{ended},"state":{state}}}]}}"#);
        status(&mut api, &format!("{PODS}/a"), &list);
        let mut read =
            |query: &str| api.get(&format!("{PODS}/a/log{query}")).ok().body.as_str().unwrap().to_owned();
        assert_eq!((&*read(""), &*read("?previous=true")), want, "{state}");
    };
    check(r#"{"running":{"startedAt":"2026-01-01T00:00:00Z"}}"#, ("second\n", "first\n"));
    // It is not started again yet: the last run is both.
    check(r#"{"waiting":{"reason":"CrashLoopBackOff"}}"#, ("second\n", "second\n"));
}

#[test]
fn a_log_is_followed_until_its_container_stops() {
    let mut api = Api::new();
    let made = pod(&mut api, "a");
    bind(&mut api, "a");
    let uid = made.text(&["metadata", "uid"]).to_owned();
    api.store.log(&uid, "main", "one", api.now);
    api.store.log(&uid, "main", "two", api.now);
    let request = request(Method::Get, &format!("{PODS}/a/log?follow=true&tailLines=1"));
    let Handled::Done(response) = api.store.handle(&request, &Answers::new(), api.now) else { panic!() };
    let Body::Log(mut log) = response.body else { panic!("no log to follow") };
    let mut read = |api: &Api| api.store.poll_log(&mut log).map(|text| String::from_utf8(text).unwrap());
    assert_eq!(read(&api).as_deref(), Some("two\n"));
    assert_eq!(read(&api).as_deref(), Some(""));
    api.store.log(&uid, "main", "three", api.now);
    status(&mut api, &format!("{PODS}/a"), r#"{"phase":"Succeeded"}"#);
    assert_eq!(read(&api).as_deref(), Some("three\n"), "what was said last is heard");
    assert_eq!(read(&api), None);
}

#[test]
fn pods_with_a_node_get_time_to_stop() {
    let mut api = Api::new();
    pod(&mut api, "a");
    bind(&mut api, "a");
    let path = format!("{PODS}/a");
    let stopping = api.delete(&path).ok();
    assert_eq!(stopping.body.int_at(&["metadata", "deletionGracePeriodSeconds"]), Some(30));
    let again = api.delete(&format!("{path}?gracePeriodSeconds=60")).ok();
    assert_eq!(again.version(), stopping.version(), "not longer than it has");
    assert_eq!(api.delete(&format!("{path}?gracePeriodSeconds=0")).code, 200);
    assert_eq!(api.get(&path).code, 404);
    pod(&mut api, "b");
    api.delete(&format!("{PODS}/b")).ok();
    assert_eq!(api.get(&format!("{PODS}/b")).code, 404, "without a node there is nothing to stop");
}

#[test]
fn evictions_respect_budgets() {
    let mut api = Api::new();
    pod(&mut api, "a");
    bind(&mut api, "a");
    let ready = r#"{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}"#;
    status(&mut api, &format!("{PODS}/a"), ready);
    let budget =
        r#"{"metadata":{"name":"b"},"spec":{"minAvailable":1,"selector":{"matchLabels":{"app":"x"}}}}"#;
    api.post(BUDGETS, budget).ok();
    let evict = |api: &mut Api| {
        let body = r#"{"kind":"Eviction","apiVersion":"policy/v1","metadata":{"name":"a"}}"#;
        api.post(&format!("{PODS}/a/eviction"), body)
    };
    let early = evict(&mut api);
    assert_eq!(early.code, 429);
    assert_eq!(early.body.int_at(&["details", "retryAfterSeconds"]), Some(10));
    let counts = |allowed: i64| {
        format!(
            r#"{{"observedGeneration":1,"disruptionsAllowed":{allowed},"currentHealthy":1,"desiredHealthy":1,"expectedPods":1}}"#
        )
    };
    status(&mut api, &format!("{BUDGETS}/b"), &counts(0));
    let refused = evict(&mut api);
    assert_eq!(refused.message(), "Cannot evict pod as it would violate the pod's disruption budget.");
    let causes = refused.body.at(&["details", "causes"]).unwrap().as_list().unwrap();
    assert_eq!(
        causes[0].str_at(&["message"]),
        Some("The disruption budget b needs 1 healthy pods and has 1 currently")
    );
    status(&mut api, &format!("{BUDGETS}/b"), &counts(1));
    assert_eq!(evict(&mut api).code, 201);
    let left = api.get(&format!("{BUDGETS}/b")).ok();
    assert_eq!(left.body.int_at(&["status", "disruptionsAllowed"]), Some(0));
    assert!(left.body.at(&["status", "disruptedPods", "a"]).is_some());
    assert!(api.get(&format!("{PODS}/a")).ok().body.at(&["metadata", "deletionTimestamp"]).is_some());
}

#[test]
fn a_resize_changes_resources_alone() {
    let mut api = Api::new();
    let body = r#"{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i","resources":{"requests":{"cpu":"100m"},"limits":{"cpu":"200m"}}}]}}"#;
    api.post("/api/v1/namespaces/default/pods", body).ok();
    let path = "/api/v1/namespaces/default/pods/p/resize";
    let cpu = |amount: &str| {
        format!(
            r#"{{"metadata":{{"labels":{{"a":"b"}}}},"spec":{{"containers":[{{"name":"c","image":"other","resources":{{"requests":{{"cpu":"{amount}"}}}}}}]}}}}"#
        )
    };
    let resized = api.patch(path, "strategic", &cpu("150m")).ok();
    let container =
        &resized.body.at(&["spec", "containers"]).and_then(lockstep_core::Value::as_list).unwrap()[0];
    assert_eq!(container.str_at(&["resources", "requests", "cpu"]), Some("150m"));
    assert_eq!(container.str_at(&["image"]), Some("i"));
    assert_eq!(resized.body.int_at(&["metadata", "generation"]), Some(2));
    assert_eq!(resized.text(&["metadata", "labels", "a"]), "");
    let refused = api.patch(path, "strategic", &cpu("1"));
    assert_eq!(
        (refused.code, refused.message()),
        (
            422,
            "Pod \"p\" is invalid: spec.containers[0].resources.requests: Invalid value: \"1\": must be less than or equal to cpu limit of 200m"
        )
    );
}
