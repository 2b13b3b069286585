//! What the server's own controllers do with definitions: their names are accepted, they are established, and what a
//! deleted one has defined is deleted.

use std::collections::BTreeSet;
use std::time::Duration;

use lockstep_core::{Timestamp, Value};

use super::definition::is_established;
use crate::failure::quoted;
use crate::state::{DEFINITIONS, State, Write, WriteKind};

const FINALIZER: &str = "customresourcecleanup.apiextensions.k8s.io";

/// The next things to do with one definition; none when all is done.
pub(crate) fn next_steps(state: &State, now: Duration) -> Vec<Write> {
    let now = Timestamp(i64::try_from(now.as_secs()).unwrap_or(0));
    let steps = |name: &std::sync::Arc<str>| {
        let Some(entry) = state.find(DEFINITIONS, "", name) else { return Vec::new() };
        let definition = entry.value();
        if definition.at(&["metadata", "deletionTimestamp"]).is_some() {
            return clean_up(state, &definition, now);
        }
        accept(state, &definition, now).or_else(|| establish(&definition, now)).into_iter().collect()
    };
    state.catalog.unsettled().map(steps).find(|steps| !steps.is_empty()).unwrap_or_default()
}

fn put(definition: &Value, mut changed: Value, now: Timestamp) -> Write {
    changed = super::managed_by_server(definition, changed, now);
    let name = changed.str_at(&["metadata", "name"]).unwrap_or_default();
    Write { shelf: DEFINITIONS.into(), key: name.into(), change: WriteKind::Put(changed) }
}

/// The names that other definitions of the group have: of resources, and of kinds.
fn taken(state: &State, definition: &Value) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut resources, mut kinds) = (BTreeSet::new(), BTreeSet::new());
    let text = |path: &[&str]| definition.str_at(path).unwrap_or_default();
    let (group, own) = (text(&["spec", "group"]), text(&["metadata", "name"]));
    for names in state.catalog.accepted_names(group, own) {
        let text = |key: &str| names.str_at(&[key]).unwrap_or_default().to_owned();
        resources.extend([text("plural"), text("singular")]);
        let short = names.get("shortNames").and_then(Value::as_list);
        resources.extend(short.unwrap_or_default().iter().filter_map(Value::as_str).map(str::to_owned));
        kinds.extend([text("kind"), text("listKind")]);
    }
    (resources, kinds)
}

/// Accepts the names that nobody else has.
fn accept(state: &State, definition: &Value, now: Timestamp) -> Option<Write> {
    let wanted = definition.at(&["spec", "names"])?;
    let before = definition.at(&["status", "acceptedNames"]).cloned().unwrap_or_default();
    if *wanted == before {
        return None;
    }
    let (resources, kinds) = taken(state, definition);
    let mut accepted = before.clone();
    let mut conflict: Option<(&str, String)> = None;
    let fields = [
        ("plural", "PluralConflict", &resources),
        ("singular", "SingularConflict", &resources),
        ("kind", "KindConflict", &kinds),
        ("listKind", "ListKindConflict", &kinds),
    ];
    for (key, reason, taken) in fields {
        let name = wanted.str_at(&[key]).unwrap_or_default();
        let is_new = before.str_at(&[key]) != Some(name);
        match is_new && taken.contains(name) {
            true => conflict = Some((reason, format!("{} is already in use", quoted(name)))),
            false => accepted.set(&[key], name.into()),
        }
    }
    let short = wanted.get("shortNames").and_then(Value::as_list).unwrap_or_default();
    let used: Vec<&str> =
        short.iter().filter_map(Value::as_str).filter(|name| resources.contains(*name)).collect();
    match used.first() {
        Some(name) => conflict = Some(("ShortNamesConflict", format!("{} is already in use", quoted(name)))),
        None => copy(&mut accepted, wanted, "shortNames"),
    }
    copy(&mut accepted, wanted, "categories");
    let mut changed = definition.clone();
    changed.set(&["status", "acceptedNames"], accepted);
    let accepted = conflict.is_none();
    let (reason, message) = conflict.unwrap_or(("NoConflicts", "no conflicts found".to_owned()));
    set_condition(&mut changed, ("NamesAccepted", accepted), (reason, &message), now);
    if !is_established(definition) {
        let (reason, message) = match accepted {
            true => ("Installing", "the initial names have been accepted"),
            false => ("NotAccepted", "not all names are accepted"),
        };
        set_condition(&mut changed, ("Established", false), (reason, message), now);
    }
    (changed != *definition).then(|| put(definition, changed, now))
}

