//! Numbers, ports, and numbers that may be percentages.

use lockstep_core::Value;
use schema::{At, FieldError};

use super::names::{Wrong, form_error, port_name};

/// What the server says of a number outside its range.
pub(crate) fn in_range(number: i64, low: i64, high: i64) -> Wrong {
    match (low..=high).contains(&number) {
        true => Vec::new(),
        false => vec![format!("must be between {low} and {high}, inclusive")],
    }
}

/// The number of a port.
pub(crate) fn port_number(number: i64) -> Wrong {
    in_range(number, 1, 65535)
}

/// The id of a user or a group.
pub(crate) fn user_id(number: i64) -> Wrong {
    in_range(number, 0, i64::from(i32::MAX))
}

/// Adds one mistake for each text.
pub(crate) fn invalid_each(errors: &mut Vec<FieldError>, at: &At, value: &Value, wrong: Wrong) {
    errors.extend(wrong.into_iter().map(|text| FieldError::invalid(at, value.clone(), text)));
}

/// A number that may not be negative; absent is zero.
pub(crate) fn not_negative(errors: &mut Vec<FieldError>, at: &At, number: i64) {
    if number < 0 {
        errors.push(FieldError::invalid(at, number, "must be greater than or equal to 0"));
    }
}

/// A port by number or by name.
pub(crate) fn validate_port_or_name(errors: &mut Vec<FieldError>, at: &At, port: &Value) {
    let wrong = match port {
        Value::String(name) => port_name(name),
        number => port_number(number.as_int().unwrap_or_default()),
    };
    invalid_each(errors, at, port, wrong);
}

/// A text like `25%`.
pub(crate) fn percent(text: &str) -> Wrong {
    let digits = text.strip_suffix('%').unwrap_or_default();
    match !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        true => Vec::new(),
        false => vec![form_error(
            "a valid percent string must be a numeric string followed by an ending '%'",
            "[0-9]+%",
            &["1%", "93%"],
        )],
    }
}

/// A number or percentage that is not negative.
pub(crate) fn validate_number_or_percent(errors: &mut Vec<FieldError>, at: &At, value: &Value) {
    match value {
        Value::String(text) => invalid_each(errors, at, value, percent(text)),
        number => not_negative(errors, at, number.as_int().unwrap_or_default()),
    }
}

/// The number before the percent sign; `None` for what is no percentage.
pub(crate) fn percent_of(value: &Value) -> Option<i64> {
    let text = value.as_str().filter(|text| percent(text).is_empty())?;
    text.strip_suffix('%')?.parse().ok()
}

/// The number, or the number before the percent sign.
pub(crate) fn number_or_percent(value: &Value) -> i64 {
    let number = |text: &str| text.parse::<i64>().unwrap_or_default();
    percent_of(value).or(value.as_int()).unwrap_or_else(|| value.as_str().map(number).unwrap_or_default())
}

/// A percentage of at most one hundred.
pub(crate) fn not_more_than_all(errors: &mut Vec<FieldError>, at: &At, value: &Value) {
    if percent_of(value).is_some_and(|percent| percent > 100) {
        errors.push(FieldError::invalid(at, value.clone(), "must not be greater than 100%"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_and_ports() {
        assert_eq!(percent_of(&"25%".into()), Some(25));
        assert_eq!(percent_of(&"25".into()), None);
        assert_eq!(number_or_percent(&"0%".into()), 0);
        assert_eq!(number_or_percent(&3.into()), 3);
        let wrong = |port: Value| {
            let mut errors = Vec::new();
            validate_port_or_name(&mut errors, &At::ROOT.field("port"), &port);
            errors.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(wrong("http".into()), Vec::<String>::new());
        assert_eq!(wrong(0.into()), ["port: Invalid value: 0: must be between 1 and 65535, inclusive"]);
    }
}
