//! Namespaces.

use lockstep_core::{Map, Value};
use schema::{At, FieldError};

use crate::meta::{Edit, View, invalid_each, qualified_name};
use crate::naming::label;
use crate::reset::V1;
use crate::strategy::{Status, Strategy};

/// The finalizer that holds a Namespace until what is in it is gone.
const FINALIZER: &str = "kubernetes";
const NAME_LABEL: &str = "kubernetes.io/metadata.name";
const STANDARD: &[&str] = &[FINALIZER, "orphan", "foregroundDeletion"];

pub(crate) const NAMESPACE: Strategy = Strategy {
    default,
    prepare_create,
    prepare_update: |namespace, old| {
        namespace.take_from(old, &["spec"]);
        namespace.take_from(old, &["status"]);
        set_label(namespace);
    },
    validate: |namespace| validate_finalizers(namespace, Place::List),
    validate_update: |namespace, _| validate_finalizers(namespace, Place::List),
    status: Some(Status { validate_update: validate_phase, ..Status::PLAIN }),
    name: label,
    reset: V1,
    selectable: |namespace| {
        let name = namespace.child("metadata").text("name");
        vec![("status.phase", namespace.child("status").text("phase").into()), ("name", name.into())]
    },
    ..Strategy::plain("", "Namespace", &["v1"])
};

/// What is wrong with an update of the endpoint `finalize`, which may set the finalizers and takes all but them and
/// `metadata` from `old`.
pub fn finalize_namespace(namespace: &mut Value, old: &Value) -> Vec<FieldError> {
    namespace.take_from(old, &["status"]);
    validate_finalizers(namespace, Place::Item)
}

fn default(namespace: &mut Value) {
    set_label(namespace);
    namespace.default_to("status", Map::new());
    if let Some(status) = namespace.child_mut("status") {
        status.default_text("phase", "Active");
    }
}

/// A generated name is not known yet when the server defaults; the label is set again when it is.
fn set_label(namespace: &mut Value) {
    let name = namespace.child("metadata").text("name").to_owned();
    if !name.is_empty() {
        namespace.set(&["metadata", "labels", NAME_LABEL], name.into());
    }
}

fn prepare_create(namespace: &mut Value) {
    let status = [("phase".into(), "Active".into())];
    namespace.set(&["status"], Value::map(Map::from(status)));
    let mut finalizers = namespace.child("spec").items("finalizers").to_vec();
    if !finalizers.iter().any(|finalizer| finalizer.as_str() == Some(FINALIZER)) {
        finalizers.push(FINALIZER.into());
        namespace.set(&["spec", "finalizers"], finalizers.into());
    }
    set_label(namespace);
}

/// Where a mistake in a finalizer is said to be.
#[derive(Clone, Copy)]
enum Place {
    List,
    Item,
}

fn validate_finalizers(namespace: &Value, place: Place) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let at = At::ROOT.field("spec");
    let at = at.field("finalizers");
    for (index, finalizer) in namespace.child("spec").items("finalizers").iter().enumerate() {
        let name = finalizer.as_str().unwrap_or_default();
        let item = at.index(index);
        let at = match place {
            Place::List => at,
            Place::Item => item,
        };
        invalid_each(&mut errors, &at, finalizer, qualified_name(name));
        if !name.contains('/') && !STANDARD.contains(&name) {
            let text = "name is neither a standard finalizer name nor is it fully qualified";
            errors.push(FieldError::invalid(&at, name, text));
        }
    }
    errors
}

fn validate_phase(namespace: &Value, _: &Value) -> Vec<FieldError> {
    let phase = namespace.child("status").text("phase");
    let (must, when) = match namespace.child("metadata").has("deletionTimestamp") {
        true => ("Terminating", "is not empty"),
        false => ("Active", "is empty"),
    };
    let at = At::ROOT.field("status");
    let text = format!("may only be '{must}' if `deletionTimestamp` {when}");
    match phase == must {
        true => Vec::new(),
        false => vec![FieldError::invalid(&at.field("Phase"), phase, text)],
    }
}

#[cfg(test)]
mod tests {
    use lockstep_core::from_json;

    use super::*;

    #[test]
    fn finalizers_are_set_by_their_endpoint_alone() {
        let read = |text: &str| from_json(text.as_bytes()).unwrap();
        let old = read(r#"{"spec":{"finalizers":["kubernetes"]},"status":{"phase":"Terminating"}}"#);
        let mut namespace = read(r#"{"spec":{},"status":{"phase":"Active"}}"#);
        assert_eq!(finalize_namespace(&mut namespace, &old), []);
        assert_eq!(namespace.str_at(&["status", "phase"]), Some("Terminating"));
        let mut bad = read(r#"{"spec":{"finalizers":["kubernetes","abc"]}}"#);
        let errors = finalize_namespace(&mut bad, &old);
        assert_eq!(
            errors[0].to_string(),
            "spec.finalizers[1]: Invalid value: \"abc\": name is neither a standard finalizer name nor is it fully qualified"
        );
    }
}
