//! Conversions between types.

use schema::go_float;

use super::Answer;
use crate::time::{Time, seconds};
use crate::val::Val;

pub(super) fn call(name: &str, args: &[Val]) -> Option<Answer> {
    let [value] = args else { return None };
    match name {
        "dyn" => Some(Ok(value.clone())),
        "type" => Some(Ok(Val::Type(value.type_name().into()))),
        "int" => int(value),
        "uint" => uint(value),
        "double" => double(value),
        "string" => string(value),
        "bytes" => match value {
            Val::Bytes(_) => Some(Ok(value.clone())),
            Val::String(text) => Some(Ok(Val::Bytes(text.as_bytes().into()))),
            _ => None,
        },
        "bool" => match value {
            Val::Bool(_) => Some(Ok(value.clone())),
            Val::String(text) => Some(match &**text {
                "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Val::Bool(true)),
                "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Val::Bool(false)),
                _ => Err("type conversion error from 'string' to 'bool'".into()),
            }),
            _ => None,
        },
        "timestamp" => match value {
            Val::Time(_) => Some(Ok(value.clone())),
            Val::Int(seconds) => Some(Ok(Val::Time(Time { seconds: *seconds, nanos: 0 }))),
            Val::String(text) => {
                let zoned = text.ends_with(['Z', 'z'])
                    || text.len() > 6 && text[19.min(text.len())..].contains(['+', '-']);
                let time = Time::parse(text).filter(|_| zoned);
                Some(
                    time.map(Val::Time)
                        .ok_or("type conversion error from 'string' to 'google.protobuf.Timestamp'".into()),
                )
            }
            _ => None,
        },
        "duration" => match value {
            Val::Duration(_) => Some(Ok(value.clone())),
            Val::String(text) => {
                let error = "type conversion error from 'string' to 'google.protobuf.Duration'";
                Some(gostd::time::parse_duration(text).map(Val::Duration).map_err(|_| error.into()))
            }
            _ => None,
        },
        _ => None,
    }
}

const RANGE: &str = "integer overflow";

#[allow(clippy::cast_possible_truncation)] // within the range that is checked
fn int(value: &Val) -> Option<Answer> {
    Some(match value {
        Val::Int(_) => Ok(value.clone()),
        Val::Uint(number) => i64::try_from(*number).map(Val::Int).map_err(|_| RANGE.into()),
        Val::Double(number) if number.abs() < 9.223_372_036_854_776e18 => Ok(Val::Int(*number as i64)),
        Val::Double(_) => Err(RANGE.into()),
        Val::String(text) => match text.parse() {
            Ok(number) => Ok(Val::Int(number)),
            Err(_) => Err("type conversion error from 'string' to 'int'".into()),
        },
        Val::Time(time) => Ok(Val::Int(time.seconds)),
        Val::Duration(nanos) => Ok(Val::Int(*nanos)),
        _ => return None,
    })
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // within the range that is checked
fn uint(value: &Val) -> Option<Answer> {
    Some(match value {
        Val::Uint(_) => Ok(value.clone()),
        Val::Int(number) => {
            u64::try_from(*number).map(Val::Uint).map_err(|_| "unsigned integer overflow".into())
        }
        Val::Double(number) if (0.0..1.844_674_407_370_955_2e19).contains(number) => {
            Ok(Val::Uint(*number as u64))
        }
        Val::Double(_) => Err("unsigned integer overflow".into()),
        Val::String(text) => match text.parse() {
            Ok(number) => Ok(Val::Uint(number)),
            Err(_) => Err("type conversion error from 'string' to 'uint'".into()),
        },
        _ => return None,
    })
}

#[allow(clippy::cast_precision_loss)] // as CEL converts
fn double(value: &Val) -> Option<Answer> {
    Some(match value {
        Val::Double(_) => Ok(value.clone()),
        Val::Int(number) => Ok(Val::Double(*number as f64)),
        Val::Uint(number) => Ok(Val::Double(*number as f64)),
        Val::String(text) => match text.parse() {
            Ok(number) => Ok(Val::Double(number)),
            Err(_) => Err("type conversion error from 'string' to 'double'".into()),
        },
        _ => return None,
    })
}

fn string(value: &Val) -> Option<Answer> {
    Some(match value {
        Val::String(_) => Ok(value.clone()),
        Val::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Val::text(text)),
            Err(_) => Err("invalid UTF-8 in bytes, cannot convert to string".into()),
        },
        Val::Bool(_)
        | Val::Int(_)
        | Val::Uint(_)
        | Val::Double(_)
        | Val::Time(_)
        | Val::Duration(_)
        | Val::Ip(_)
        | Val::Cidr(_) => Ok(Val::text(shown(value))),
        _ => return None,
    })
}

/// A double as CEL prints it, by Go's `%g` with the fewest digits.
pub(super) fn float(number: f64) -> String {
    if number.is_nan() {
        return "NaN".into();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf".into() } else { "-Inf".into() };
    }
    go_float(number)
}

/// A value as `string()` gives it, or as messages show it.
pub(crate) fn shown(value: &Val) -> String {
    match value {
        Val::Null => "null".into(),
        Val::Bool(flag) => flag.to_string(),
        Val::Int(number) => number.to_string(),
        Val::Uint(number) => number.to_string(),
        Val::Double(number) => float(*number),
        Val::String(text) => text.to_string(),
        Val::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Val::Time(time) => time.to_string(),
        Val::Duration(nanos) => seconds(*nanos),
        Val::Type(name) => name.to_string(),
        Val::Ip(ip) => ip.0.to_string(),
        Val::Cidr(cidr) => format!("{}/{}", cidr.ip.0, cidr.bits),
        other => other.type_name().to_owned(),
    }
}
