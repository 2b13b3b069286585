//! What is an object, what is not, and what is said about it.

use lockstep_manifest::{Limits, read};

use crate::{names, parse};

/// The objects that are found and the findings as they are printed, without their hints.
fn check(text: &str, objects: &[&str], findings: &[&str]) {
    let parsed = parse(text);
    assert_eq!(names(&parsed), objects, "{text}");
    let found: Vec<String> =
        parsed.findings.iter().map(|f| format!("{}: {}", f.origin.as_ref().unwrap(), f.message)).collect();
    assert_eq!(found, findings, "{text}");
}

const GOOD: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n";

#[test]
fn documents_without_content_are_skipped() {
    for text in ["", "# nothing\n", "---\n---\n# c\n---\n", "null\n", "---\n...\n"] {
        check(text, &[], &[]);
    }
    check(&format!("---\n# first\n---\n{GOOD}---\n"), &["ConfigMap/a"], &[]);
}

#[test]
fn a_broken_document_does_not_hide_the_others() {
    let text = format!("{GOOD}---\na: b: c\n---\n{GOOD}---\n- x\n---\n{GOOD}");
    check(
        &text,
        &["ConfigMap/a"; 3],
        &[
            "a.yaml:6:5: mapping values are not allowed in this context",
            "a.yaml:13:1: the document is a list, not an object",
        ],
    );
}

#[test]
fn every_missing_or_wrong_field_is_named_at_once() {
    check(
        "a: 1\n",
        &[],
        &[
            "a.yaml:1:1: apiVersion is missing",
            "a.yaml:1:1: kind is missing",
            "a.yaml:1:1: metadata is missing",
        ],
    );
    check(
        "apiVersion: 1\nkind: [x]\nmetadata:\n  name: 12\n  namespace: true\n  labels: {a: 1, b: x}\n  annotations:\n  - c\n",
        &[],
        &[
            "a.yaml:1:13: apiVersion is an integer, but must be a string",
            "a.yaml:2:7: kind is a list, but must be a string",
            "a.yaml:4:9: metadata.name is an integer, but must be a string",
            "a.yaml:5:14: metadata.namespace is a boolean, but must be a string",
            "a.yaml:6:15: metadata.labels.a is an integer, but must be a string",
            "a.yaml:7:3: metadata.annotations is a list, but must be a mapping",
        ],
    );
    check(
        "apiVersion: a/b/c\nkind: X\nmetadata: {name: x}\n",
        &[],
        &["a.yaml:1:13: apiVersion is malformed"],
    );
    check(
        "apiVersion: v1\nkind: X\nmetadata: x\n",
        &[],
        &["a.yaml:3:11: metadata is a string, but must be a mapping"],
    );
    check("apiVersion: v1\nkind: X\nmetadata: {}\n", &[], &["a.yaml:3:11: metadata.name is missing"]);
    check("apiVersion: v1\nkind: X\nmetadata: {name: ''}\n", &[], &["a.yaml:3:18: metadata.name is missing"]);
}

#[test]
fn generated_names_are_refused() {
    let text = "apiVersion: v1\nkind: Pod\nmetadata:\n  generateName: a-\n";
    check(text, &[], &["a.yaml:4:17: metadata.generateName makes a new object with every sync"]);
    check(&format!("{text}  name: b\n"), &["Pod/b"], &[]);
}

#[test]
fn null_where_a_text_may_be_absent_is_accepted() {
    check(
        "apiVersion: v1\nkind: X\nmetadata: {name: a, namespace: , labels: , annotations: {b: }}\n",
        &["X/a"],
        &[],
    );
}

#[test]
fn duplicate_keys_are_warnings_and_the_last_one_counts() {
    let text = "apiVersion: v1\nkind: X\nmetadata:\n  name: a\n  name: b\n";
    check(text, &["X/b"], &["a.yaml:5:3: key \"name\" was set before on line 4; this one counts"]);
    assert!(parse(text).findings.iter().all(|finding| !finding.is_error() && finding.hint.is_some()));
}

#[test]
fn keys_that_are_booleans_to_yaml_are_warned_of() {
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  x: '1'\n  y: '2'\n  'n': '3'\n  true: '4'\n";
    let expected =
        "a.yaml:6:3: key y is a boolean in YAML 1.1, as kubectl reads it, and becomes true or false";
    check(
        text,
        &["ConfigMap/a"],
        &[expected, "a.yaml:8:3: key \"true\" was set before on line 6; this one counts"],
    );
    let hints: Vec<_> = parse(text).findings.into_iter().filter_map(|finding| finding.hint).collect();
    assert_eq!(hints[0], "write it in quotes, 'y'");
    let anchored =
        "apiVersion: v1\nkind: X\nmetadata: {name: a, labels: &l {On: a}}\nspec: {labels: *l, more: *l}\n";
    assert_eq!(parse(anchored).findings.len(), 1);
}

