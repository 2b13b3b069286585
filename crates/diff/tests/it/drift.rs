//! drift.md, "Two tests, never mixed".

use lockstep_core::{Timestamp, Value, to_json};
use lockstep_diff::{Change, Doubt, Drift, DriftedField, Verdict, drift};

use crate::scenario::{MANAGER, Scenario, key, live, value};

fn verdict(scenario: &Scenario, event: &str) -> Verdict {
    drift(&scenario.record(), Some(&scenario.desired), scenario.event(event), MANAGER, &key())
}

fn in_sync(file: &str, events: &[&str]) {
    let scenario = Scenario::load(file);
    let itself = drift(&scenario.record(), Some(&scenario.desired), &scenario.applied, MANAGER, &key());
    assert_eq!(itself, Verdict::InSync, "{file}");
    for event in events {
        assert_eq!(verdict(&scenario, event), Verdict::InSync, "{file}: {event}");
    }
}

fn drifted(scenario: &Scenario, event: &str) -> Drift {
    match verdict(scenario, event) {
        Verdict::Drifted(drift) => drift,
        other => panic!("{event}: {other:?}"),
    }
}

fn check(file: &str, events: &[(&str, &str)]) {
    let scenario = Scenario::load(file);
    for (event, want) in events {
        assert_eq!(drifted(&scenario, event).to_string(), *want, "{file}: {event}");
    }
}

#[test]
fn what_others_add_and_what_controllers_write_is_no_drift() {
    in_sync("deployment", &["settled", "label_added", "container_added", "env_added", "shared_with_other"]);
    in_sync("service", &["port_added"]);
    in_sync("configmap", &["added"]);
    in_sync("secret", &["string_data", "annotated"]);
    in_sync("box", &["item_added", "free_child_added"]);
    in_sync("hpa_v1", &[]);
    in_sync("hpa_v2", &[]);
}

#[test]
fn a_field_that_leaves_our_set_is_drift_and_names_who_took_it() {
    check(
        "deployment",
        &[
            ("patch_image", ".spec.template.spec.containers[name=web].image changed by kubectl-patch"),
            ("edited", ".spec.template.spec.containers[name=web].image changed by kubectl-edit"),
            ("scaled", ".spec.replicas changed by kubectl (scale)"),
            ("forced_by_other", ".spec.replicas changed by other"),
            (
                "cpu_changed",
                ".spec.template.spec.containers[name=web].resources.requests.cpu changed by kubectl-patch",
            ),
        ],
    );
    check(
        "service",
        &[("target_changed", ".spec.ports[port=443,protocol=TCP].targetPort changed by kubectl-patch")],
    );
    check(
        "configmap",
        &[
            ("changed", ".data.key changed by kubectl-patch"),
            ("edited", ".data.key changed by kubectl-edit"),
            ("updated_as_us", ".data.key changed by lockstep"),
            ("applied_as_us", ".data.more added under our name"),
        ],
    );
    check("secret", &[("applied_client_side", ".data.password changed by kubectl-client-side-apply")]);
    check("hpa_v1", &[("changed", ".spec.maxReplicas changed by kubectl-patch")]);
    check("box", &[("item_changed", ".spec.items[mode=ro,name=x].value changed by kubectl-patch")]);
}

#[test]
fn a_removal_is_drift_and_names_the_whole_of_what_is_gone() {
    check(
        "deployment",
        &[
            ("label_removed", ".metadata.labels removed"),
            ("container_removed", ".spec.template.spec.containers[name=side] removed"),
            ("env_removed", ".spec.template.spec.containers[name=web].env[name=A] removed"),
            (
                "port_protocol_changed",
                ".spec.template.spec.containers[name=web].ports[containerPort=80,protocol=TCP] removed",
            ),
        ],
    );
    check(
        "box",
        &[
            ("item_removed", ".spec.items[mode=ro,name=x] removed"),
            ("tag_removed", ".spec.tags[=t1] removed"),
        ],
    );
    check(
        "configmap",
        &[
            ("removed", ".data.key removed"),
            (
                "replaced",
                ".data.key removed\n.data.other removed\n.data.text removed\n.metadata.annotations removed\n.metadata.labels removed",
            ),
        ],
    );
}

#[test]
fn atomic_values_are_compared_whole() {
    check(
        "deployment",
        &[("args_changed", ".spec.template.spec.containers[name=web].args changed by kubectl-patch")],
    );
    check(
        "service",
        &[
            ("selector_added", ".spec.selector changed by kubectl-patch"),
            ("selector_changed", ".spec.selector changed by kubectl-patch"),
        ],
    );
    check("hpa_v2", &[("metric_changed", ".spec.metrics changed by kubectl-patch")]);
    check(
        "box",
        &[
            ("plain_reordered", ".spec.plain changed by kubectl-patch"),
            ("whole_child_added", ".spec.whole changed by kubectl-patch"),
        ],
    );
}