fn copy(accepted: &mut Value, wanted: &Value, key: &str) {
    crate::fallback::take(accepted, wanted, &[key]);
}

fn establish(definition: &Value, now: Timestamp) -> Option<Write> {
    let accepted = condition(definition, "NamesAccepted")
        .is_some_and(|condition| condition.str_at(&["status"]) == Some("True"));
    if !accepted || is_established(definition) {
        return None;
    }
    let mut changed = definition.clone();
    let text = ("InitialNamesAccepted", "the initial names have been accepted");
    set_condition(&mut changed, ("Established", true), text, now);
    Some(put(definition, changed, now))
}

/// Deletes the objects of a deleted definition, all at once, then itself.
fn clean_up(state: &State, definition: &Value, now: Timestamp) -> Vec<Write> {
    let finalizers = definition.at(&["metadata", "finalizers"]).and_then(Value::as_list).unwrap_or_default();
    if !finalizers.iter().any(|name| name.as_str() == Some(FINALIZER)) {
        return Vec::new();
    }
    let text = |path: &[&str]| definition.str_at(path).unwrap_or_default();
    let shelf: std::sync::Arc<str> =
        format!("{}/{}", text(&["spec", "group"]), text(&["spec", "names", "plural"])).into();
    let (mut steps, mut left) = (Vec::new(), false);
    for (key, entry) in state.shelf(&shelf).into_iter().flat_map(|shelf| shelf.range("")) {
        let mut object = entry.value();
        let held = object
            .at(&["metadata", "finalizers"])
            .and_then(Value::as_list)
            .is_some_and(|list| !list.is_empty());
        let write = |change| Write { shelf: shelf.clone(), key: key.clone(), change };
        left |= held;
        if !held {
            steps.push(write(WriteKind::Remove(object)));
        } else if object.at(&["metadata", "deletionTimestamp"]).is_none() {
            object.set(&["metadata", "deletionTimestamp"], now.to_string().into());
            object.set(&["metadata", "deletionGracePeriodSeconds"], 0.into());
            steps.push(write(WriteKind::Put(object)));
        }
    }
    if !steps.is_empty() {
        return steps;
    }
    if left {
        let mut changed = definition.clone();
        let text = ("InstanceDeletionInProgress", "CustomResource deletion is in progress");
        set_condition(&mut changed, ("Terminating", true), text, now);
        return (changed != *definition).then(|| put(definition, changed, now)).into_iter().collect();
    }
    let others: Vec<Value> =
        finalizers.iter().filter(|name| name.as_str() != Some(FINALIZER)).cloned().collect();
    let key = text(&["metadata", "name"]).into();
    if others.is_empty() {
        let change = WriteKind::Remove(definition.clone());
        return vec![Write { shelf: DEFINITIONS.into(), key, change }];
    }
    let mut changed = definition.clone();
    changed.set(&["metadata", "finalizers"], Value::list(others));
    let text = ("InstanceDeletionCompleted", "removed all instances");
    set_condition(&mut changed, ("Terminating", false), text, now);
    vec![Write { shelf: DEFINITIONS.into(), key, change: WriteKind::Put(changed) }]
}

