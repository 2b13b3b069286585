//! Claims that are made for a pod: what their spec must say.

use lockstep_core::Value;
use schema::{At, FieldError};

use super::Errors;
use crate::meta::{Quantity, View, dns_subdomain, invalid_each, validate_selector};

const MODES: [&str; 4] = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

/// The spec of a claim that does not exist yet.
pub(crate) fn validate_claim_spec(errors: &mut Errors, at: &At, spec: &Value) {
    let (modes_at, modes) = (at.field("accessModes"), spec.items("accessModes"));
    if modes.is_empty() {
        errors.push(FieldError::required(&modes_at, "at least 1 access mode is required"));
    }
    if spec.has("selector") {
        validate_selector(errors, &at.field("selector"), spec.child("selector"));
    }
    let names: Vec<_> = modes.iter().filter_map(Value::as_str).collect();
    for mode in names.iter().filter(|mode| !MODES.contains(mode)) {
        errors.push(FieldError::not_supported(&modes_at, *mode, &MODES));
    }
    let known = |mode: &&&str| MODES.contains(*mode);
    if names.contains(&"ReadWriteOncePod")
        && names.iter().filter(known).any(|mode| *mode != "ReadWriteOncePod")
    {
        errors.push(FieldError::forbidden(&modes_at, "may not use ReadWriteOncePod with other access modes"));
    }
    validate_storage(errors, at, spec);
    let class = spec.text("storageClassName");
    if !class.is_empty() {
        invalid_each(errors, &at.field("storageClassName"), &class.into(), dns_subdomain(class));
    }
    let mode = spec.text("volumeMode");
    if spec.has("volumeMode") && !matches!(mode, "Block" | "Filesystem") {
        errors.push(FieldError::not_supported(&at.field("volumeMode"), mode, &["Block", "Filesystem"]));
    }
}

fn validate_storage(errors: &mut Errors, at: &At, spec: &Value) {
    let resources = at.field("resources");
    let at = resources.key("storage");
    let Some(storage) = spec.str_at(&["resources", "requests", "storage"]) else {
        errors.push(FieldError::required(&at, ""));
        return;
    };
    if storage.parse::<Quantity>().is_ok_and(|quantity| quantity.sign().is_le()) {
        errors.push(FieldError::invalid(&at, storage, "must be greater than zero"));
    }
}
