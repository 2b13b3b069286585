//! Where containers find the volumes of their pod.

use std::collections::BTreeSet;

use lockstep_core::Value;
use schema::{At, FieldError};

use super::Errors;
use super::container::Around;
use super::env::no_backsteps;
use super::volumes::descending;
use crate::meta::View;

/// Where a container finds the files of volumes.
pub(super) fn validate_mounts(errors: &mut Errors, at: &At, container: &Value, around: &Around<'_>) {
    let devices = container.items("volumeDevices");
    let mut points = BTreeSet::new();
    for (index, mount) in container.items("volumeMounts").iter().enumerate() {
        let (item, name, path) = (at.index(index), mount.text("name"), mount.text("mountPath"));
        let (name_at, path_at) = (item.field("name"), item.field("mountPath"));
        if name.is_empty() {
            errors.push(FieldError::required(&name_at, ""));
        }
        if around.volume(name).is_none() {
            errors.push(FieldError::not_found(&name_at, name));
        }
        if path.is_empty() {
            errors.push(FieldError::required(&path_at, ""));
        }
        if !points.insert(path) {
            errors.push(FieldError::invalid(&path_at, path, "must be unique"));
        }
        if devices.iter().any(|device| device.text("name") == name) {
            errors.push(FieldError::invalid(&name_at, name, "must not already exist in volumeDevices"));
        }
        if devices.iter().any(|device| device.text("devicePath") == path) {
            errors.push(FieldError::invalid(
                &path_at,
                path,
                "must not already exist as a path in volumeDevices",
            ));
        }
        validate_sub_path(errors, [at, &item], mount);
        validate_propagation(errors, at, (mount, container));
    }
}

/// Most of these mistakes are at the list, as the server says them.
fn validate_sub_path(errors: &mut Errors, [list, at]: [&At; 2], mount: &Value) {
    let (path, expression) = (mount.text("subPath"), mount.text("subPathExpr"));
    if !path.is_empty() {
        descending(errors, &list.field("subPath"), path);
    }
    if !expression.is_empty() {
        if !path.is_empty() {
            let text = "subPathExpr and subPath are mutually exclusive";
            errors.push(FieldError::invalid(&at.field("subPathExpr"), expression, text));
        }
        descending(errors, &list.field("subPathExpr"), expression);
    }
}

fn validate_propagation(errors: &mut Errors, list: &At, (mount, container): (&Value, &Value)) {
    let (at, propagation) = (list.field("mountPropagation"), mount.text("mountPropagation"));
    if mount.has("mountPropagation") {
        let known = ["Bidirectional", "HostToContainer", "None"];
        if !known.contains(&propagation) {
            errors.push(FieldError::not_supported(&at, propagation, &known));
        }
        if propagation == "Bidirectional" && !container.child("securityContext").flag("privileged") {
            let text = "Bidirectional mount propagation is available only to privileged containers";
            errors.push(FieldError::forbidden(&at, text));
        }
    }
    let at = list.field("recursiveReadOnly");
    match mount.text("recursiveReadOnly") {
        "Disabled" => {}
        "" if !mount.has("recursiveReadOnly") => {}
        "Enabled" | "IfPossible" => {
            if !mount.flag("readOnly") {
                errors.push(FieldError::forbidden(&at, "may only be specified when readOnly is true"));
            }
            if mount.has("mountPropagation") && propagation != "None" {
                let text = "may only be specified when mountPropagation is None or not specified";
                errors.push(FieldError::forbidden(&at, text));
            }
        }
        other => errors.push(FieldError::not_supported(&at, other, &["Disabled", "Enabled", "IfPossible"])),
    }
}

/// Where a container finds volumes that are devices.
pub(super) fn validate_devices(errors: &mut Errors, at: &At, container: &Value, around: &Around<'_>) {
    let mounts = container.items("volumeMounts");
    let (mut names, mut paths) = (BTreeSet::new(), BTreeSet::new());
    for (index, device) in container.items("volumeDevices").iter().enumerate() {
        let (item, name, path) = (at.index(index), device.text("name"), device.text("devicePath"));
        let (name_at, path_at) = (item.field("name"), item.field("devicePath"));
        if name.is_empty() {
            errors.push(FieldError::required(&name_at, ""));
        }
        if names.contains(name) {
            errors.push(FieldError::invalid(&name_at, name, "must be unique"));
        }
        match around.volume(name) {
            None => errors.push(FieldError::not_found(&name_at, name)),
            Some(volume) if volume.has("persistentVolumeClaim") || volume.has("ephemeral") => {}
            Some(_) => errors.push(FieldError::invalid(
                &name_at,
                name,
                "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode",
            )),
        }
        if path.is_empty() {
            errors.push(FieldError::required(&path_at, ""));
        }
        if paths.contains(path) {
            errors.push(FieldError::invalid(&path_at, path, "must be unique"));
        }
        if no_backsteps(path).is_empty() {
            paths.insert(path);
        } else {
            errors.push(FieldError::invalid(&path_at, path, "can not contain backsteps ('..')"));
        }
        if mounts.iter().any(|mount| mount.text("name") == name) {
            errors.push(FieldError::invalid(&name_at, name, "must not already exist in volumeMounts"));
        }
        if mounts.iter().any(|mount| mount.text("mountPath") == path) {
            errors.push(FieldError::invalid(
                &path_at,
                path,
                "must not already exist as a path in volumeMounts",
            ));
        }
        names.insert(name);
    }
    names.remove("");
}
