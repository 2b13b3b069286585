//! Values with a schema: what they set, what changed, one over another, without some fields.

use lockstep_schema::{Duplicates, Schema};

use crate::fixture::{fields, kind, spec, value, widget};

#[track_caller]
fn check_set(widget_spec: &str, want: &str) {
    let set = widget(widget_spec).field_set();
    let got = set.child(&lockstep_core::PathElement::Field("spec".into()));
    assert_eq!(got.map_or("absent".into(), lockstep_schema::FieldSet::to_json), want, "{widget_spec}");
}

#[test]
fn fields_are_collected() {
    check_set(r#"{"replicas":1,"mode":null}"#, r#"{"f:mode":{},"f:replicas":{}}"#);
    check_set("{}", "{}");
    check_set(r#"{"args":["a"],"selector":{"a":"1"}}"#, r#"{"f:args":{},"f:selector":{}}"#);
    check_set(r#"{"args":[],"selector":{}}"#, r#"{"f:args":{},"f:selector":{}}"#);
    // Entries of a map are set by themselves, fields of a struct by what is in them.
    check_set(
        r#"{"opts":{"a":"1"},"nested":{"a":"x","b":{"d":"y"}}}"#,
        r#"{"f:nested":{"f:a":{},"f:b":{"f:d":{}}},"f:opts":{"f:a":{}}}"#,
    );
    check_set(r#"{"opts":{},"nested":null}"#, r#"{"f:nested":{},"f:opts":{}}"#);
    check_set(
        r#"{"tags":["b","a"],"nums":[2,10]}"#,
        r#"{"f:nums":{"v:2":{},"v:10":{}},"f:tags":{"v:\"a\"":{},"v:\"b\"":{}}}"#,
    );
    check_set(r#"{"tags":[]}"#, "absent");
    check_set(
        r#"{"ports":[{"port":1,"name":"x"},{"port":1,"protocol":"UDP"}]}"#,
        r#"{"f:ports":{"k:{\"port\":1,\"protocol\":\"TCP\"}":{".":{},"f:name":{},"f:port":{}},"k:{\"port\":1,\"protocol\":\"UDP\"}":{".":{},"f:port":{},"f:protocol":{}}}}"#,
    );
    // What is in an item that is there twice has no path.
    check_set(
        r#"{"ports":[{"port":1,"name":"x"},{"port":1,"name":"y"}],"tags":["a","a"]}"#,
        r#"{"f:ports":{"k:{\"port\":1,\"protocol\":\"TCP\"}":{}},"f:tags":{"v:\"a\"":{}}}"#,
    );
    check_set(
        r#"{"free":{"l":[{"a":1}],"m":{"n":{}}},"target":"1"}"#,
        r#"{"f:free":{"f:l":{},"f:m":{".":{},"f:n":{}}},"f:target":{}}"#,
    );
}

#[track_caller]
fn check_compare(old: &str, new: &str, [added, modified, removed]: [&str; 3]) {
    let found = widget(old).compare(&widget(new));
    let under = |json: &str| match json {
        "" => fields("{}"),
        json => fields(&format!(r#"{{"f:spec":{json}}}"#)),
    };
    assert_eq!(found.added, under(added), "added: {}", found.added.to_json());
    assert_eq!(found.modified, under(modified), "modified: {}", found.modified.to_json());
    assert_eq!(found.removed, under(removed), "removed: {}", found.removed.to_json());
    assert_eq!(found.is_same(), [added, modified, removed] == [""; 3]);
}

#[test]
fn changes_are_found() {
    check_compare(
        r#"{"replicas":1,"on":true}"#,
        r#"{"replicas":2,"ratio":1}"#,
        [r#"{"f:ratio":{}}"#, r#"{"f:replicas":{}}"#, r#"{"f:on":{}}"#],
    );
    check_compare(r#"{"replicas":1,"ratio":1}"#, r#"{"replicas":1,"ratio":1.0}"#, ["", "", ""]);
    check_compare(r#"{"args":["a"]}"#, r#"{"args":["b"]}"#, ["", r#"{"f:args":{}}"#, ""]);
    check_compare(
        r#"{"tags":["a","b"]}"#,
        r#"{"tags":["c","b"]}"#,
        [r#"{"f:tags":{"v:\"c\"":{}}}"#, "", r#"{"f:tags":{"v:\"a\"":{}}}"#],
    );
    check_compare(r#"{"opts":{"a":"1"}}"#, r#"{"opts":{}}"#, ["", "", r#"{"f:opts":{"f:a":{}}}"#]);
    check_compare(r#"{"opts":null}"#, r#"{"opts":{}}"#, ["", r#"{"f:opts":{}}"#, ""]);
    check_compare("{}", r#"{"opts":{"a":"1"}}"#, [r#"{"f:opts":{".":{},"f:a":{}}}"#, "", ""]);
    check_compare(
        r#"{"ports":[{"port":1,"name":"x"}]}"#,
        r#"{"ports":[{"port":2},{"port":1,"name":"y","protocol":"TCP"}]}"#,
        [
            r#"{"f:ports":{"k:{\"port\":1,\"protocol\":\"TCP\"}":{"f:protocol":{}},"k:{\"port\":2,\"protocol\":\"TCP\"}":{".":{},"f:port":{}}}}"#,
            r#"{"f:ports":{"k:{\"port\":1,\"protocol\":\"TCP\"}":{"f:name":{}}}}"#,
            "",
        ],
    );
    // A value of another kind has other parts.
    check_compare(r#"{"any":{"a":1}}"#, r#"{"any":"s"}"#, ["", r#"{"f:any":{}}"#, r#"{"f:any":{"f:a":{}}}"#]);
    check_compare(
        r#"{"tags":["a","a"]}"#,
        r#"{"tags":["a"]}"#,
        [r#"{"f:tags":{"v:\"a\"":{}}}"#, "", r#"{"f:tags":{"v:\"a\"":{}}}"#],
    );
    check_compare(r#"{"tags":["a","a"]}"#, r#"{"tags":["a","a"]}"#, ["", "", ""]);
}

#[track_caller]
fn check_merge(live: &str, config: &str, want: &str) {
    assert_eq!(spec(&widget(live).merge(&widget(config))), want);
}

#[test]
fn values_are_laid_over_each_other() {
    check_merge(r#"{"replicas":1,"on":true}"#, r#"{"replicas":2}"#, r#"{"on":true,"replicas":2}"#);
    check_merge(
        r#"{"args":["a"],"selector":{"a":"1"}}"#,
        r#"{"args":["b"],"selector":{"b":"1"}}"#,
        r#"{"args":["b"],"selector":{"b":"1"}}"#,
    );
    check_merge(r#"{"opts":{"a":"1"}}"#, r#"{"opts":{"b":"1"}}"#, r#"{"opts":{"a":"1","b":"1"}}"#);
    check_merge(r#"{"opts":{"a":"1"}}"#, r#"{"opts":null}"#, r#"{"opts":{"a":"1"}}"#);
    check_merge(r#"{"mode":"m"}"#, r#"{"mode":null}"#, r#"{"mode":null}"#);
    check_merge(
        r#"{"ports":[{"port":1,"name":"x"},{"port":2}]}"#,
        r#"{"ports":[{"port":1,"protocol":"TCP","note":"n"},{"port":1,"protocol":"UDP"}]}"#,
        r#"{"ports":[{"name":"x","note":"n","port":1,"protocol":"TCP"},{"port":2},{"port":1,"protocol":"UDP"}]}"#,
    );
    check_merge(r#"{"any":{"a":1}}"#, r#"{"any":{"b":[1]}}"#, r#"{"any":{"a":1,"b":[1]}}"#);
    check_merge(r#"{"any":{"a":1}}"#, r#"{"any":"s"}"#, r#"{"any":"s"}"#);
    check_merge(r#"{"any":"s"}"#, r#"{"any":{"b":1}}"#, r#"{"any":{"b":1}}"#);
}

#[test]
fn merged_lists_keep_an_order() {
    let check = |live: &str, config: &str, want: &str| {
        let list = |letters: &str| -> String {
            let letters: Vec<String> = letters.chars().map(|letter| format!("\"{letter}\"")).collect();
            format!(r#"{{"tags":[{}]}}"#, letters.join(","))
        };
        check_merge(&list(live), &list(config), &list(want));
    };
    check("abc", "", "abc");
    check("", "abc", "abc");
    check("abc", "b", "abc");
    check("abc", "cba", "cba");
    check("abc", "xb", "axbc");
    check("bax", "abn", "axbn");
    check("aax", "an", "anx");
    check("abcd", "dxa", "bcdxa");
}

#[track_caller]
fn check_remove(widget_spec: &str, set: &str, without: &str, only: &str) {
    let set = fields(&format!(r#"{{"f:spec":{set}}}"#));
    assert_eq!(spec(&widget(widget_spec).remove(&set)), without);
    assert_eq!(spec(&widget(widget_spec).extract(&set)), only);
}

#[test]
fn fields_are_removed_and_extracted() {
    check_remove(r#"{"on":true,"replicas":1}"#, r#"{"f:on":{}}"#, r#"{"replicas":1}"#, r#"{"on":true}"#);
    check_remove(
        r#"{"opts":{"a":"1"}}"#,
        r#"{"f:opts":{"f:a":{}}}"#,
        r#"{"opts":null}"#,
        r#"{"opts":{"a":"1"}}"#,
    );
    check_remove(
        r#"{"tags":["a","b"]}"#,
        r#"{"f:tags":{"v:\"a\"":{}}}"#,
        r#"{"tags":["b"]}"#,
        r#"{"tags":["a"]}"#,
    );
    check_remove(
        r#"{"ports":[{"port":1,"name":"x"},{"port":2,"name":"y"}]}"#,
        r#"{"f:ports":{"k:{\"port\":1,\"protocol\":\"TCP\"}":{"f:name":{}},"k:{\"port\":2,\"protocol\":\"TCP\"}":{".":{},"f:name":{}}}}"#,
        r#"{"ports":[{"port":1}]}"#,
        r#"{"ports":[{"name":"x"},{"name":"y"}]}"#,
    );
    // A path into what is atomic now takes all of it.
    check_remove(
        r#"{"on":true,"selector":{"a":"1"}}"#,
        r#"{"f:selector":{"f:a":{}}}"#,
        r#"{"on":true,"selector":null}"#,
        r#"{"selector":{"a":"1"}}"#,
    );
}

#[test]
fn sets_follow_the_schema() {
    let check = |schema: &Schema, set: &str, want: &str| {
        let set = fields(&format!(r#"{{"f:spec":{set}}}"#));
        assert_eq!(schema.reconcile(&set), fields(&format!(r#"{{"f:spec":{want}}}"#)));
    };
    let schema = kind("example.com/v1", "Widget");
    check(&schema, r#"{"f:opts":{"f:a":{}}}"#, r#"{"f:opts":{"f:a":{}}}"#);
    check(&schema, r#"{"f:selector":{"f:a":{},"f:b":{}}}"#, r#"{"f:selector":{}}"#);
    check(&schema, r#"{"f:args":{"v:\"a\"":{}}}"#, r#"{"f:args":{}}"#);
    check(
        &schema,
        r#"{"f:gone":{"f:a":{}},"f:free":{"f:a":{"f:b":{}}}}"#,
        r#"{"f:gone":{"f:a":{}},"f:free":{"f:a":{"f:b":{}}}}"#,
    );
    check(&kind("example.com/v2", "Widget"), r#"{"f:opts":{"f:a":{}}}"#, r#"{"f:opts":{}}"#);
}

#[track_caller]
fn check_error(spec: &str, want: &str) {
    let object = value(&format!(r#"{{"spec":{spec}}}"#));
    let got = kind("example.com/v1", "Widget").typed(object, Duplicates::Refused);
    assert_eq!(got.map_or_else(|errors| errors.to_string(), |_| "fits".into()), want);
}

/// Single errors are compared with the server's in `recorded`.
#[test]
fn every_error_is_told() {
    check_error(
        r#"{"on":1,"mode":"s","ports":[{"port":"x"},{"port":2,"note":3}],"tags":["a",1]}"#,
        "errors:\n  .spec.on: expected boolean, got &{1}\n  .spec.ports[port=\"x\",protocol=\"TCP\"].port: expected numeric (int or float), got string\n  .spec.ports[port=2,protocol=\"TCP\"].note: expected string, got &value.valueUnstructured{Value:3}\n  .spec.tags[=1]: expected string, got &value.valueUnstructured{Value:1}",
    );
    check_error(r#"{"ports":[{"protocol":"TCP"}]}"#, "fits");
    check_error(r#"{"args":null,"ports":null,"nested":null,"free":null,"any":null}"#, "fits");
    check_error(
        r#"{"nested":{"x":1},"on":1}"#,
        "errors:\n  .spec.nested.x: field not declared in schema\n  .spec.on: expected boolean, got &{1}",
    );
}

#[test]
fn without_a_schema_mappings_are_granular_and_lists_atomic() {
    let typed = |json: &str| Schema::deduced().typed(value(json), Duplicates::Refused).unwrap();
    let object = typed(r#"{"a":{"b":[1,1],"c":{}},"d":null}"#);
    assert_eq!(object.field_set(), fields(r#"{"f:a":{".":{},"f:b":{},"f:c":{}},"f:d":{}}"#));
    let merged = object.merge(&typed(r#"{"a":{"b":[2],"x":"y"}}"#));
    assert_eq!(*merged.value(), value(r#"{"a":{"b":[2],"c":{},"x":"y"},"d":null}"#));
}
