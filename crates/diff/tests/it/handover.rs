//! drift.md, "Handing a field over".

use lockstep_core::{FieldPath, LiveObject, PathElement, Value};
use lockstep_diff::{HANDOVER_MANAGER, handover, without};

use crate::scenario::{Scenario, value};

fn replicas() -> FieldPath {
    FieldPath::fields(&["spec", "replicas"])
}

fn key(json: &str) -> PathElement {
    let fields = value(json);
    PathElement::Key(fields.as_map().unwrap().iter().map(|(k, v)| (k.clone(), v.clone())).collect())
}

fn path(tail: &[PathElement]) -> FieldPath {
    let mut path = FieldPath::fields(&["spec", "template", "spec", "containers"]);
    path.0.extend_from_slice(tail);
    path
}

#[test]
fn the_body_holds_the_live_value_and_nothing_else() {
    let scenario = Scenario::load("deployment");
    assert_eq!(
        handover(scenario.event("scaled"), &replicas()),
        Some(value(
            r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","namespace":"default"},"spec":{"replicas":5}}"#
        ))
    );
    let image = path(&[key(r#"{"name":"web"}"#), PathElement::Field("image".into())]);
    let body = handover(&scenario.applied, &image).unwrap();
    let containers = body.at(&["spec", "template", "spec", "containers"]);
    assert_eq!(containers, Some(&value(r#"[{"name":"web","image":"nginx:1"}]"#)));
}

#[test]
fn cluster_scoped_objects_are_named_without_a_namespace() {
    let scenario = Scenario::load("configmap");
    let mut live: LiveObject = scenario.applied.clone();
    live.key.namespace = "".into();
    let body = handover(&live, &FieldPath::fields(&["data", "key"])).unwrap();
    assert_eq!(body.get("metadata"), Some(&value(r#"{"name":"conf"}"#)));
}

#[test]
fn what_is_not_there_is_not_handed_over() {
    let scenario = Scenario::load("deployment");
    for path in [
        FieldPath::fields(&["spec", "paused"]),
        path(&[key(r#"{"name":"none"}"#), PathElement::Field("image".into())]),
        path(&[PathElement::Index(0), PathElement::Field("image".into())]),
        FieldPath(vec![key(r#"{"name":"web"}"#)]),
    ] {
        assert_eq!(handover(&scenario.applied, &path), None, "{path}");
    }
}

/// The recorded answer to the apply without replicas, after [`HANDOVER_MANAGER`] applied its body.
#[test]
fn a_field_that_was_handed_over_keeps_its_value() {
    let scenario = Scenario::load("handover");
    assert_eq!(without(&Scenario::load("deployment").desired.value, &replicas()), scenario.desired.value);
    assert_eq!(scenario.applied.value.int_at(&["spec", "replicas"]), Some(5));
    let entries = scenario.applied.managed_entries();
    let holder = entries.iter().find(|entry| &*entry.manager == HANDOVER_MANAGER).unwrap();
    assert_eq!(holder.fields, value(r#"{"f:spec":{"f:replicas":{}}}"#));
}

#[test]
fn only_the_one_field_is_left_out() {
    let object = value(
        r#"{"spec":{"a":1,"dir":{"limit":1},"ports":[{"port":80,"x":1},{"port":53,"protocol":"UDP","x":2}],"set":["a","b"]}}"#,
    );
    let field = |name: &str| PathElement::Field(name.into());
    let check = |tail: &[PathElement], at: &str, want: &str| {
        let mut path = FieldPath::fields(&["spec"]);
        path.0.extend_from_slice(tail);
        let mut expected = object.clone();
        expected.set(&["spec", at], value(want));
        assert_eq!(without(&object, &path), expected, "{path}");
    };
    // The mapping around it stays.
    check(&[field("dir"), field("limit")], "dir", "{}");
    let tcp = key(r#"{"port":80,"protocol":"TCP"}"#);
    check(
        &[field("ports"), tcp.clone(), field("x")],
        "ports",
        r#"[{"port":80},{"port":53,"protocol":"UDP","x":2}]"#,
    );
    check(&[field("ports"), tcp], "ports", r#"[{"port":53,"protocol":"UDP","x":2}]"#);
    check(&[field("set"), PathElement::Item("a".into())], "set", r#"["b"]"#);
    check(&[field("set"), PathElement::Index(1)], "set", r#"["a"]"#);
    for path in
        [FieldPath::fields(&["spec", "none"]), FieldPath::fields(&["spec", "a", "b"]), FieldPath::default()]
    {
        assert_eq!(without(&object, &path), object, "{path}");
    }
    assert_eq!(without(&object, &FieldPath::fields(&["spec"])), Value::map(Default::default()));
}
