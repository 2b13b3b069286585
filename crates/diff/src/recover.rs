//! The record of an apply whose answer was lost.

use lockstep_core::{CommitId, DesiredObject, Key, LiveObject, ObjectRecord, Value};
use schema::{Children, FieldSet, Found};

use crate::managed;
use crate::owner::owner_of;
use crate::record::record;

/// The record of an object that carries our owner annotation and has none: the process ended between the apply and the
/// record of it.
///
/// Our Apply entry must cover exactly what is desired now, and the live values there must equal the desired ones. Anything
/// in doubt (a quantity that the server spells otherwise, a default inside an atomic value) is `None`: then an apply tells.
pub fn recover(
    desired: &DesiredObject,
    live: &LiveObject,
    manager: &str,
    key: &Key,
    commit: &CommitId,
) -> Option<ObjectRecord> {
    let ours = owner_of(live).is_some_and(|owner| &*owner.instance == manager);
    if !ours || live.key != desired.key || live.deleting_since.is_some() {
        return None;
    }
    let fields = managed::fields_of(managed::applied_entry(&live.value, manager)?)?;
    let tracked = tracked(&desired.value);
    (!fields.is_leaf() && agrees(&fields, &tracked, Found::One(&live.value))).then_some(())?;
    record(desired, live, manager, key, commit).ok()
}

/// The part of an object that field sets track: the server leaves out what identifies the object and what it sets itself.
fn tracked(desired: &Value) -> Value {
    const IDENTITY: [&str; 8] = [
        "name",
        "namespace",
        "creationTimestamp",
        "generation",
        "managedFields",
        "resourceVersion",
        "selfLink",
        "uid",
    ];
    let mut tracked = desired.clone();
    for field in ["apiVersion", "kind"] {
        tracked.remove(&[field]);
    }
    for field in IDENTITY {
        tracked.remove(&["metadata", field]);
    }
    tracked
}

/// Whether `node` covers all of `desired` and nothing else, and `live` is equal there.
fn agrees(node: &FieldSet, desired: &Value, live: Found<'_>) -> bool {
    if node.is_leaf() {
        return desired.is_empty_container() || live.one() == Some(desired);
    }
    let Some(live) = live.one() else { return false };
    let count = match desired {
        Value::Map(entries) => entries.len(),
        Value::List(items) => items.len(),
        _ => return false,
    };
    let steps = node.children().len();
    let (mut wanted, mut there) = (Children::of(desired, steps), Children::of(live, steps));
    let mut seen = Vec::with_capacity(steps);
    for (element, child) in node.children() {
        let Some(value) = wanted.get(element).one() else { return false };
        seen.push(std::ptr::from_ref(value) as usize);
        if !agrees(child, value, there.get(element)) {
            return false;
        }
    }
    // Two keys may fit one item by default (`{port: 53}` for TCP and for UDP), which would leave another one uncovered.
    seen.sort_unstable();
    seen.dedup();
    seen.len() == count && count == steps
}
