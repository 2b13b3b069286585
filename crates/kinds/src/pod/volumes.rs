//! Volumes of pods: their names, and exactly one source each.

use lockstep_core::Value;
use schema::{At, FieldError};

use super::Errors;
use super::env::{VOLUME_FIELDS, no_backsteps, validate_divisor, validate_field, validate_resource_field};
use super::projected::validate_projected;
use crate::meta::{
    View, dns_label, dns_subdomain, in_range, invalid_each, validate_annotations, validate_labels,
};
use crate::storage::validate_claim_spec;

type Rule = fn(&mut Errors, &At, &Value);

/// What the server looks at, in its order. Where a second source is there, its field goes by another name for some.
const SOURCES: [(&str, Rule); 30] = [
    ("emptyDir", empty_dir),
    ("hostPath", host_path),
    ("gitRepo", |errors, at, source| {
        required(errors, at, source, &["repository"]);
        descending(errors, &at.field("directory"), source.text("directory"));
    }),
    ("gcePersistentDisk", |errors, at, source| required(errors, at, source, &["pdName"])),
    ("awsElasticBlockStore", |errors, at, source| required(errors, at, source, &["volumeID"])),
    ("secret", secret),
    ("nfs", nfs),
    ("iscsi", iscsi),
    ("glusterfs", |errors, at, source| required(errors, at, source, &["endpoints", "path"])),
    ("flocker", |_, _, _| {}),
    ("persistentVolumeClaim", |errors, at, source| required(errors, at, source, &["claimName"])),
    ("rbd", |errors, at, source| required(errors, at, source, &["monitors", "image"])),
    ("cinder", |errors, at, source| required(errors, at, source, &["volumeID"])),
    ("cephfs", |errors, at, source| required(errors, at, source, &["monitors"])),
    ("quobyte", |errors, at, source| required(errors, at, source, &["registry", "volume"])),
    ("downwardAPI", downward),
    ("fc", |_, _, _| {}),
    ("flexVolume", |errors, at, source| required(errors, at, source, &["driver"])),
    ("configMap", config_map),
    ("azureFile", |errors, at, source| required(errors, at, source, &["secretName", "shareName"])),
    ("vsphereVolume", |errors, at, source| required(errors, at, source, &["volumePath"])),
    ("photonPersistentDisk", |errors, at, source| required(errors, at, source, &["pdID"])),
    ("portworxVolume", |errors, at, source| required(errors, at, source, &["volumeID"])),
    ("azureDisk", |errors, at, source| required(errors, at, source, &["diskName", "diskURI"])),
    ("storageos", |_, _, _| {}),
    ("projected", validate_projected),
    ("scaleIO", |errors, at, source| required(errors, at, source, &["gateway", "system", "volumeName"])),
    ("csi", csi),
    ("ephemeral", ephemeral),
    ("image", image),
];

/// The volumes; returns those without mistakes, which mounts may name.
pub(super) fn validate_volumes<'v>(
    errors: &mut Errors,
    at: &At,
    spec: &'v Value,
    pod: &str,
) -> Vec<&'v Value> {
    let mut good: Vec<&Value> = Vec::new();
    let created = |name: &str| {
        !pod.is_empty()
            && spec
                .items("volumes")
                .iter()
                .any(|volume| volume.has("ephemeral") && name == format!("{pod}-{}", volume.text("name")))
    };
    for (index, volume) in spec.items("volumes").iter().enumerate() {
        let (at, before) = (at.index(index), errors.len());
        validate_source(errors, &at, volume, pod);
        let name = volume.text("name");
        match name {
            "" => errors.push(FieldError::required(&at.field("name"), "")),
            name => invalid_each(errors, &at.field("name"), &name.into(), dns_label(name)),
        }
        if good.iter().any(|other| other.text("name") == name) {
            errors.push(FieldError::duplicate(&at.field("name"), name));
        }
        if errors.len() == before {
            good.push(volume);
        }
        let claim = volume.str_at(&["persistentVolumeClaim", "claimName"]).unwrap_or_default();
        if created(claim) {
            let at = at.field("persistentVolumeClaim");
            let text = "must not reference a PVC that gets created for an ephemeral volume";
            errors.push(FieldError::invalid(&at.field("claimName"), claim, text));
        }
    }
    good
}

