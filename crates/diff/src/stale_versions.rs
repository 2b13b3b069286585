//! Entries of versions that are gone.

use lockstep_core::{ApiVersion, LiveObject, Value};

use crate::managed;

/// The list of managedFields without entries of versions that the kind no longer serves; `None` where all are served.
///
/// One such entry of a custom resource makes every apply fail. They are rewritten to the version of `live`, joined with an
/// entry that is there for the same manager. The list is to be written with the resourceVersion of `live` as precondition.
pub fn stale_versions(live: &LiveObject, served: &[ApiVersion]) -> Option<Value> {
    let is_served = |entry: &Value| {
        ApiVersion::parse(managed::text(entry, "apiVersion")).is_some_and(|version| served.contains(&version))
    };
    let (kept, stale): (Vec<&Value>, Vec<&Value>) =
        managed::entries(&live.value).iter().partition(|entry| is_served(entry));
    if stale.is_empty() {
        return None;
    }
    let version = live.gvk.api.to_string();
    let mut list: Vec<Value> = kept.into_iter().cloned().collect();
    for entry in stale {
        let fields = managed::fields_of(entry).unwrap_or_default();
        match list.iter().position(|other| is_same_writer(other, entry, &version)) {
            Some(position) => {
                let there = managed::fields_of(&list[position]).unwrap_or_default();
                let of = managed::text(&list[position], "apiVersion").to_owned();
                list[position] = managed::rewritten(&list[position], &of, &there.union(&fields));
            }
            None => list.push(managed::rewritten(entry, &version, &fields)),
        }
    }
    Some(Value::list(list))
}

/// Whether the server takes `entry`, once it is of `version`, for `other`. It tells updaters apart by version too; of an applier
/// there is one entry only.
fn is_same_writer(other: &Value, entry: &Value, version: &str) -> bool {
    let same = |field| managed::text(other, field) == managed::text(entry, field);
    same("manager")
        && same("operation")
        && same("subresource")
        && managed::text(other, "apiVersion") == version
}
