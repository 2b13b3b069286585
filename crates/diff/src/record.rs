//! What an apply made of an object.

use lockstep_core::{CommitId, DesiredObject, Key, LiveObject, ObjectRecord, PathElement, Value};
use schema::{Children, FieldSet};

use crate::managed;
use crate::projection::project;

/// An answer that no record can be taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The object has no entry of ours: it is not the answer to our apply.
    #[error("the object has no Apply entry of this field manager")]
    NotApplied,
    /// Our entry is of another version than the object as rendered: somebody applied under our name since.
    #[error("the Apply entry of this field manager is of another version")]
    OtherVersion,
    /// Our entry is not in the form FieldsV1.
    #[error("the Apply entry of this field manager cannot be read")]
    Unreadable,
}

/// The record of an apply: the field set of our entry as the server returned it, and a digest of the live values there.
///
/// `live` is the answer to the apply of `desired` by `manager`.
pub fn record(
    desired: &DesiredObject,
    live: &LiveObject,
    manager: &str,
    key: &Key,
    commit: &CommitId,
) -> Result<ObjectRecord, RecordError> {
    let entry = managed::applied_entry(&live.value, manager).ok_or(RecordError::NotApplied)?;
    if live.gvk != desired.gvk || managed::text(entry, "apiVersion") != desired.gvk.api.to_string() {
        return Err(RecordError::OtherVersion);
    }
    let fields = managed::fields_of(entry).ok_or(RecordError::Unreadable)?;
    let presence = presence(&fields, &desired.value);
    Ok(ObjectRecord {
        gvk: desired.gvk.clone(),
        uid: live.uid.clone(),
        rendered: desired.digest,
        live: project(&fields, &presence, &live.value, key).digest,
        fields: entry.get("fieldsV1").cloned().unwrap_or_default(),
        presence: presence.to_fields_v1(),
        commit: commit.clone(),
    })
}

/// The leaves that were rendered as `{}`, `[]` or null. The server drops some of them and keeps others, and a leaf of
/// FieldsV1 stands for an atomic value and for an empty map that others may fill alike.
fn presence(fields: &FieldSet, desired: &Value) -> FieldSet {
    let mut found = FieldSet::default();
    collect_presence(fields, desired, &mut Vec::new(), &mut found);
    found
}

fn collect_presence(node: &FieldSet, value: &Value, path: &mut Vec<PathElement>, found: &mut FieldSet) {
    if node.is_leaf() {
        if value.is_empty_container() {
            found.insert(path);
        }
        return;
    }
    let mut children = Children::of(value, node.children().len());
    for (element, child) in node.children() {
        if let Some(value) = children.get(element).one() {
            path.push(element.clone());
            collect_presence(child, value, path, found);
            path.pop();
        }
    }
}
