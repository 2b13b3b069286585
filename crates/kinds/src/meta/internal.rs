//! Values as the API server's own, unversioned types print themselves: some of its messages show them.
//!
//! The types are a table (`data/internal.tsv`, from `tests/kubeone/internaltypes`), read once: their fields in order, under their
//! Go names where they have no others, absent ones too.

use std::collections::HashMap;
use std::sync::LazyLock;

use lockstep_core::{Value, to_json};
use schema::{At, FieldError, Mistake};

use super::line_diff::unified;
use super::view::View;

static TABLE: &str = include_str!("../../data/internal.tsv");

struct Field {
    /// The name that is printed.
    name: &'static str,
    /// Where it is in the stored version: names with dots between.
    key: &'static str,
    /// Whether it is left out when it is empty.
    omit: bool,
    kind: &'static str,
}

static STRUCTS: LazyLock<HashMap<&'static str, Vec<Field>>> = LazyLock::new(|| {
    let field = |text: &'static str| {
        let mut words = text.split(' ');
        let mut word = || words.next().unwrap_or_default();
        let (name, key, flag, kind) = (word(), word(), word(), word());
        Field { name, key, omit: flag == "e", kind }
    };
    TABLE
        .lines()
        .filter_map(|line| {
            let mut cells = line.split('\t');
            Some((cells.next()?, cells.map(field).collect()))
        })
        .collect()
});

enum Json {
    Plain(String),
    List(Vec<Json>),
    Map(Vec<(String, Json)>),
}

/// A mistake in a value that is shown as the server's type of that name (`core.PodSpec`, `[]core.PodIP`) prints it.
pub(crate) fn invalid_internal(at: &At, (kind, value): (&str, &Value), text: &str) -> FieldError {
    let shown = internal_text(kind, value);
    let detail = if text.is_empty() { shown } else { format!("{shown}: {text}") };
    FieldError::new(Mistake::Invalid, at, None, detail)
}

/// The same for a value that is none of the supported ones.
pub(crate) fn not_supported_internal(
    at: &At,
    (kind, value): (&str, &Value),
    supported: &[&str],
) -> FieldError {
    let words: Vec<_> = supported.iter().map(|word| format!("{word:?}")).collect();
    let text = format!("{}: supported values: {}", internal_text(kind, value), words.join(", "));
    FieldError::new(Mistake::NotSupported, at, None, text)
}

/// Adds a mistake where a field that cannot change has changed.
pub(crate) fn immutable(errors: &mut Vec<FieldError>, at: &At, kind: &str, [new, old]: [&Value; 2]) {
    if new != old {
        errors.push(invalid_internal(at, (kind, new), "field is immutable"));
    }
}

/// The value in one line.
pub(crate) fn internal_text(kind: &str, value: &Value) -> String {
    let mut text = String::new();
    compact(&tree(kind, value), &mut text);
    text
}

/// What differs between two values, as the server shows it: lines around each change.
pub(crate) fn internal_diff(kind: &str, old: &Value, new: &Value) -> String {
    let lines = |value: &Value| {
        let mut text = String::new();
        indented(&tree(kind, value), 0, &mut text);
        text
    };
    unified(&lines(old), &lines(new))
}

fn plain(value: &Value, or: &str) -> Json {
    let text = match value {
        Value::Null => or.to_owned(),
        value => String::from_utf8_lossy(&to_json(value)).into_owned(),
    };
    Json::Plain(match value {
        Value::String(_) => escape_html(&text),
        _ => text,
    })
}

