//! The parameters of policies.

use lockstep_core::Value;
use schema::{At, FieldError};

use super::Errors;
use crate::meta::{View, dns_1035_label, dns_subdomain, invalid_each, path_segment, validate_selector};

/// The kind of the parameters of a policy.
pub(super) fn validate_kind(errors: &mut Errors, at: &At, kind: &Value) {
    let (version_at, text) = (at.field("apiVersion"), kind.text("apiVersion"));
    if text.is_empty() {
        errors.push(FieldError::required(&version_at, ""));
    } else if text.matches('/').count() > 1 {
        let wrong = format!("unexpected GroupVersion string: {text}");
        errors.push(FieldError::invalid(&version_at, text, wrong));
    } else {
        let (group, version) = text.split_once('/').unwrap_or(("", text));
        joined(
            errors,
            &version_at,
            (group, if group.is_empty() { Vec::new() } else { dns_subdomain(group) }),
        );
        match version.is_empty() {
            true => errors.push(FieldError::invalid(&version_at, text, "version must be specified")),
            false => joined(errors, &version_at, (version, dns_1035_label(version))),
        }
    }
    let (kind_at, name) = (at.field("kind"), kind.text("kind"));
    let wrong = dns_1035_label(&name.to_lowercase());
    if name.is_empty() {
        errors.push(FieldError::required(&kind_at, ""));
    } else if !wrong.is_empty() {
        let text = format!("may have mixed case, but should otherwise match: {}", wrong.join(","));
        errors.push(FieldError::invalid(&kind_at, name, text));
    }
}

fn joined(errors: &mut Errors, at: &At, (value, wrong): (&str, Vec<String>)) {
    if !wrong.is_empty() {
        errors.push(FieldError::invalid(at, value, wrong.join(",")));
    }
}

/// Which parameters a binding takes.
pub(super) fn validate_reference(errors: &mut Errors, at: &At, reference: &Value) {
    const BOTH: &str = "name and selector are mutually exclusive";
    let (name, selector) = (reference.text("name"), reference.has("selector"));
    if !name.is_empty() {
        invalid_each(errors, &at.field("name"), &name.into(), path_segment(name));
        if selector {
            errors.push(FieldError::forbidden(&at.field("name"), BOTH));
        }
    }
    if selector {
        validate_selector(errors, &at.field("selector"), reference.child("selector"));
        if !name.is_empty() {
            errors.push(FieldError::forbidden(&at.field("selector"), BOTH));
        }
    }
    if name.is_empty() && !selector {
        errors.push(FieldError::required(at, "one of name or selector must be specified"));
    }
    let action_at = at.field("parameterNotFoundAction");
    match reference.text("parameterNotFoundAction") {
        "" => errors.push(FieldError::required(&action_at, "")),
        "Deny" | "Allow" => {}
        other => errors.push(FieldError::not_supported(&action_at, other, &["Deny", "Allow"])),
    }
}
