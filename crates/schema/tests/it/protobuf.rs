//! Bodies in protocol buffers, as Go's serializer wrote them, recorded by `cargo xtask openapi`.

use std::collections::BTreeSet;

use lockstep_core::{Gvk, Value};
use lockstep_schema::{Message, Wire};

use crate::fixture::{text, value};

/// A body of a case; the recorded bytes are always whole.
fn bytes(base64: &str) -> Vec<u8> {
    let sextet = |c: u8| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits: Vec<u32> = base64.trim_end_matches('=').bytes().map(|c| u32::from(sextet(c))).collect();
    let group = |chunk: &[u32]| {
        let number = chunk.iter().fold(0, |number, digit| number << 6 | digit) << (6 * (4 - chunk.len()));
        number.to_be_bytes()[1..chunk.len()].to_vec()
    };
    digits.chunks(4).flat_map(group).collect()
}

fn cases() -> impl Iterator<Item = (&'static str, Gvk, Vec<u8>, &'static str)> {
    let text = include_str!("../../../../tests/conformance/schema/protobuf.tsv");
    text.lines().map(|line| {
        let mut columns = line.split('\t');
        let [name, body, object] = std::array::from_fn(|_| columns.next().unwrap());
        let mut parts = name.split('/');
        let [group, version, kind] = std::array::from_fn(|_| parts.next().unwrap());
        (name, Gvk::new(group, version, kind), bytes(body), object)
    })
}

#[test]
fn bodies_in_protocol_buffers_are_read_as_in_go() {
    let (mut failed, mut kinds) = (Vec::new(), BTreeSet::new());
    for (name, kind, body, want) in cases() {
        kinds.insert(name);
        let message = Message::open(&body).unwrap();
        assert_eq!((&*message.kind, &*message.api_version), (&*kind.kind, &*kind.api.to_string()));
        let wire = Wire::of(&kind).unwrap();
        let got = wire.read(message.object(wire).unwrap()).unwrap();
        assert!(got.unknown.is_empty(), "{:?}", got.unknown);
        let mut want = value(want);
        want.set(&["apiVersion"], kind.api.to_string().into());
        want.set(&["kind"], kind.kind.clone().into());
        let want = text(&want);
        if text(&got.value) != want {
            failed.push(format!("{name}\n  {}\n  Go: {want}", text(&got.value)));
        }
    }
    assert!(kinds.len() >= 70, "{} kinds", kinds.len());
    assert!(failed.is_empty(), "{}:\n{}", failed.len(), failed.join("\n"));
}

#[test]
fn cut_and_garbled_bodies_are_refused_or_read_but_end() {
    let mut refused = 0;
    for (at, (_, kind, mut body, _)) in cases().enumerate() {
        let wire = Wire::of(&kind).unwrap();
        let read = |body: &[u8]| Message::open(body).and_then(|message| message.object(wire));
        for end in (4..body.len()).step_by(1 + body.len() / 20) {
            refused += usize::from(read(&body[..end]).is_err());
        }
        for change in 0..20 {
            let place = 4 + (at * 31 + change * 17) % (body.len() - 4);
            body[place] = body[place].wrapping_mul(7).wrapping_add(change as u8);
            refused += usize::from(read(&body).is_err());
        }
    }
    assert!(refused > 1000, "{refused}");
}

fn varint(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// A message with a field of bytes.
fn field(number: usize, content: &[u8]) -> Vec<u8> {
    [varint(number << 3 | 2), varint(content.len()), content.to_vec()].concat()
}

fn read(kind: (&str, &str, &str), object: &[u8]) -> Result<Value, String> {
    let wire = Wire::of(&Gvk::new(kind.0, kind.1, kind.2)).unwrap();
    let body = [b"k8s\0", &*field(2, object)].concat();
    Message::open(&body).and_then(|message| message.object(wire)).map_err(|error| error.to_string())
}

#[test]
fn what_is_wrong_is_told_in_the_words_of_the_server() {
    let open = |body: &[u8]| Message::open(body).unwrap_err().to_string();
    assert_eq!(open(b""), "empty data");
    assert_eq!(open(b"k8s\0"), "empty body");
    assert_eq!(
        open(b"{}"),
        "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]"
    );
    assert_eq!(open(b"k8s\0\x12\x05"), "unexpected EOF");
    let check = |object: &[u8], want: &str| {
        assert_eq!(read(("apps", "v1", "Deployment"), object).unwrap_err(), want, "{object:?}");
    };
    check(&field(2, b"\x0a\x00"), "proto: wrong wireType = 2 for field Replicas");
    check(&[0x12, 0x7f], "unexpected EOF");
    check(&[0x0c], "proto: wiretype end group for non-group");
    let deployment = |template: &[u8]| read(("apps", "v1", "Deployment"), &field(2, &field(3, template)));
    assert!(deployment(&field(2, b"")).is_ok());
    let selector = field(2, &field(2, &field(2, &field(3, b"\x08\x07"))));
    assert!(deployment(&selector).is_ok(), "{:?}", deployment(&selector));
}

#[test]
fn schemas_within_schemas_have_an_end() {
    const NOT: usize = 28;
    let nest = |levels| {
        let schema = (0..levels).fold(Vec::new(), |schema, _| field(NOT, &schema));
        let version = field(4, &field(1, &schema));
        read(("apiextensions.k8s.io", "v1", "CustomResourceDefinition"), &field(2, &field(7, &version)))
    };
    let two = text(&nest(2).unwrap());
    assert!(two.ends_with(r#"{"openAPIV3Schema":{"not":{"not":{}}}}}]}}"#), "{two}");
    assert!(nest(150).is_ok());
    assert_eq!(nest(20_000).unwrap_err(), "proto: messages within messages, more than 200");
}

#[test]
fn later_fields_are_merged_and_unknown_ones_skipped() {
    let config_map = |object: &[u8]| read(("", "v1", "ConfigMap"), object).map(|object| text(&object));
    let named = |name: &[u8]| field(1, &field(1, name));
    let entry = |key: &[u8], value: &[u8]| field(2, &[field(1, key), field(2, value)].concat());
    let twice = [named(b"a"), field(1, &field(3, b"ns")), named(b"b")].concat();
    assert_eq!(config_map(&twice).unwrap(), r#"{"metadata":{"name":"b","namespace":"ns"}}"#);
    let entries = [entry(b"k", b"1"), entry(b"", b"2"), entry(b"k", b"3"), field(2, b"")].concat();
    assert_eq!(config_map(&entries).unwrap(), r#"{"data":{"":"","k":"3"}}"#);
    let unknown = [field(15, b"?"), vec![0x78, 1], vec![0x7b, 0x08, 1, 0x7c], field(14, b"")].concat();
    assert_eq!(config_map(&unknown).unwrap(), "{}");
    assert_eq!(config_map(&[0x20, 1]).unwrap(), r#"{"immutable":true}"#);
}