#[test]
fn items_of_map_and_set_lists_are_compared_without_order() {
    in_sync("box", &["items_reordered"]);
}

#[test]
fn an_empty_value_is_compared_for_being_there_only() {
    // `resources: {}` is kept, and a foreign child under it does not count.
    in_sync("deployment", &["foreign_child_of_resources"]);
    // `annotations: {}` is dropped. The first foreign annotation takes the map itself from our set ...
    check(
        "deployment",
        &[("foreign_template_annotation", ".spec.template.metadata.annotations changed by kubectl-patch")],
    );
    // ... and after one heal it is there, and further ones do not count.
    in_sync("deployment_healed", &["another_annotation"]);
    // An atomic value that was empty leaves our set as a whole when somebody fills it.
    check("networkpolicy", &[("selector_changed", ".spec.podSelector changed by kubectl-patch")]);
    check("configmap_empty", &[("added", ".data changed by kubectl-patch")]);
    check("box", &[("maybe_set", ".spec.maybe changed by kubectl-patch")]);
}

#[test]
fn a_recorded_empty_value_that_goes_is_drift() {
    let scenario = Scenario::load("networkpolicy");
    let mut object = scenario.applied.value.clone();
    object.remove(&["spec", "podSelector"]).unwrap();
    let verdict = drift(&scenario.record(), Some(&scenario.desired), &live(object), MANAGER, &key());
    assert!(matches!(verdict, Verdict::Drifted(_)), "{verdict:?}");
}

