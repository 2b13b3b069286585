//! Faults that tests ask for.

use std::time::Duration;

use lockstep_apistore::{Effect, Fault, Method};

use crate::api::{Api, request};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

fn unavailable() -> Effect {
    Effect::Status { code: 503, reason: "ServiceUnavailable".into(), message: "later".into(), retry_after: 2 }
}

#[test]
fn requests_that_match_are_refused_as_often_as_asked_for() {
    let mut api = Api::new();
    api.store.inject(Fault::next("create", "configmaps", unavailable()).of("a").times(2));
    let make = |api: &mut Api, name: &str| {
        api.post(&format!("{MAPS}?dryRun=All"), &format!(r#"{{"metadata":{{"name":"{name}"}}}}"#)).code
    };
    assert_eq!(make(&mut api, "a"), 201, "the name of what is created is not in the path");
    api.store.clear_faults();
    api.store.inject(Fault::next("create", "configmaps", unavailable()).times(2));
    assert_eq!([make(&mut api, "a"), make(&mut api, "a"), make(&mut api, "a")], [503, 503, 201]);
    api.store.inject(Fault::next("get", "configmaps", unavailable()).of("x"));
    assert_eq!(api.get(&format!("{MAPS}/y")).code, 404);
    let refused = api.get(&format!("{MAPS}/x"));
    assert_eq!((refused.code, refused.message()), (503, "later"));
    assert_eq!(refused.body.int_at(&["details", "retryAfterSeconds"]), Some(2));
}

#[test]
fn a_connection_breaks_before_or_after_the_write() {
    let mut api = Api::new();
    for (effect, written) in [(Effect::ResetBefore, false), (Effect::ResetAfter, true)] {
        api.store.inject(Fault::next("create", "configmaps", effect.clone()));
        let body = br#"{"metadata":{"generateName":"a-"}}"#.as_slice();
        api.answer(&request(Method::Post, MAPS).body("application/json", body));
        assert_eq!(api.store.effect(), Some(&effect));
        assert_eq!(!api.get(MAPS).names().is_empty(), written);
        assert_eq!(api.store.effect(), None, "of the last request only");
    }
}

#[test]
fn answers_come_late() {
    let mut api = Api::new();
    let late = Effect::Delay(Duration::from_secs(3));
    api.store.inject(Fault::next("list", "configmaps", late.clone()));
    assert_eq!(api.get(MAPS).code, 200);
    api.answer(&request(Method::Get, MAPS));
    assert_eq!(api.store.effect(), None);
    api.store.inject(Fault::next("list", "configmaps", late.clone()));
    api.answer(&request(Method::Get, MAPS));
    assert_eq!(api.store.effect(), Some(&late));
}
