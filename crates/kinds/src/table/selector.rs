//! Labels and selectors as one text.

use lockstep_core::{LabelSelector, Value};

use crate::meta::Selector;

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
    Some(LabelSelector(selector).to_string())
}

/// The same, with words for what selects all and for what cannot be used.
pub(super) fn selector(selector: &Value) -> Value {
    match text(selector) {
        None => "<error>".into(),
        Some(text) if text.is_empty() => "<none>".into(),
        Some(text) => text.into(),
    }
}
