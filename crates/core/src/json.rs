//! JSON in and out of [`Value`], at the borders where bytes are exchanged with an API server.

use std::fmt;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use crate::value::{Map, Value};

/// Bytes that are not one JSON document.
#[derive(Debug)]
pub struct ParseError(serde_json::Error);

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid JSON at line {} column {}", self.0.line(), self.0.column())
    }
}

impl std::error::Error for ParseError {}

/// Reads one JSON document. Errors name the place, never the text: it may hold a secret.
///
/// Half of a pair of surrogates that stands alone (`"\ud800"`) is read as U+FFFD, as Go's `encoding/json` reads it.
pub fn from_json(bytes: &[u8]) -> Result<Value, ParseError> {
    let read = serde_json::from_slice(bytes);
    let whole = |error| match whole_surrogates(bytes) {
        Some(text) => serde_json::from_slice(&text),
        None => Err(error),
    };
    read.or_else(whole).map_err(ParseError)
}

/// The text with U+FFFD for each escaped surrogate that is no part of a pair; `None` where there is none.
fn whole_surrogates(bytes: &[u8]) -> Option<Vec<u8>> {
    let escape = |at: usize| {
        let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let (mut out, mut at, mut found) = (Vec::with_capacity(bytes.len()), 0, false);
    while at < bytes.len() {
        let length = match (escape(at), escape(at + 6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(0xd800..=0xdfff), _) => {
                out.extend_from_slice(b"\\ufffd");
                (at, found) = (at + 6, true);
                continue;
            }
            (Some(_), _) => 6,
            (None, _) if bytes[at] == b'\\' => 2,
            (None, _) => 1,
        };
        let end = (at + length).min(bytes.len());
        out.extend_from_slice(&bytes[at..end]);
        at = end;
    }
    found.then_some(out)
}

/// Writes compact JSON with keys in byte order.
pub fn to_json(value: &Value) -> Vec<u8> {
    // Writing to memory cannot fail, and no variant of Value is without a JSON form.
    serde_json::to_vec(value).unwrap_or_default()
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(flag) => serializer.serialize_bool(*flag),
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::Uint(number) => serializer.serialize_u64(*number),
            Self::Float(number) => serializer.serialize_f64(*number),
            Self::String(text) => serializer.serialize_str(text),
            Self::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| list.serialize_element(item))?;
                list.end()
            }
            Self::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                entries.iter().try_for_each(|(key, value)| map.serialize_entry(&**key, value))?;
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Int(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::uint(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::string(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::with_capacity(seq.size_hint().unwrap_or(0).min(1024));
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::list(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Map::new();
        while let Some((key, value)) = map.next_entry::<Arc<str>, Value>()? {
            entries.insert(key, value);
        }
        Ok(Value::map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_survive_the_round_trip_with_sorted_keys() {
        let text = r#"{"b":[1,-2,1.5,18446744073709551615],"a":{"s":"é\n","n":null,"t":true}}"#;
        let sorted = r#"{"a":{"n":null,"s":"é\n","t":true},"b":[1,-2,1.5,18446744073709551615]}"#;
        let value = from_json(text.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(to_json(&value)).unwrap(), sorted);
    }

    #[test]
    fn half_of_a_pair_of_surrogates_is_replaced() {
        let check = |text: &str, read: &str| {
            assert_eq!(from_json(text.as_bytes()).unwrap(), Value::string(read), "{text}");
        };
        check(r#""x\ud800y""#, "x\u{fffd}y");
        check(r#""\ud83d\ude00""#, "\u{1f600}");
        check(r#""\udc00\ud800""#, "\u{fffd}\u{fffd}");
        check(r#""\ud800\ud83d\ude00\\ud800""#, "\u{fffd}\u{1f600}\\ud800");
        assert!(from_json(br#""\ud800"#).is_err() && from_json(br#""\ud8""#).is_err());
    }

    #[test]
    fn errors_name_the_place_and_not_the_text() {
        let error = from_json(b"{\"password\": hunter2}").unwrap_err().to_string();
        assert_eq!(error, "invalid JSON at line 1 column 14");
    }
}
