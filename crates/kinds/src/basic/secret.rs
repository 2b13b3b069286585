//! Secrets.

use lockstep_core::{Map, Value, from_json};
use schema::{At, FieldError};

use super::{NOW_IMMUTABLE, SIZE_LIMIT};
use crate::base64::{decode, decoded_len, encode};
use crate::meta::{Edit, View, config_map_key, invalid_each};
use crate::naming::subdomain;
use crate::strategy::Strategy;

pub(crate) const SECRET: Strategy = Strategy {
    default,
    prepare_update: |secret, old| {
        if secret.text("type").is_empty() {
            secret.take_from(old, &["type"]);
        }
    },
    validate,
    validate_update: |secret, old| {
        let mut errors = validate_change(secret, old);
        errors.extend(validate(secret));
        errors
    },
    warnings: |secret, _| warnings(secret),
    name: subdomain,
    selectable: |secret| vec![("type", secret.text("type").into())],
    ..Strategy::plain("", "Secret", &["v1"])
};

/// What is written as text becomes data when the server reads it.
fn default(secret: &mut Value) {
    if let Some(texts) = secret.remove(&["stringData"]) {
        for (key, text) in texts.as_map().into_iter().flatten() {
            let text = encode(text.as_str().unwrap_or_default().as_bytes());
            secret.set(&["data", key], text.into());
        }
    }
    secret.default_text("type", "Opaque");
}

fn validate(secret: &Value) -> Vec<FieldError> {
    let (mut errors, mut size) = (Vec::new(), 0);
    let at = At::ROOT.field("data");
    for (key, value) in secret.entries("data") {
        invalid_each(&mut errors, &at.key(key), &key.into(), config_map_key(key));
        size += value.as_str().map_or(0, decoded_len);
    }
    if size > SIZE_LIMIT {
        errors.push(FieldError::too_long(&at, SIZE_LIMIT));
    }
    validate_type(&mut errors, &at, secret);
    errors
}

fn validate_type(errors: &mut Vec<FieldError>, at: &At, secret: &Value) {
    let data = secret.child("data");
    let has = |key: &&str| data.has(key);
    let required = |key: &str| FieldError::required(&at.key(key), "");
    match secret.text("type") {
        "kubernetes.io/service-account-token" => {
            const ACCOUNT: &str = "kubernetes.io/service-account.name";
            let annotations = secret.child("metadata").child("annotations");
            if annotations.text(ACCOUNT).is_empty() {
                let at = At::ROOT.field("metadata");
                let at = at.field("annotations");
                errors.push(FieldError::required(&at.key(ACCOUNT), ""));
            }
        }
        "kubernetes.io/dockercfg" => validate_json(errors, at, (data, ".dockercfg")),
        "kubernetes.io/dockerconfigjson" => validate_json(errors, at, (data, ".dockerconfigjson")),
        "kubernetes.io/basic-auth" if !["username", "password"].iter().any(has) => {
            errors.extend(["username", "password"].map(required));
        }
        "kubernetes.io/ssh-auth" if data.text("ssh-privatekey").is_empty() => {
            errors.push(required("ssh-privatekey"));
        }
        "kubernetes.io/tls" => {
            errors.extend(["tls.crt", "tls.key"].iter().filter(|key| !has(key)).map(|key| required(key)));
        }
        _ => {}
    }
}

/// The server names the mistake in the words of Go's JSON reader; of what is not there or cut off they are the same always.
fn validate_json(errors: &mut Vec<FieldError>, at: &At, (data, key): (&Value, &str)) {
    let at = at.key(key);
    if !data.has(key) {
        errors.push(FieldError::required(&at, ""));
        return;
    }
    let bytes = decode(data.text(key)).unwrap_or_default();
    let wrong = match from_json(&bytes) {
        Ok(Value::Map(_) | Value::Null) => return,
        Ok(other) => format!(
            "json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
            go_name(&other)
        ),
        Err(_) => "unexpected end of JSON input".to_owned(),
    };
    errors.push(FieldError::invalid(&at, "<secret contents redacted>", wrong));
}

fn go_name(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "bool",
        Value::String(_) => "string",
        Value::List(_) => "array",
        _ => "number",
    }
}

/// What comes before the mistakes in the Secret itself.
fn validate_change(secret: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if secret.text("type") != old.text("type") {
        errors.push(FieldError::invalid(&At::ROOT.field("type"), secret.text("type"), "field is immutable"));
    }
    if old.flag("immutable") {
        if !secret.flag("immutable") {
            errors.push(FieldError::forbidden(&At::ROOT.field("immutable"), NOW_IMMUTABLE));
        }
        let empty = Value::map(Map::new());
        let data = |secret: &Value| secret.get("data").cloned().unwrap_or(empty.clone());
        if data(secret) != data(old) {
            errors.push(FieldError::forbidden(&At::ROOT.field("data"), NOW_IMMUTABLE));
        }
    }
    errors
}

/// A key pair that is not there at all is what can be told without reading certificates.
fn warnings(secret: &Value) -> Vec<String> {
    let empty = |key: &str| decode(secret.child("data").text(key)).is_none_or(|bytes| !has_pem(&bytes));
    if secret.text("type") != "kubernetes.io/tls" {
        return Vec::new();
    }
    match (empty("tls.crt"), empty("tls.key")) {
        (true, _) => vec!["tls: failed to find any PEM data in certificate input".into()],
        (false, true) => vec!["tls: failed to find any PEM data in key input".into()],
        _ => Vec::new(),
    }
}

fn has_pem(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    text.contains("-----BEGIN ") && text.contains("-----END ")
}
