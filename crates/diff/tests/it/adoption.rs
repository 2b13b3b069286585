//! drift.md, "Adoption", and entries of versions that are gone.
//!
//! The files hold the object as another tool left it, and, under `after`, the recorded answer to our apply once the list
//! that is made here had been written: what Git no longer holds is gone.

use lockstep_core::{ApiVersion, LiveObject, Value, from_json, to_json};
use lockstep_diff::{ADOPTABLE, adoption, stale_versions, without_orphans};
use schema::FieldSet;

use crate::scenario::{MANAGER, Scenario, live, value};

/// `manager operation version subresource` of each entry.
fn summary(list: &Value) -> Vec<String> {
    let text = |entry: &Value, field: &str| entry.str_at(&[field]).unwrap_or("-").to_owned();
    let fields = ["manager", "operation", "apiVersion", "subresource"];
    list.as_list().unwrap().iter().map(|entry| fields.map(|field| text(entry, field)).join(" ")).collect()
}

fn adopt(live: &LiveObject, version: &str) -> Option<Value> {
    adoption(live, &ADOPTABLE, MANAGER, version)
}

fn ours(list: &Value) -> FieldSet {
    let entry = list.as_list().unwrap().iter().find(|entry| entry.str_at(&["manager"]) == Some(MANAGER));
    FieldSet::parse(entry.unwrap().get("fieldsV1").unwrap()).unwrap()
}

fn has(set: &FieldSet, path: &str) -> bool {
    set.leaves().iter().any(|leaf| leaf.to_string() == path)
}

#[test]
fn what_goes_with_an_adoption_is_known_before() {
    for file in ["adopt_helm", "adopt_kubectl", "adopt_flux"] {
        let scenario = Scenario::load(file);
        let after = scenario.whole.get("after").unwrap();
        // A dry run without the adoption: our entry stands beside those of the other tools, and nothing is gone.
        let mut applied = scenario.applied.value.clone();
        let all = |value: &Value| {
            value.at(&["metadata", "managedFields"]).and_then(Value::as_list).unwrap().to_vec()
        };
        let own = all(after).into_iter().filter(|entry| entry.str_at(&["manager"]) == Some(MANAGER));
        let entries = all(&applied).into_iter().chain(own).collect();
        applied.set(&["metadata", "managedFields"], Value::list(entries));
        let without = without_orphans(&scenario.applied, &applied, &ADOPTABLE, MANAGER).unwrap();
        let labels = |object: &Value| object.at(&["metadata", "labels"]).cloned();
        let env = |object: &Value| {
            let containers = object.at(&["spec", "template", "spec", "containers"]).and_then(Value::as_list);
            // What is empty is dropped by the API server.
            containers.unwrap()[0].get("env").filter(|env| !env.is_empty_container()).cloned()
        };
        let inner = ["spec", "template", "metadata", "labels"];
        assert_eq!(without.at(&inner), after.at(&inner), "{file}");
        assert_ne!((labels(&applied), env(&applied)), (labels(after), env(after)), "{file}");
        assert_eq!((labels(&without), env(&without)), (labels(after), env(after)), "{file}");
    }
    let scenario = Scenario::load("adopt_helm");
    assert_eq!(without_orphans(&scenario.applied, &scenario.applied.value, &["nobody"], MANAGER), None);
}

const STATUS: &str = "kube-controller-manager Update apps/v1 status";

#[test]
fn entries_of_known_tools_are_merged_into_ours() {
    for (file, want) in [
        ("adopt_helm", &["lockstep Apply apps/v1 -", STATUS][..]),
        // What kubectl scale and kubectl patch wrote stays foreign.
        (
            "adopt_kubectl",
            &[
                "kubectl Update apps/v1 scale",
                STATUS,
                "lockstep Apply apps/v1 -",
                "kubectl-patch Update apps/v1 -",
            ],
        ),
        ("adopt_flux", &["lockstep Apply apps/v1 -", STATUS]),
    ] {
        let list = adopt(&Scenario::load(file).applied, "apps/v1").unwrap();
        assert_eq!(summary(&list), want, "{file}");
        let set = ours(&list);
        assert!(has(&set, ".metadata.labels.old"), "{file}");
        assert!(has(&set, ".spec.template.spec.containers[name=web].env[name=OLD].value"), "{file}");
    }
    let kubectl = ours(&adopt(&Scenario::load("adopt_kubectl").applied, "apps/v1").unwrap());
    assert!(!has(&kubectl, ".spec.replicas") && !has(&kubectl, ".spec.minReadySeconds"));
}

