//! What many rows have.

use std::time::Duration;

use lockstep_core::Value;

use super::elapsed::since;
use crate::meta::View;

/// What prints an object.
pub(super) type Row = fn(object: &Value, now: Duration) -> Vec<Value>;

/// The name of an object.
pub(super) fn name(object: &Value) -> Value {
    object.child("metadata").text("name").into()
}

/// How old an object is.
pub(super) fn age(object: &Value, now: Duration) -> Value {
    since(object.child("metadata").text("creationTimestamp"), now).into()
}

/// A text, or what stands for an empty one.
pub(super) fn or(text: &str, empty: &str) -> Value {
    (if text.is_empty() { empty } else { text }).into()
}

/// Texts with something between them.
pub(super) fn joined<'v>(texts: impl Iterator<Item = &'v str>, between: &str) -> String {
    texts.collect::<Vec<_>>().join(between)
}

/// The first items of a list and how many more there are.
pub(super) fn first(items: &[String], most: usize, count: usize) -> String {
    let shown = items.iter().take(most).map(String::as_str);
    let shown = joined(shown, ",");
    match count > most {
        true => format!("{shown} + {} more...", count - most),
        false => shown,
    }
}

/// The names and the images of containers.
pub(super) fn containers(spec: &Value) -> [Value; 2] {
    let list = |field: &str| joined(spec.items("containers").iter().map(|one| one.text(field)), ",");
    [list("name").into(), list("image").into()]
}