#[test]
fn values_that_the_server_spells_otherwise_are_no_drift() {
    // cpu 0.5 became 500m, 1024Mi became 1Gi, a policy wrote over data.key: what counts is what it was after the apply.
    let scenario = Scenario::load("deployment");
    let cpu = ["spec", "template", "spec", "containers"];
    let live = scenario.applied.value.at(&cpu).and_then(|list| list.as_list()?[0].at(&["resources"]));
    assert_eq!(live, Some(&value(r#"{"requests":{"cpu":"500m","memory":"1Gi"}}"#)));
    in_sync("deployment", &["settled"]);
    assert_eq!(Scenario::load("mutated").applied.value.str_at(&["data", "key"]), Some("mutated"));
    in_sync("mutated", &["untouched", "touched"]);
}

#[test]
fn a_value_that_changes_while_it_stays_ours_is_drift() {
    let scenario = Scenario::load("mutated");
    let mut object = scenario.applied.value.clone();
    object.set(&["data", "key"], "admitted otherwise".into());
    let changed = live(object);
    let verdict = |desired| drift(&scenario.record(), desired, &changed, MANAGER, &key());
    let Verdict::Drifted(known) = verdict(Some(&scenario.desired)) else { panic!() };
    assert_eq!(known.to_string(), ".data.key changed on the way in");
    // Which one cannot be told without what is desired.
    let Verdict::Drifted(unknown) = verdict(None) else { panic!() };
    assert_eq!(unknown, Drift::default());
    assert_eq!(unknown.to_string(), "a recorded value changed");
}

#[test]
fn another_spelling_is_not_blamed_for_a_change() {
    let scenario = Scenario::load("deployment");
    let mut object = scenario.applied.value.clone();
    object.set(&["spec", "replicas"], 3.into());
    let verdict = drift(&scenario.record(), Some(&scenario.desired), &live(object), MANAGER, &key());
    let Verdict::Drifted(drift) = verdict else { panic!() };
    assert_eq!(drift.to_string(), ".spec.replicas changed on the way in");
}

#[test]
fn losing_our_entry_is_drift_even_where_no_value_changed() {
    let scenario = Scenario::load("deployment");
    let drift = drifted(&scenario, "managed_fields_cleared");
    assert!(drift.to_string().contains("\n.spec.replicas no longer ours\n"));
    let changes = drift.fields.iter().map(|field| field.change);
    assert!(changes.clone().all(|change| matches!(change, Change::Disowned | Change::Removed)));
    assert!(changes.count() > 20);
}

#[test]
fn drift_is_explained_with_values_and_actors() {
    let scenario = Scenario::load("deployment");
    let fields = drifted(&scenario, "patch_image").fields;
    let [DriftedField { path, change, by: Some(by), want, have }] = fields.as_slice() else {
        panic!("{fields:?}")
    };
    assert_eq!(
        (path.to_string(), *change),
        (".spec.template.spec.containers[name=web].image".into(), Change::Taken)
    );
    assert_eq!((&*by.manager, &*by.operation, &*by.subresource), ("kubectl-patch", "Update", ""));
    assert!(by.time > Timestamp::parse("2026-11-24T00:00:00Z"));
    assert_eq!((want, have), (&Some("nginx:1".into()), &Some("evil:1".into())));
    // Without what is desired, the loss and its author are still known.
    let record = scenario.record();
    let Verdict::Drifted(drift) = drift(&record, None, scenario.event("patch_image"), MANAGER, &key()) else {
        panic!()
    };
    assert_eq!(drift.to_string(), ".spec.template.spec.containers[name=web].image changed by kubectl-patch");
    assert_eq!((&drift.fields[0].want, &drift.fields[0].have), (&None, &Some("evil:1".into())));
}

#[test]
fn the_newest_owner_took_it() {
    let scenario = Scenario::load("configmap");
    let mut object = scenario.event("changed").value.clone();
    let mut entries = object.at(&["metadata", "managedFields"]).and_then(Value::as_list).unwrap().to_vec();
    let taker = entries[1].clone();
    for (manager, time) in [("older", "2020-01-01T00:00:00Z"), ("newer", "2030-01-01T00:00:00Z")] {
        let mut entry = taker.clone();
        entry.set(&["manager"], manager.into());
        entry.set(&["time"], time.into());
        entries.insert(0, entry);
    }
    object.set(&["metadata", "managedFields"], Value::list(entries));
    let verdict = drift(&scenario.record(), Some(&scenario.desired), &live(object), MANAGER, &key());
    let Verdict::Drifted(drift) = verdict else { panic!() };
    assert_eq!(drift.to_string(), ".data.key changed by newer");
}

#[test]
fn another_object_of_the_same_name_is_drift() {
    let scenario = Scenario::load("configmap");
    assert_eq!(drifted(&scenario, "recreated"), Drift { recreated: true, fields: Vec::new() });
    check("configmap", &[("recreated", "deleted and created again")]);
}

#[test]
fn only_the_server_can_tell_what_an_apply_makes_of_duplicates() {
    let scenario = Scenario::load("duplicates");
    let Verdict::DryRunDecides(doubt) = verdict(&scenario, "duplicated") else { panic!() };
    assert_eq!(doubt.to_string(), "several items at .spec.template.spec.containers[name=web].env[name=A]");
    assert!(matches!(doubt, Doubt::Duplicates(_)));
    in_sync("duplicates", &[]);
}

#[test]
fn another_version_cannot_be_compared() {
    let scenario = Scenario::load("hpa_v1_as_v2");
    assert_eq!(verdict(&scenario, "as_v2"), Verdict::DryRunDecides(Doubt::OtherVersion));
    in_sync("hpa_v1_as_v2", &[]);
}

#[test]
fn an_entry_of_another_version_is_not_what_was_recorded() {
    let scenario = Scenario::load("configmap");
    let mut object = scenario.applied.value.clone();
    let mut entries = object.at(&["metadata", "managedFields"]).and_then(Value::as_list).unwrap().to_vec();
    entries[0].set(&["apiVersion"], "v2".into());
    object.set(&["metadata", "managedFields"], Value::list(entries));
    let verdict = drift(&scenario.record(), Some(&scenario.desired), &live(object), MANAGER, &key());
    assert!(matches!(verdict, Verdict::Drifted(_)), "{verdict:?}");
}

#[test]
fn a_record_that_cannot_be_read_is_not_believed() {
    let scenario = Scenario::load("configmap");
    for (fields, presence) in [("{\"a\":1}", "{}"), ("{}", "null")] {
        let record = lockstep_core::ObjectRecord {
            fields: value(fields),
            presence: value(presence),
            ..scenario.record()
        };
        let verdict = drift(&record, None, &scenario.applied, MANAGER, &key());
        assert_eq!(verdict, Verdict::DryRunDecides(Doubt::Unreadable));
    }
}

#[test]
fn another_key_and_another_manager_see_nothing_of_ours() {
    let scenario = Scenario::load("configmap");
    let record = scenario.record();
    let other_key = lockstep_core::Key::new([1; 32]);
    for (manager, key) in [(MANAGER, &other_key), ("lockstep-two", &key())] {
        let verdict = drift(&record, Some(&scenario.desired), &scenario.applied, manager, key);
        assert!(matches!(verdict, Verdict::Drifted(_)), "{verdict:?}");
    }
}

#[test]
fn the_order_in_which_the_server_lists_the_entry_does_not_matter() {
    let scenario = Scenario::load("box");
    let mut record = scenario.record();
    // The same set, written with its key fields in another order.
    let text = String::from_utf8(to_json(&record.fields)).unwrap();
    record.fields =
        value(&text.replace(r#"{\"mode\":\"ro\",\"name\":\"x\"}"#, r#"{\"name\":\"x\",\"mode\":\"ro\"}"#));
    let verdict = drift(&record, Some(&scenario.desired), &scenario.applied, MANAGER, &key());
    assert_eq!(verdict, Verdict::InSync);
}

#[test]
fn ignored_fields_that_were_handed_over_are_left_alone() {
    in_sync("handover", &[]);
    let scenario = Scenario::load("handover");
    let mut object = scenario.applied.value.clone();
    object.set(&["spec", "replicas"], 9.into());
    let verdict = drift(&scenario.record(), Some(&scenario.desired), &live(object), MANAGER, &key());
    assert_eq!(verdict, Verdict::InSync);
}
