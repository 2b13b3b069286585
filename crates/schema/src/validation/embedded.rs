//! Whole objects inside of others.

use lockstep_core::Value;

use crate::Structural;
use crate::field_error::{At, FieldError};

/// What is wrong with the type of embedded objects. The rules of their `metadata` are those of every object,
/// and are the caller's.
pub(super) fn validate(schema: Structural<'_>, value: &Value, at: &At, errors: &mut Vec<FieldError>) {
    match value {
        Value::Map(entries) => {
            if schema.0.get("x-kubernetes-embedded-resource").and_then(Value::as_bool) == Some(true) {
                type_of(value, at, errors);
            }
            for (name, value) in entries.iter() {
                if let Some(inner) = schema.0.at(&["properties", name]) {
                    validate(Structural(inner), value, &at.field(name), errors);
                } else if let Some(inner) = schema.0.get("additionalProperties") {
                    validate(Structural(inner), value, &at.key(name), errors);
                }
            }
        }
        Value::List(items) => {
            if let Some(inner) = schema.0.get("items") {
                for (index, item) in items.iter().enumerate() {
                    validate(Structural(inner), item, &at.index(index), errors);
                }
            }
        }
        _ => {}
    }
}

fn type_of(object: &Value, at: &At, errors: &mut Vec<FieldError>) {
    let (version_at, kind_at) = (at.field("apiVersion"), at.field("kind"));
    for (name, place) in [("apiVersion", &version_at), ("kind", &kind_at)] {
        if object.get(name).is_none() {
            errors.push(FieldError::required(place, ""));
        }
    }
    for (name, place) in [("apiVersion", &version_at), ("kind", &kind_at)] {
        match object.get(name) {
            None => {}
            Some(Value::String(text)) if text.is_empty() => {
                errors.push(FieldError::invalid(place, "", "must not be empty"));
            }
            Some(Value::String(text)) => {
                errors.extend(wrong(name, text).map(|why| FieldError::invalid(place, &**text, why)))
            }
            Some(other) => errors.push(FieldError::invalid(place, other.clone(), "must be a string")),
        }
    }
}

fn wrong(name: &str, text: &str) -> Option<String> {
    if name == "apiVersion" {
        return (text.matches('/').count() > 1).then(|| format!("unexpected GroupVersion string: {text}"));
    }
    let lower = text.to_lowercase();
    let label = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '-';
    let fits = lower.starts_with(|char: char| char.is_ascii_lowercase())
        && lower.chars().all(label)
        && !lower.ends_with('-')
        && lower.len() <= 63;
    (!fits).then(|| {
        "may have mixed case, but should otherwise match: a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')".into()
    })
}