/// Go writes these so that JSON can stand in a page.
fn escape_html(text: &str) -> String {
    text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

fn tree(kind: &str, value: &Value) -> Json {
    let absent = matches!(value, Value::Null);
    if let Some(inner) = kind.strip_prefix('*') {
        return if absent { Json::Plain("null".into()) } else { tree(inner, value) };
    }
    if let Some(inner) = kind.strip_prefix("[]") {
        let items = value.as_list();
        return items.map_or(Json::Plain("null".into()), |items| {
            Json::List(items.iter().map(|item| tree(inner, item)).collect())
        });
    }
    if let Some(inner) = kind.strip_prefix("{}") {
        let entries = value.as_map();
        return entries.map_or(Json::Plain("null".into()), |entries| {
            Json::Map(entries.iter().map(|(key, value)| (key.to_string(), tree(inner, value))).collect())
        });
    }
    match kind {
        "s" => plain(value, "\"\""),
        "i" | "x" => plain(value, "0"),
        "b" => plain(value, "false"),
        "q" => plain(value, "\"0\""),
        "t" | "y" | "?" => plain(value, "null"),
        kind => structure(kind.strip_prefix('@').unwrap_or(kind), value),
    }
}

fn structure(name: &str, value: &Value) -> Json {
    let Some(fields) = STRUCTS.get(name) else { return plain(value, "null") };
    let find = |field: &Field| field.key.split('.').fold(value, |value, key| value.child(key));
    let shown = fields.iter().filter(|field| {
        let value = find(field);
        let zero = matches!(value, Value::Null) || (field.kind == "s" && value.as_str() == Some(""));
        !field.omit || field.kind.starts_with('@') || !zero
    });
    Json::Map(shown.map(|field| (field.name.to_owned(), tree(field.kind, find(field)))).collect())
}

fn compact(json: &Json, text: &mut String) {
    let separated = |index: usize, text: &mut String| text.push_str(if index == 0 { "" } else { "," });
    match json {
        Json::Plain(plain) => text.push_str(plain),
        Json::List(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                separated(index, text);
                compact(item, text);
            }
            text.push(']');
        }
        Json::Map(entries) => {
            text.push('{');
            for (index, (key, value)) in entries.iter().enumerate() {
                separated(index, text);
                text.push_str(&format!("{key:?}:"));
                compact(value, text);
            }
            text.push('}');
        }
    }
}

/// One space a level.
fn indented(json: &Json, level: usize, text: &mut String) {
    let line = |index: usize, text: &mut String| {
        text.push_str(if index == 0 { "\n" } else { ",\n" });
        text.push_str(&" ".repeat(level + 1));
    };
    let end = |text: &mut String, close: char| {
        text.push('\n');
        text.push_str(&" ".repeat(level));
        text.push(close);
    };
    match json {
        Json::List(items) if !items.is_empty() => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                line(index, text);
                indented(item, level + 1, text);
            }
            end(text, ']');
        }
        Json::Map(entries) if !entries.is_empty() => {
            text.push('{');
            for (index, (key, value)) in entries.iter().enumerate() {
                line(index, text);
                text.push_str(&format!("{key:?}: "));
                indented(value, level + 1, text);
            }
            end(text, '}');
        }
        other => compact(other, text),
    }
}

#[cfg(test)]
mod tests {
    use lockstep_core::from_json;

    use super::*;

    fn value(json: &str) -> Value {
        from_json(json.as_bytes()).unwrap()
    }

    #[test]
    fn values_are_printed_as_go_types() {
        let check = |kind: &str, json: &str, text: &str| assert_eq!(internal_text(kind, &value(json)), text);
        check(
            "apps.DeploymentStrategy",
            r#"{"type":"X","rollingUpdate":{"maxSurge":"25%","maxUnavailable":1}}"#,
            r#"{"Type":"X","RollingUpdate":{"MaxUnavailable":1,"MaxSurge":"25%"}}"#,
        );
        check("*v1.LabelSelector", r#"{"matchLabels":{"a":"b"}}"#, r#"{"matchLabels":{"a":"b"}}"#);
        check("*v1.LabelSelector", "null", "null");
        check("core.SeccompProfile", r#"{"type":"a<b"}"#, r#"{"Type":"a\u003cb","LocalhostProfile":null}"#);
    }

    #[test]
    fn differences_are_shown_with_what_is_around() {
        let (old, new) = (value(r#"{"restartPolicy":"Always"}"#), value(r#"{"restartPolicy":"Never"}"#));
        let diff = internal_diff("core.PodSpec", &old, &new);
        assert!(
            diff.contains("\n- \"RestartPolicy\": \"Always\",\n+ \"RestartPolicy\": \"Never\",\n"),
            "{diff}"
        );
    }
}
