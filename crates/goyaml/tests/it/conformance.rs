//! Documents with the answers of kubectl (cases.json) and of `sigs.k8s.io/yaml` (extra.json).

use lockstep_core::{Value, from_json};
use lockstep_goyaml::emit;
use serde_json::Value as Json;

use crate::{json, read, repository};

/// The recorded form keeps integers and floats apart: `{"$i": "1"}`, `{"$f": "0.5"}`.
fn recorded(json: &Json) -> Value {
    match json {
        Json::Object(map) => match (map.get("$i"), map.get("$f")) {
            (Some(number), _) | (_, Some(number)) => number_of(number.as_str().unwrap()),
            _ => Value::map(map.iter().map(|(k, v)| (k.as_str().into(), recorded(v))).collect()),
        },
        Json::Array(items) => Value::list(items.iter().map(recorded).collect()),
        other => from_json(&serde_json::to_vec(other).unwrap()).unwrap(),
    }
}

/// int64, else float64.
fn number_of(text: &str) -> Value {
    text.parse::<i64>().map_or_else(|_| Value::Float(text.parse().unwrap()), Value::Int)
}

/// Equal, also in the kind of number.
fn same(a: &Value, b: &Value) -> bool {
    a == b && format!("{a:?}") == format!("{b:?}")
}

/// Go's message without its prefix and its line, which is off by one for half of its errors.
fn message(text: &str) -> &str {
    let text = text.split_once("error converting YAML to JSON: ").map_or(text, |(_, rest)| rest);
    let text = text.strip_prefix("yaml: ").unwrap_or(text);
    match text.strip_prefix("line ").and_then(|rest| rest.split_once(": ")) {
        Some((_, rest)) => rest,
        None => text,
    }
}

#[test]
fn the_161_documents_of_the_corpus_read_as_kubectl_reads_them() {
    let cases = json("tests/conformance/yaml/cases.json");
    assert_eq!(cases.len(), 161);
    for case in cases {
        let name = &case["name"];
        let ours = read(case["yaml"].as_str().unwrap().as_bytes());
        match (&case["ok"], &ours) {
            (Json::Null, Err(error)) => {
                let expected = message(case["err"].as_str().unwrap());
                // Keys that JSON cannot have are described by Go's own types.
                if !expected.contains("map key") {
                    assert_eq!(error.message, expected, "{name}");
                }
                assert!(error.position.line > 0 && error.position.column > 0);
            }
            (Json::Null, Ok(value)) => panic!("{name}: Go refuses it, we read {value:?}"),
            (_, Err(error)) => panic!("{name}: {error}"),
            (expected, Ok(value)) => {
                let data = value.get("data").unwrap();
                assert!(same(data, &recorded(expected)), "{name}: {data:?} for {expected}");
            }
        }
    }
}

#[test]
fn documents_from_a_held_out_search_read_as_in_go() {
    for case in json("tests/conformance/yaml/extra.json") {
        let text = case["yaml"].as_str().unwrap();
        match (read(text.as_bytes()), case["json"].as_str()) {
            (Ok(value), Some(expected)) => {
                assert!(same(&value, &from_go(expected)), "{text:?}: {value:?} for {expected}");
                if let Some(written) = case["written"].as_str() {
                    assert_eq!(emit(&value), written, "{text:?}");
                }
            }
            (Err(_), None) => {}
            (ours, expected) => panic!("{text:?}: {ours:?} for {expected:?}"),
        }
    }
}

/// An object full of text that is hard to write, as `kubectl annotate --local -o json` and `-o yaml` printed it.
#[test]
fn a_hostile_object_is_written_as_kubectl_writes_it() {
    let file = |name: &str| std::fs::read(repository().join("tests/conformance/yaml").join(name)).unwrap();
    let value = from_json(&file("hostile.json")).unwrap();
    let expected = String::from_utf8(file("hostile.yaml")).unwrap();
    let written = emit(&value);
    for (ours, theirs) in written.lines().zip(expected.lines()) {
        assert_eq!(ours, theirs);
    }
    assert_eq!(written, expected);
    assert_eq!(read(expected.as_bytes()).unwrap(), value);
}

/// JSON by the int64-else-float64 rule.
fn from_go(json: &str) -> Value {
    fn plain(value: Value) -> Value {
        match value {
            #[allow(clippy::cast_precision_loss)] // int64 else float64
            Value::Uint(number) => Value::Float(number as f64),
            Value::List(items) => Value::list(items.iter().cloned().map(plain).collect()),
            Value::Map(map) => Value::map(map.iter().map(|(k, v)| (k.clone(), plain(v.clone()))).collect()),
            other => other,
        }
    }
    plain(from_json(json.as_bytes()).unwrap())
}
