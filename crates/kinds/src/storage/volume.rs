//! PersistentVolumes.

use std::cmp::Ordering;

use lockstep_core::{Map, Value};
use schema::{At, FieldError};

use super::volume_source::{SOURCES, validate_sources};
use super::{
    IMMUTABLE, STORAGE_CLASS_ANNOTATION, validate_access_modes, validate_class_name, validate_volume_mode,
};
use crate::meta::{
    Edit, View, dns_subdomain, internal_diff, invalid_each, invalid_internal, label_value, qualified_name,
};
use crate::naming::subdomain;
use crate::policy::amount_of;
use crate::reset::V1;
use crate::strategy::{Status, Strategy};

type Errors = Vec<FieldError>;

const POLICIES: &[&str] = &["Delete", "Recycle", "Retain"];
const MOUNT_OPTIONS: &str = "volume.beta.kubernetes.io/mount-options";

pub(crate) const PERSISTENT_VOLUME: Strategy = Strategy {
    default,
    prepare_create: |volume| {
        let status = [("phase".into(), "Pending".into())];
        volume.set(&["status"], Value::map(Map::from(status)));
    },
    prepare_update: |volume, old| volume.take_from(old, &["status"]),
    validate,
    validate_update: |volume, old| {
        let mut errors = validate(volume);
        errors.extend(validate_change(volume, old));
        errors
    },
    status: Some(Status {
        prepare_update: |volume, old| {
            volume.take_from(old, &["spec"]);
            let phase = |volume: &Value| volume.child("status").text("phase").to_owned();
            if phase(volume) == phase(old) && !volume.child("status").has("lastPhaseTransitionTime") {
                volume.take_from(old, &["status", "lastPhaseTransitionTime"]);
            }
        },
        ..Status::PLAIN
    }),
    warnings: |volume, _| warnings(volume),
    name: subdomain,
    reset: V1,
    selectable: |volume| vec![("name", volume.child("metadata").text("name").into())],
    ..Strategy::plain("", "PersistentVolume", &["v1"])
};

fn default(volume: &mut Value) {
    volume.default_to("spec", Map::new());
    if let Some(spec) = volume.child_mut("spec") {
        spec.default_text("persistentVolumeReclaimPolicy", "Retain");
        spec.default_to("volumeMode", "Filesystem");
        default_source(spec);
    }
    volume.default_to("status", Map::new());
    if let Some(status) = volume.child_mut("status") {
        status.default_text("phase", "Pending");
    }
}

fn default_source(spec: &mut Value) {
    if let Some(path) = spec.child_mut("hostPath") {
        path.default_to("type", "");
    }
    for (source, fields) in [
        ("rbd", &[("pool", "rbd"), ("user", "admin"), ("keyring", "/etc/ceph/keyring")][..]),
        ("scaleIO", &[("storageMode", "ThinProvisioned"), ("fsType", "xfs")][..]),
        ("iscsi", &[("iscsiInterface", "default")][..]),
        ("azureDisk", &[("cachingMode", "ReadWrite"), ("kind", "Shared"), ("fsType", "ext4")][..]),
    ] {
        let Some(source) = spec.child_mut(source) else { continue };
        fields.iter().for_each(|(field, text)| source.default_text(field, text));
    }
    if let Some(disk) = spec.child_mut("azureDisk") {
        disk.default_to("readOnly", false);
    }
}

