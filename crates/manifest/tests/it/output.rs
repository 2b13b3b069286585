//! Output as kubectl prints it. The expected texts are kubectl's own, recorded once.

use lockstep_core::{Value, from_json};
use lockstep_manifest::{json, list, yaml};

use crate::parse;

#[test]
fn json_is_printed_as_kubectl_prints_it() {
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  html: \"<a href=x>&amp;</a>\"\n  \
                u: \"\\u2028\\x07\\x7f é😀 \\t \\b\\f\"\n  l: []\n  m: {}\n  f: 1.5\n  g: 1e21\n  \
                h: 100000000000000000000\n  e: 0.0000001\n  n: null\n  i: [1, {a: 2}]\n";
    let expected = r#"{
    "apiVersion": "v1",
    "data": {
        "e": 1e-7,
        "f": 1.5,
        "false": null,
        "g": 1e+21,
        "h": 100000000000000000000,
        "html": "\u003ca href=x\u003e\u0026amp;\u003c/a\u003e",
        "i": [
            1,
            {
                "a": 2
            }
        ],
        "l": [],
        "m": {},
        "u": "\u2028\u0007DEL é😀 \t \b\f"
    },
    "kind": "ConfigMap",
    "metadata": {
        "name": "a"
    }
}
"#;
    assert_eq!(json(&parse(text).objects[0].value), expected.replace("DEL", "\x7F"));
}

#[test]
fn several_objects_are_one_list_or_several_documents() {
    let objects: Vec<Value> =
        [r#"{"b":1}"#, r#"{"a":[2]}"#].map(|text| from_json(text.as_bytes()).unwrap()).into();
    assert_eq!(yaml(&objects), "b: 1\n---\na:\n- 2\n");
    assert_eq!(yaml(&[]), "");
    let list = list(objects);
    assert_eq!(list.str_at(&["kind"]), Some("List"));
    assert_eq!(parse(json(&list)).findings.len(), 6); // neither item is an object
}

#[test]
fn a_hostile_object_is_printed_as_kubectl_prints_it() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/conformance/yaml/hostile.json");
    let expected = std::fs::read_to_string(path).unwrap();
    assert_eq!(json(&parse(&expected).objects[0].value), expected);
}
