//! The rules of built-in kinds that have no file of their own: what their endpoints say of them.

use kinds::{ResetField, Resource, Status, Strategy};
use lockstep_core::Value;

/// The rules of a kind without a file.
pub(crate) fn strategy(resource: &Resource) -> &'static Strategy {
    match resource.subresources.iter().any(|subresource| subresource.name == "status") {
        true => &WITH_STATUS,
        false => &PLAIN,
    }
}

const PLAIN: Strategy = Strategy { name: subdomain, ..Strategy::plain("", "", &[]) };

const WITH_STATUS: Strategy = Strategy {
    prepare_create: |object| {
        object.remove(&["status"]);
    },
    prepare_update: |object, old| take(object, old, &["status"]),
    status: Some(Status {
        prepare_update: |object, old| {
            take(object, old, &["spec"]);
            take(object, old, &["metadata", "labels"]);
        },
        validate_update: |_, _| Vec::new(),
        warnings: |_| Vec::new(),
    }),
    reset: &[
        ResetField { version: "v1", subresource: "", path: &["status"] },
        ResetField { version: "v1", subresource: "status", path: &["spec"] },
    ],
    name: subdomain,
    ..Strategy::plain("", "", &[])
};

/// Gives a field the value that it has in `old`.
pub(crate) fn take(object: &mut Value, old: &Value, path: &[&str]) {
    match old.at(path) {
        Some(value) => object.set(path, value.clone()),
        None => {
            object.remove(path);
        }
    }
}

/// The rule of most names.
pub(crate) fn subdomain(name: &str) -> Result<(), Vec<String>> {
    let mut errors = Vec::new();
    if name.len() > 253 {
        errors.push("must be no more than 253 bytes".to_owned());
    }
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_label = |part: &str| {
        let bytes = part.as_bytes();
        let ends = |byte: Option<&u8>| byte.is_some_and(|byte| fits(*byte));
        ends(bytes.first()) && ends(bytes.last()) && bytes.iter().all(|byte| fits(*byte) || *byte == b'-')
    };
    if !name.split('.').all(is_label) {
        errors.push(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
                .to_owned(),
        );
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}