fn validate(volume: &Value) -> Errors {
    let (mut errors, spec) = (Vec::new(), volume.child("spec"));
    let at = At::ROOT.field("spec");
    if spec.items("accessModes").is_empty() {
        errors.push(FieldError::required(&at.field("accessModes"), ""));
    }
    validate_access_modes(&mut errors, &at.field("accessModes"), spec.items("accessModes"));
    validate_capacity(&mut errors, &at.field("capacity"), spec);
    let policy = spec.text("persistentVolumeReclaimPolicy");
    let policy_at = at.field("persistentVolumeReclaimPolicy");
    if !policy.is_empty() && !POLICIES.contains(&policy) {
        errors.push(FieldError::not_supported(&policy_at, policy, POLICIES));
    }
    if spec.has("nodeAffinity") {
        validate_affinity(&mut errors, &at.field("nodeAffinity"), spec.child("nodeAffinity"));
    }
    validate_sources(&mut errors, &at, (spec, spec.has("nodeAffinity")));
    let path = spec.child("hostPath").text("path");
    if policy == "Recycle" && !path.is_empty() && path.split('/').all(|part| part.is_empty() || part == ".") {
        let text = "may not be 'recycle' for a hostPath mount of '/'";
        errors.push(FieldError::forbidden(&policy_at, text));
    }
    validate_class_name(&mut errors, &at.field("storageClassName"), spec.text("storageClassName"));
    validate_volume_mode(&mut errors, &at, spec);
    validate_attributes_class(&mut errors, &at, spec);
    validate_mount_options(&mut errors, volume);
    errors
}

fn validate_capacity(errors: &mut Errors, at: &At, spec: &Value) {
    let capacity = spec.child("capacity");
    let count = spec.entries("capacity").count();
    if count == 0 {
        errors.push(FieldError::required(at, ""));
    }
    if !capacity.has("storage") || count > 1 {
        errors.push(FieldError::not_supported(at, capacity.clone(), &["storage"]));
    }
    for (name, amount) in spec.entries("capacity") {
        let (at, amount) = (at.key(name), amount_of(amount));
        if amount.sign() == Ordering::Less {
            errors.push(FieldError::invalid(&at, amount.value(), "must be a valid resource quantity"));
        }
        if amount.sign() != Ordering::Greater {
            errors.push(FieldError::invalid(&at, amount.to_string(), "must be greater than zero"));
        }
    }
}

fn validate_affinity(errors: &mut Errors, at: &At, affinity: &Value) {
    let at = at.field("required");
    if !affinity.has("required") {
        errors.push(FieldError::required(&at, "must specify required node constraints"));
        return;
    }
    let list = at.field("nodeSelectorTerms");
    let terms = affinity.child("required").items("nodeSelectorTerms");
    if terms.is_empty() {
        errors.push(FieldError::required(&list, "must have at least one node selector term"));
    }
    for (index, term) in terms.iter().enumerate() {
        let at = list.index(index);
        for field in ["matchExpressions", "matchFields"] {
            let list = at.field(field);
            for (index, requirement) in term.items(field).iter().enumerate() {
                validate_requirement(errors, &list.index(index), (requirement, field));
            }
        }
    }
}

fn validate_requirement(errors: &mut Errors, at: &At, (requirement, field): (&Value, &str)) {
    let (values_at, values) = (at.field("values"), requirement.items("values"));
    match requirement.text("operator") {
        "In" | "NotIn" if values.is_empty() => {
            let text = "must be specified when `operator` is 'In' or 'NotIn'";
            errors.push(FieldError::required(&values_at, text));
        }
        "Exists" | "DoesNotExist" if !values.is_empty() => {
            let text = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
            errors.push(FieldError::forbidden(&values_at, text));
        }
        "Gt" | "Lt" if values.len() != 1 => {
            let text = "must be specified single value when `operator` is 'Lt' or 'Gt'";
            errors.push(FieldError::required(&values_at, text));
        }
        "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt" => {}
        other => {
            errors.push(FieldError::invalid(&at.field("operator"), other, "not a valid selector operator"));
        }
    }
    if field == "matchFields" {
        return;
    }
    let key = requirement.text("key");
    invalid_each(errors, &at.field("key"), &key.into(), qualified_name(key));
    for (index, value) in values.iter().enumerate() {
        let wrong = label_value(value.as_str().unwrap_or_default());
        invalid_each(errors, &values_at.index(index), value, wrong);
    }
}

fn validate_attributes_class(errors: &mut Errors, at: &At, spec: &Value) {
    const FIELD: &str = "volumeAttributesClassName";
    if !spec.has(FIELD) {
        return;
    }
    let (class_at, name) = (at.field(FIELD), spec.text(FIELD));
    match name.is_empty() {
        true => errors.push(FieldError::required(&class_at, "an empty string is disallowed")),
        false => invalid_each(errors, &class_at, &name.into(), dns_subdomain(name)),
    }
    if !spec.has("csi") {
        let text = "has to be specified when using volumeAttributesClassName";
        errors.push(FieldError::required(&at.field("csi"), text));
    }
}

