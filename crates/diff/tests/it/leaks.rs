//! What a Secret holds never leaves this room.

use lockstep_core::{Value, to_json};
use lockstep_diff::{ADOPTABLE, adoption, drift, extras, object_diff, owner_of, recover};

use crate::scenario::{MANAGER, Scenario, commit, desired, key, live, value};

/// `canary-…` as base64 in its three alignments, and plain.
fn leaks(text: &str) -> bool {
    ["canary", "Y2FuYXJ5", "NhbmFyeS", "jYW5hcnkt"].iter().any(|form| text.contains(form))
}

fn check(scenario: &Scenario) {
    let record = scenario.record();
    let nothing = Value::Null;
    assert!(leaks(&String::from_utf8(to_json(&scenario.desired.value)).unwrap()), "the canary is there");
    for live in scenario.events.values().chain([&scenario.applied]) {
        for desired in [None, Some(&scenario.desired)] {
            let verdict = drift(&record, desired, live, MANAGER, &key());
            assert!(!leaks(&format!("{verdict:?}")), "{verdict:?}");
            if let lockstep_diff::Verdict::Drifted(drift) = verdict {
                assert!(!leaks(&drift.to_string()));
            }
        }
        for before in [&scenario.desired.value, &scenario.applied.value, &nothing] {
            for (a, b) in [(before, &live.value), (&live.value, before)] {
                let diff = object_diff(a, b, &live.key);
                assert!(!leaks(&format!("{diff:?} {diff}")), "{diff}");
            }
        }
        let others = format!(
            "{:?} {:?} {:?} {:?}",
            extras(live, MANAGER),
            adoption(live, &ADOPTABLE, MANAGER, "v1"),
            owner_of(live),
            recover(&scenario.desired, live, MANAGER, &key(), &commit()),
        );
        assert!(!leaks(&others), "{others}");
    }
    assert!(!leaks(&format!("{record:?}")));
}

#[test]
fn secrets_and_what_repeats_them_are_not_shown() {
    let scenario = Scenario::load("secret");
    assert_eq!(scenario.events.len(), 5);
    check(&scenario);
}

#[test]
fn a_value_that_changes_on_the_way_in_is_not_shown() {
    let mut scenario = Scenario::load("secret");
    let mut object = scenario.applied.value.clone();
    object.set(&["data", "password"], "Y2FuYXJ5LW90aGVy".into());
    scenario.events.insert("admitted".into(), live(object));
    check(&scenario);
}

#[test]
fn secrets_inside_other_objects_are_not_shown() {
    let scenario = Scenario::load("box");
    let secret = |text: &str| {
        value(&format!(
            r#"{{"kind":"Secret","data":{{"a":"{text}"}},"metadata":{{"annotations":{{"n":"{text}"}}}}}}"#
        ))
    };
    let with = |object: &Value, text: &str| {
        let mut object = object.clone();
        object.set(&["spec", "free", "deep", "a"], secret(text));
        object.set(&["spec", "size"], format!("it is {text}").into());
        object
    };
    let before = with(&scenario.applied.value, "Y2FuYXJ5LTE=");
    let after = with(&scenario.applied.value, "Y2FuYXJ5LTI=");
    let wanted = desired(with(&scenario.desired.value, "Y2FuYXJ5LTE="));
    let scenario = Scenario {
        desired: wanted,
        applied: live(before),
        events: [("changed".into(), live(after))].into(),
        whole: Value::Null,
    };
    check(&scenario);
}
