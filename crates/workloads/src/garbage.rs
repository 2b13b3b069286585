//! The garbage collector: what becomes of objects whose owners go.

use lockstep_core::Value;

use crate::client::{Actor, Context, Refused};
use crate::controller::{Controller, Due};
use crate::object::{finalizers, flag, is_deleting, items, namespace, object, text, uid};
use crate::view::{Change, Id, Key, View};

const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";

/// Deletes what no owner is left of, and lets owners go once their dependents have gone.
#[derive(Clone, Debug)]
pub(crate) struct Garbage;

/// The owners of an object by what is to become of them.
#[derive(Debug, Default)]
struct Owners<'a> {
    solid: Vec<&'a Value>,
    absent: Vec<&'a Value>,
    /// They wait until their dependents have gone.
    waiting: Vec<&'a Value>,
    /// Nothing can be said of them: nothing is deleted for their sake.
    unknown: bool,
}

impl Controller for Garbage {
    fn actor(&self) -> Actor<'static> {
        Actor::Controller("generic-garbage-collector")
    }

    fn touched(&mut self, change: &Change, view: &View) -> Vec<Id> {
        let mut ids = Vec::new();
        let object = change.object();
        let owns = |object: &Value| !items(object, &["metadata", "ownerReferences"]).is_empty();
        let held =
            |object: &Value| finalizers(object).iter().any(|name| matches!(*name, FOREGROUND | ORPHAN));
        match &change.new {
            None => ids.extend(view.dependents(uid(object)).cloned()),
            Some(new) if held(new) && is_deleting(new) => ids.push(change.id.clone()),
            Some(_) => {}
        }
        let references = |object: &Value| object.at(&["metadata", "ownerReferences"]).cloned();
        let changed = change.old.as_ref().and_then(references) != change.new.as_ref().and_then(references);
        if change.new.as_ref().is_some_and(owns) && changed {
            ids.push(change.id.clone());
        }
        // An owner that waits for it may wait no longer.
        for owner in change.old.iter().flat_map(|old| items(old, &["metadata", "ownerReferences"])) {
            if changed && let Some(id) = view.living(text(owner, &["uid"])) {
                ids.push(id.clone());
            }
        }
        ids
    }

    fn reconcile(&mut self, id: &Id, cx: &mut Context<'_>) -> Result<Due, Refused> {
        let Some(object) = cx.view.get(id.kind, &id.key) else { return Ok(None) };
        if is_deleting(object) && finalizers(object).contains(&ORPHAN) {
            self.orphan(id, object, cx)?;
        } else if is_deleting(object) && finalizers(object).contains(&FOREGROUND) {
            self.wait_for_dependents(id, object, cx)?;
        } else if !is_deleting(object) {
            self.collect(id, object, cx)?;
        }
        Ok(None)
    }
}

impl Garbage {
    /// Takes `object` from its dependents, which stay, and lets it go.
    fn orphan(&self, id: &Id, object: &Value, cx: &mut Context<'_>) -> Result<(), Refused> {
        let view = cx.view;
        for dependent in view.dependents(uid(object)) {
            let Some(found) = view.get(dependent.kind, &dependent.key) else { continue };
            disown(dependent, found, &[uid(object)], cx)?;
        }
        release(id, object, ORPHAN, cx)
    }

    fn wait_for_dependents(&self, id: &Id, object: &Value, cx: &mut Context<'_>) -> Result<(), Refused> {
        let view = cx.view;
        let dependents: Vec<&Id> = view.dependents(uid(object)).collect();
        let blocks = |id: &&&Id| {
            let found = view.get(id.kind, &id.key);
            let references =
                found.map(|found| items(found, &["metadata", "ownerReferences"])).unwrap_or_default();
            references
                .iter()
                .any(|owner| text(owner, &["uid"]) == uid(object) && flag(owner, &["blockOwnerDeletion"]))
        };
        if !dependents.iter().any(|id| blocks(&id)) {
            return release(id, object, FOREGROUND, cx);
        }
        for dependent in dependents {
            if let Some(found) = view.get(dependent.kind, &dependent.key).filter(|found| !is_deleting(found))
            {
                self.collect(dependent, found, cx)?;
            }
        }
        Ok(())
    }

