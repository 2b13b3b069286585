//! Creating, reading, changing and deleting objects.

use crate::api::Api;

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

fn map(name: &str, data: &str) -> String {
    format!(r#"{{"kind":"ConfigMap","apiVersion":"v1","metadata":{{"name":"{name}"}},"data":{{{data}}}}}"#)
}

#[test]
fn an_object_lives() {
    let mut api = Api::new();
    let made = api.post(MAPS, &map("a", r#""x":"1""#)).ok();
    assert_eq!(made.code, 201);
    assert_eq!(made.text(&["metadata", "namespace"]), "default");
    assert_eq!(made.text(&["metadata", "creationTimestamp"]), "2023-11-14T22:13:20Z");
    let path = format!("{MAPS}/a");
    assert_eq!(api.get(&path).ok().body, made.body);
    let changed = api.put(&path, &map("a", r#""x":"2""#)).ok();
    assert_ne!(changed.version(), made.version());
    assert_eq!(api.put(&path, &map("a", r#""x":"2""#)).ok().version(), changed.version(), "nothing changes");
    let gone = api.delete(&path).ok();
    assert_eq!(gone.text(&["status"]), "Success");
    assert_eq!(api.get(&path).code, 404);
}

#[test]
fn applies_own_what_they_set() {
    let mut api = Api::new();
    let path = format!("{MAPS}/a");
    let made = api.apply(&path, "x", &map("a", r#""k":"1","l":"1""#)).ok();
    assert_eq!(made.code, 201);
    let again = api.apply(&path, "x", &map("a", r#""k":"1","l":"1""#)).ok();
    assert_eq!((again.code, again.version()), (200, made.version()));
    let conflict = api.apply(&path, "y", &map("a", r#""k":"2""#));
    assert_eq!(
        (conflict.code, conflict.message()),
        (409, "Apply failed with 1 conflict: conflict with \"x\": .data.k")
    );
    let forced = api.apply(&format!("{path}?force=true"), "y", &map("a", r#""k":"2""#)).ok();
    assert_eq!((forced.text(&["data", "k"]), forced.text(&["data", "l"])), ("2", "1"));
    let fewer = api.apply(&path, "x", &map("a", "")).ok();
    assert_eq!((fewer.text(&["data", "k"]), fewer.text(&["data", "l"])), ("2", ""));
}

#[test]
fn watches_tell_what_happens() {
    let mut api = Api::new();
    api.post(MAPS, &map("a", "")).ok();
    let mut watch = api.watch(MAPS);
    assert_eq!(api.poll(&mut watch).unwrap(), ["ADDED a"]);
    assert!(api.poll(&mut watch).unwrap().is_empty());
    api.post(MAPS, &map("b", "")).ok();
    api.put(&format!("{MAPS}/a"), &map("a", r#""x":"1""#)).ok();
    api.delete(&format!("{MAPS}/b")).ok();
    assert_eq!(api.poll(&mut watch).unwrap(), ["ADDED b", "MODIFIED a", "DELETED b"]);
}

#[test]
fn lists_come_in_parts_of_one_version() {
    let mut api = Api::new();
    for name in ["a", "b", "c"] {
        api.post(MAPS, &map(name, "")).ok();
    }
    let first = api.get(&format!("{MAPS}?limit=2")).ok();
    assert_eq!(first.names(), ["a", "b"]);
    assert_eq!(first.body.int_at(&["metadata", "remainingItemCount"]), Some(1));
    api.delete(&format!("{MAPS}/c")).ok();
    api.post(MAPS, &map("d", "")).ok();
    let token = first.text(&["metadata", "continue"]);
    let rest = api.get(&format!("{MAPS}?limit=2&continue={token}")).ok();
    assert_eq!(rest.names(), ["c"]);
    assert_eq!(rest.version(), first.version());
    assert_eq!(api.get(MAPS).ok().names(), ["a", "b", "d"]);
}

#[test]
fn bodies_have_a_limit() {
    let mut api = Api::new();
    let large = api.post(MAPS, &map("a", &format!(r#""x":"{}""#, "x".repeat(3 << 20))));
    assert_eq!((large.code, large.message()), (413, "Request entity too large: limit is 3145728"));
}

#[test]
fn namespaces_go_once_they_are_said_to_be_empty() {
    let mut api = Api::new();
    let path = "/api/v1/namespaces/n";
    api.post("/api/v1/namespaces", r#"{"metadata":{"name":"n"}}"#).ok();
    let wrong = api.send(
        &crate::api::request(lockstep_apistore::Method::Delete, path)
            .body("application/json", br#"{"preconditions":{"uid":"x"}}"#.as_slice()),
    );
    assert!(wrong.message().contains("Precondition failed: UID in precondition: x"), "{}", wrong.message());
    let going = api.delete(path).ok();
    assert_eq!(going.text(&["status", "phase"]), "Terminating");
    assert_eq!(api.delete(path).ok().version(), going.version(), "it is going already");
    let done = r#"{"metadata":{"name":"n"},"spec":{"finalizers":[]}}"#;
    api.put(&format!("{path}/finalize"), done).ok();
    assert_eq!(api.get(path).code, 404);
}

#[test]
fn no_uid_comes_twice() {
    let mut api = Api::new();
    let mut seen = std::collections::BTreeSet::new();
    for index in 0..50 {
        let made = api.post(MAPS, &map(&format!("m{index}"), "")).ok();
        assert!(seen.insert(made.text(&["metadata", "uid"]).to_owned()), "{index}");
        api.get(MAPS).ok();
        api.delete(&format!("{MAPS}/m{index}")).ok();
    }
}
