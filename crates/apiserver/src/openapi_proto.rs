//! OpenAPI v2 in the binary form that clients ask for: `openapi.v2.Document` of github.com/google/gnostic-models, in the encoding of
//! Protocol Buffers. Of the document, its head and its definitions are told: the paths are not looked at by who wants this form.

use lockstep_core::{Value, to_json};

/// The media type.
pub(crate) const MEDIA_TYPE: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

/// What it was called before.
pub(crate) const OLD_MEDIA_TYPE: &str = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";

/// Whether a client wants this form rather than JSON.
pub(crate) fn wanted(accept: &str) -> bool {
    let first = accept.split(',').next().unwrap_or_default();
    first.contains("proto-openapi.spec.v2") && first.contains("protobuf")
}

/// An OpenAPI v2 document.
pub(crate) fn document(document: &Value) -> Vec<u8> {
    let mut info = Message::default();
    info.text(1, document.str_at(&["info", "title"]));
    info.text(2, document.str_at(&["info", "version"]));
    let mut message = Message::default();
    message.text(1, document.str_at(&["swagger"]));
    message.message(2, &info);
    message.message(8, &Message::default());
    message.message(9, &named_schemas(document.get("definitions")));
    message.0
}

/// `Definitions` and `Properties` are the same on the wire.
fn named_schemas(schemas: Option<&Value>) -> Message {
    let mut all = Message::default();
    for (name, value) in schemas.and_then(Value::as_map).into_iter().flatten() {
        let mut named = Message::default();
        named.text(1, Some(name));
        named.message(2, &schema(value));
        all.message(1, &named);
    }
    all
}

fn schema(value: &Value) -> Message {
    let mut message = Message::default();
    for (field, key) in [(1, "$ref"), (2, "format"), (3, "title"), (4, "description"), (13, "pattern")] {
        message.text(field, value.str_at(&[key]));
    }
    if let Some(default) = value.get("default") {
        message.message(5, &any(default));
    }
    for required in value.get("required").and_then(Value::as_list).unwrap_or_default() {
        message.text(19, required.as_str());
    }
    for one in value.get("enum").and_then(Value::as_list).unwrap_or_default() {
        message.message(20, &any(one));
    }
    match value.get("additionalProperties") {
        None => {}
        Some(Value::Bool(allowed)) => message.message(21, &Message::of(|item| item.boolean(2, *allowed))),
        Some(other) => message.message(21, &Message::of(|item| item.message(1, &schema(other)))),
    }
    if value.get("type").is_some() {
        message.message(22, &Message::of(|item| item.text(1, value.str_at(&["type"]))));
    }
    if let Some(items) = value.get("items") {
        message.message(23, &Message::of(|item| item.message(1, &schema(items))));
    }
    for part in value.get("allOf").and_then(Value::as_list).unwrap_or_default() {
        message.message(24, &schema(part));
    }
    if value.get("properties").is_some() {
        message.message(25, &named_schemas(value.get("properties")));
    }
    let entries = value.as_map().into_iter().flatten();
    for (name, extension) in entries.filter(|(name, _)| name.starts_with("x-")) {
        let named = Message::of(|named| {
            named.text(1, Some(name));
            named.message(2, &any(extension));
        });
        message.message(31, &named);
    }
    message
}

/// A value as YAML, of which JSON is a part.
fn any(value: &Value) -> Message {
    Message::of(|any| any.text(2, Some(&String::from_utf8_lossy(&to_json(value)))))
}

/// A message that is being written.
#[derive(Debug, Default)]
struct Message(Vec<u8>);

/// The wire types.
const VARINT: u64 = 0;
const BYTES: u64 = 2;

impl Message {
    fn of(write: impl FnOnce(&mut Self)) -> Self {
        let mut message = Self::default();
        write(&mut message);
        message
    }

    fn text(&mut self, field: u64, text: Option<&str>) {
        if let Some(text) = text {
            self.bytes(field, text.as_bytes());
        }
    }

    fn message(&mut self, field: u64, message: &Self) {
        self.bytes(field, &message.0);
    }

    fn boolean(&mut self, field: u64, value: bool) {
        self.varint(field << 3 | VARINT);
        self.varint(value.into());
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.varint(field << 3 | BYTES);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    #[allow(clippy::cast_possible_truncation)] // seven bits are
    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_core::from_json;

    #[test]
    fn a_schema_is_as_protoc_writes_it() {
        let check = |json: &str, expected: &[u8]| {
            assert_eq!(schema(&from_json(json.as_bytes()).unwrap()).0, expected, "{json}");
        };
        check(r#"{"description":"d"}"#, b"\x22\x01d");
        check(r#"{"type":"string"}"#, b"\xb2\x01\x08\x0a\x06string");
        check(r#"{"additionalProperties":true}"#, b"\xaa\x01\x02\x10\x01");
        check(r#"{"required":["a","b"]}"#, b"\x9a\x01\x01a\x9a\x01\x01b");
        check(r#"{"x-a":1}"#, b"\xfa\x01\x0a\x0a\x03x-a\x12\x03\x12\x011");
    }

    #[test]
    fn only_who_asks_for_it_first_gets_it() {
        assert!(wanted("application/com.github.proto-openapi.spec.v2@v1.0+protobuf"));
        assert!(!wanted("application/json, application/com.github.proto-openapi.spec.v2.v1.0+protobuf"));
        assert!(!wanted(""));
    }
}
