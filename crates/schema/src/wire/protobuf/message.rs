//! Messages read into the types of the table.

use std::sync::Arc;

use lockstep_core::{Map, Value, from_json};

use super::cursor::{Content, Cursor};
use super::error::Fault;
use super::selfmade;
use crate::wire::base64;
use crate::wire::table::{Form, Struct, Type};

/// How many messages may be within one another.
const DEEPEST: usize = 200;

/// How many messages are around the one that is read.
#[derive(Clone, Copy)]
pub(super) struct Depth(usize);

impl Depth {
    pub(super) const TOP: Self = Self(0);

    fn below(self) -> Result<Self, Fault> {
        match self.0 < DEEPEST {
            true => Ok(Self(self.0 + 1)),
            false => Err(Fault::TooDeep(DEEPEST)),
        }
    }
}

/// Reads the fields of a struct, or of the embedded struct whose numbers lead to it, into what was read before.
pub(super) fn structure(
    (of, outer): (&Struct, &[u32]),
    bytes: &[u8],
    into: &mut Map,
    depth: Depth,
) -> Result<(), Fault> {
    let depth = depth.below()?;
    let mut cursor = Cursor(bytes);
    while let Some((number, content)) = cursor.next()? {
        let path = [outer, &[number]].concat();
        if let Some(field) = of.fields.iter().find(|field| field.number == path) {
            let before = into.remove(&field.name);
            let value =
                value(&field.of, content, before, depth).map_err(|fault| named(fault, &field.name))?;
            into.insert(field.name.clone(), value);
        } else if of.fields.iter().any(|field| field.number.starts_with(&path)) {
            structure((of, &path), bytes_of(content)?, into, depth)?;
        }
    }
    Ok(())
}

/// A message by itself.
pub(super) fn whole(of: &Struct, bytes: &[u8], depth: Depth) -> Result<Value, Fault> {
    let mut fields = Map::new();
    structure((of, &[]), bytes, &mut fields, depth)?;
    Ok(Value::map(fields))
}

/// A value: messages are merged with what was read before, items stand behind it, all else replaces it.
fn value(of: &Type, content: Content<'_>, before: Option<Value>, depth: Depth) -> Result<Value, Fault> {
    match (&of.form, content) {
        (Form::Pointer(of), content) => value(of, content, before, depth),
        (Form::List(item), Content::Bytes(bytes)) if of.is_message => own_list(item, bytes, before, depth),
        (Form::List(item), content) => {
            let mut items = list_of(before);
            match (&item.form, content) {
                (Form::Int(_) | Form::Bool | Form::Float, Content::Bytes(bytes)) => {
                    packed(item, bytes, &mut items)?;
                }
                _ => items.push(value(item, content, None, depth)?),
            }
            Ok(Value::list(items))
        }
        (Form::String, Content::Bytes(bytes)) => Ok(text(bytes)),
        (Form::Bytes, Content::Bytes(bytes)) => Ok(base64::written(bytes).into()),
        (Form::Bool, Content::Varint(number)) => Ok((number != 0).into()),
        (Form::Int(bits), Content::Varint(number)) => Ok(integer(*bits, number)),
        (Form::Float, Content::Fixed64(bits)) => float(bits),
        (Form::Map(_, of), Content::Bytes(bytes)) => {
            let mut entries = map_of(before);
            let (key, value) = entry(of, bytes, depth)?;
            entries.insert(key, value);
            Ok(Value::map(entries))
        }
        (Form::Struct(of), Content::Bytes(bytes)) => {
            let mut fields = map_of(before);
            structure((of, &[]), bytes, &mut fields, depth)?;
            Ok(Value::map(fields))
        }
        (Form::Selfmade(of), Content::Bytes(bytes)) => selfmade::read(*of, bytes, depth.below()?),
        (_, content) => Err(Fault::WrongWireType { found: content.wire_type(), field: String::new() }),
    }
}

/// A list that is a message of its own.
fn own_list(of: &Type, bytes: &[u8], before: Option<Value>, depth: Depth) -> Result<Value, Fault> {
    let depth = depth.below()?;
    let mut items = list_of(before);
    let mut cursor = Cursor(bytes);
    while let Some((number, content)) = cursor.next()? {
        if number == 1 {
            items.push(value(of, content, None, depth)?);
        }
    }
    Ok(Value::list(items))
}

/// Numbers one behind the other.
fn packed(of: &Type, bytes: &[u8], items: &mut Vec<Value>) -> Result<(), Fault> {
    let mut cursor = Cursor(bytes);
    while !cursor.0.is_empty() {
        items.push(match of.form {
            Form::Float => float(cursor.fixed64()?)?,
            Form::Bool => (cursor.varint()? != 0).into(),
            Form::Int(bits) => integer(bits, cursor.varint()?),
            _ => Value::Null,
        });
    }
    Ok(())
}

/// An entry of a mapping; what it does not have is not set.
fn entry(of: &Type, bytes: &[u8], depth: Depth) -> Result<(Arc<str>, Value), Fault> {
    let depth = depth.below()?;
    let (mut key, mut found) = (Arc::from(""), None);
    let mut cursor = Cursor(bytes);
    while let Some((number, content)) = cursor.next()? {
        match number {
            1 => key = String::from_utf8_lossy(bytes_of(content)?).into(),
            2 => found = Some(value(of, content, found, depth)?),
            _ => {}
        }
    }
    Ok((key, found.unwrap_or_else(|| of.zero())))
}

pub(super) fn bytes_of(content: Content<'_>) -> Result<&[u8], Fault> {
    match content {
        Content::Bytes(bytes) => Ok(bytes),
        other => Err(Fault::WrongWireType { found: other.wire_type(), field: String::new() }),
    }
}

/// What is no text in UTF-8 is replaced where Go writes it as JSON.
pub(super) fn text(bytes: &[u8]) -> Value {
    String::from_utf8_lossy(bytes).into_owned().into()
}

/// Higher bits are lost, as in Go.
pub(super) fn integer(bits: u8, number: u64) -> Value {
    let [a, b, c, d, ..] = number.to_le_bytes();
    match bits {
        32 => i64::from(i32::from_le_bytes([a, b, c, d])).into(),
        _ => number.cast_signed().into(),
    }
}

/// A number as it is read from JSON.
fn float(bits: u64) -> Result<Value, Fault> {
    let text = f64::from_bits(bits).to_string();
    from_json(text.as_bytes()).map_err(|_| Fault::Value("a number that JSON does not have"))
}

fn list_of(value: Option<Value>) -> Vec<Value> {
    match value {
        Some(Value::List(items)) => Arc::unwrap_or_clone(items),
        _ => Vec::new(),
    }
}

fn map_of(value: Option<Value>) -> Map {
    match value {
        Some(Value::Map(entries)) => Arc::unwrap_or_clone(entries),
        _ => Map::new(),
    }
}

/// Names the field in Go where nothing further inside did.
fn named(fault: Fault, field: &str) -> Fault {
    match fault {
        Fault::WrongWireType { found, field: inner } if inner.is_empty() => {
            let (first, rest) = field.split_at_checked(1).unwrap_or((field, ""));
            Fault::WrongWireType { found, field: first.to_ascii_uppercase() + rest }
        }
        other => other,
    }
}
