//! What controllers read in objects and write into them.

use std::time::Duration;

use lockstep_core::{Timestamp, Value};

/// A mapping written out.
macro_rules! object {
    ($($key:literal : $value:expr),* $(,)?) => {
        lockstep_core::Value::map(lockstep_core::Map::from([
            $((std::sync::Arc::from($key), lockstep_core::Value::from($value))),*
        ]))
    };
}
pub(crate) use object;

/// The text of a field; empty where it is not there.
pub(crate) fn text<'v>(value: &'v Value, path: &[&str]) -> &'v str {
    value.str_at(path).unwrap_or_default()
}

/// The number of a field; 0 where it is not there.
pub(crate) fn number(value: &Value, path: &[&str]) -> i64 {
    value.int_at(path).unwrap_or(0)
}

/// Whether a field is `true`.
pub(crate) fn flag(value: &Value, path: &[&str]) -> bool {
    value.at(path).and_then(Value::as_bool).unwrap_or(false)
}

/// The items of a field; none where it is not there.
pub(crate) fn items<'v>(value: &'v Value, path: &[&str]) -> &'v [Value] {
    value.at(path).and_then(Value::as_list).unwrap_or_default()
}

pub(crate) fn name(object: &Value) -> &str {
    text(object, &["metadata", "name"])
}

pub(crate) fn namespace(object: &Value) -> &str {
    text(object, &["metadata", "namespace"])
}

pub(crate) fn uid(object: &Value) -> &str {
    text(object, &["metadata", "uid"])
}

pub(crate) fn is_deleting(object: &Value) -> bool {
    object.at(&["metadata", "deletionTimestamp"]).is_some()
}

pub(crate) fn annotation<'v>(object: &'v Value, name: &str) -> Option<&'v str> {
    object.str_at(&["metadata", "annotations", name])
}

/// A count as the API has it.
pub(crate) fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number of objects that is at least none.
pub(crate) fn size(number: i64) -> usize {
    usize::try_from(number).unwrap_or(0)
}

/// A time as objects have it.
pub(crate) fn stamp(now: Duration) -> String {
    Timestamp(i64::try_from(now.as_secs()).unwrap_or(0)).to_string()
}

/// The time that a field holds.
pub(crate) fn time(value: &Value, path: &[&str]) -> Option<Duration> {
    let seconds = Timestamp::parse(value.str_at(path)?)?.0;
    Some(Duration::from_secs(u64::try_from(seconds).ok()?))
}

/// Seconds of a field that is a number of them.
pub(crate) fn seconds(value: &Value, path: &[&str]) -> Option<Duration> {
    Some(Duration::from_secs(u64::try_from(value.int_at(path)?).ok()?))
}

/// A list without the items that are not there.
pub(crate) fn finalizers(object: &Value) -> Vec<&str> {
    items(object, &["metadata", "finalizers"]).iter().filter_map(Value::as_str).collect()
}

/// Takes a finalizer from an object; whether it was there.
pub(crate) fn remove_finalizer(object: &mut Value, name: &str) -> bool {
    let before = items(object, &["metadata", "finalizers"]);
    let after: Vec<Value> = before.iter().filter(|item| item.as_str() != Some(name)).cloned().collect();
    if after.len() == before.len() {
        return false;
    }
    match after.is_empty() {
        true => _ = object.remove(&["metadata", "finalizers"]),
        false => object.set(&["metadata", "finalizers"], Value::list(after)),
    }
    true
}

/// The reference to the controller of an object.
pub(crate) fn controller(object: &Value) -> Option<&Value> {
    items(object, &["metadata", "ownerReferences"]).iter().find(|owner| flag(owner, &["controller"]))
}

/// The uid of the controller of an object.
pub(crate) fn controller_uid(object: &Value) -> &str {
    controller(object).map(|owner| text(owner, &["uid"])).unwrap_or_default()
}

/// A reference to `owner` as the controller of something.
pub(crate) fn controlled_by(owner: &Value) -> Value {
    object! {
        "apiVersion": text(owner, &["apiVersion"]),
        "kind": text(owner, &["kind"]),
        "name": name(owner),
        "uid": uid(owner),
        "controller": true,
        "blockOwnerDeletion": true,
    }
}

/// Puts a value where it is one, takes the field away where it is nothing.
pub(crate) fn put(object: &mut Value, path: &[&str], value: Option<Value>) {
    match value {
        Some(value) => object.set(path, value),
        None => _ = object.remove(path),
    }
}
