//! The record of an apply whose answer was lost in a crash.

use lockstep_core::{LiveObject, Timestamp, Value};
use lockstep_diff::recover;

use crate::scenario::{MANAGER, Scenario, commit, desired, key, live, value};

fn recovers(scenario: &Scenario, live: &LiveObject) -> bool {
    recover(&scenario.desired, live, MANAGER, &key(), &commit()).is_some()
}

#[test]
fn what_is_exactly_as_desired_needs_no_write() {
    for file in [
        "box",
        "configmap",
        "configmap_empty",
        "duplicates",
        "hpa_v1",
        "hpa_v2",
        "networkpolicy",
        "secret",
        "service",
    ] {
        let scenario = Scenario::load(file);
        let recovered = recover(&scenario.desired, &scenario.applied, MANAGER, &key(), &commit());
        assert_eq!(recovered, Some(scenario.record()), "{file}");
    }
    let service = Scenario::load("service");
    assert!(recovers(&service, service.event("port_added")), "what others add does not count");
}

#[test]
fn what_the_server_spells_otherwise_is_in_doubt() {
    for file in ["deployment", "mutated"] {
        let scenario = Scenario::load(file);
        assert!(!recovers(&scenario, &scenario.applied), "{file}");
    }
}

#[test]
fn every_event_that_is_drift_is_in_doubt() {
    for (file, events) in [
        ("configmap", &["changed", "removed", "edited", "replaced", "applied_as_us", "updated_as_us"][..]),
        ("service", &["target_changed", "selector_added", "selector_changed"]),
        ("secret", &["changed", "removed", "applied_client_side"]),
        (
            "box",
            &[
                "item_changed",
                "item_removed",
                "tag_removed",
                "plain_reordered",
                "whole_child_added",
                "maybe_set",
            ],
        ),
        ("duplicates", &["duplicated"]),
        ("hpa_v1_as_v2", &["as_v2"]),
    ] {
        let scenario = Scenario::load(file);
        for event in events {
            assert!(!recovers(&scenario, scenario.event(event)), "{file}: {event}");
        }
    }
}

#[test]
fn anything_declared_and_not_covered_or_covered_and_not_declared_is_in_doubt() {
    let scenario = Scenario::load("configmap");
    let with = |change: &dyn Fn(&mut Value)| {
        let mut value = scenario.desired.value.clone();
        change(&mut value);
        recover(&desired(value), &scenario.applied, MANAGER, &key(), &commit()).is_some()
    };
    assert!(with(&|_| {}));
    // The server tracks neither what identifies the object nor what it sets itself.
    assert!(with(&|value| value.set(&["metadata", "creationTimestamp"], Value::Null)));
    assert!(!with(&|value| value.set(&["data", "new"], "x".into())));
    assert!(!with(&|value| value.set(&["data", "key"], "x".into())));
    assert!(!with(&|value| value.set(&["metadata", "labels", "b"], "x".into())));
    assert!(!with(&|value| drop(value.remove(&["data", "key"]))));
    assert!(!with(&|value| drop(value.remove(&["data"]))));
    assert!(!with(&|value| drop(value.remove(&["metadata"]))));
    assert!(!with(&|value| value.set(&["data"], "x".into())));
}

#[test]
fn one_item_does_not_stand_for_two_keys() {
    // {port: 53} fits the keys of TCP and, by default, of UDP; {port: 99} is then covered by none.
    let scenario = Scenario::load("service");
    let recovers = |ports: &str| {
        let (mut wanted, mut there) = (scenario.desired.value.clone(), scenario.applied.value.clone());
        wanted.set(&["spec"], value(&format!(r#"{{"ports":{ports}}}"#)));
        there.set(
            &["spec"],
            value(r#"{"ports":[{"port":53,"protocol":"TCP"},{"port":53,"protocol":"UDP"}]}"#),
        );
        let mut entries = there.at(&["metadata", "managedFields"]).and_then(Value::as_list).unwrap().to_vec();
        entries[0].set(
            &["fieldsV1", "f:spec"],
            value(
                r#"{"f:ports":{"k:{\"port\":53,\"protocol\":\"TCP\"}":{".":{},"f:port":{}},
                    "k:{\"port\":53,\"protocol\":\"UDP\"}":{".":{},"f:port":{}}}}"#,
            ),
        );
        there.set(&["metadata", "managedFields"], Value::list(entries));
        recover(&desired(wanted), &live(there), MANAGER, &key(), &commit()).is_some()
    };
    assert!(!recovers(r#"[{"port":53},{"port":99}]"#));
    assert!(!recovers(r#"[{"port":53}]"#));
}

#[test]
fn only_objects_that_say_they_are_ours_are_recovered() {
    let scenario = Scenario::load("configmap");
    let annotated = |owner: &str| {
        let (mut there, mut wanted) = (scenario.applied.value.clone(), scenario.desired.value.clone());
        let path = ["metadata", "annotations", "lockstep.dev/owner"];
        there.set(&path, owner.into());
        wanted.set(&path, owner.into());
        recover(&desired(wanted), &live(there), MANAGER, &key(), &commit()).is_some()
    };
    assert!(annotated("lockstep:team/shop:/ConfigMap:default/conf"));
    assert!(!annotated("lockstep:team/shop:/ConfigMap:default/other"));
    assert!(!annotated("lockstep-two:team/shop:/ConfigMap:default/conf"));
    // The annotation is one of the values that must be as desired: another application's object is not ours.
    let mut there = scenario.applied.value.clone();
    let other = "lockstep:team/blog:/ConfigMap:default/conf";
    there.set(&["metadata", "annotations", "lockstep.dev/owner"], other.into());
    assert!(!recovers(&scenario, &live(there)));
}

#[test]
fn an_object_on_its_way_out_is_not_recovered() {
    let scenario = Scenario::load("configmap");
    let leaving = LiveObject { deleting_since: Some(Timestamp(1)), ..scenario.applied.clone() };
    assert!(!recovers(&scenario, &leaving));
}
