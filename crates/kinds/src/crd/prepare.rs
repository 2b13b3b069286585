//! What the server fills in, and what a writer cannot set.

use lockstep_core::{Map, Value};

use crate::meta::{Edit, View};

pub(super) fn default(object: &mut Value) {
    let names = object.child("spec").child("names").clone();
    let kind = names.text("kind").to_owned();
    if names.text("singular").is_empty() && !kind.is_empty() {
        object.set(&["spec", "names", "singular"], kind.to_lowercase().into());
    }
    if names.text("listKind").is_empty() && !kind.is_empty() {
        object.set(&["spec", "names", "listKind"], format!("{kind}List").into());
    }
    if !object.child("spec").has("conversion") {
        object.set(&["spec", "conversion", "strategy"], "None".into());
    }
    if object
        .at(&["spec", "conversion", "webhook", "clientConfig", "service"])
        .is_some_and(|service| !service.has("port"))
    {
        object.set(&["spec", "conversion", "webhook", "clientConfig", "service", "port"], 443.into());
    }
    if object.child("status").items("storedVersions").is_empty() {
        let stored = object.child("spec").items("versions").iter().find(|version| version.flag("storage"));
        if let Some(name) = stored.map(|version| version.child("name").clone()) {
            object.set(&["status", "storedVersions"], Value::list(vec![name]));
        }
    }
}

/// The status is the server's: only the version in which objects are stored is known yet.
pub(super) fn create(object: &mut Value) {
    object.remove(&["status"]);
    let stored: Vec<Value> = object
        .child("spec")
        .items("versions")
        .iter()
        .filter(|version| version.flag("storage"))
        .take(1)
        .map(|version| version.child("name").clone())
        .collect();
    if !stored.is_empty() {
        object.set(&["status", "storedVersions"], Value::list(stored));
    }
    drop_disabled(object);
}

pub(super) fn update(object: &mut Value, old: &Value) {
    object.take_from(old, &["status"]);
    // A new version of storage joins those in which objects may be stored.
    let storage =
        object.child("spec").items("versions").iter().find(|version| version.flag("storage")).cloned();
    if let Some(name) = storage.map(|version| version.child("name").clone()) {
        let mut stored = object.child("status").items("storedVersions").to_vec();
        if !stored.contains(&name) {
            stored.push(name);
            object.set(&["status", "storedVersions"], Value::list(stored));
        }
    }
    drop_disabled(object);
}

/// `preserveUnknownFields: false` is not written.
fn drop_disabled(object: &mut Value) {
    if object.child("spec").child("preserveUnknownFields") == &Value::Bool(false) {
        object.remove(&["spec", "preserveUnknownFields"]);
    }
}

pub(super) fn status_update(object: &mut Value, old: &Value) {
    object.take_from(old, &["spec"]);
    let managed = object.child("metadata").child("managedFields").clone();
    let mut metadata = old.child("metadata").clone();
    if matches!(metadata, Value::Null) {
        metadata = Value::map(Map::new());
    }
    metadata.remove(&["managedFields"]);
    if !matches!(managed, Value::Null) {
        metadata.set(&["managedFields"], managed);
    }
    if let Some(version) = object.at(&["metadata", "resourceVersion"]) {
        metadata.set(&["resourceVersion"], version.clone());
    }
    object.set(&["metadata"], metadata);
}