fn validate_source(errors: &mut Errors, at: &At, volume: &Value, pod: &str) {
    let mut sources = 0;
    for (kind, rule) in SOURCES {
        if !volume.has(kind) {
            continue;
        }
        sources += 1;
        if sources > 1 {
            let other = match kind {
                "cephfs" => "cephFS",
                "downwardAPI" => "downwarAPI", // as the server spells it
                other => other,
            };
            errors.push(FieldError::forbidden(&at.field(other), "may not specify more than 1 volume type"));
            continue;
        }
        let key = if kind == "gcePersistentDisk" { "persistentDisk" } else { kind };
        rule(errors, &at.field(key), volume.child(kind));
        let name = volume.text("name");
        if kind == "ephemeral" && !pod.is_empty() && !name.is_empty() {
            let claim = format!("{pod}-{name}");
            let wrong = dns_subdomain(&claim)
                .into_iter()
                .map(|text| format!("PVC name \"{claim}\": {text}"))
                .collect();
            invalid_each(errors, &at.field("name"), &name.into(), wrong);
        }
    }
    if sources == 0 {
        errors.push(FieldError::required(at, "must specify a volume type"));
    }
}

/// Fields that must not be empty.
pub(super) fn required(errors: &mut Errors, at: &At, source: &Value, fields: &[&str]) {
    for field in fields {
        if source.text(field).is_empty() && source.items(field).is_empty() {
            errors.push(FieldError::required(&at.field(field), ""));
        }
    }
}

/// A path that stays below where it starts.
pub(super) fn descending(errors: &mut Errors, at: &At, path: &str) {
    if path.starts_with('/') {
        errors.push(FieldError::invalid(at, path, "must be a relative path"));
    }
    invalid_each(errors, at, &path.into(), no_backsteps(path));
}

/// A descending path that does not begin with two dots, which the kubelet keeps for itself.
pub(super) fn not_reserved(errors: &mut Errors, at: &At, path: &str) {
    descending(errors, at, path);
    if path.starts_with("..") && !path.starts_with("../") {
        errors.push(FieldError::invalid(at, path, "must not start with '..'"));
    }
}

/// The mode of files.
pub(super) fn mode(errors: &mut Errors, at: &At, source: &Value, key: &str) {
    if let Some(mode) = source.int(key).filter(|mode| !(0..=0o777).contains(mode)) {
        let text = "must be a number between 0 and 0777 (octal), both inclusive";
        errors.push(FieldError::invalid(&at.field(key), mode, text));
    }
}

fn empty_dir(errors: &mut Errors, at: &At, source: &Value) {
    if source.text("sizeLimit").starts_with('-') {
        errors.push(FieldError::forbidden(
            &at.field("sizeLimit"),
            "SizeLimit field must be a valid resource quantity",
        ));
    }
}

fn host_path(errors: &mut Errors, at: &At, source: &Value) {
    const TYPES: [&str; 8] =
        ["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"];
    let path = source.text("path");
    if path.is_empty() {
        errors.push(FieldError::required(&at.field("path"), ""));
        return;
    }
    invalid_each(errors, &at.field("path"), &path.into(), no_backsteps(path));
    let kind = source.text("type");
    if !TYPES.contains(&kind) {
        errors.push(FieldError::not_supported(&at.field("type"), kind, &TYPES));
    }
}

fn iscsi(errors: &mut Errors, at: &At, source: &Value) {
    required(errors, at, source, &["targetPortal", "iqn"]);
    for (key, shown) in [("iqn", "iqn"), ("initiatorName", "initiatorname")] {
        let name = source.text(key);
        let text = match is_iscsi_name(name) {
            _ if name.is_empty() => continue,
            None => "must be valid format starting with iqn, eui, or naa",
            Some(false) => "must be valid format",
            Some(true) => continue,
        };
        errors.push(FieldError::invalid(&at.field(shown), name, text));
    }
    invalid_each(
        errors,
        &at.field("lun"),
        &source.number("lun").into(),
        in_range(source.number("lun"), 0, 255),
    );
    if (source.flag("chapAuthDiscovery") || source.flag("chapAuthSession")) && !source.has("secretRef") {
        errors.push(FieldError::required(&at.field("secretRef"), ""));
    }
}

/// `None` for a name of no known kind.
fn is_iscsi_name(name: &str) -> Option<bool> {
    let word = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    Some(match name.get(..3)? {
        "iqn" => {
            name.strip_prefix("iqn.").and_then(|rest| rest.split_once('.')).is_some_and(|(date, rest)| {
                let [year, month] =
                    date.split_once('-').map(|(year, month)| [year, month]).unwrap_or_default();
                let digits = |text: &str, length: usize| {
                    text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit())
                };
                let (domain, own) = rest.split_once(':').unwrap_or_default();
                let fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
                digits(year, 4)
                    && digits(month, 2)
                    && !domain.is_empty()
                    && domain.bytes().all(fine)
                    && !own.is_empty()
                    && !own.contains([',', ';', '*', '&', '$', '|', ' '])
            })
        }
        "eui" => word(name.get(4..)?, 16),
        "naa" => word(name.get(4..)?, 32),
        _ => return None,
    })
}

