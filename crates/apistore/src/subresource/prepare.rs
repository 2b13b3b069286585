//! What writers of the smaller endpoints may set.

use lockstep_core::Value;
use schema::FieldError;

use crate::fallback::take;

/// Takes all but what the endpoint is for from the object as it was; what is wrong with the rest.
pub(crate) fn prepare(subresource: &str, object: &mut Value, old: &Value) -> Vec<FieldError> {
    match subresource {
        "finalize" => return kinds::finalize_namespace(object, old),
        "ephemeralcontainers" => kinds::prepare_ephemeral_update(object, old),
        "approval" => {
            only(object, old, &["status", "conditions"]);
            return kinds::approve_certificate(object, old);
        }
        "resize" => resize(object, old),
        _ => {}
    }
    Vec::new()
}

/// The object as it was, but for one field, and who owns what.
fn only(object: &mut Value, old: &Value, path: &[&str]) {
    let new = object.clone();
    *object = old.clone();
    for path in [path, &["metadata", "managedFields"], &["metadata", "resourceVersion"]] {
        take(object, &new, path);
    }
}

/// Only the resources of containers are taken.
fn resize(object: &mut Value, old: &Value) {
    let new = object.clone();
    *object = old.clone();
    for path in [&["metadata", "managedFields"], &["metadata", "resourceVersion"]] {
        take(object, &new, path);
    }
    for list in ["containers", "initContainers"] {
        let items =
            |object: &Value| object.at(&["spec", list]).and_then(Value::as_list).map(<[Value]>::to_vec);
        let (Some(mut containers), Some(wanted)) = (items(old), items(&new)) else { continue };
        for container in &mut containers {
            let name = container.str_at(&["name"]).map(str::to_owned);
            if let Some(wanted) = wanted.iter().find(|other| other.str_at(&["name"]) == name.as_deref()) {
                take(container, wanted, &["resources"]);
                take(container, wanted, &["resizePolicy"]);
            }
        }
        object.set(&["spec", list], Value::list(containers));
    }
}
