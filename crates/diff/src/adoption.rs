//! Taking over what other tools applied.

use lockstep_core::{LiveObject, PathElement, Value};
use schema::{Children, FieldSet, Found};

use crate::managed;

/// The managers whose objects are taken over unless an installation says otherwise: tools that wrote what Git now holds.
/// Never a prefix: `kubectl-patch` and `kubectl-edit` are people, and stay foreign.
pub const ADOPTABLE: [&str; 7] = [
    "kubectl",
    "kubectl-client-side-apply",
    "helm",
    "argocd-controller",
    "kustomize-controller",
    "helm-controller",
    "before-first-apply",
];

/// The list of managedFields in which the entries of `adoptable` managers are merged into ours; `None` where there are none.
///
/// Without it, fields that Git removes later would live on under their old owners. Entries of a subresource (every
/// `kubectl scale`) stay, as do entries that cannot be read. `api_version` is the one that will be applied. The list is to be written with
/// the resourceVersion of `live` as precondition.
pub fn adoption(live: &LiveObject, adoptable: &[&str], manager: &str, api_version: &str) -> Option<Value> {
    let all = managed::entries(&live.value);
    let adopted = adopted(all, adoptable, manager);
    let first = adopted.first()?.0;
    let ours = all.iter().position(|entry| managed::is_applied_by(entry, manager));
    let version = match ours {
        Some(position) => version_of(all, position),
        None if adopted.iter().any(|(position, _)| version_of(all, *position) == api_version) => api_version,
        None => version_of(all, first),
    };
    let own = ours.map_or(Some(FieldSet::default()), |position| managed::fields_of(&all[position]))?;
    let known = live.gvk.api.to_string() == version;
    let fields =
        adopted.iter().fold(own, |fields, (position, set)| match version_of(all, *position) == version {
            true => fields.union(set),
            // One entry has one version. Of another version's set, the paths that the object has under the same name are the
            // same fields.
            false if known => fields.union(&present(set, &live.value)),
            false => fields,
        });
    let place = ours.unwrap_or(first);
    let merged = ours_from(&all[place], (manager, version), &fields);
    let merged = newest_time(merged, adopted.iter().map(|(position, _)| &all[*position]));
    let is_gone = |position: usize| adopted.iter().any(|(adopted, _)| *adopted == position);
    let list = all.iter().enumerate().filter_map(|(position, entry)| match position == place {
        true => Some(merged.clone()),
        false => (!is_gone(position)).then(|| entry.clone()),
    });
    Some(Value::list(list.collect()))
}

/// The positions and field sets of the entries to take over.
pub(crate) fn adopted(entries: &[Value], adoptable: &[&str], manager: &str) -> Vec<(usize, FieldSet)> {
    let takes = |entry: &Value| {
        managed::is_main(entry)
            && adoptable.contains(&managed::text(entry, "manager"))
            && !managed::is_applied_by(entry, manager)
    };
    let taken = entries.iter().enumerate().filter(|(_, entry)| takes(entry));
    taken.filter_map(|(position, entry)| Some((position, managed::fields_of(entry)?))).collect()
}

fn version_of(entries: &[Value], position: usize) -> &str {
    managed::text(&entries[position], "apiVersion")
}

fn ours_from(entry: &Value, (manager, version): (&str, &str), fields: &FieldSet) -> Value {
    let mut merged = managed::rewritten(entry, version, fields);
    merged.set(&["manager"], manager.into());
    merged.set(&["operation"], "Apply".into());
    merged
}

/// Times are RFC 3339 in UTC to the second, so that their order is that of their text.
fn newest_time<'a>(mut merged: Value, entries: impl Iterator<Item = &'a Value>) -> Value {
    for entry in entries {
        let time = managed::text(entry, "time");
        if time > managed::text(&merged, "time") {
            merged.set(&["time"], time.into());
        }
    }
    merged
}

/// The part of a set that an object has.
fn present(set: &FieldSet, object: &Value) -> FieldSet {
    let mut found = FieldSet::default();
    collect_present(set, Found::One(object), &mut Vec::new(), &mut found);
    found
}

fn collect_present(node: &FieldSet, value: Found<'_>, path: &mut Vec<PathElement>, found: &mut FieldSet) {
    let Some(value) = value.one() else { return };
    if node.is_member() {
        found.insert(path);
    }
    let mut children = Children::of(value, node.children().len());
    for (element, child) in node.children() {
        path.push(element.clone());
        collect_present(child, children.get(element), path, found);
        path.pop();
    }
}
