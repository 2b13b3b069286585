//! Differences as people read them.

use lockstep_core::{ObjectKey, Value};
use lockstep_diff::object_diff;

use crate::scenario::{Scenario, value};

fn check(kind: &str, before: &str, after: &str, want: &str) {
    let diff = object_diff(&value(before), &value(after), &ObjectKey::new("", kind, "n", "x"));
    assert_eq!(diff.to_string(), want.trim_start_matches('\n'), "{before} {after}");
    assert_eq!(diff.is_empty(), want.is_empty());
}

#[test]
fn fields_are_named_and_items_by_what_names_them() {
    check(
        "X",
        r#"{"a":{"b":1,"c":2},"gone":true}"#,
        r#"{"a":{"b":1,"c":3,"d":{}}}"#,
        r#"
~ .a.c
    - 2
    + 3
+ .a.d
    + {}
- .gone
    - true"#,
    );
    check(
        "X",
        r#"{"c":[{"name":"a","image":"x:1","ports":[{"containerPort":80}]},{"name":"b"}]}"#,
        r#"{"c":[{"name":"n"},{"name":"a","image":"x:2","ports":[{"containerPort":80,"protocol":"TCP"}]}]}"#,
        r#"
~ .c[name=a].image
    - x:1
    + x:2
+ .c[name=a].ports[containerPort=80,protocol=TCP].protocol
    + TCP
- .c[name=b]
    - name: b
+ .c[name=n]
    + name: n"#,
    );
    check(
        "X",
        r#"{"l":["a","b"]}"#,
        r#"{"l":["a","c","d"]}"#,
        r#"
~ .l[1]
    - b
    + c
+ .l[2]
    + d"#,
    );
    check("X", r#"{"l":[{"name":"a"},{"name":"b"}]}"#, r#"{"l":[{"name":"b"},{"name":"a"}]}"#, "");
    check("X", r#"{"n":1}"#, r#"{"n":1.0}"#, "");
}

#[test]
fn texts_of_several_lines_show_the_lines_that_differ() {
    let text =
        |middle: &str| format!(r#"{{"data":{{"f.conf":"one\ntwo\nthree\n{middle}\nfive\nsix\nseven\n"}}}}"#);
    check(
        "ConfigMap",
        &text("four"),
        &text("FOUR"),
        r#"
~ .data["f.conf"]
      two
      three
    - four
    + FOUR
      five
      six"#,
    );
}

#[test]
fn what_the_server_keeps_for_itself_is_left_out() {
    let noisy = r#"{"metadata":{"name":"x","uid":"1","resourceVersion":"1","generation":1,"creationTimestamp":"t",
        "managedFields":[{}],"deletionTimestamp":"t"},"status":{"a":1},
        "spec":{"template":{"metadata":{"creationTimestamp":null}}}}"#;
    check("X", noisy, r#"{"metadata":{"name":"x"},"spec":{"template":{"metadata":{}}}}"#, "");
    check(
        "X",
        "null",
        r#"{"metadata":{"name":"x","uid":"1"},"status":{}}"#,
        r#"
+ .metadata
    + name: x"#,
    );
    check(
        "X",
        r#"{"kind":"X"}"#,
        "null",
        r#"
- .kind
    - X"#,
    );
}

#[test]
fn secrets_say_only_that_they_changed() {
    check(
        "Secret",
        r#"{"data":{"same":"YQ==","changed":"YQ==","gone":"YQ=="},"type":"Opaque"}"#,
        r#"{"data":{"same":"YQ==","changed":"Yg==","new":"Yg=="},"type":"X"}"#,
        r#"
~ .data.changed
    - <redacted>
    + <redacted: changed>
- .data.gone
    - <redacted>
+ .data.new
    + <redacted>
~ .type
    - Opaque
    + X"#,
    );
    check(
        "Secret",
        r#"{"kind":"Secret"}"#,
        r#"{"kind":"Secret","data":{"a":"YQ=="}}"#,
        r#"
+ .data
    + a: <redacted>"#,
    );
    check(
        "List",
        r#"{"items":[{"kind":"Secret","metadata":{"name":"s"},"data":{"a":"YQ=="}}]}"#,
        r#"{"items":[{"kind":"Secret","metadata":{"name":"s"},"data":{"a":"Yg=="}},{"kind":"Secret","stringData":{"b":"c"}}]}"#,
        r#"
~ .items[0].data.a
    - <redacted>
    + <redacted: changed>
+ .items[1]
    + kind: Secret
    + stringData:
    +   b: <redacted>"#,
    );
}

#[test]
fn items_that_are_named_by_a_secret_are_not_named() {
    check(
        "Secret",
        r#"{"data":[{"name":"canary-1"},{"name":"canary-2"}]}"#,
        r#"{"data":[{"name":"canary-1"},{"name":"canary-3"}]}"#,
        "~ .data\n    - <redacted>\n    + <redacted: changed>",
    );
    check(
        "Secret",
        r#"{"data":{"a":"canary"},"l":[{"name":"canary","x":1}]}"#,
        r#"{"data":{"a":"canary"},"l":[{"name":"canary","x":2}]}"#,
        "~ .l[name=\"<redacted>\"].x\n    - 1\n    + 2",
    );
}

#[test]
fn an_object_that_becomes_a_secret_is_redacted_in_both_versions() {
    let diff = object_diff(
        &value(r#"{"items":[{"kind":"ConfigMap","data":{"a":"canary-1"}}]}"#),
        &value(r#"{"items":[{"kind":"Secret","data":{"a":"canary-2"}}]}"#),
        &ObjectKey::new("", "List", "", ""),
    );
    assert!(!format!("{diff:?}{diff}").contains("canary"));
}

#[test]
fn real_edits_read_well() {
    let scenario = Scenario::load("deployment");
    let against = |event: &str| {
        let mut after = scenario.event(event).value.clone();
        after.remove(&["metadata", "annotations", "deployment.kubernetes.io/revision"]);
        object_diff(&scenario.applied.value, &after, &scenario.desired.key).to_string()
    };
    assert_eq!(
        against("edited"),
        "~ .spec.template.spec.containers[name=web].image\n    - nginx:1\n    + nginx:2"
    );
    assert_eq!(against("scaled"), "~ .spec.replicas\n    - 2\n    + 5");
    assert_eq!(against("settled"), "");
    assert!(
        against("container_removed")
            .starts_with("- .spec.template.spec.containers[name=side]\n    - image: side:1\n")
    );
    assert_eq!(object_diff(&Value::Null, &Value::Null, &scenario.desired.key).changes, []);
}