/// What deleting a definition makes of it first.
pub(crate) fn mark_deleted(definition: &mut Value, now: Timestamp) {
    definition.set(&["metadata", "deletionTimestamp"], now.to_string().into());
    let mut finalizers =
        definition.at(&["metadata", "finalizers"]).and_then(Value::as_list).unwrap_or_default().to_vec();
    if !finalizers.iter().any(|name| name.as_str() == Some(FINALIZER)) {
        finalizers.push(FINALIZER.into());
    }
    definition.set(&["metadata", "finalizers"], Value::list(finalizers));
    let text = (
        "InstanceDeletionPending",
        "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
    );
    set_condition(definition, ("Terminating", true), text, now);
}

fn condition<'d>(definition: &'d Value, kind: &str) -> Option<&'d Value> {
    let conditions = definition.at(&["status", "conditions"]).and_then(Value::as_list).unwrap_or_default();
    conditions.iter().find(|condition| condition.str_at(&["type"]) == Some(kind))
}

fn set_condition(
    definition: &mut Value,
    (kind, status): (&str, bool),
    (reason, message): (&str, &str),
    now: Timestamp,
) {
    let status = if status { "True" } else { "False" };
    let before = condition(definition, kind);
    let since = before
        .filter(|before| before.str_at(&["status"]) == Some(status))
        .and_then(|before| before.str_at(&["lastTransitionTime"]))
        .map_or_else(|| now.to_string(), str::to_owned);
    let mut new = Value::default();
    for (key, text) in [
        ("type", kind),
        ("status", status),
        ("lastTransitionTime", &since),
        ("reason", reason),
        ("message", message),
    ] {
        new.set(&[key], text.into());
    }
    let mut conditions =
        definition.at(&["status", "conditions"]).and_then(Value::as_list).unwrap_or_default().to_vec();
    match conditions.iter_mut().find(|condition| condition.str_at(&["type"]) == Some(kind)) {
        Some(old) => *old = new,
        None => conditions.push(new),
    }
    definition.set(&["status", "conditions"], Value::list(conditions));
}

#[cfg(test)]
mod tests {
    use lockstep_core::from_json;

    use super::*;

    #[test]
    fn the_objects_of_a_definition_go_in_one_pass() {
        const DEFINITION: &[u8] = br#"{"metadata":{"name":"foos.example.com","deletionTimestamp":"2023-11-14T22:13:20Z","finalizers":["customresourcecleanup.apiextensions.k8s.io"]},"spec":{"group":"example.com","scope":"Cluster","names":{"plural":"foos","kind":"Foo"},"versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object"}}}]}}"#;
        let mut state = State::new(10);
        let put = |shelf: &str, key: &str, json: &[u8]| Write {
            shelf: shelf.into(),
            key: key.into(),
            change: WriteKind::Put(from_json(json).unwrap()),
        };
        state.commit(put(DEFINITIONS, "foos.example.com", DEFINITION));
        for key in ["a", "b", "c"] {
            let finalizers = if key == "b" { r#"["example.com/f"]"# } else { "[]" };
            let json = format!(r#"{{"metadata":{{"name":"{key}","finalizers":{finalizers}}}}}"#);
            state.commit(put("example.com/foos", key, json.as_bytes()));
        }
        let now = Duration::from_secs(1_700_000_000);
        let steps = next_steps(&state, now);
        let shown: Vec<String> =
            steps.iter().map(|write| format!("{} {:?}", write.key, write.change)).collect();
        assert_eq!(shown, ["a Remove(..)", "b Put(..)", "c Remove(..)"]);
        steps.into_iter().for_each(|write| drop(state.commit(write)));
        let steps = next_steps(&state, now);
        assert_eq!(steps.iter().map(|write| &*write.key).collect::<Vec<_>>(), ["foos.example.com"]);
        steps.into_iter().for_each(|write| drop(state.commit(write)));
        assert!(next_steps(&state, now).is_empty(), "it waits for the object that is held");
    }
}
