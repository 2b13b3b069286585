//! Types, enumerations, lengths, patterns and formats.

use lockstep_core::{Value, to_json};

use super::Validator;
use super::failure::{Failure, Outcome};
use crate::pattern::Pattern;
use crate::string_format;

/// The type of a value as OpenAPI names it, and the format that comes with it.
fn type_of(value: &Value) -> (&'static str, &'static str) {
    match value {
        Value::Null => ("null", ""),
        Value::Bool(_) => ("boolean", ""),
        Value::Int(_) => ("integer", "int64"),
        Value::Uint(_) | Value::Float(_) => ("number", "float64"),
        Value::String(_) => ("string", ""),
        Value::List(_) => ("array", ""),
        Value::Map(_) => ("object", ""),
    }
}

pub(super) fn check_type(
    at: Validator<'_>,
    types: &[&str],
    format: &str,
    value: &Value,
    path: &str,
) -> Outcome {
    let nullable = at.schema.0.get("nullable").and_then(Value::as_bool) == Some(true);
    let passed = Outcome { failures: Vec::new(), matches: 1 };
    let (name, own_format) = type_of(value);
    if matches!(value, Value::Null) {
        return match types.is_empty() || types.contains(&"null") || nullable {
            true => passed,
            false => Outcome::one(Failure::wrong_type(path, &types.join(","), "null".into())),
        };
    }
    let integral =
        matches!(value, Value::Float(number) if number.fract() == 0.0) && types.contains(&"integer");
    let widened = name == "integer" && types.contains(&"number");
    let textual = matches!(value, Value::String(_) | Value::List(_));
    let fits = types.contains(&name) || integral || widened;
    if !(textual || format.is_empty() || fits || own_format == format) {
        return Outcome::one(Failure::wrong_type(path, format, own_format.into()));
    }
    let numeric = types.contains(&"number") || types.contains(&"integer");
    if fits || (!numeric && !format.is_empty() && textual) {
        return passed;
    }
    Outcome::one(Failure::wrong_type(path, &types.join(","), name.into()))
}

pub(super) fn check_enum(at: Validator<'_>, value: &Value, path: &str) -> Outcome {
    let supported = at.schema.0.get("enum").and_then(Value::as_list).unwrap_or_default();
    if supported.is_empty() || (supported.contains(value) && !matches!(value, Value::Null)) {
        return Outcome::default();
    }
    let shown: Vec<String> = supported
        .iter()
        .map(|value| match value.as_str() {
            Some(text) => text.to_owned(),
            None => String::from_utf8_lossy(&to_json(value)).into_owned(),
        })
        .collect();
    Outcome::one(Failure::not_supported(path, value, &shown))
}

/// Length and pattern; the first that is wrong is the only one.
pub(super) fn check_text(at: Validator<'_>, value: &Value, path: &str) -> Outcome {
    let text = value.as_str().unwrap_or_default();
    let length = text.chars().count() as i64;
    if let Some(most) = at.schema.0.int_at(&["maxLength"]).filter(|most| length > *most) {
        return Outcome::one(Failure::too_long(path, most));
    }
    if let Some(least) = at.schema.0.int_at(&["minLength"]).filter(|least| length < *least) {
        let message = format!("{path} in body should be at least {least} chars long");
        return Outcome::one(Failure::invalid(path, Some(value.clone()), message));
    }
    let pattern = at.schema.0.str_at(&["pattern"]).filter(|pattern| !pattern.is_empty());
    let wanted = pattern.and_then(|pattern| match Pattern::new(pattern) {
        Ok(compiled) if compiled.is_match(text) => None,
        Ok(_) => Some(pattern.to_owned()),
        Err(error) => Some(format!("{pattern}, but pattern is invalid: {error}")),
    });
    wanted.map_or_else(Outcome::default, |wanted| {
        let message = format!("{path} in body should match '{wanted}'");
        Outcome::one(Failure::invalid(path, Some(value.clone()), message))
    })
}

pub(super) fn check_format(format: &str, value: &Value, path: &str) -> Outcome {
    match string_format::is_valid(format, value.as_str().unwrap_or_default()) {
        true => Outcome::default(),
        false => Outcome::one(Failure::wrong_type(path, format, value.clone())),
    }
}
