//! The namespace that an Application makes for its objects.

use lockstep_core::{
    Gvk, MANNER_ANNOTATION, Map, NamespaceMetadata, ObjectKey, Origin, PRUNE_ANNOTATION, Value,
};

use crate::object::Namespaces;
use crate::render::{Options, Rendered, finished};

/// Where it is written.
const FIELD: &str = "spec.sync.createNamespace";

/// Adds the destination's namespace to what the sources want, where the Application says so and no source has it. It stays when the
/// Application goes; and where nothing is said of it, one that exists is left alone.
pub fn with_namespace(rendered: &mut Rendered, wanted: Option<&NamespaceMetadata>, options: &Options<'_>) {
    let (Some(metadata), Namespaces::Fill(name)) = (wanted, options.namespaces) else { return };
    let key = ObjectKey::new("", "Namespace", "", name);
    if rendered.objects.iter().any(|object| object.key == key) {
        return;
    }
    let mut annotations: Map =
        metadata.annotations.iter().map(|(name, text)| (name.clone(), (&**text).into())).collect();
    annotations.insert(PRUNE_ANNOTATION.into(), "disabled".into());
    if metadata.is_empty() {
        annotations.insert(MANNER_ANNOTATION.into(), "if-not-present".into());
    }
    let mut value = Value::default();
    value.set(&["apiVersion"], "v1".into());
    value.set(&["kind"], "Namespace".into());
    value.set(&["metadata", "name"], name.into());
    value.set(&["metadata", "annotations"], Value::map(annotations));
    if !metadata.labels.is_empty() {
        let labels = metadata.labels.iter().map(|(name, text)| (name.clone(), (&**text).into()));
        value.set(&["metadata", "labels"], Value::map(labels.collect()));
    }
    let gvk = Gvk::new("", "v1", "Namespace");
    rendered.objects.push(finished((key, gvk, value), 0, Origin::file(FIELD), options));
}
