//! What scalars and keys stand for, with their tags and quotes considered.

use std::sync::Arc;

use gostd::strconv;
use lockstep_core::Value;

use super::fault;
use crate::base64;
use crate::error::{ErrorKind, Fault};
use crate::node::{Node, NodeKind, Style};
use crate::resolve::{PREFIX, Scalar, resolve};

/// A scalar, or text that is not what is written.
pub(super) enum Content {
    Resolved(Scalar),
    Binary(String),
}

/// Whether a key is `<<` without quotes, or with the merge tag.
pub(crate) fn is_merge(node: Node<'_>) -> bool {
    node.kind() == NodeKind::Scalar
        && node.text() == "<<"
        && match node.tag() {
            None => node.style() == Style::Plain,
            Some(tag) => tag == "!" || tag.strip_prefix(PREFIX) == Some("merge"),
        }
}

/// Whether a key is plainly text: the first letter tells for most.
pub(super) fn is_common_key(node: Node<'_>) -> bool {
    node.style() != Style::Plain || matches!(resolve(node.text(), true), Scalar::Text | Scalar::Timestamp)
}

/// A mapping's key on its way to JSON.
pub(super) struct Key {
    pub(super) text: Option<Arc<str>>,
    pub(super) kind: &'static str,
}

impl Key {
    pub(super) fn read(content: Content, node: Node<'_>) -> Self {
        let (text, kind): (Option<Arc<str>>, _) = match content {
            Content::Binary(text) => (Some(text.into()), "string"),
            Content::Resolved(scalar) => match scalar {
                Scalar::Null => (None, "null"),
                Scalar::Bool(flag) => (Some(if flag { "true" } else { "false" }.into()), "bool"),
                Scalar::Int(number) => (Some(number.to_string().into()), "int"),
                Scalar::Uint(_) => (None, "uint64"),
                Scalar::Float(number) => (Some(float_key(number).into()), "float64"),
                Scalar::Timestamp | Scalar::Text => (Some(node.text().into()), "string"),
            },
        };
        Self { text, kind }
    }
}

/// sigs yaml prints float keys in single precision.
fn float_key(number: f64) -> String {
    match strconv::format_general_32(number).as_str() {
        "+Inf" => ".inf".into(),
        "-Inf" => "-.inf".into(),
        "NaN" => ".nan".into(),
        text => text.into(),
    }
}

/// What a scalar stands for, with its tag and its quotes considered.
pub(super) fn scalar(node: Node<'_>) -> Result<Content, Fault> {
    let text = node.text();
    let resolved = |scalar| Ok(Content::Resolved(scalar));
    let Some(tag) = node.tag() else {
        return resolved(if node.style() == Style::Plain { resolve(text, true) } else { Scalar::Text });
    };
    match tag.strip_prefix(PREFIX) {
        Some("binary") => match base64::decode(text) {
            Some(bytes) => Ok(Content::Binary(go_string(&bytes))),
            None => Err(fault(ErrorKind::Value, node, "!!binary value contains invalid base64 data")),
        },
        Some(short @ ("bool" | "int" | "float" | "null" | "timestamp")) => {
            let found = resolve(text, short == "timestamp");
            match (short, found) {
                #[allow(clippy::cast_precision_loss)] // !!float says so
                ("float", Scalar::Int(number)) => resolved(Scalar::Float(number as f64)),
                _ if found.tag() == short => resolved(found),
                _ => {
                    let message = format!("cannot decode !!{} as a !!{short}", found.tag());
                    Err(fault(ErrorKind::Value, node, message))
                }
            }
        }
        _ => resolved(Scalar::Text),
    }
}

/// A Go string on its way through `encoding/json`: every byte that is no UTF-8 becomes U+FFFD.
fn go_string(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| '\u{FFFD}'));
    }
    text
}

/// A float as it comes out of JSON again: an integer where `encoding/json` prints one that fits, else itself.
pub(super) fn json_number(number: f64) -> Option<Value> {
    let text = strconv::format_json(number)?;
    Some(match text.bytes().any(|b| matches!(b, b'.' | b'e')) {
        true => Value::Float(number),
        false => strconv::parse_int(&text, 10).map_or(Value::Float(number), Value::Int),
    })
}

pub(super) fn unsupported(node: Node<'_>, number: f64) -> Fault {
    fault(ErrorKind::Value, node, format!("json: unsupported value: {}", strconv::format_general(number)))
}
