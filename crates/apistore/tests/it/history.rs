//! What is remembered, and what is told where it is not: 410 in its three forms.

use lockstep_apistore::{Settings, Store};

use crate::api::Api;

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

fn map(name: &str) -> String {
    format!(r#"{{"metadata":{{"name":"{name}"}}}}"#)
}

fn filled(history: usize) -> (Api, String, String) {
    let mut api = Api::remembering(history);
    for name in ["a", "b", "c"] {
        api.post(MAPS, &map(name)).ok();
    }
    let first = api.get(&format!("{MAPS}?limit=1")).ok();
    let (version, token) = (first.version().to_owned(), first.text(&["metadata", "continue"]).to_owned());
    for round in 0..5 {
        let body = format!(r#"{{"data":{{"x":"{round}"}}}}"#);
        api.patch(&format!("{MAPS}/a"), "merge", &body).ok();
    }
    (api, version, token)
}

#[test]
fn a_watch_of_a_forgotten_version_ends_with_an_error() {
    let (mut api, version, _) = filled(3);
    let mut watch = api.watch(&format!("{MAPS}?resourceVersion={version}"));
    let events = api.poll(&mut watch).unwrap();
    assert_eq!(events.len(), 1);
    assert!(events[0].starts_with(&format!("ERROR too old resource version: {version} (")), "{events:?}");
    assert_eq!(api.poll(&mut watch), None);
}

#[test]
fn a_list_of_a_forgotten_version_is_gone() {
    let (mut api, version, token) = filled(3);
    let exact = api.get(&format!("{MAPS}?resourceVersion={version}&resourceVersionMatch=Exact"));
    assert_eq!((exact.code, exact.text(&["reason"])), (410, "Expired"));
    assert_eq!(exact.message(), "The resourceVersion for the provided list is too old.");
    let rest = api.get(&format!("{MAPS}?limit=1&continue={token}"));
    assert_eq!(rest.code, 410);
    assert!(rest.message().starts_with("The provided continue parameter is too old"));
    let inconsistent = rest.text(&["metadata", "continue"]);
    assert_eq!(api.get(&format!("{MAPS}?continue={inconsistent}")).ok().names(), ["b", "c"]);
}

#[test]
fn a_version_that_is_remembered_is_shown_as_it_was() {
    let (mut api, version, _) = filled(100);
    let then = api.get(&format!("{MAPS}?resourceVersion={version}&resourceVersionMatch=Exact")).ok();
    assert_eq!(then.version(), version);
    assert_eq!(then.body.at(&["items"]).unwrap().as_list().unwrap()[0].get("data"), None);
}

#[test]
fn bookmarks_come_every_minute_and_a_watch_ends_in_time() {
    let mut api = Api::new();
    api.post(MAPS, &map("a")).ok();
    let mut watch =
        api.watch(&format!("{MAPS}?allowWatchBookmarks=true&timeoutSeconds=100&resourceVersion=0"));
    assert_eq!(api.poll(&mut watch).unwrap(), ["ADDED a", "BOOKMARK"], "these were all");
    let wakes = api.store.wakes_at(&watch);
    assert_eq!((wakes - api.now).as_secs(), 60);
    api.now = wakes;
    assert_eq!(api.poll(&mut watch).unwrap(), ["BOOKMARK"]);
    api.now = api.store.wakes_at(&watch);
    assert_eq!(api.poll(&mut watch).unwrap(), ["BOOKMARK"], "the last, before the end");
    api.now += std::time::Duration::from_secs(2);
    assert_eq!(api.poll(&mut watch), None);
}

#[test]
fn what_cannot_be_read_again_is_not_stored() {
    let mut api = Api::new();
    api.post(MAPS, &map("a")).ok();
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let deep = format!(r#"{{"metadata":{{"name":"b"}},"x":{}}}"#, nested(101));
    let refused = api.post(MAPS, &deep);
    assert_eq!(refused.code, 400);
    assert!(refused.message().contains("exceeded max depth"), "{}", refused.message());
    let refused = api.post(MAPS, &nested(100_000));
    assert!(refused.message().contains("exceeded max depth"), "{}", refused.message());
    // A definition may hold anything below `example`.
    let definition = r#"{"metadata":{"name":"as.x.dev"},"spec":{"group":"x.dev","scope":"Cluster",
        "names":{"plural":"as","kind":"A"},"versions":[{"name":"v1","served":true,"storage":true,
        "schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}]}}"#;
    api.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition).ok();
    api.post("/apis/x.dev/v1/as", r#"{"apiVersion":"x.dev/v1","kind":"A","metadata":{"name":"a"}}"#).ok();
    let value = nested(60);
    let at = "/0".repeat(60);
    let patch = format!(
        r#"[{{"op":"add","path":"/x","value":{value}}},{{"op":"replace","path":"/x{at}","value":{value}}}]"#
    );
    let refused = api.patch("/apis/x.dev/v1/as/a", "json", &patch);
    assert_eq!((refused.code, refused.message()), (400, "exceeded max depth"));
}

#[test]
fn a_store_does_not_go_on_without_what_it_cannot_read() {
    let mut api = Api::new();
    api.post(MAPS, &map("a")).ok();
    let mut kept = api.store.take_changes();
    if let Some(last) = kept.last_mut() {
        last.value = Some(b"{".as_slice().into());
    }
    let settings = Settings { seed: 1, history: 100 };
    let error = Store::restore(settings, kept, api.store.revision(), api.now).unwrap_err();
    assert_eq!(error.to_string(), "the object /configmaps/default/a cannot be read");
}

#[test]
fn a_store_goes_on_where_it_was() {
    let mut api = Api::new();
    api.post(MAPS, &map("a")).ok();
    api.post(MAPS, &map("b")).ok();
    api.delete(&format!("{MAPS}/b")).ok();
    let mut kept = std::collections::BTreeMap::new();
    for change in api.store.take_changes() {
        kept.insert(change.key.clone(), change);
    }
    let settings = Settings { seed: 1, history: 100 };
    let before = api.store.revision();
    api.store = Store::restore(settings, kept.into_values().collect(), before, api.now).unwrap();
    assert_eq!(api.store.revision(), before);
    assert_eq!(api.get(MAPS).ok().names(), ["a"]);
    let made = api.post(MAPS, &map("c")).ok();
    assert_eq!(made.version(), (before + 1).to_string());
    assert_eq!(api.get(&format!("{MAPS}?resourceVersion=1&resourceVersionMatch=Exact")).code, 410);
}

#[test]
fn what_a_watch_begins_with_comes_in_parts_of_one_version() {
    let mut api = Api::new();
    for index in 0..1001 {
        api.post(MAPS, &format!(r#"{{"metadata":{{"name":"m{index:04}"}}}}"#)).ok();
    }
    let mut watch = api.watch(&format!(
        "{MAPS}?sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    ));
    let mut part = |api: &Api| {
        let events = api.store.poll_part(&mut watch, api.now).unwrap();
        let last = events.last().map(|event| event.kind.as_str().to_owned()).unwrap_or_default();
        (events.len(), last)
    };
    assert_eq!(part(&api), (500, "ADDED".into()));
    api.delete(&format!("{MAPS}/m1000")).ok();
    assert_eq!(part(&api), (500, "ADDED".into()));
    assert_eq!(
        part(&api),
        (3, "DELETED".into()),
        "the last one, that these were all, and what happened since"
    );
    assert_eq!(part(&api), (0, String::new()));
}
