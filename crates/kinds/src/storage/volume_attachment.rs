//! VolumeAttachments.

use lockstep_core::{Map, Value};
use schema::{At, FieldError};

use super::unchanged;
use crate::meta::{Edit, View, dns_subdomain, form_error, invalid_each};
use crate::naming::subdomain;
use crate::reset::{V1_STATUS_ONLY, keep_all_but_status};
use crate::strategy::{Status, Strategy};

type Errors = Vec<FieldError>;

pub(crate) const VOLUME_ATTACHMENT: Strategy = Strategy {
    prepare_create: |attachment| {
        let status = [("attached".into(), false.into())];
        attachment.set(&["status"], Value::map(Map::from(status)));
    },
    prepare_update: |attachment, old| attachment.take_from(old, &["status"]),
    validate,
    validate_update: |attachment, old| {
        let mut errors = validate(attachment);
        let at = At::ROOT.field("spec");
        unchanged(&mut errors, &at, (attachment.child("spec"), old.child("spec")));
        errors
    },
    status: Some(Status {
        prepare_update: keep_all_but_status,
        validate_update: |attachment, _| validate(attachment),
        warnings: |_| Vec::new(),
    }),
    name: subdomain,
    unconditional_update: false,
    reset: V1_STATUS_ONLY,
    ..Strategy::plain("storage.k8s.io", "VolumeAttachment", &["v1"])
};

fn validate(attachment: &Value) -> Errors {
    const ONE: &str = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";
    let (mut errors, mut late, spec) = (Vec::new(), Vec::new(), attachment.child("spec"));
    let at = At::ROOT.field("spec");
    let (source_at, source) = (at.field("source"), spec.child("source"));
    let (attacher_at, attacher) = (at.field("attacher"), spec.text("attacher"));
    match attacher.is_empty() {
        true => late.push(FieldError::required(&attacher_at, "")),
        false => invalid_each(&mut late, &attacher_at, &attacher.into(), driver_name(attacher)),
    }
    if attacher.len() > 63 {
        late.push(FieldError::too_long(&attacher_at, 63));
    }
    let (name_at, name) = (source_at.field("persistentVolumeName"), source.text("persistentVolumeName"));
    match (source.has("inlineVolumeSpec"), source.has("persistentVolumeName")) {
        (false, false) => errors.push(FieldError::required(&source_at, ONE)),
        (true, true) => errors.push(FieldError::forbidden(&source_at, ONE)),
        (false, true) if name.is_empty() => {
            errors.push(FieldError::required(&name_at, "must specify non empty persistentVolumeName"));
        }
        _ => {}
    }
    let node = spec.text("nodeName");
    invalid_each(&mut errors, &at.field("nodeName"), &node.into(), dns_subdomain(node));
    validate_status(&mut errors, attachment.child("status"));
    if source.has("persistentVolumeName") {
        invalid_each(&mut errors, &name_at, &name.into(), dns_subdomain(name));
    }
    errors.extend(late);
    errors
}

/// As the server's generated rules put it, which come last.
fn driver_name(name: &str) -> Vec<String> {
    match dns_subdomain(&name.to_lowercase()).is_empty() {
        true => Vec::new(),
        false => vec![form_error(
            "an RFC 1123 subdomain must consist of alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
            "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*",
            &["Example.com"],
        )],
    }
}

fn validate_status(errors: &mut Errors, status: &Value) {
    let at = At::ROOT.field("status");
    let size = |(key, value): (&str, &Value)| key.len() + value.as_str().map_or(0, str::len);
    if status.entries("attachmentMetadata").map(size).sum::<usize>() > 256 * 1024 {
        errors.push(FieldError::too_long(&at.field("attachmentMetadata"), 256 * 1024));
    }
    for field in ["attachError", "detachError"] {
        let (at, error) = (at.field(field), status.child(field));
        if error.text("message").len() > 1024 {
            errors.push(FieldError::too_long(&at.field("message"), 1024));
        }
        if error.number("errorCode") < 0 {
            let text = "must be between 0 and 2147483647, inclusive";
            errors.push(FieldError::invalid(&at.field("errorCode"), error.number("errorCode"), text));
        }
    }
}
