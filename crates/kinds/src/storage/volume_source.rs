//! Where a volume comes from.

use lockstep_core::Value;
use schema::{At, FieldError};

use super::validate_driver_name;
use crate::meta::{View, dns_label, dns_subdomain, in_range, invalid_each};

type Errors = Vec<FieldError>;

/// The fields that name a source, in the order in which the server looks at them.
pub(super) const SOURCES: &[&str] = &[
    "hostPath",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "glusterfs",
    "flocker",
    "nfs",
    "rbd",
    "quobyte",
    "cephfs",
    "iscsi",
    "cinder",
    "fc",
    "flexVolume",
    "azureFile",
    "vsphereVolume",
    "azureDisk",
    "photonPersistentDisk",
    "portworxVolume",
    "scaleIO",
    "local",
    "storageos",
    "csi",
];

const HOST_PATH_TYPES: &[&str] =
    &["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"];

/// A volume has one source.
pub(super) fn validate_sources(errors: &mut Errors, at: &At, (spec, affine): (&Value, bool)) {
    let mut set = SOURCES.iter().filter(|source| spec.has(source));
    match set.next() {
        None => errors.push(FieldError::required(at, "must specify a volume type")),
        Some(source) => {
            validate_source(errors, &at.field(source), (source, spec.child(source)));
            if *source == "local" && !affine {
                let text = "Local volume requires node affinity";
                errors.push(FieldError::required(&at.field("nodeAffinity"), text));
            }
        }
    }
    for source in set {
        errors.push(FieldError::forbidden(&at.field(source), "may not specify more than 1 volume type"));
    }
}

fn validate_source(errors: &mut Errors, at: &At, (name, source): (&str, &Value)) {
    match name {
        "hostPath" => validate_host_path(errors, at, source),
        "nfs" => validate_nfs(errors, at, source),
        "csi" => validate_csi(errors, at, source),
        "local" => match source.text("path") {
            "" => errors.push(FieldError::required(&at.field("path"), "")),
            path => no_backsteps(errors, &at.field("path"), path),
        },
        "iscsi" => validate_iscsi(errors, at, source),
        "fc" => validate_fc(errors, at, source),
        other => validate_old(errors, at, (other, source)),
    }
}

fn no_backsteps(errors: &mut Errors, at: &At, path: &str) {
    if path.split('/').any(|part| part == "..") {
        errors.push(FieldError::invalid(at, path, "must not contain '..'"));
    }
}

fn validate_host_path(errors: &mut Errors, at: &At, source: &Value) {
    match source.text("path") {
        "" => errors.push(FieldError::required(&at.field("path"), "")),
        path => {
            no_backsteps(errors, &at.field("path"), path);
            let kind = source.text("type");
            if !HOST_PATH_TYPES.contains(&kind) {
                errors.push(FieldError::not_supported(&at.field("type"), kind, HOST_PATH_TYPES));
            }
        }
    }
}

fn validate_nfs(errors: &mut Errors, at: &At, source: &Value) {
    if source.text("server").is_empty() {
        errors.push(FieldError::required(&at.field("server"), ""));
    }
    match source.text("path") {
        "" => errors.push(FieldError::required(&at.field("path"), "")),
        path if !path.starts_with('/') => {
            errors.push(FieldError::invalid(&at.field("path"), path, "must be an absolute path"));
        }
        _ => {}
    }
}

fn validate_csi(errors: &mut Errors, at: &At, source: &Value) {
    validate_driver_name(errors, &at.field("driver"), source.text("driver"));
    if source.text("volumeHandle").is_empty() {
        errors.push(FieldError::required(&at.field("volumeHandle"), ""));
    }
    let references = [
        "controllerPublishSecretRef",
        "controllerExpandSecretRef",
        "nodePublishSecretRef",
        "nodeExpandSecretRef",
    ];
    for field in references.into_iter().filter(|field| source.has(field)) {
        let (at, secret) = (at.field(field), source.child(field));
        let (name, namespace) = (secret.text("name"), secret.text("namespace"));
        match name.is_empty() {
            true => errors.push(FieldError::required(&at.field("name"), "")),
            false => invalid_each(errors, &at.field("name"), &name.into(), dns_subdomain(name)),
        }
        match namespace.is_empty() {
            true => errors.push(FieldError::required(&at.field("namespace"), "")),
            false => invalid_each(errors, &at.field("namespace"), &namespace.into(), dns_label(namespace)),
        }
    }
}

fn validate_iscsi(errors: &mut Errors, at: &At, source: &Value) {
    for field in ["targetPortal", "iqn"] {
        if source.text(field).is_empty() {
            errors.push(FieldError::required(&at.field(field), ""));
        }
    }
    let iqn = source.text("iqn");
    if !iqn.is_empty() && !["iqn", "eui", "naa"].iter().any(|kind| iqn.starts_with(kind)) {
        errors.push(FieldError::invalid(&at.field("iqn"), iqn, "must be valid format"));
    }
    let lun = source.number("lun");
    invalid_each(errors, &at.field("lun"), &lun.into(), in_range(lun, 0, 255));
    if (source.flag("chapAuthDiscovery") || source.flag("chapAuthSession")) && !source.has("secretRef") {
        errors.push(FieldError::required(&at.field("secretRef"), ""));
    }
    if source.has("secretRef") && source.child("secretRef").text("name").is_empty() {
        let at = at.field("secretRef");
        errors.push(FieldError::required(&at.field("name"), ""));
    }
}

fn validate_fc(errors: &mut Errors, at: &At, source: &Value) {
    let (names, ids) = (source.items("targetWWNs"), source.items("wwids"));
    let names_at = at.field("targetWWNs");
    match (names.is_empty(), ids.is_empty()) {
        (true, true) => {
            let text = "must specify either targetWWNs or wwids, but not both";
            errors.push(FieldError::required(&names_at, text));
        }
        (false, false) => {
            let text = "targetWWNs and wwids can not be specified simultaneously";
            errors.push(FieldError::invalid(&names_at, source.child("targetWWNs").clone(), text));
        }
        _ => {}
    }
    match (names.is_empty(), source.int("lun")) {
        (false, None) => {
            errors.push(FieldError::required(&at.field("lun"), "lun is required if targetWWNs is specified"));
        }
        (false, Some(lun)) => invalid_each(errors, &at.field("lun"), &lun.into(), in_range(lun, 0, 255)),
        _ => {}
    }
}

/// The sources that the server only knows by name: what must not be empty in them.
fn validate_old(errors: &mut Errors, at: &At, (name, source): (&str, &Value)) {
    let required: &[&str] = match name {
        "gcePersistentDisk" => &["pdName"],
        "awsElasticBlockStore" | "cinder" | "portworxVolume" => &["volumeID"],
        "rbd" => &["monitors", "image"],
        "cephfs" => &["monitors"],
        "flexVolume" => &["driver"],
        "azureFile" => &["secretName", "shareName"],
        "vsphereVolume" => &["volumePath"],
        "azureDisk" => &["diskName", "diskURI"],
        "photonPersistentDisk" => &["pdID"],
        "scaleIO" => &["gateway", "system", "volumeName"],
        _ => &[],
    };
    for field in required {
        if source.text(field).is_empty() && source.items(field).is_empty() {
            errors.push(FieldError::required(&at.field(field), ""));
        }
    }
}
