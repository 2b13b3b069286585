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
    let ours = managed::applied_entry(&live.value, manager);
    let mut adopted: Vec<(usize, FieldSet)> = Vec::new();
    for (position, entry) in all.iter().enumerate() {
        let takes = managed::is_main(entry) && adoptable.contains(&managed::text(entry, "manager"));
        if takes && !managed::is_applied_by(entry, manager) {
            adopted.extend(managed::fields_of(entry).map(|fields| (position, fields)));
        }
    }
    let first = adopted.first()?.0;
    let is_of = |position: usize, version: &str| managed::text(&all[position], "apiVersion") == version;
    let version = match ours {
        Some(entry) => managed::text(entry, "apiVersion"),
        None if adopted.iter().any(|(position, _)| is_of(*position, api_version)) => api_version,
        None => managed::text(&all[first], "apiVersion"),
    };
    let mut fields = match ours {
        Some(entry) => managed::fields_of(entry)?,
        None => FieldSet::default(),
    };
    for (position, set) in &adopted {
        // One entry has one version. Of another version's set, the paths that the object has under the same name are the
        // same fields.
        let known = live.gvk.api.to_string() == version;
        match (is_of(*position, version), known) {
            (true, _) => fields = fields.union(set),
            (false, true) => fields = fields.union(&present(set, &live.value)),
            (false, false) => {}
        }
    }
    let adopted: Vec<usize> = adopted.into_iter().map(|(position, _)| position).collect();
    let place = ours.and_then(|ours| all.iter().position(|entry| std::ptr::eq(entry, ours))).unwrap_or(first);
    let merged = ours_from(&all[place], (manager, version), &fields);
    let merged = newest_time(merged, adopted.iter().map(|position| &all[*position]));
    let list =
        all.iter().enumerate().filter(|(position, _)| *position == place || !adopted.contains(position));
    Some(Value::list(
        list.map(|(position, entry)| if position == place { merged.clone() } else { entry.clone() })
            .collect(),
    ))
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
