//! Where a webhook is.

use lockstep_core::Value;
use schema::{At, FieldError};

use super::Errors;
use crate::meta::{View, dns_subdomain, port_number};

const FORM: &str = "; desired format: https://host[/path]";

pub(super) fn validate_url(errors: &mut Errors, at: &At, url: &str) {
    let (rest, fragment) = url.split_once('#').unwrap_or((url, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (scheme, rest) = rest.split_once("://").unwrap_or(("", rest));
    let host = if scheme.is_empty() { "" } else { rest.split('/').next().unwrap_or_default() };
    let (user, host) = host.rsplit_once('@').map_or((None, host), |(user, host)| (Some(user), host));
    let invalid = |value: &str, text: String| FieldError::invalid(at, value, text);
    if scheme != "https" {
        errors.push(invalid(scheme, format!("'https' is the only allowed URL scheme{FORM}")));
    }
    if host.is_empty() {
        errors.push(invalid(host, format!("host must be specified{FORM}")));
    }
    if let Some(user) = user {
        errors.push(invalid(user, "user information is not permitted in the URL".into()));
    }
    if !fragment.is_empty() {
        errors.push(invalid(fragment, "fragments are not permitted in the URL".into()));
    }
    if !query.is_empty() {
        errors.push(invalid(query, "query parameters are not permitted in the URL".into()));
    }
}

pub(super) fn validate_service(errors: &mut Errors, at: &At, service: &Value) {
    for field in ["name", "namespace"] {
        if service.text(field).is_empty() {
            errors.push(FieldError::required(&at.field(field), ""));
        }
    }
    let port = service.number("port");
    if let [wrong] = &*port_number(port) {
        errors.push(FieldError::invalid(&at.field("port"), port, format!("port is not valid: {wrong}")));
    }
    let (at, path) = (at.field("path"), service.text("path"));
    if matches!(path, "" | "/") {
        return;
    }
    let invalid = |text: String| FieldError::invalid(&at, path, text);
    if path == "//" {
        errors.push(invalid("segment[0] may not be empty".into()));
        return;
    }
    if !path.starts_with('/') {
        errors.push(invalid("must start with a '/'".into()));
    }
    let steps = path.get(1..).unwrap_or_default();
    for (index, step) in steps.strip_suffix('/').unwrap_or(steps).split('/').enumerate() {
        match step.is_empty() {
            true => errors.push(invalid(format!("segment[{index}] may not be empty"))),
            false => {
                let wrong = dns_subdomain(step).into_iter();
                errors.extend(wrong.map(|text| invalid(format!("segment[{index}]: {text}"))));
            }
        }
    }
}
