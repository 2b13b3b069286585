//! Where the fields of an object are.

use lockstep_core::PathElement::{self, Field, Index, Item, Key};

use crate::parse;

const TEXT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: &l {a: b}}
spec:
  replicas: \"3\"
  selector:
    matchLabels: *l
  template:
    metadata:
      labels:
        <<: *l
        c: |
          d
    spec:
      finalizers: [x, y]
      containers:
      - name: one
        ports: [{containerPort: 80}]
      - {name: two}
";

fn check(path: &[PathElement], expected: &str) {
    let object = &parse(TEXT).objects[0];
    assert_eq!(object.origin_of(path).to_string(), format!("a.yaml:{expected}"), "{path:?}");
}

fn fields(names: &[&str]) -> Vec<PathElement> {
    names.iter().map(|name| Field((*name).into())).collect()
}

#[test]
fn every_kind_of_path_leads_to_its_place() {
    check(&[], "1:1");
    check(&fields(&["spec", "replicas"]), "5:13");
    check(&fields(&["spec", "template"]), "8:3");
    check(&fields(&["metadata", "name"]), "3:18");
    let containers = fields(&["spec", "template", "spec", "containers"]);
    let under = |elements: Vec<PathElement>| [containers.clone(), elements].concat();
    check(&under(vec![Index(1)]), "19:9");
    check(&under(vec![Key(vec![("name".into(), "one".into())]), Field("ports".into())]), "18:16");
    check(
        &under(vec![Index(0), Field("ports".into()), Key(vec![("containerPort".into(), 80.into())])]),
        "18:17",
    );
    check(&[fields(&["spec", "template", "spec", "finalizers"]), vec![Item("y".into())]].concat(), "15:23");
}

#[test]
fn aliases_and_merges_are_followed() {
    check(&fields(&["spec", "selector", "matchLabels"]), "7:18");
    check(&fields(&["spec", "selector", "matchLabels", "a"]), "3:38");
    check(&fields(&["spec", "template", "metadata", "labels", "a"]), "3:38");
    check(&fields(&["spec", "template", "metadata", "labels", "c"]), "12:9");
}

#[test]
fn fields_that_are_not_written_are_where_their_parent_is() {
    check(&fields(&["spec", "strategy", "type"]), "4:1");
    check(&fields(&["status"]), "1:1");
    check(&[fields(&["spec", "template", "spec", "containers"]), vec![Index(7)]].concat(), "16:7");
}

#[test]
fn the_name_of_a_field_is_found_beside_its_value() {
    let object = &parse(TEXT).objects[0];
    let name = |path: &[PathElement]| {
        let origin = object.origin_of_name(path);
        format!("{}:{}", origin.line, origin.column)
    };
    assert_eq!(name(&fields(&["spec", "replicas"])), "5:3");
    assert_eq!(name(&fields(&["metadata", "labels"])), "3:23");
    assert_eq!(name(&fields(&["spec", "strategy"])), "4:1", "not there: where its parent is");
    let containers = fields(&["spec", "template", "spec", "containers"]);
    assert_eq!(name(&[containers, vec![Index(1)]].concat()), "19:9");
    assert_eq!(name(&[]), "1:1");
}

#[test]
fn without_positions_the_object_is_the_place() {
    let mut object = parse(format!("# c\n---\n{TEXT}")).objects.remove(0);
    assert_eq!(object.origin_of_fields(&["spec"]).line, 6);
    object.drop_positions();
    assert_eq!(object.origin_of_fields(&["spec"]).to_string(), "a.yaml:3:1");
}
