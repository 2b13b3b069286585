//! Objects as kubectl prints them.

use gostd::strconv;
use lockstep_core::{Map, Value};

const INDENT: &str = "    ";

/// JSON as `kubectl -o json` prints it, with a line break at its end: keys in byte order, four spaces, `<`, `>`, `&` and the
/// line separators escaped, numbers as Go's `encoding/json` has them.
pub fn json(value: &Value) -> String {
    let mut out = String::new();
    write(&mut out, value, 0);
    out.push('\n');
    out
}

/// YAML as `kubectl -o yaml` prints it; several objects are divided by `---`.
pub fn yaml<'a>(objects: impl IntoIterator<Item = &'a Value>) -> String {
    let documents: Vec<String> = objects.into_iter().map(goyaml::emit).collect();
    documents.join("---\n")
}

/// One `v1` `List` of objects, as kubectl puts several results together.
pub fn list(items: Vec<Value>) -> Value {
    let metadata = Map::from([("resourceVersion".into(), "".into())]);
    Value::map(Map::from([
        ("apiVersion".into(), "v1".into()),
        ("items".into(), Value::list(items)),
        ("kind".into(), "List".into()),
        ("metadata".into(), Value::map(metadata)),
    ]))
}

fn write(out: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Int(number) => out.push_str(&number.to_string()),
        Value::Uint(number) => out.push_str(&number.to_string()),
        // Values hold no infinite numbers.
        Value::Float(number) => out.push_str(strconv::format_json(*number).as_deref().unwrap_or("null")),
        Value::String(text) => write_string(out, text),
        Value::List(items) if items.is_empty() => out.push_str("[]"),
        Value::List(items) => {
            for (index, item) in items.iter().enumerate() {
                new_line(out, if index == 0 { "[" } else { "," }, depth + 1);
                write(out, item, depth + 1);
            }
            new_line(out, "", depth);
            out.push(']');
        }
        Value::Map(entries) if entries.is_empty() => out.push_str("{}"),
        Value::Map(entries) => {
            for (index, (key, value)) in entries.iter().enumerate() {
                new_line(out, if index == 0 { "{" } else { "," }, depth + 1);
                write_string(out, key);
                out.push_str(": ");
                write(out, value, depth + 1);
            }
            new_line(out, "", depth);
            out.push('}');
        }
    }
}

fn new_line(out: &mut String, before: &str, depth: usize) {
    out.push_str(before);
    out.push('\n');
    (0..depth).for_each(|_| out.push_str(INDENT));
}

fn write_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\x08' => out.push_str("\\b"),
            '\x0C' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\x1F' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}
