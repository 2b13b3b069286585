//! What a scalar without quotes stands for, by go-yaml v2's rules.

use std::borrow::Cow;

use gostd::strconv;

use crate::timestamp::is_timestamp;

/// The tags that have rules of their own.
pub(crate) const PREFIX: &str = "tag:yaml.org,2002:";

/// What a scalar stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    /// Above `i64::MAX`.
    Uint(u64),
    Float(f64),
    Timestamp,
    Text,
}

impl Scalar {
    /// The short form of its tag.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Int(_) | Self::Uint(_) => "int",
            Self::Float(_) => "float",
            Self::Timestamp => "timestamp",
            Self::Text => "str",
        }
    }
}

/// Resolves a plain scalar. Timestamps are looked for unless a tag says that it is another thing.
pub(crate) fn resolve(text: &str, timestamps: bool) -> Scalar {
    match text.as_bytes().first() {
        None => Scalar::Null,
        Some(b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~') => word(text),
        Some(b'.') => match text {
            ".inf" | ".Inf" | ".INF" => Scalar::Float(f64::INFINITY),
            ".nan" | ".NaN" | ".NAN" => Scalar::Float(f64::NAN),
            _ => strconv::parse_float(text).map_or(Scalar::Text, Scalar::Float),
        },
        Some(b'+' | b'-' | b'0'..=b'9') => number(text, timestamps),
        Some(_) => Scalar::Text,
    }
}

fn word(text: &str) -> Scalar {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Scalar::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Scalar::Bool(false)
        }
        "~" | "null" | "Null" | "NULL" => Scalar::Null,
        _ => Scalar::Text,
    }
}

fn number(text: &str, timestamps: bool) -> Scalar {
    match text {
        "+.inf" | "+.Inf" | "+.INF" => return Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Scalar::Float(f64::NEG_INFINITY),
        _ => {}
    }
    if timestamps && is_timestamp(text) {
        return Scalar::Timestamp;
    }
    // Underscores go first, wherever they stand.
    let plain: Cow<'_, str> = if text.contains('_') { text.replace('_', "").into() } else { text.into() };
    if let Ok(number) = strconv::parse_int(&plain, 0) {
        return Scalar::Int(number);
    }
    if let Ok(number) = strconv::parse_uint(&plain, 0) {
        return Scalar::Uint(number);
    }
    if is_float(&plain)
        && let Ok(number) = strconv::parse_float(&plain)
    {
        return Scalar::Float(number);
    }
    // "0b+1" and "-0b-1" are not numbers to Go's base 0, but go-yaml parses what follows the prefix once more.
    match (plain.strip_prefix("0b"), plain.strip_prefix("-0b")) {
        (Some(digits), _) => match strconv::parse_int(digits, 2) {
            Ok(number) => Scalar::Int(number),
            Err(_) => strconv::parse_uint(digits, 2).map_or(Scalar::Text, Scalar::Uint),
        },
        (_, Some(digits)) => strconv::parse_int(&format!("-{digits}"), 2).map_or(Scalar::Text, Scalar::Int),
        _ => Scalar::Text,
    }
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(text: &str) -> bool {
    let digits = |text: &'_ str| text.bytes().take_while(u8::is_ascii_digit).count();
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let whole = digits(text);
    let mut rest = &text[whole..];
    if let Some(fraction) = rest.strip_prefix('.') {
        let places = digits(fraction);
        if whole == 0 && places == 0 {
            return false;
        }
        rest = &fraction[places..];
    } else if whole == 0 {
        return false;
    }
    match rest.strip_prefix(['e', 'E']) {
        Some(exponent) => {
            let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
            !exponent.is_empty() && digits(exponent) == exponent.len()
        }
        None => rest.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_resolve_by_yaml_1_1_as_go_has_it() {
        use Scalar::{Bool, Float, Int, Null, Text, Timestamp, Uint};
        for (text, expected) in [
            ("", Null),
            ("~", Null),
            ("y", Bool(true)),
            ("Off", Bool(false)),
            ("tRue", Text),
            ("0755", Int(493)),
            ("08", Float(8.0)),
            ("0o17", Int(15)),
            ("0b11", Int(3)),
            ("-0b11", Int(-3)),
            ("0b+1", Int(1)),
            ("1__0", Int(10)),
            ("_1", Text),
            ("+1", Int(1)),
            ("+", Text),
            ("-", Text),
            ("1.", Float(1.0)),
            (".5", Float(0.5)),
            (".", Text),
            ("-.5", Float(-0.5)),
            ("1e3", Float(1000.0)),
            ("1e", Text),
            ("1e400", Text),
            ("0x1p4", Text),
            ("12:30:45", Text),
            ("2020-01-01", Timestamp),
            ("18446744073709551615", Uint(u64::MAX)),
            ("18446744073709551616", Float(18_446_744_073_709_551_616.0)),
            ("-.INF", Float(f64::NEG_INFINITY)),
            ("<<", Text),
            ("null ", Text),
        ] {
            assert_eq!(resolve(text, true), expected, "{text:?}");
        }
        assert_eq!(resolve("2020-01-01", false), Text);
    }
}
