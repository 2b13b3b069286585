//! Answers of the store in the form that a client wants.

use std::sync::Arc;
use std::time::Duration;

use apistore::{Body as Answer, List, Response, kind_first};
use bytes::{BufMut, Bytes, BytesMut};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, WARNING};
use lockstep_core::{Map, Value, from_json};

use crate::accept::{Accepted, Encoding, Form, MetaVersion};
use crate::body::{Body, shared, streamed, whole};
use crate::table::{RowKind, Rows, Tables};

/// In which form one request is answered.
#[derive(Clone)]
pub(crate) struct Shape {
    /// What the client accepts.
    pub accepted: Accepted,
    /// With line breaks, for people: `pretty`, or a browser's or curl's request.
    pub pretty: bool,
    /// What the rows of a table carry (`includeObject`).
    pub rows: RowKind,
    /// What time it is, for ages.
    pub now: Duration,
}

impl Shape {
    /// The rows of the tables of this answer.
    pub(crate) fn rows(&self) -> Rows {
        Rows { kind: self.rows, version: self.accepted.version }
    }
}

/// How many bytes of a list are sent at once.
const PIECE: usize = 64 * 1024;

/// Writes an answer; watches are the business of [`crate::stream`].
pub(crate) fn encode(response: &Response, shape: &Shape, tables: &Tables) -> http::Response<Body> {
    let ok = (200..300).contains(&response.code);
    let form = if ok { shape.accepted.form } else { Form::Whole };
    let version = shape.accepted.version;
    let body = match (&response.body, form) {
        (Answer::Text(text), _) => return text_answer(response, text),
        (Answer::Object(object), Form::Whole) if plain(shape) => whole(shared(object.clone())),
        (Answer::Object(object), Form::Whole) if is_json(shape) => whole(indented(object)),
        (Answer::List(list), Form::Whole) if is_json(shape) && shape.pretty => whole(indented(&list.json())),
        (Answer::List(list), Form::Whole) if plain(shape) => streamed(futures::stream::iter(pieces(list))),
        (Answer::Object(object), Form::Whole) => value_body(&read(object), shape),
        (Answer::Object(object), _) if is_status(object) => value_body(&read(object), shape),
        (Answer::Object(object), Form::Metadata | Form::MetadataList) => {
            value_body(&metadata(read(object), version), shape)
        }
        (Answer::Object(object), Form::Table) => {
            value_body(&tables.of_object(read(object), shape.rows(), shape.now), shape)
        }
        (Answer::List(list), Form::Whole) => value_body(&list_value(list), shape),
        (Answer::List(list), Form::Metadata | Form::MetadataList) => {
            value_body(&metadata_list(list, version), shape)
        }
        (Answer::List(list), Form::Table) => {
            value_body(&tables.of_list(list, shape.rows(), shape.now), shape)
        }
        (Answer::Watch(_) | Answer::Log(_), _) => whole(Bytes::new()),
    };
    with_headers((response.code, &response.warnings), shape.accepted.encoding.media_type(), body)
}

/// A `Status` is one in every form.
pub(crate) fn is_status(object: &[u8]) -> bool {
    from_json(object).is_ok_and(|value| value.str_at(&["kind"]) == Some("Status"))
}

fn is_json(shape: &Shape) -> bool {
    shape.accepted.encoding == Encoding::Json
}

/// Whether the stored bytes are what the client wants.
fn plain(shape: &Shape) -> bool {
    is_json(shape) && !shape.pretty
}

fn text_answer(response: &Response, text: &Arc<[u8]>) -> http::Response<Body> {
    with_headers((response.code, &response.warnings), "text/plain", whole(shared(text.clone())))
}

/// An answer that was asked for, without a word of warning.
pub(crate) fn ok(media_type: &'static str, body: Body) -> http::Response<Body> {
    with_headers((200, &[]), media_type, body)
}

/// An answer with its code and what the client is warned of.
pub(crate) fn with_headers(
    (code, warnings): (u16, &[String]),
    media_type: &'static str,
    body: Body,
) -> http::Response<Body> {
    let mut answer = http::Response::new(body);
    *answer.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    for warning in warnings {
        if let Ok(value) = HeaderValue::from_str(&format!("299 - {}", quoted(warning))) {
            headers.append(WARNING, value);
        }
    }
    answer
}

/// A quoted string of RFC 7230; what a header cannot hold is left out.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars().filter(|character| !character.is_control()) {
        if matches!(character, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push('"');
    quoted
}

/// A document in the encoding of the shape.
pub(crate) fn value_body(value: &Value, shape: &Shape) -> Body {
    whole(match shape.accepted.encoding {
        Encoding::Yaml => goyaml::emit(value).into_bytes(),
        Encoding::Json if shape.pretty => indented(&kind_first(value)),
        Encoding::Json => kind_first(value),
    })
}

/// What the store has kept is JSON.
pub(crate) fn read(object: &[u8]) -> Value {
    from_json(object).unwrap_or_default()
}

