//! Classes for those who name none, and what keeps volumes that are in use: `DefaultStorageClass`, `DefaultIngressClass`,
//! `StorageObjectInUseProtection`, `PersistentVolumeClaimResize`.

use std::cmp::Reverse;

use lockstep_core::Value;

use super::amounts::amounts;
use super::stage::{Stage, annotation, items, push};
use crate::failure::Failure;

/// A claim without a class gets the default one: the newest.
pub(super) fn default_storage_class(stage: &Stage<'_, '_>, claim: &mut Value) {
    let asks = |claim: &Value| {
        annotation(claim, "volume.beta.kubernetes.io/storage-class").is_some()
            || claim.at(&["spec", "storageClassName"]).is_some()
    };
    if !(stage.is("", "persistentvolumeclaims") && stage.creates()) || asks(claim) {
        return;
    }
    let marks =
        ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"];
    if let Some(name) = default_class(stage, "storage.k8s.io/storageclasses", &marks) {
        claim.set(&["spec", "storageClassName"], name.into());
    }
}

/// An Ingress without a class gets the default one: the newest.
pub(super) fn default_ingress_class(stage: &Stage<'_, '_>, ingress: &mut Value) {
    let asks = |ingress: &Value| {
        annotation(ingress, "kubernetes.io/ingress.class").is_some()
            || ingress.at(&["spec", "ingressClassName"]).is_some()
    };
    if !(stage.is("networking.k8s.io", "ingresses") && stage.creates()) || asks(ingress) {
        return;
    }
    let marks = ["ingressclass.kubernetes.io/is-default-class"];
    if let Some(name) = default_class(stage, "networking.k8s.io/ingressclasses", &marks) {
        ingress.set(&["spec", "ingressClassName"], name.into());
    }
}

fn default_class(stage: &Stage<'_, '_>, shelf: &str, marks: &[&str]) -> Option<String> {
    let classes = stage.state().objects(shelf, "").map(|entry| entry.value());
    let marked = classes.filter(|class| marks.iter().any(|mark| annotation(class, mark) == Some("true")));
    let named = marked.map(|class| {
        let text = |key| class.str_at(&["metadata", key]).unwrap_or_default().to_owned();
        (Reverse(text("creationTimestamp")), text("name"))
    });
    named.min().map(|(_, name)| name)
}

/// Volumes, claims and attribute classes are held until nobody uses them.
pub(super) fn protect(stage: &Stage<'_, '_>, object: &mut Value) {
    let finalizer = match () {
        () if !stage.creates() => return,
        () if stage.is("", "persistentvolumes") => "kubernetes.io/pv-protection",
        () if stage.is("", "persistentvolumeclaims") => "kubernetes.io/pvc-protection",
        () if stage.is("storage.k8s.io", "volumeattributesclasses") => "kubernetes.io/vac-protection",
        () => return,
    };
    let known =
        items(object, &["metadata", "finalizers"]).iter().any(|item| item.as_str() == Some(finalizer));
    if !known {
        push(object, &["metadata", "finalizers"], finalizer.into());
    }
}

/// A claim only grows where its class lets it.
pub(super) fn validate_resize(
    stage: &Stage<'_, '_>,
    claim: &Value,
    old: Option<&Value>,
) -> Result<(), Failure> {
    let Some(old) = old.filter(|_| stage.is("", "persistentvolumeclaims") && stage.updates()) else {
        return Ok(());
    };
    let size = |claim: &Value| amounts(claim.at(&["spec", "resources", "requests"])).get("storage").cloned();
    let grows = matches!((size(old), size(claim)), (Some(old), Some(new)) if new > old);
    if !grows {
        return Ok(());
    }
    if old.str_at(&["status", "phase"]) != Some("Bound") {
        return Err(stage.forbidden(claim, "Only bound persistent volume claims can be expanded"));
    }
    let class = old.str_at(&["spec", "storageClassName"]).unwrap_or_default();
    let class = stage.state().find("storage.k8s.io/storageclasses", "", class).map(|entry| entry.value());
    let expands =
        class.is_some_and(|class| class.get("allowVolumeExpansion").and_then(Value::as_bool) == Some(true));
    if expands {
        return Ok(());
    }
    let why = "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize";
    Err(stage.forbidden(claim, why))
}
