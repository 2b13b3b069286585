//! Volumes, claims on them, and what provides them.

mod attributes_class;
mod capacity;
mod claim;
mod csi_driver;
mod csi_node;
mod storage_class;
mod volume;
mod volume_attachment;
mod volume_source;

pub(crate) use attributes_class::VOLUME_ATTRIBUTES_CLASS;
pub(crate) use capacity::CSI_STORAGE_CAPACITY;
pub(crate) use claim::{PERSISTENT_VOLUME_CLAIM, default_claim_spec, validate_claim_spec};
pub(crate) use csi_driver::CSI_DRIVER;
pub(crate) use csi_node::CSI_NODE;
pub(crate) use storage_class::STORAGE_CLASS;
pub(crate) use volume::PERSISTENT_VOLUME;
pub(crate) use volume_attachment::VOLUME_ATTACHMENT;

use lockstep_core::Value;
use schema::{At, FieldError};

use crate::address::texts;
use crate::meta::{View, dns_subdomain, invalid_each};

const ACCESS_MODES: &[&str] = &["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
const VOLUME_MODES: &[&str] = &["Block", "Filesystem"];
const IMMUTABLE: &str = "field is immutable";
const STORAGE_CLASS_ANNOTATION: &str = "volume.beta.kubernetes.io/storage-class";

fn validate_access_modes(errors: &mut Vec<FieldError>, at: &At, modes: &[Value]) {
    let modes = texts(modes);
    for mode in modes.iter().filter(|mode| !ACCESS_MODES.contains(mode)) {
        errors.push(FieldError::not_supported(at, *mode, ACCESS_MODES));
    }
    let single = "ReadWriteOncePod";
    let other = |mode: &&str| *mode != single && ACCESS_MODES.contains(mode);
    if modes.contains(&single) && modes.iter().any(other) {
        errors.push(FieldError::forbidden(at, "may not use ReadWriteOncePod with other access modes"));
    }
}

fn validate_volume_mode(errors: &mut Vec<FieldError>, at: &At, spec: &Value) {
    let mode = spec.text("volumeMode");
    if spec.has("volumeMode") && !VOLUME_MODES.contains(&mode) {
        errors.push(FieldError::not_supported(&at.field("volumeMode"), mode, VOLUME_MODES));
    }
}

/// The name of a class; an absent and an empty one are fine.
fn validate_class_name(errors: &mut Vec<FieldError>, at: &At, name: &str) {
    if !name.is_empty() {
        invalid_each(errors, at, &name.into(), dns_subdomain(name));
    }
}

/// The name of a CSI driver, which may have capital letters.
fn validate_driver_name(errors: &mut Vec<FieldError>, at: &At, name: &str) {
    if name.is_empty() {
        errors.push(FieldError::required(at, ""));
        return;
    }
    if name.len() > 63 {
        errors.push(FieldError::too_long(at, 63));
    }
    invalid_each(errors, at, &name.into(), dns_subdomain(&name.to_lowercase()));
}

/// What a field that may not change is refused with by the server's generated rules, which do not show its value.
fn unchanged(errors: &mut Vec<FieldError>, at: &At, (new, old): (&Value, &Value)) {
    if new != old {
        errors.push(FieldError::invalid(at, Value::Null, IMMUTABLE));
    }
}
