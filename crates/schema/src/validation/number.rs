//! Limits of numbers.

use lockstep_core::Value;

use super::Validator;
use super::failure::{Failure, Outcome};
use crate::go_text::plain;

#[allow(clippy::cast_precision_loss)] // as the server compares
fn float(value: &Value) -> f64 {
    match *value {
        Value::Int(number) => number as f64,
        Value::Uint(number) => number as f64,
        Value::Float(number) => number,
        _ => 0.0,
    }
}

/// The limit as the server applies it to an integer: cut to one. A fraction fits no integer type and is compared as it is.
#[allow(clippy::cast_possible_truncation)] // as in Go
fn whole(value: &Value, limit: f64, typed: bool) -> Option<i64> {
    match value {
        Value::Int(_) if limit.fract() == 0.0 || !typed => Some(limit as i64),
        _ => None,
    }
}

/// Whether a number fits the type and format; if not, what the server says.
fn out_of_range(value: &Value, types: &[&str], format: &str, what: &str, path: &str) -> Option<Failure> {
    let fits = match (types, format) {
        (["integer"], "int32") => value.as_int().is_some_and(|number| i32::try_from(number).is_ok()),
        (["integer"], _) => match value {
            Value::Float(number) => number.fract() == 0.0 && number.abs() < 9.2e18,
            other => matches!(other, Value::Int(_)),
        },
        (_, "float") => float(value).abs() <= f64::from(f32::MAX),
        _ => true,
    };
    let of = types.first().copied().unwrap_or_default();
    (!fits).then(|| {
        Failure::unplaced(match format {
            "" => format!("{what} value must be of type {of} (default format) in {path}"),
            _ => format!("{what} value must be of type {of} with format {format} in {path}"),
        })
    })
}

pub(super) fn check(at: Validator<'_>, types: &[&str], format: &str, value: &Value, path: &str) -> Outcome {
    let types = if types.len() == 1 { types } else { &[] };
    let format = if types.is_empty() { "" } else { format };
    let mut outcome = Outcome::default();
    if let Some(failure) = out_of_range(value, types, format, "Checked", path) {
        outcome.add(failure);
    }
    let limit = |name: &str| at.schema.0.get(name).filter(|limit| !matches!(limit, Value::Null));
    let flag = |name: &str| at.schema.0.get(name).and_then(Value::as_bool) == Some(true);
    let typed = types == ["integer"];
    if let Some(factor) = limit("multipleOf") {
        outcome.failures.extend(out_of_range(factor, types, format, "MultipleOf", path));
        outcome.failures.extend(multiple(value, factor, typed, path));
    }
    if let Some(least) = limit("minimum") {
        outcome.failures.extend(out_of_range(least, types, format, "Minimum boundary", path));
        outcome.failures.extend(bound(value, least, typed, (path, Side::Least, flag("exclusiveMinimum"))));
    }
    if let Some(most) = limit("maximum") {
        outcome.failures.extend(out_of_range(most, types, format, "Maximum boundary", path));
        outcome.failures.extend(bound(value, most, typed, (path, Side::Most, flag("exclusiveMaximum"))));
    }
    outcome.matches += 1;
    outcome
}

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Least,
    Most,
}

fn bound(
    value: &Value,
    limit: &Value,
    typed: bool,
    (path, side, open): (&str, Side, bool),
) -> Option<Failure> {
    let at = float(limit);
    let (order, shown) = match (value, whole(value, at, typed)) {
        (Value::Int(number), Some(limit)) => (number.cmp(&limit), limit.to_string()),
        _ => (float(value).total_cmp(&at), plain(&Value::Float(at))),
    };
    let wrong = match side {
        Side::Least => order.is_lt() || (open && order.is_eq()),
        Side::Most => order.is_gt() || (open && order.is_eq()),
    };
    let words = match (side, open) {
        (Side::Least, false) => "greater than or equal to",
        (Side::Least, true) => "greater than",
        (Side::Most, false) => "less than or equal to",
        (Side::Most, true) => "less than",
    };
    wrong.then(|| {
        let text = format!("{path} in body should be {words} {shown}");
        Failure::invalid(path, Some(value.clone()), text)
    })
}

fn multiple(value: &Value, factor: &Value, typed: bool, path: &str) -> Option<Failure> {
    let by = float(factor);
    let exact = whole(value, by, typed);
    let shown = exact.map_or_else(|| plain(&Value::Float(by)), |by| by.to_string());
    if exact.map_or(by <= 0.0, |by| by <= 0) {
        let text = format!("factor MultipleOf declared for {path} must be positive: {shown}");
        return Some(Failure::invalid(path, Some(factor.clone()), text));
    }
    let divides = match (value, exact) {
        (Value::Int(number), Some(by)) => number % by == 0,
        _ => {
            let times = if by < 1.0 { 1.0 / by * float(value) } else { float(value) / by };
            (times - times.round()).abs() < 1e-9 * times.abs().max(1.0)
        }
    };
    (!divides).then(|| {
        let text = format!("{path} in body should be a multiple of {shown}");
        Failure::invalid(path, Some(value.clone()), text)
    })
}