fn validate_mount_options(errors: &mut Errors, volume: &Value) {
    const WITHOUT: &[&str] = &[
        "hostPath",
        "flocker",
        "fc",
        "flexVolume",
        "portworxVolume",
        "scaleIO",
        "local",
        "storageos",
        "csi",
    ];
    let spec = volume.child("spec");
    let annotated = volume.child("metadata").child("annotations").has(MOUNT_OPTIONS);
    let mountable = SOURCES.iter().any(|source| spec.has(source) && !WITHOUT.contains(source));
    if annotated && !mountable {
        let at = At::ROOT.field("metadata");
        let at = at.field("annotations");
        let text = "may not specify mount options for this volume type";
        errors.push(FieldError::forbidden(&at.field(MOUNT_OPTIONS), text));
    }
}

fn validate_change(volume: &Value, old: &Value) -> Errors {
    let mut errors = Vec::new();
    let at = At::ROOT.field("spec");
    let sources = |volume: &Value| {
        let mut sources = Value::map(Map::new());
        SOURCES.iter().for_each(|source| sources.take_from(volume.child("spec"), &[source]));
        sources
    };
    let (was, mut is) = (sources(old), sources(volume));
    const EXPAND: &[&str] = &["csi", "controllerExpandSecretRef"];
    if was.get("csi").is_some() && was.at(EXPAND).is_none() {
        is.remove(EXPAND);
    }
    if was != is {
        let diff = internal_diff("core.PersistentVolumeSource", &was, &is);
        let text = format!("spec.persistentvolumesource is immutable after creation\n{diff}");
        errors.push(FieldError::forbidden(&at.field("persistentvolumesource"), text));
    }
    let (was, is) = (old.child("spec"), volume.child("spec"));
    if was.child("volumeMode") != is.child("volumeMode") {
        let value = is.child("volumeMode").clone();
        errors.push(FieldError::invalid(&At::ROOT.field("volumeMode"), value, IMMUTABLE));
    }
    if was.has("nodeAffinity") && was.child("nodeAffinity") != is.child("nodeAffinity") {
        let text = format!("{IMMUTABLE}, except for updating from beta label to GA");
        let value = ("core.VolumeNodeAffinity", is.child("nodeAffinity"));
        errors.push(invalid_internal(&At::ROOT.field("nodeAffinity"), value, &text));
    }
    if was.has("volumeAttributesClassName") && !is.has("volumeAttributesClassName") {
        let text = "update from non-nil value to nil is forbidden";
        errors.push(FieldError::forbidden(&at.field("volumeAttributesClassName"), text));
    }
    errors
}

fn warnings(volume: &Value) -> Vec<String> {
    let (spec, mut warnings) = (volume.child("spec"), Vec::new());
    let annotations = volume.child("metadata").child("annotations");
    for (key, version, instead) in
        [(STORAGE_CLASS_ANNOTATION, "v1.8", "storageClassName"), (MOUNT_OPTIONS, "v1.31", "mountOptions")]
    {
        if annotations.has(key) {
            let text = format!("deprecated since {version}; use \"{instead}\" attribute instead");
            warnings.push(format!("metadata.annotations[{key}]: {text}"));
        }
    }
    if spec.text("persistentVolumeReclaimPolicy") == "Recycle" {
        warnings.push(
            "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning."
                .into(),
        );
    }
    for (field, named, since, until) in [
        ("cephfs", "cephfs", "v1.28", "v1.31"),
        ("photonPersistentDisk", "photonPersistentDisk", "v1.11", "v1.16"),
        ("scaleIO", "scaleIO", "v1.16", "v1.22"),
        ("storageos", "storageOS", "v1.22", "v1.25"),
        ("glusterfs", "glusterfs", "v1.25", "v1.26"),
        ("rbd", "rbd", "v1.28", "v1.31"),
    ] {
        if spec.has(field) {
            warnings.push(format!("spec.{named}: deprecated in {since}, non-functional in {until}+"));
        }
    }
    warnings
}