fn nfs(errors: &mut Errors, at: &At, source: &Value) {
    required(errors, at, source, &["server", "path"]);
    let path = source.text("path");
    if !path.starts_with('/') {
        errors.push(FieldError::invalid(&at.field("path"), path, "must be an absolute path"));
    }
}

fn secret(errors: &mut Errors, at: &At, source: &Value) {
    required(errors, at, source, &["secretName"]);
    files(errors, at, source);
}

fn config_map(errors: &mut Errors, at: &At, source: &Value) {
    required(errors, at, source, &["name"]);
    files(errors, at, source);
}

fn files(errors: &mut Errors, at: &At, source: &Value) {
    mode(errors, at, source, "defaultMode");
    let items = at.field("items");
    for (index, item) in source.items("items").iter().enumerate() {
        key_to_path(errors, &items.index(index), item);
    }
}

/// A key and the file in which its value is to be.
pub(super) fn key_to_path(errors: &mut Errors, at: &At, item: &Value) {
    required(errors, at, item, &["key", "path"]);
    not_reserved(errors, &at.field("path"), item.text("path"));
    mode(errors, at, item, "mode");
}

/// The mistakes in the files are all at the volume, as the server says them.
fn downward(errors: &mut Errors, at: &At, source: &Value) {
    mode(errors, at, source, "defaultMode");
    for item in source.items("items") {
        downward_file(errors, at, item);
    }
}

/// A file that shows a field of the pod.
pub(super) fn downward_file(errors: &mut Errors, at: &At, item: &Value) {
    required(errors, at, item, &["path"]);
    not_reserved(errors, &at.field("path"), item.text("path"));
    let resource = item.child("resourceFieldRef");
    if item.has("fieldRef") {
        validate_field(errors, &at.field("fieldRef"), item.child("fieldRef"), &VOLUME_FIELDS);
        if item.has("resourceFieldRef") {
            let text = "fieldRef and resourceFieldRef can not be specified simultaneously";
            errors.push(FieldError::invalid(at, "resource", text));
        }
    } else if item.has("resourceFieldRef") {
        let at = at.field("resourceFieldRef");
        match resource.text("containerName") {
            "" => {
                errors.push(FieldError::required(&at.field("containerName"), ""));
                validate_divisor(
                    errors,
                    &at.field("divisor"),
                    resource.text("resource"),
                    resource.text("divisor"),
                );
            }
            _ => validate_resource_field(errors, &at, resource),
        }
    } else {
        errors.push(FieldError::required(at, "one of fieldRef and resourceFieldRef is required"));
    }
    mode(errors, at, item, "mode");
}

fn csi(errors: &mut Errors, at: &At, source: &Value) {
    let driver = source.text("driver");
    if driver.is_empty() {
        errors.push(FieldError::required(&at.field("driver"), ""));
    } else {
        if driver.len() > 63 {
            errors.push(FieldError::too_long(&at.field("driver"), 63));
        }
        invalid_each(errors, &at.field("driver"), &driver.into(), dns_subdomain(&driver.to_lowercase()));
    }
    if source.has("nodePublishSecretRef") {
        let reference = at.field("nodePublishSecretRef");
        match source.child("nodePublishSecretRef").text("name") {
            "" => errors.push(FieldError::required(&reference.field("name"), "")),
            name => invalid_each(errors, &at.field("name"), &name.into(), dns_subdomain(name)),
        }
    }
}

fn ephemeral(errors: &mut Errors, at: &At, source: &Value) {
    let at = at.field("volumeClaimTemplate");
    if !source.has("volumeClaimTemplate") {
        errors.push(FieldError::required(&at, ""));
        return;
    }
    let template = source.child("volumeClaimTemplate");
    let (meta_at, meta) = (at.field("metadata"), template.child("metadata"));
    validate_annotations(errors, &meta_at.field("annotations"), meta.child("annotations"));
    validate_labels(errors, &meta_at.field("labels"), meta.child("labels"));
    for (key, _) in template.entries("metadata").filter(|(key, _)| !matches!(*key, "annotations" | "labels"))
    {
        errors.push(FieldError::forbidden(&meta_at.field(key), "cannot be set"));
    }
    validate_claim_spec(errors, &at.field("spec"), template.child("spec"));
}

fn image(errors: &mut Errors, at: &At, source: &Value) {
    required(errors, at, source, &["reference"]);
    super::container::validate_pull_policy(errors, &at.field("pullPolicy"), source.text("pullPolicy"));
}

/// Seconds for which a token is good.
pub(super) fn token_seconds(errors: &mut Errors, at: &At, seconds: i64) {
    let text = match seconds {
        ..600 => "may not specify a duration less than 10 minutes",
        4_294_967_297.. => "may not specify a duration larger than 2^32 seconds",
        _ => return,
    };
    errors.push(FieldError::invalid(at, seconds, text));
}
