//! Values and paths as they stand in the server's messages, which are printed by Go.

use std::fmt::Write;

use lockstep_core::{PathElement, Value};

/// A path as in conflicts and validation errors: `.spec.containers[name="web"].image`. (The `Display` of a path quotes names
/// with dots and leaves plain keys bare, so that people can tell and copy them; the server does neither.)
pub fn server_path(path: &[PathElement]) -> String {
    path.iter().map(element).collect()
}

pub(crate) fn element(element: &PathElement) -> String {
    match element {
        PathElement::Field(name) => format!(".{name}"),
        PathElement::Key(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(name, value)| format!("{name}={}", key(value))).collect();
            format!("[{}]", fields.join(","))
        }
        PathElement::Item(value) => format!("[={}]", key(value)),
        PathElement::Index(index) => format!("[{index}]"),
    }
}

/// A value inside a path element.
fn key(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Null => "null".into(),
        Value::List(items) => format!("[{}]", items.iter().map(key).collect::<Vec<_>>().join(",")),
        Value::Map(entries) => entries.iter().map(|(name, value)| format!("{name}={}", key(value))).collect(),
        scalar => plain(scalar),
    }
}

/// A value as Go's `%v` prints it.
pub fn plain(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".into(),
        Value::Bool(flag) => flag.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Uint(number) => number.to_string(),
        Value::Float(number) => go_float(*number),
        Value::String(text) => text.to_string(),
        Value::List(items) => format!("[{}]", items.iter().map(plain).collect::<Vec<_>>().join(" ")),
        Value::Map(entries) => {
            let entries: Vec<String> =
                entries.iter().map(|(name, value)| format!("{name}:{}", plain(value))).collect();
            format!("map[{}]", entries.join(" "))
        }
    }
}

/// `%#v`.
pub(crate) fn syntax(value: &Value) -> String {
    match value {
        Value::Null => "interface {}(nil)".into(),
        Value::String(text) => quoted(text),
        Value::List(items) => {
            format!("[]interface {{}}{{{}}}", items.iter().map(syntax).collect::<Vec<_>>().join(", "))
        }
        Value::Map(entries) => {
            let entries: Vec<String> =
                entries.iter().map(|(name, value)| format!("{}:{}", quoted(name), syntax(value))).collect();
            format!("map[string]interface {{}}{{{}}}", entries.join(", "))
        }
        scalar => plain(scalar),
    }
}

/// The Go type of a value that was read from JSON, as `%T` prints it.
pub fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Int(_) | Value::Uint(_) => "int64",
        Value::Float(_) => "float64",
        Value::String(_) => "string",
        Value::List(_) => "[]interface {}",
        Value::Map(_) => "map[string]interface {}",
    }
}

/// A finite number as Go's `%v` prints it: the shortest digits that read back as the same, with an exponent where Go has one.
pub fn go_float(number: f64) -> String {
    if number == 0.0 || (1e-4..1e21).contains(&number.abs()) {
        return number.to_string();
    }
    let text = format!("{number:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |exponent| ('-', exponent));
    format!("{digits}e{sign}{exponent:0>2}")
}

/// `%q`.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for char in text.chars() {
        match char {
            '"' | '\\' => out.extend(['\\', char]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            // Writing to a string cannot fail.
            '\0'..='\u{1f}' | '\u{7f}' => _ = write!(out, "\\x{:02x}", char as u32),
            _ => out.push(char),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_core::from_json;

    #[test]
    fn values_print_as_in_go() {
        for (json, plainly, as_syntax) in [
            ("null", "<nil>", "interface {}(nil)"),
            ("true", "true", "true"),
            ("-3", "-3", "-3"),
            ("1.5", "1.5", "1.5"),
            ("1e21", "1e+21", "1e+21"),
            ("0.00001", "1e-05", "1e-05"),
            (r#""a\"\n""#, "a\"\n", r#""a\"\n""#),
            (
                r#"["a",1,{"b":[]}]"#,
                "[a 1 map[b:[]]]",
                r#"[]interface {}{"a", 1, map[string]interface {}{"b":[]interface {}{}}}"#,
            ),
        ] {
            let value = from_json(json.as_bytes()).unwrap();
            assert_eq!((&*plain(&value), &*syntax(&value)), (plainly, as_syntax));
        }
    }

    #[test]
    fn paths_print_as_the_server_prints_them() {
        let path = [
            PathElement::Field("metadata".into()),
            PathElement::Field("app.kubernetes.io/name".into()),
            PathElement::Key(vec![("port".into(), 80.into()), ("protocol".into(), "TCP".into())]),
            PathElement::Item("a b".into()),
            PathElement::Index(3),
        ];
        assert_eq!(
            server_path(&path),
            r#".metadata.app.kubernetes.io/name[port=80,protocol="TCP"][="a b"][3]"#
        );
    }
}