#[test]
fn fields_that_git_removes_later_go() {
    for file in ["adopt_helm", "adopt_kubectl", "adopt_flux"] {
        let scenario = Scenario::load(file);
        let (before, after) = (&scenario.applied.value, scenario.whole.get("after").unwrap());
        assert_eq!(before.str_at(&["metadata", "labels", "old"]), Some("1"), "{file}");
        assert_eq!(after.get("metadata").unwrap().get("labels"), Some(&value(r#"{"app":"shop"}"#)), "{file}");
        let text = String::from_utf8(to_json(after)).unwrap();
        assert!(!text.contains("OLD") && !text.contains("last-applied"), "{file}");
    }
}

#[test]
fn adoption_happens_once() {
    let scenario = Scenario::load("adopt_helm");
    let mut object = scenario.applied.value.clone();
    object.set(&["metadata", "managedFields"], adopt(&scenario.applied, "apps/v1").unwrap());
    assert_eq!(adopt(&live(object), "apps/v1"), None);
    assert_eq!(adopt(&Scenario::load("deployment").applied, "apps/v1"), None);
}

#[test]
fn managers_are_compared_exactly_and_the_list_is_the_caller_s() {
    let scenario = Scenario::load("adopt_kubectl");
    let by = |names: &[&str]| adoption(&scenario.applied, names, MANAGER, "apps/v1");
    assert_eq!(by(&["kubectl-client"]), None);
    assert_eq!(by(&["helm"]), None);
    // `kubectl` has an entry, but of the subresource scale.
    assert_eq!(by(&["kubectl"]), None);
    assert_eq!(summary(&by(&["kubectl-patch"]).unwrap())[3], "lockstep Apply apps/v1 -");
}

/// A ConfigMap's entries: `(manager, operation, version, time, fields)`.
fn with_entries(entries: &[(&str, &str, &str, &str, &str)]) -> LiveObject {
    let entry = |(manager, operation, version, time, fields): &(&str, &str, &str, &str, &str)| {
        let head = format!(
            r#"{{"manager":"{manager}","operation":"{operation}","apiVersion":"{version}","time":"{time}","fieldsType":"FieldsV1"}}"#
        );
        let mut entry = from_json(head.as_bytes()).unwrap();
        entry.set(&["fieldsV1"], value(fields));
        entry
    };
    let mut object =
        value(r#"{"apiVersion":"g/v2","kind":"K","metadata":{"name":"x"},"spec":{"a":1,"b":1}}"#);
    object.set(&["metadata", "managedFields"], Value::list(entries.iter().map(entry).collect()));
    live(object)
}

fn check(entries: &[(&str, &str, &str, &str, &str)], version: &str, want: Option<(&[&str], &str, &str)>) {
    let list = adopt(&with_entries(entries), version);
    let Some((names, fields, time)) = want else {
        assert_eq!(list, None);
        return;
    };
    let list = list.unwrap();
    assert_eq!(summary(&list), names);
    assert_eq!(ours(&list).to_fields_v1(), value(fields));
    assert_eq!(list.as_list().unwrap()[0].str_at(&["time"]), Some(time));
}

#[test]
fn our_entry_keeps_its_version_and_has_the_newest_time() {
    let (a, b, c) = (r#"{"f:spec":{"f:a":{}}}"#, r#"{"f:spec":{"f:b":{}}}"#, r#"{"f:spec":{"f:gone":{}}}"#);
    let both = r#"{"f:spec":{"f:a":{},"f:b":{}}}"#;
    check(
        &[
            ("lockstep", "Apply", "g/v2", "1", a),
            ("helm", "Update", "g/v2", "2", b),
            ("kubectl", "Apply", "g/v2", "0", a),
        ],
        "g/v2",
        Some((&["lockstep Apply g/v2 -"], both, "2")),
    );
    // Of another version's set, the fields that the object has are the same fields.
    check(
        &[
            ("helm", "Update", "g/v1", "1", b),
            ("helm", "Update", "g/v2", "2", a),
            ("kubectl", "Update", "g/v1", "3", c),
        ],
        "g/v2",
        Some((&["lockstep Apply g/v2 -"], both, "3")),
    );
    check(&[("helm", "Update", "g/v1", "1", c)], "g/v2", Some((&["lockstep Apply g/v1 -"], c, "1")));
    // What cannot be read, or is ours already, is not taken over.
    check(&[("helm", "Update", "g/v2", "1", r#"{"x":{}}"#)], "g/v2", None);
    check(&[("lockstep", "Apply", "g/v2", "1", a)], "g/v2", None);
}

fn served(versions: &[&str]) -> Vec<ApiVersion> {
    versions.iter().map(|version| ApiVersion::parse(version).unwrap()).collect()
}

#[test]
fn entries_of_versions_that_are_gone_are_rewritten() {
    // The recorded apply was refused; with this list it was accepted.
    let scenario = Scenario::load("stale_versions");
    let refusal = scenario.whole.get("refused").unwrap().str_at(&["message"]);
    assert_eq!(refusal, Some("request to convert CR to an invalid group/version: example.com/v1alpha1"));
    let list = stale_versions(&scenario.applied, &served(&["example.com/v1"])).unwrap();
    assert_eq!(
        summary(&list),
        [
            "kubectl-patch Update example.com/v1 -",
            "lockstep Apply example.com/v1 -",
            "legacy Update example.com/v1 -",
        ]
    );
    assert_eq!(stale_versions(&scenario.applied, &served(&["example.com/v1alpha1", "example.com/v1"])), None);
}

#[test]
fn entries_of_one_writer_are_joined() {
    let (a, b) = (r#"{"f:spec":{"f:a":{}}}"#, r#"{"f:spec":{"f:b":{}}}"#);
    let live = with_entries(&[
        ("x", "Update", "g/v1", "1", a),
        ("x", "Update", "g/v2", "2", b),
        ("y", "Update", "g/v1", "3", a),
        ("x", "Apply", "g/v1", "4", a),
    ]);
    let list = stale_versions(&live, &served(&["g/v2"])).unwrap();
    assert_eq!(summary(&list), ["x Update g/v2 -", "y Update g/v2 -", "x Apply g/v2 -"]);
    let joined = list.as_list().unwrap()[0].get("fieldsV1").cloned();
    assert_eq!(joined, Some(value(r#"{"f:spec":{"f:a":{},"f:b":{}}}"#)));

    // Of another served version, the same manager's entry is another one.
    let live = with_entries(&[("x", "Update", "g/v3", "1", a), ("x", "Update", "g/v1", "2", b)]);
    let list = stale_versions(&live, &served(&["g/v2", "g/v3"])).unwrap();
    assert_eq!(summary(&list), ["x Update g/v3 -", "x Update g/v2 -"]);
}
