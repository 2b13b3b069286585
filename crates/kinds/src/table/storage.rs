//! Volumes, claims on them, and what provides them.

use std::time::Duration;

use lockstep_core::Value;

use super::cell::{Row, age, name, or};
use super::elapsed::nanos;
use crate::address::texts;
use crate::meta::View;
use crate::policy::amount_of;

const CLASS: &str = "volume.beta.kubernetes.io/storage-class";
const DEFAULTS: [&str; 2] =
    ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"];

pub(super) static PRINTERS: &[(&str, &str, Row)] = &[
    ("", "PersistentVolume", volume),
    ("", "PersistentVolumeClaim", claim),
    ("storage.k8s.io", "StorageClass", |one, now| {
        let expands = one.flag("allowVolumeExpansion").into();
        let word = |field: &str, default: &str| or(one.text(field), default);
        let (policy, mode) = (word("reclaimPolicy", "Delete"), word("volumeBindingMode", "Immediate"));
        vec![name(one), one.text("provisioner").into(), policy, mode, expands, age(one, now)]
    }),
    ("storage.k8s.io", "VolumeAttributesClass", |one, now| {
        vec![name(one), one.text("driverName").into(), age(one, now)]
    }),
    ("storage.k8s.io", "VolumeAttachment", |one, now| {
        let spec = one.child("spec");
        let volume = spec.child("source").text("persistentVolumeName").into();
        let attached = one.child("status").flag("attached").into();
        vec![
            name(one),
            spec.text("attacher").into(),
            volume,
            spec.text("nodeName").into(),
            attached,
            age(one, now),
        ]
    }),
    ("storage.k8s.io", "CSIDriver", driver),
    ("storage.k8s.io", "CSINode", |one, now| {
        vec![name(one), (one.child("spec").items("drivers").len() as u64).into(), age(one, now)]
    }),
];

/// Which of the listed storage classes is the default: the youngest of those that say so, by name among twins.
pub(super) fn default_class(objects: &[Value]) -> Option<usize> {
    let marked = objects.iter().enumerate().filter(|(_, object)| {
        let annotations = object.child("metadata").child("annotations");
        object.text("kind") == "StorageClass" && DEFAULTS.iter().any(|key| annotations.text(key) == "true")
    });
    let key = |object: &Value| {
        let meta = object.child("metadata");
        (nanos(meta.text("creationTimestamp")), std::cmp::Reverse(meta.text("name").to_owned()))
    };
    marked.max_by_key(|(_, object)| key(object)).map(|(index, _)| index)
}

fn modes(modes: &[Value]) -> String {
    const SHORT: &[(&str, &str)] = &[
        ("ReadWriteOnce", "RWO"),
        ("ReadOnlyMany", "ROX"),
        ("ReadWriteMany", "RWX"),
        ("ReadWriteOncePod", "RWOP"),
    ];
    let modes = texts(modes);
    let shown = SHORT.iter().filter(|(mode, _)| modes.contains(mode)).map(|(_, short)| *short);
    shown.collect::<Vec<_>>().join(",")
}

/// The state of an object, or that it is going.
fn phase(object: &Value) -> Value {
    match object.child("metadata").has("deletionTimestamp") {
        true => "Terminating".into(),
        false => object.child("status").text("phase").into(),
    }
}

fn class(object: &Value) -> Value {
    match object.child("metadata").child("annotations").text(CLASS) {
        "" => object.child("spec").text("storageClassName").into(),
        class => class.into(),
    }
}

fn or_unset(spec: &Value, field: &str) -> Value {
    if spec.has(field) { spec.text(field).into() } else { "<unset>".into() }
}

fn amount(amounts: &Value) -> String {
    amount_of(amounts.child("storage")).to_string()
}

fn volume(volume: &Value, now: Duration) -> Vec<Value> {
    let (spec, claim) = (volume.child("spec"), volume.child("spec").child("claimRef"));
    let claimed = match spec.has("claimRef") {
        true => format!("{}/{}", claim.text("namespace"), claim.text("name")),
        false => String::new(),
    };
    vec![
        name(volume),
        amount(spec.child("capacity")).into(),
        modes(spec.items("accessModes")).into(),
        spec.text("persistentVolumeReclaimPolicy").into(),
        phase(volume),
        claimed.into(),
        class(volume),
        or_unset(spec, "volumeAttributesClassName"),
        volume.child("status").text("reason").into(),
        age(volume, now),
        or_unset(spec, "volumeMode"),
    ]
}

fn claim(claim: &Value, now: Duration) -> Vec<Value> {
    let (spec, status) = (claim.child("spec"), claim.child("status"));
    let (capacity, accessible) = match spec.text("volumeName") {
        "" => (String::new(), String::new()),
        _ => (amount(status.child("capacity")), modes(status.items("accessModes"))),
    };
    vec![
        name(claim),
        phase(claim),
        spec.text("volumeName").into(),
        capacity.into(),
        accessible.into(),
        class(claim),
        or_unset(spec, "volumeAttributesClassName"),
        age(claim, now),
        or_unset(spec, "volumeMode"),
    ]
}

fn driver(driver: &Value, now: Duration) -> Vec<Value> {
    let spec = driver.child("spec");
    let audiences = spec.items("tokenRequests").iter().map(|request| request.text("audience"));
    let requests = match spec.has("tokenRequests") {
        true => audiences.collect::<Vec<_>>().join(","),
        false => "<unset>".into(),
    };
    vec![
        name(driver),
        spec.child("attachRequired").as_bool().unwrap_or(true).into(),
        spec.flag("podInfoOnMount").into(),
        spec.flag("storageCapacity").into(),
        requests.into(),
        spec.flag("requiresRepublish").into(),
        or(&texts(spec.items("volumeLifecycleModes")).join(","), "<none>"),
        age(driver, now),
    ]
}