#[test]
fn lists_are_unrolled() {
    let item = |name: &str| format!("- apiVersion: v1\n  kind: ConfigMap\n  metadata: {{name: {name}}}\n");
    let list = |items: &str| format!("apiVersion: v1\nkind: List\nitems:\n{items}");
    check(&list(&format!("{}{}", item("a"), item("b"))), &["ConfigMap/a", "ConfigMap/b"], &[]);
    let nested = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: X, metadata: {name: c}}\n";
    let nested = list(&format!("- {}\n", nested.trim_end().replace('\n', "\n  ")));
    check(&nested, &["X/c"], &[]);
    check(
        &list(&format!("{}- 3\n-\n", item("a"))),
        &["ConfigMap/a"],
        &["a.yaml:7:3: the document is an integer, not an object"],
    );
    let typed = "apiVersion: apps/v1\nkind: DeploymentList\nitems:\n- metadata: {name: d}\n";
    check(typed, &["Deployment/d"], &[]);
    assert_eq!(parse(typed).objects[0].gvk().to_string(), "apps/v1, Kind=Deployment");
    check(
        "apiVersion: x/v1\nkind: AllowList\nmetadata: {name: a}\nspec: {items: []}\n",
        &["AllowList/a"],
        &[],
    );
    check("apiVersion: v1\nkind: List\nitems: []\n", &[], &[]);
}

#[test]
fn json_is_read_by_the_rules_of_json() {
    let object = |name: &str| {
        format!(
            "{{\t\"apiVersion\":\"v1\",\"kind\":\"X\",\"metadata\":{{\"name\":\"{name}\"}},\"y\":\"a\\/b\"}}"
        )
    };
    check(&format!("{}\n{}\n", object("a"), object("b")), &["X/a", "X/b"], &[]);
    check(&format!("{}---\n{}", GOOD, object("b")), &["ConfigMap/a", "X/b"], &[]);
    check("{apiVersion: v1, kind: X, metadata: {name: a}}\n", &["X/a"], &[]);
    check(
        "{\"apiVersion\": \"v1\",\n \"kind\" \"X\"}",
        &[],
        &["a.yaml:2:9: did not find expected ',' or '}'"],
    );
}

/// The answers are those of `NewYAMLOrJSONDecoder` of k8s.io/apimachinery 0.37.2, which kubectl reads files with, and of
/// `Unmarshal` of sigs.k8s.io/yaml 1.6.0: what Go's JSON refuses is read as YAML. kubectl 1.32 and before did not try that.
#[test]
fn json_that_is_json_only_by_the_rules_of_yaml_is_read_as_go_reads_it() {
    let object = |name: &str, end: &str| {
        format!("{{\"apiVersion\":\"v1\",\"kind\":\"X\",\"metadata\":{{\"name\":\"{name}\"{end}}}{end}}}\n")
    };
    check(&object("a", ","), &["X/a"], &[]);
    check(&object("a", ",\n\t"), &["X/a"], &[]);
    check(&object("a", ", # a comment\n"), &["X/a"], &[]);
    check(&object("a", ",,"), &[], &["a.yaml:1:54: did not find expected node content"]);
    // Go takes up YAML behind the last object that is JSON.
    check(&format!("{}{}", object("a", ""), object("b", ",")), &["X/a", "X/b"], &[]);
    let text = format!("{}garbage\n", object("a", ""));
    check(&text, &["X/a"], &["a.yaml:2:1: the document is a string, not an object"]);
    let refused = "a.yaml:3:1: from here on the objects are not all JSON, as those before are; kubectl refuses the file";
    check(
        &[object("a", ""), object("b", ""), object("c", ","), object("d", "")].concat(),
        &["X/a", "X/b"],
        &[refused],
    );
    // Behind an object that is JSON only by YAML's rules there is no other: Go ignores it without a word.
    let ignored = "a.yaml:2:1: the text behind the end of the document is ignored, as kubectl does";
    check(&format!("{}{}", object("a", ","), object("b", "")), &["X/a"], &[ignored]);
}

#[test]
fn ignored_text_and_bytes_that_are_no_text_are_findings() {
    check(
        &format!("{GOOD}...\nkind: Lost\n"),
        &["ConfigMap/a"],
        &["a.yaml:6:1: the text behind the end of the document is ignored, as kubectl does"],
    );
    let mut bytes = GOOD.as_bytes().to_vec();
    bytes.extend_from_slice(b"---\na: \xFF\n---\n");
    bytes.extend_from_slice(GOOD.as_bytes());
    let parsed = parse(bytes);
    assert_eq!(names(&parsed).len(), 2);
    assert_eq!(
        parsed.findings[0].to_string(),
        "a.yaml:6:4: invalid UTF-8 octet sequence (save the file as UTF-8 without control characters)"
    );
}

#[test]
fn the_offending_line_is_shown_unless_it_may_hold_a_secret() {
    let text = |text: &str| parse(text).findings[0].text.clone();
    assert_eq!(text("kind: X\na: b: c\n").as_deref(), Some("a: b: c"));
    assert_eq!(text("kind: Secret\nstringData: {password: hunter2 {\n"), None);
}

#[test]
fn a_byte_order_mark_may_stand_at_the_beginning_of_each_document() {
    check(&format!("\u{FEFF}{GOOD}---\n\u{FEFF}{GOOD}"), &["ConfigMap/a", "ConfigMap/a"], &[]);
}

#[test]
fn limits_are_findings() {
    let limits = Limits { file_bytes: 100, depth: 5, nodes: 20 };
    let message = |text: &str| read("b.yaml", text.as_bytes(), &limits).findings[0].to_string();
    assert_eq!(
        message(&"#".repeat(101)),
        "b.yaml:1:1: the file is larger than 100 bytes (divide the manifest into smaller ones)"
    );
    assert_eq!(
        message("[[[[[[1]]]]]]"),
        "b.yaml:1:6: collections nest deeper than 5 levels (divide the manifest into smaller ones)"
    );
}
