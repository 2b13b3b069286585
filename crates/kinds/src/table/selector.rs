//! Labels and selectors as one text.

use lockstep_core::Value;

use crate::address::texts;
use crate::meta::{Selector, View};

/// `a=b,c=d`, or `<none>`.
pub(super) fn labels(labels: &Value) -> Value {
    let all = labels.as_map().into_iter().flatten();
    let all: Vec<_> =
        all.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
    if all.is_empty() { "<none>".into() } else { all.join(",").into() }
}

/// A `LabelSelector` in the notation of kubectl, its parts in the order of keys; empty for one that selects all.
pub(super) fn text(selector: &Value) -> Option<String> {
    Selector::of(selector)?;
    let mut parts: Vec<(String, String)> = Vec::new();
    for (key, value) in selector.entries("matchLabels") {
        parts.push((key.to_owned(), format!("{key}={}", value.as_str().unwrap_or_default())));
    }
    for expression in selector.items("matchExpressions") {
        let key = expression.text("key");
        let mut values = texts(expression.items("values"));
        values.sort_unstable();
        let values = values.join(",");
        let text = match expression.text("operator") {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "Exists" => key.to_owned(),
            _ => format!("!{key}"),
        };
        parts.push((key.to_owned(), text));
    }
    parts.sort_by(|a, b| a.0.cmp(&b.0));
    Some(parts.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(","))
}

/// The same, with words for what selects all and for what cannot be used.
pub(super) fn selector(selector: &Value) -> Value {
    match text(selector) {
        None => "<error>".into(),
        Some(text) if text.is_empty() => "<none>".into(),
        Some(text) => text.into(),
    }
}