/// The pieces of a list, none of which is the whole of it.
fn pieces(list: &List) -> impl Iterator<Item = Bytes> + Send + use<> {
    let (head, tail) = (list.head(), list.tail());
    let (items, skip) = (list.items.clone(), list.skip);
    let mut next = 0;
    let mut piece = BytesMut::with_capacity(PIECE + head.len());
    piece.put_slice(&head);
    let mut done = false;
    std::iter::from_fn(move || {
        while next < items.len() && piece.len() < PIECE {
            if next > 0 {
                piece.put_u8(b',');
            }
            piece.put_u8(b'{');
            piece.put_slice(items[next].get(skip.max(1)..).unwrap_or(b"}"));
            next += 1;
        }
        if next == items.len() && !std::mem::replace(&mut done, true) {
            piece.put_slice(&tail);
        }
        Some(piece.split().freeze()).filter(|piece| !piece.is_empty())
    })
}

/// The metadata of a list, and of the table made of it.
pub(crate) fn list_metadata(list: &List) -> Value {
    let mut metadata = Map::new();
    if !list.continue_token.is_empty() {
        metadata.insert("continue".into(), list.continue_token.as_str().into());
    }
    if let Some(remaining) = list.remaining {
        metadata.insert("remainingItemCount".into(), remaining.into());
    }
    metadata.insert("resourceVersion".into(), list.resource_version.as_str().into());
    Value::map(metadata)
}

fn list_value(list: &List) -> Value {
    read(&list.json())
}

fn metadata_list(list: &List, version: MetaVersion) -> Value {
    let mut value = Value::default();
    value.set(&["apiVersion"], version.api_version().into());
    value.set(&["kind"], "PartialObjectMetadataList".into());
    value.set(&["metadata"], list_metadata(list));
    let items = list.items.iter().map(|item| metadata(read(item), version));
    value.set(&["items"], Value::list(items.collect()));
    value
}

/// An object of which only the metadata is left.
pub(crate) fn metadata(object: Value, version: MetaVersion) -> Value {
    let mut value = Value::default();
    value.set(&["apiVersion"], version.api_version().into());
    value.set(&["kind"], "PartialObjectMetadata".into());
    let mut metadata = object.get("metadata").cloned().unwrap_or_default();
    if object.str_at(&["kind"]) == Some("DaemonSet") {
        // It is taken from the server's own type, where this is a number of the spec.
        metadata.remove(&["annotations", "deprecated.daemonset.template.generation"]);
        if metadata.get("annotations").is_some_and(Value::is_empty_container) {
            metadata.remove(&["annotations"]);
        }
    }
    value.set(&["metadata"], metadata);
    value
}

/// JSON without spaces as Go indents it, by two.
fn indented(json: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(json.len() * 2);
    let (mut depth, mut text) = (0usize, false);
    let line = |out: &mut Vec<u8>, depth: usize| {
        out.push(b'\n');
        out.extend(std::iter::repeat_n(b"  ", depth).flatten());
    };
    let mut bytes = json.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => text = !text,
            b'\\' if text => {
                out.push(byte);
                out.extend(bytes.next());
                continue;
            }
            b'}' | b']' if !text => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
            }
            _ => {}
        }
        out.push(byte);
        match byte {
            b'{' | b'[' if !text => match bytes.next_if(|next| matches!(next, b'}' | b']')) {
                Some(end) => out.push(end),
                None => {
                    depth += 1;
                    line(&mut out, depth);
                }
            },
            b',' if !text => line(&mut out, depth),
            b':' if !text => out.push(b' '),
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_core::Gvk;

    fn list(items: usize) -> List {
        let item: Arc<[u8]> = br#"{"metadata":{"name":"a"},"data":{"b":"c"}}"#.as_slice().into();
        List {
            kind: Gvk::new("", "v1", "ConfigMapList"),
            resource_version: "7".to_owned(),
            continue_token: String::new(),
            remaining: None,
            skip: 0,
            items: vec![item; items],
        }
    }

    #[test]
    fn a_list_in_pieces_is_the_list() {
        for items in [0, 1, 2, 5_000] {
            let mut list = list(items);
            list.skip = if items == 2 { br#"{"metadata":{"name":"a"},"#.len() } else { 1 };
            let sent: Vec<Bytes> = pieces(&list).collect();
            assert!(sent.iter().all(|piece| piece.len() < 2 * PIECE));
            assert_eq!(read(&sent.concat()), list_value(&list), "{items}");
        }
    }

    #[test]
    fn people_get_line_breaks() {
        let check = |json: &str, want: &str| {
            assert_eq!(String::from_utf8(indented(json.as_bytes())).unwrap(), want);
        };
        check(
            r#"{"b":[1,{"b":[]}],"a":{}}"#,
            "{\n  \"b\": [\n    1,\n    {\n      \"b\": []\n    }\n  ],\n  \"a\": {}\n}",
        );
        check(r#"{"a":"{\"b\":[1,2]\\"}"#, "{\n  \"a\": \"{\\\"b\\\":[1,2]\\\\\"\n}");
        check("[]", "[]");
    }

    #[test]
    fn warnings_are_quoted() {
        assert_eq!(quoted("unknown field \"a\\b\"\n"), r#""unknown field \"a\\b\"""#);
    }
}
