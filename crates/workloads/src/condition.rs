//! Conditions in the status of objects.

use lockstep_core::Value;

use crate::object::{items, object, text};

/// The condition of a type.
pub(crate) fn find<'v>(object: &'v Value, kind: &str) -> Option<&'v Value> {
    items(object, &["status", "conditions"]).iter().find(|condition| text(condition, &["type"]) == kind)
}

/// Whether the condition of a type is `True`.
pub(crate) fn is_true(object: &Value, kind: &str) -> bool {
    find(object, kind).is_some_and(|condition| text(condition, &["status"]) == "True")
}

/// Type, status, reason and message.
pub(crate) fn condition(kind: &str, status: &str, reason: &str, message: &str) -> Value {
    object! {"type": kind, "status": status, "reason": reason, "message": message}
}

/// Takes a condition away.
pub(crate) fn remove(object: &mut Value, kind: &str) {
    let list = items(object, &["status", "conditions"]);
    let kept: Vec<Value> =
        list.iter().filter(|condition| text(condition, &["type"]) != kind).cloned().collect();
    if kept.len() == list.len() {
        return;
    }
    match kept.is_empty() {
        true => _ = object.remove(&["status", "conditions"]),
        false => object.set(&["status", "conditions"], Value::list(kept)),
    }
}

/// Sets a condition in its place; `lastTransitionTime` changes with the status only. Whether anything changed.
pub(crate) fn set(object: &mut Value, mut condition: Value, now: &str) -> bool {
    let mut list = items(object, &["status", "conditions"]).to_vec();
    let place = list.iter().position(|known| known.get("type") == condition.get("type"));
    let since = match place {
        Some(place) if list[place].get("status") == condition.get("status") => {
            text(&list[place], &["lastTransitionTime"]).to_owned()
        }
        _ => now.to_owned(),
    };
    condition.set(&["lastTransitionTime"], since.into());
    match place {
        Some(place) if list[place] == condition => return false,
        Some(place) => list[place] = condition,
        None => list.push(condition),
    }
    object.set(&["status", "conditions"], Value::list(list));
    true
}
