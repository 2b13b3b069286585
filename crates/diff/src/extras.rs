//! What others added to an object.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lockstep_core::{FieldPath, LiveObject, PathElement};
use schema::FieldSet;

use crate::handover::HANDOVER_MANAGER;
use crate::managed;
use crate::redaction::Redaction;

/// The fields that one other manager set and we did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extra {
    /// The manager.
    pub manager: Arc<str>,
    /// The fields, in order.
    pub paths: Vec<FieldPath>,
}

/// The name under which the API server itself writes.
const API_SERVER: &str = "kube-apiserver";

/// The fields of an object that others set, by manager. Such fields stay; they are told.
///
/// A field that somebody took from us counts until it is healed. `status`, what is written through it and what the API server itself writes do not count, nor does what we write under
/// another operation or hand over.
pub fn extras(live: &LiveObject, manager: &str) -> Vec<Extra> {
    let ours = managed::applied_entry(&live.value, manager).and_then(managed::fields_of).unwrap_or_default();
    let mut by_manager: BTreeMap<&str, BTreeSet<FieldPath>> = BTreeMap::new();
    for entry in managed::entries(&live.value) {
        let name = managed::text(entry, "manager");
        let foreign = ![manager, HANDOVER_MANAGER, API_SERVER].contains(&name);
        if !foreign || managed::text(entry, "subresource") == "status" {
            continue;
        }
        let fields = managed::fields_of(entry).unwrap_or_default();
        let added = fields.leaves().into_iter().filter(|path| is_extra(path, &ours));
        by_manager.entry(name).or_default().extend(added.map(|path| whole_item(path, &ours)));
    }
    by_manager.retain(|_, paths| !paths.is_empty());
    if by_manager.is_empty() {
        return Vec::new();
    }
    let redaction = Redaction::of(&live.key, None, Some(&live.value));
    let named = by_manager.into_iter().map(|(name, paths)| Extra {
        manager: name.into(),
        paths: paths.into_iter().map(|path| redaction.path(path)).collect(),
    });
    named.collect()
}

fn is_extra(path: &FieldPath, ours: &FieldSet) -> bool {
    let status = matches!(path.0.first(), Some(PathElement::Field(name)) if &**name == "status");
    !status && !ours.contains(&path.0)
}

/// The item that a path leads into, where no part of it is ours: a container is one thing that was added, not six.
fn whole_item(mut path: FieldPath, ours: &FieldSet) -> FieldPath {
    let is_foreign_item =
        |end: &usize| matches!(path.0[end - 1], PathElement::Key(_)) && ours.at(&path.0[..*end]).is_none();
    if let Some(end) = (1..=path.0.len()).find(is_foreign_item) {
        path.0.truncate(end);
    }
    path
}
