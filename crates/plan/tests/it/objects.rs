//! Objects in a few words, and who owns which of their fields.

use std::sync::Arc;

use lockstep_core::*;

pub(crate) fn key_of(text: &str) -> ObjectKey {
    let (kind, name) = text.split_once('/').unwrap();
    let (group, namespace) = match kind {
        "Namespace" => ("", ""),
        "CustomResourceDefinition" => ("apiextensions.k8s.io", ""),
        "ClusterRole" => ("rbac.authorization.k8s.io", ""),
        "Deployment" | "ReplicaSet" => ("apps", "shop"),
        "HorizontalPodAutoscaler" => ("autoscaling", "shop"),
        "Widget" => ("example.com", "shop"),
        "RoleBinding" => ("rbac.authorization.k8s.io", "shop"),
        "ValidatingWebhookConfiguration" => ("admissionregistration.k8s.io", ""),
        _ => ("", "shop"),
    };
    ObjectKey::new(group, kind, namespace, name)
}

pub(crate) fn gvk_of(key: &ObjectKey) -> Gvk {
    Gvk::new(&key.group, "v1", &key.kind)
}

pub(crate) fn app_of(text: &str) -> AppKey {
    let (namespace, name) = text.split_once('/').unwrap();
    AppKey::new(namespace, name)
}

pub(crate) fn commit(digit: char) -> CommitId {
    CommitId::parse(&digit.to_string().repeat(40)).unwrap()
}

pub(crate) fn key() -> Key {
    Key::new([7; 32])
}

/// The path and value of one `name=value` of a kind.
pub(crate) fn field(kind: &str, text: &str) -> (Vec<String>, Value) {
    let (name, value) = text.split_once('=').unwrap();
    if let Some(annotation) = name.strip_prefix('@') {
        let path = ["metadata", "annotations", &format!("lockstep.dev/{annotation}")].map(String::from);
        return (path.to_vec(), value.into());
    }
    let number = || value.parse::<i64>().map_or_else(|_| value.into(), Value::from);
    let path: &[&str] = match (kind, name) {
        ("ConfigMap", name) => return (vec!["data".into(), name.into()], value.into()),
        ("CustomResourceDefinition", "kind") => &["spec", "names", "kind"],
        (_, name) => return (vec!["spec".into(), name.into()], number()),
    };
    (path.iter().map(ToString::to_string).collect(), value.into())
}

pub(crate) fn set(value: &mut Value, path: &[String], new: Value) {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    value.set(&path, new);
}

pub(crate) fn manifest(key: &ObjectKey, fields: &[&str]) -> Value {
    let mut value = Value::default();
    let gvk = gvk_of(key);
    value.set(&["apiVersion"], gvk.api.to_string().into());
    value.set(&["kind"], gvk.kind.into());
    value.set(&["metadata", "name"], key.name.clone().into());
    if !key.namespace.is_empty() {
        value.set(&["metadata", "namespace"], key.namespace.clone().into());
    }
    for text in fields {
        if let Some(base) = text.strip_prefix("generate=") {
            value.set(&["metadata", "generateName"], base.into());
            continue;
        }
        match text.strip_prefix("target=") {
            Some(target) => {
                let target = key_of(target);
                let path = ["spec", "scaleTargetRef"];
                value.set(&[path[0], path[1], "apiVersion"], gvk_of(&target).api.to_string().into());
                value.set(&[path[0], path[1], "kind"], target.kind.into());
                value.set(&[path[0], path[1], "name"], target.name.into());
            }
            None => {
                let (path, new) = field(&key.kind, text);
                set(&mut value, &path, new);
            }
        }
    }
    value
}

/// FieldsV1 of a flat object: every mapping is granular.
pub(crate) fn fields_v1(value: &Value) -> Value {
    let Some(entries) = value.as_map() else { return Value::map(Map::new()) };
    Value::map(entries.iter().map(|(k, v)| (Arc::from(format!("f:{k}")), fields_v1(v))).collect())
}

pub(crate) fn tracked(value: &Value) -> Value {
    let mut value = value.clone();
    for path in [&["apiVersion"][..], &["kind"], &["metadata", "name"], &["metadata", "namespace"]] {
        value.remove(path);
    }
    value.remove(&["metadata", "uid"]);
    value.remove(&["metadata", "managedFields"]);
    if value.at(&["metadata"]).is_some_and(Value::is_empty_container) {
        value.remove(&["metadata"]);
    }
    value
}

pub(crate) fn entry(manager: &str, operation: &str, api_version: &str, fields: Value) -> Value {
    let (manager, subresource) = manager.split_once('/').unwrap_or((manager, ""));
    let mut entry = Value::default();
    entry.set(&["manager"], manager.into());
    entry.set(&["operation"], operation.into());
    entry.set(&["apiVersion"], api_version.into());
    entry.set(&["fieldsType"], "FieldsV1".into());
    entry.set(&["fieldsV1"], fields);
    if !subresource.is_empty() {
        entry.set(&["subresource"], subresource.into());
    }
    entry
}

pub(crate) fn entries(live: &LiveObject) -> Vec<Value> {
    live.value.at(&["metadata", "managedFields"]).and_then(Value::as_list).unwrap_or_default().to_vec()
}

/// Takes a path away from all managers.
pub(crate) fn disown(live: &mut LiveObject, path: &[String]) {
    let path: Vec<String> =
        std::iter::once("fieldsV1".into()).chain(path.iter().map(|name| format!("f:{name}"))).collect();
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let mut all = entries(live);
    for entry in &mut all {
        entry.remove(&path);
        // What holds nothing any more goes, too; a leaf stays `{}`.
        for end in (2..path.len()).rev() {
            if entry.at(&path[..end]).is_some_and(Value::is_empty_container) {
                entry.remove(&path[..end]);
            }
        }
    }
    live.value.set(&["metadata", "managedFields"], Value::list(all));
}
