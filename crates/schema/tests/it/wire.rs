//! Bodies as a real API server read them, recorded by `tests/conformance/schema/wire.py`.

use lockstep_core::{Gvk, Value};
use lockstep_schema::{Definitions, Read, Wire, WireError, duplicates};

use crate::fixture::{text, value};

fn gvk(version: &str, kind: &str) -> Gvk {
    let (group, version) = version.split_once('/').unwrap_or(("", version));
    Gvk::new(group, version, kind)
}

fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(value, |value, step| {
        let mut parts = step.split('[');
        let value = value.get(parts.next()?)?;
        parts.try_fold(value, |value, index| {
            value.as_list()?.get(index.strip_suffix(']')?.parse::<usize>().ok()?)
        })
    })
}

/// What is not as the server has it.
fn differences(case: &Value, read: &Result<Read, WireError>) -> Vec<String> {
    let (version, kind) = (case.str_at(&["version"]).unwrap(), case.str_at(&["kind"]).unwrap());
    let mut found = Vec::new();
    let read = match (read, case.str_at(&["message"])) {
        (Err(error), message) => {
            let version = version.rsplit('/').next().unwrap();
            let want = format!(r#"{kind} in version "{version}" cannot be handled as a {kind}: {error}"#);
            if message != Some(&want) {
                found.push(format!("refused: {want}\n   the server: {message:?}"));
            }
            return found;
        }
        (Ok(_), Some(message)) => return vec![format!("accepted, the server: {message}")],
        (Ok(read), None) => read,
    };
    for path in case.get("places").and_then(Value::as_list).unwrap_or_default() {
        let path = path.as_str().unwrap();
        let (got, want) = (at(&read.value, path), case.at(&["stored", path]));
        if got.map(text) != want.map(text) {
            found.push(format!("{path}: {:?}, the server: {:?}", got.map(text), want.map(text)));
        }
    }
    let warnings = case.get("warnings").and_then(Value::as_list).unwrap_or_default();
    let named = |kind: &str| -> Vec<String> {
        let texts = warnings.iter().filter_map(Value::as_str);
        texts.filter_map(|text| Some(text.strip_prefix(kind)?.trim_matches('"').to_owned())).collect()
    };
    let unknown = named("unknown field ");
    if unknown != read.unknown {
        found.push(format!("unknown {:?}, the server: {unknown:?}", read.unknown));
    }
    let twice = named("duplicate field ");
    if twice != duplicates(case.str_at(&["body"]).unwrap().as_bytes()) {
        found.push(format!("duplicates, the server: {twice:?}"));
    }
    found
}

#[test]
fn odd_bodies_are_read_as_on_the_server() {
    let cases = value(include_str!("../../../../tests/conformance/schema/wire.json"));
    let cases = cases.as_list().unwrap();
    assert!(cases.len() >= 150);
    let mut failed = Vec::new();
    for case in cases {
        let body = case.str_at(&["body"]).unwrap();
        let kind = gvk(case.str_at(&["version"]).unwrap(), case.str_at(&["kind"]).unwrap());
        let read = Wire::of(&kind).unwrap().read(value(body));
        let found = differences(case, &read);
        if !found.is_empty() {
            failed.push(format!("{body}\n  {}", found.join("\n  ")));
        }
    }
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), cases.len(), failed.join("\n"));
}

/// Random bodies of every kind, as the Go types read and write them; recorded by `cargo xtask openapi`.
#[test]
fn random_bodies_of_every_kind_are_read_as_in_go() {
    let cases = include_str!("../../../../tests/conformance/schema/wire-random.tsv");
    let mut failed = Vec::new();
    for case in cases.lines() {
        let mut columns = case.split('\t');
        let [kind, body, strict, want] = std::array::from_fn(|_| columns.next().unwrap());
        let (version, kind) = kind.rsplit_once('/').unwrap();
        let unknown = |places: &[String]| {
            Value::list(places.iter().map(|place| format!("unknown field \"{place}\"").into()).collect())
        };
        let got = match Wire::of(&gvk(version, kind)).unwrap().read(value(body)) {
            Ok(read) => (text(&read.value), unknown(&read.unknown)),
            Err(error) => (format!("!{error}"), value(strict)),
        };
        let want = if want.starts_with('!') { want.to_owned() } else { text(&value(want)) };
        if got != (want.clone(), value(strict)) {
            failed.push(format!("{version} {kind} {body}\n  {}\n  Go: {want} {strict}", got.0));
        }
    }
    assert!(failed.is_empty(), "{}:\n{}", failed.len(), failed.join("\n"));
}

#[test]
fn reading_what_was_read_changes_nothing() {
    let cases = value(include_str!("../../../../tests/conformance/schema/wire.json"));
    for case in cases.as_list().unwrap() {
        let kind = gvk(case.str_at(&["version"]).unwrap(), case.str_at(&["kind"]).unwrap());
        let wire = Wire::of(&kind).unwrap();
        let Ok(once) = wire.read(value(case.str_at(&["body"]).unwrap())) else { continue };
        let twice = wire.read(once.value.clone()).unwrap();
        assert_eq!(text(&once.value), text(&twice.value));
        let (Value::Map(a), Value::Map(b)) = (&once.value, &twice.value) else { panic!() };
        assert!(std::sync::Arc::ptr_eq(a, b), "a canonical value is shared: {}", text(&once.value));
        assert!(twice.unknown.is_empty());
    }
}

#[test]
fn every_built_in_kind_has_a_type() {
    let known = |group, version, kind| Wire::of(&Gvk::new(group, version, kind)).is_some();
    for (group, version, kind) in [
        ("autoscaling", "v1", "Scale"),
        ("policy", "v1", "Eviction"),
        ("authentication.k8s.io", "v1", "TokenRequest"),
        ("authorization.k8s.io", "v1", "SelfSubjectAccessReview"),
        ("", "v1", "Binding"),
        ("apps", "v1", "DeleteOptions"),
        ("apiregistration.k8s.io", "v1", "APIService"),
        ("", "v1", "Status"),
    ] {
        assert!(known(group, version, kind), "{kind}");
        assert!(Definitions::built_in().kind(&Gvk::new(group, version, kind)).is_some(), "{kind}");
    }
    assert!(!known("", "v1", "Pot") && !known("apps", "v1beta1", "Deployment"));
}

#[test]
fn metadata_is_read_by_itself() {
    let read = |json: &str| Wire::object_meta().unwrap().read(value(json));
    let found = read(r#"{"name":"a","labels":{},"annotations":{"a":null},"creationTimestamp":null,"foo":1}"#)
        .unwrap();
    assert_eq!(text(&found.value), r#"{"annotations":{"a":""},"name":"a"}"#);
    assert_eq!(found.unknown, ["metadata.foo"]);
    assert_eq!(
        read(r#"{"labels":{"a":1}}"#).unwrap_err().to_string(),
        "json: cannot unmarshal number into Go struct field ObjectMeta.labels of type string"
    );
}
