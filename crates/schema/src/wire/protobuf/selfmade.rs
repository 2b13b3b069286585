//! The messages of types that read themselves.

use lockstep_core::{Value, from_json};

use super::cursor::{Content, Cursor};
use super::error::Fault;
use super::message::{Depth, bytes_of, integer, text, whole};
use crate::wire::selfmade::{Besides, SCHEMA, Selfmade};
use crate::wire::table::TABLE;
use crate::wire::time::{self, Precision};

/// The value as it is in JSON.
pub(super) fn read(of: Selfmade, bytes: &[u8], depth: Depth) -> Result<Value, Fault> {
    match of {
        Selfmade::Quantity => {
            let mut amount = Value::Null;
            each(bytes, |number, content| {
                if number == 1 {
                    amount = text(bytes_of(content)?);
                }
                Ok(())
            })?;
            Ok(amount)
        }
        Selfmade::IntOrString => int_or_string(bytes),
        Selfmade::Time => point_in_time(bytes, Precision::Seconds),
        Selfmade::MicroTime => point_in_time(bytes, Precision::Micros),
        Selfmade::Raw(_) => raw(bytes),
        Selfmade::Schema(besides) => schema(besides, bytes, depth),
    }
}

fn each<'b>(
    bytes: &'b [u8],
    mut take: impl FnMut(u32, Content<'b>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut cursor = Cursor(bytes);
    while let Some((number, content)) = cursor.next()? {
        take(number, content)?;
    }
    Ok(())
}

fn varint_of(content: Content<'_>) -> Result<u64, Fault> {
    match content {
        Content::Varint(number) => Ok(number),
        other => Err(Fault::WrongWireType { found: other.wire_type(), field: String::new() }),
    }
}

fn int_or_string(bytes: &[u8]) -> Result<Value, Fault> {
    let (mut which, mut number, mut string) = (0, Value::from(0), Value::from(""));
    each(bytes, |field, content| {
        match field {
            1 => which = varint_of(content)?,
            2 => number = integer(32, varint_of(content)?),
            3 => string = text(bytes_of(content)?),
            _ => {}
        }
        Ok(())
    })?;
    match which {
        0 => Ok(number),
        1 => Ok(string),
        _ => Err(Fault::Value("impossible IntOrString.Type")),
    }
}

/// How no time is written, which is not the same as no pointer to a time.
const NO_TIME: &str = "0001-01-01T00:00:00Z";
const NO_MICRO_TIME: &str = "0001-01-01T00:00:00.000000Z";

fn point_in_time(bytes: &[u8], precision: Precision) -> Result<Value, Fault> {
    let (mut seconds, mut nanos) = (0, 0);
    each(bytes, |field, content| {
        match field {
            1 => seconds = varint_of(content)?.cast_signed(),
            2 => nanos = integer(32, varint_of(content)?).as_int().unwrap_or_default(),
            _ => {}
        }
        Ok(())
    })?;
    let none = Value::from(match precision {
        Precision::Seconds => NO_TIME,
        Precision::Micros => NO_MICRO_TIME,
    });
    if bytes.is_empty() {
        return Ok(none);
    }
    let micros = nanos / 1000;
    if !(0..1_000_000).contains(&micros) {
        return Err(Fault::Value("nanoseconds beyond a second"));
    }
    match time::of_unix((seconds, micros), precision) {
        Ok(Some(text)) => Ok(text.into()),
        Ok(None) => Ok(none),
        Err(()) => Err(Fault::Value("year outside of range [0,9999]")),
    }
}

/// JSON in a message.
fn raw(bytes: &[u8]) -> Result<Value, Fault> {
    let mut json: &[u8] = &[];
    each(bytes, |field, content| {
        if field == 1 {
            json = bytes_of(content)?;
        }
        Ok(())
    })?;
    match json {
        [] => Ok(Value::Null),
        json => from_json(json).map_err(|_| Fault::Value("raw bytes that are no JSON")),
    }
}

fn schema(besides: Besides, bytes: &[u8], depth: Depth) -> Result<Value, Fault> {
    let (mut allows, mut schema, mut items) = (false, None, Vec::new());
    let one = |bytes| match TABLE.named(SCHEMA) {
        Some(of) => whole(of, bytes, depth),
        None => Ok(Value::Null),
    };
    each(bytes, |field, content| {
        match (besides, field) {
            (Besides::Bool, 1) => allows = varint_of(content)? != 0,
            (Besides::Bool, 2) | (_, 1) => schema = Some(one(bytes_of(content)?)?),
            (Besides::Schemas, 2) => items.push(one(bytes_of(content)?)?),
            (Besides::Strings, 2) => items.push(text(bytes_of(content)?)),
            _ => {}
        }
        Ok(())
    })?;
    Ok(match (besides, schema) {
        (Besides::Bool, None) => allows.into(),
        (_, _) if !items.is_empty() => Value::list(items),
        (_, Some(schema)) => schema,
        (_, None) => Value::Null,
    })
}
