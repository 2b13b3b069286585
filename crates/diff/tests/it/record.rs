//! drift.md, "The record".

use lockstep_core::Value;
use lockstep_diff::{RecordError, record};
use schema::FieldSet;

use crate::scenario::{MANAGER, Scenario, commit, desired, key, live};

const FILES: [&str; 12] = [
    "box",
    "configmap",
    "configmap_empty",
    "deployment",
    "duplicates",
    "handover",
    "hpa_v1",
    "hpa_v2",
    "mutated",
    "networkpolicy",
    "secret",
    "service",
];

fn presence(file: &str) -> Vec<String> {
    let record = Scenario::load(file).record();
    FieldSet::parse(&record.presence).unwrap().leaves().iter().map(ToString::to_string).collect()
}

#[test]
fn the_server_s_field_set_is_kept_as_it_came() {
    for file in FILES {
        let scenario = Scenario::load(file);
        let entries = scenario.applied.managed_entries();
        let ours = entries.iter().find(|entry| &*entry.manager == MANAGER).unwrap();
        let record = scenario.record();
        assert_eq!(record.fields, ours.fields, "{file}");
        assert_eq!((&record.gvk, &record.uid), (&scenario.desired.gvk, &scenario.applied.uid));
        assert_eq!((record.rendered, &record.commit), (scenario.desired.digest, &commit()));
    }
}

#[test]
fn field_sets_of_a_server_print_as_they_were_read() {
    for file in FILES {
        for entry in Scenario::load(file).applied.managed_entries() {
            let set = FieldSet::parse(&entry.fields).unwrap();
            assert_eq!(set.to_fields_v1(), entry.fields, "{file}");
            // The files keep the order in which the server wrote.
            assert!(Scenario::text(file).contains(&set.to_json()), "{file}: {}", set.to_json());
        }
    }
}

#[test]
fn empty_values_are_told_apart_from_atomic_ones() {
    assert_eq!(
        presence("deployment"),
        [
            ".spec.template.metadata.annotations",
            ".spec.template.spec.containers[name=side].resources",
            ".spec.template.spec.containers[name=side].securityContext",
            ".spec.template.spec.volumes[name=tmp].emptyDir",
        ]
    );
    assert_eq!(presence("networkpolicy"), [".spec.ingress", ".spec.podSelector"]);
    assert_eq!(presence("configmap_empty"), [".data", ".immutable"]);
    assert_eq!(presence("box"), [".spec.maybe"]);
    // An empty text is a value.
    assert!(presence("configmap").is_empty());
}

#[test]
fn answers_that_are_not_ours_give_no_record() {
    let scenario = Scenario::load("configmap");
    let error = |desired: &lockstep_core::DesiredObject, live: &lockstep_core::LiveObject, manager: &str| {
        record(desired, live, manager, &key(), &commit()).unwrap_err()
    };
    assert_eq!(error(&scenario.desired, &scenario.applied, "other"), RecordError::NotApplied);
    // What we updated is not what we applied.
    assert_eq!(error(&scenario.desired, scenario.event("replaced"), MANAGER), RecordError::NotApplied);
    let hpa = Scenario::load("hpa_v1_as_v2");
    assert_eq!(error(&hpa.desired, hpa.event("as_v2"), MANAGER), RecordError::OtherVersion);
    let mut other = scenario.desired.value.clone();
    other.set(&["apiVersion"], "v2".into());
    assert_eq!(error(&desired(other), &scenario.applied, MANAGER), RecordError::OtherVersion);
    let mut broken = scenario.applied.value.clone();
    let mut entries = broken.at(&["metadata", "managedFields"]).and_then(Value::as_list).unwrap().to_vec();
    entries[0].set(&["fieldsV1"], "x".into());
    broken.set(&["metadata", "managedFields"], Value::list(entries));
    assert_eq!(error(&scenario.desired, &live(broken), MANAGER), RecordError::Unreadable);
}

#[test]
fn the_digest_is_keyed() {
    let scenario = Scenario::load("secret");
    let other = lockstep_core::Key::new([1; 32]);
    let recorded = record(&scenario.desired, &scenario.applied, MANAGER, &other, &commit()).unwrap();
    assert_ne!(recorded.live, scenario.record().live);
}