    /// Deletes an object none of whose owners is left, or takes from it those that are not.
    fn collect(&self, id: &Id, object: &Value, cx: &mut Context<'_>) -> Result<(), Refused> {
        let view = cx.view;
        let owners = owners(view, object);
        if owners.unknown || owners.absent.len() + owners.waiting.len() == 0 {
            return Ok(());
        }
        if !owners.solid.is_empty() {
            let gone = owners.absent.iter().chain(&owners.waiting);
            let gone: Vec<&str> = gone.map(|owner| text(owner, &["uid"])).collect();
            return disown(id, object, &gone, cx);
        }
        let has_dependents = view.dependents(uid(object)).next().is_some();
        let held = finalizers(object);
        let policy = match () {
            () if !owners.waiting.is_empty() && has_dependents => "Foreground",
            () if held.contains(&ORPHAN) => "Orphan",
            () if held.contains(&FOREGROUND) => "Foreground",
            () => "Background",
        };
        cx.delete(id.kind, object, &[("propagationPolicy", policy.into())])
    }
}

fn owners<'a>(view: &View, object: &'a Value) -> Owners<'a> {
    let mut owners = Owners::default();
    for owner in items(object, &["metadata", "ownerReferences"]) {
        let (group, _) = text(owner, &["apiVersion"]).rsplit_once('/').unwrap_or_default();
        let Some(kind) = view.kinds.of(group, text(owner, &["kind"])) else {
            owners.unknown = true;
            continue;
        };
        let namespaced = view.kinds.get(kind).namespaced;
        if namespaced && namespace(object).is_empty() {
            // What belongs to no namespace cannot be owned by what does.
            owners.unknown = true;
            continue;
        }
        let key = Key::new(if namespaced { namespace(object) } else { "" }, text(owner, &["name"]));
        let found = view.get(kind, &key).filter(|found| uid(found) == text(owner, &["uid"]));
        match found {
            None if view.is_unread(kind) => owners.unknown = true,
            None => owners.absent.push(owner),
            Some(found)
                if is_deleting(found)
                    && finalizers(found).contains(&FOREGROUND)
                    && flag(owner, &["blockOwnerDeletion"]) =>
            {
                owners.waiting.push(owner);
            }
            Some(_) => owners.solid.push(owner),
        }
    }
    owners
}

/// Takes the references to these owners from an object.
fn disown(id: &Id, found: &Value, uids: &[&str], cx: &mut Context<'_>) -> Result<(), Refused> {
    let references = items(found, &["metadata", "ownerReferences"]).iter();
    let kept: Vec<Value> =
        references.filter(|owner| !uids.contains(&text(owner, &["uid"]))).cloned().collect();
    let kept = if kept.is_empty() { Value::Null } else { Value::list(kept) };
    let patch = object! {"metadata": object! {"uid": uid(found), "ownerReferences": kept}};
    match cx.merge(id.kind, found, &patch) {
        Err(Refused::NotFound) => Ok(()),
        other => other.map(drop),
    }
}

/// Takes a finalizer from an object that is to go.
fn release(id: &Id, object: &Value, finalizer: &str, cx: &mut Context<'_>) -> Result<(), Refused> {
    let kept: Vec<Value> =
        finalizers(object).into_iter().filter(|name| *name != finalizer).map(Value::from).collect();
    let kept = if kept.is_empty() { Value::Null } else { Value::list(kept) };
    let patch = object! {"metadata": object! {"uid": uid(object), "finalizers": kept}};
    match cx.merge(id.kind, object, &patch) {
        Err(Refused::NotFound) => Ok(()),
        other => other.map(drop),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_of_an_unknown_kind_keeps_its_dependents() {
        let object = object! {"metadata": object! {
            "name": "x", "namespace": "a",
            "ownerReferences": vec![object! {"apiVersion": "no.where/v1", "kind": "No", "name": "n", "uid": "u"}],
        }};
        let view = View::default();
        let owners = owners(&view, &object);
        assert!(owners.unknown && owners.absent.is_empty());
    }
}
