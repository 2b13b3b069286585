//! How objects go from version to version.

use lockstep_core::Value;
use schema::{At, FieldError};

use crate::meta::{View, dns_1035_label, dns_label};

pub(super) fn validate(conversion: &Value, at: &At) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if matches!(conversion, Value::Null) {
        return errors;
    }
    let (strategy, hook) = (conversion.text("strategy"), conversion.child("webhook"));
    let config = hook.child("clientConfig");
    let (config_at, versions_at) = (at.field("webhookClientConfig"), at.field("conversionReviewVersions"));
    match strategy {
        "" => errors.push(FieldError::required(&at.field("strategy"), "")),
        "None" | "Webhook" => {}
        other => errors.push(FieldError::not_supported(&at.field("strategy"), other, &["None", "Webhook"])),
    }
    if strategy != "Webhook" {
        let text = "should not be set when strategy is not set to Webhook";
        if !matches!(config, Value::Null) {
            errors.push(FieldError::forbidden(&config_at, text));
        }
        if !hook.items("conversionReviewVersions").is_empty() {
            errors.push(FieldError::forbidden(&versions_at, text));
        }
        return errors;
    }
    match (config, config.has("url"), config.has("service")) {
        (Value::Null, ..) => {
            errors.push(FieldError::required(&config_at, "required when strategy is set to Webhook"))
        }
        (_, url, service) if url == service => {
            errors.push(FieldError::required(&config_at, "exactly one of url or service is required"));
        }
        (_, true, _) => url(config.text("url"), &config_at.field("url"), &mut errors),
        _ => service(config.child("service"), &config_at.field("service"), &mut errors),
    }
    versions(hook.items("conversionReviewVersions"), &versions_at, &mut errors);
    errors
}

fn url(text: &str, at: &At, errors: &mut Vec<FieldError>) {
    const FORM: &str = "; desired format: https://host[/path]";
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let (authority, tail) = rest.find(['/', '?', '#']).map_or((rest, ""), |end| rest.split_at(end));
    let mut refuse =
        |value: &str, what: String| errors.push(FieldError::invalid(at, value, format!("{what}{FORM}")));
    if scheme != "https" {
        refuse(scheme, "'https' is the only allowed URL scheme".into());
    }
    if authority.is_empty() {
        refuse(authority, "host must be specified".into());
    }
    if let Some((user, _)) = authority.rsplit_once('@') {
        refuse(user, "user information is not permitted in the URL".into());
    }
    if let Some((_, fragment)) = tail.split_once('#').filter(|(_, fragment)| !fragment.is_empty()) {
        refuse(fragment, "fragments are not permitted in the URL".into());
    }
    if let Some((_, query)) =
        tail.split('#').next().and_then(|tail| tail.split_once('?')).filter(|(_, query)| !query.is_empty())
    {
        refuse(query, "query parameters are not permitted in the URL".into());
    }
}

fn service(service: &Value, at: &At, errors: &mut Vec<FieldError>) {
    for (key, what) in [("name", "service name is required"), ("namespace", "service namespace is required")]
    {
        if service.text(key).is_empty() {
            errors.push(FieldError::required(&at.field(key), what));
        }
    }
    let port = service.int("port").unwrap_or(443);
    if !(1..=65535).contains(&port) {
        let text = "port is not valid: must be between 1 and 65535, inclusive";
        errors.push(FieldError::invalid(&at.field("port"), Value::Int(port), text));
    }
    let Some(path) = service.get("path").and_then(Value::as_str) else { return };
    path_of(path, &at.field("path"), errors);
}

fn path_of(path: &str, at: &At, errors: &mut Vec<FieldError>) {
    let mut refuse = |text: String| errors.push(FieldError::invalid(at, path, text));
    if path == "/" || path.is_empty() {
        return;
    }
    if path == "//" {
        return refuse("segment[0] may not be empty".into());
    }
    if !path.starts_with('/') {
        refuse("must start with a '/'".into());
    }
    let inner = path.trim_start_matches('/');
    let inner = inner.strip_suffix('/').unwrap_or(inner);
    for (index, segment) in inner.split('/').enumerate() {
        if segment.is_empty() {
            refuse(format!("segment[{index}] may not be empty"));
            continue;
        }
        for wrong in dns_label(segment).iter().filter(|_| !crate::meta::dns_subdomain(segment).is_empty()) {
            refuse(format!("segment[{index}]: {wrong}"));
        }
    }
}

fn versions(versions: &[Value], at: &At, errors: &mut Vec<FieldError>) {
    if versions.is_empty() {
        return errors.push(FieldError::required(at, ""));
    }
    for (index, version) in versions.iter().enumerate() {
        if versions[..index].contains(version) {
            errors.push(FieldError::invalid(&at.index(index), version.clone(), "duplicate version"));
            continue;
        }
        for wrong in dns_1035_label(version.as_str().unwrap_or_default()) {
            errors.push(FieldError::invalid(&at.index(index), version.clone(), wrong));
        }
    }
    if !versions.iter().any(|version| matches!(version.as_str(), Some("v1" | "v1beta1"))) {
        let text = "must include at least one of v1, v1beta1";
        errors.push(FieldError::invalid(at, Value::list(versions.to_vec()), text));
    }
}
