//! What others added is named by manager.

use lockstep_core::{LiveObject, Value};
use lockstep_diff::extras;

use crate::scenario::{MANAGER, Scenario, live};

fn told(live: &LiveObject) -> Vec<String> {
    let line = |extra: lockstep_diff::Extra| {
        let paths: Vec<String> = extra.paths.iter().map(ToString::to_string).collect();
        format!("{} {}", extra.manager, paths.join(" "))
    };
    extras(live, MANAGER).into_iter().map(line).collect()
}

fn check(file: &str, events: &[(&str, &[&str])]) {
    let scenario = Scenario::load(file);
    assert_eq!(told(&scenario.applied), Vec::<String>::new(), "{file}");
    for (event, want) in events {
        assert_eq!(told(scenario.event(event)), *want, "{file}: {event}");
    }
}

#[test]
fn fields_and_whole_items_are_named() {
    check(
        "deployment",
        &[
            ("label_added", &["kubectl-label .metadata.labels.team"]),
            ("container_added", &["kubectl-patch .spec.template.spec.containers[name=proxy]"]),
            (
                "env_added",
                &[
                    "kubectl-set .spec.template.spec.containers[name=side].env[name=C] .spec.template.spec.containers[name=web].env[name=C]",
                ],
            ),
            (
                "foreign_child_of_resources",
                &["kubectl-patch .spec.template.spec.containers[name=side].resources.limits.memory"],
            ),
            ("shared_with_other", &[]),
            ("label_removed", &[]),
            // Written through `status` only.
            ("settled", &[]),
        ],
    );
    check("box", &[("item_added", &["kubectl-patch .spec.items[mode=rw,name=n] .spec.tags[=t3]"])]);
    check("secret", &[("string_data", &["kubectl-patch .data.extra"])]);
    check("configmap", &[("updated_as_us", &[])]);
}

#[test]
fn scaling_counts_where_git_names_no_replicas() {
    let scenario = Scenario::load("handover");
    assert_eq!(told(&scenario.applied), ["kubectl .spec.replicas"]);
}

#[test]
fn the_server_itself_and_the_status_do_not_count() {
    let scenario = Scenario::load("configmap");
    let as_if = |manager: &str, fields: &str| {
        let mut object = scenario.event("added").value.clone();
        let mut entries =
            object.at(&["metadata", "managedFields"]).and_then(Value::as_list).unwrap().to_vec();
        entries[1].set(&["manager"], manager.into());
        entries[1].set(&["fieldsV1"], crate::scenario::value(fields));
        object.set(&["metadata", "managedFields"], Value::list(entries));
        told(&live(object))
    };
    assert_eq!(as_if("someone", r#"{"f:data":{"f:extra":{}}}"#), ["someone .data.extra"]);
    assert!(as_if("kube-apiserver", r#"{"f:data":{"f:extra":{}}}"#).is_empty());
    assert!(as_if("lockstep-handover", r#"{"f:data":{"f:extra":{}}}"#).is_empty());
    assert!(as_if("someone", r#"{"f:status":{"f:phase":{}}}"#).is_empty());
}
