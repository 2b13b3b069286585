//! Properties of objects.

use lockstep_core::{Map, Value};

use super::Validator;
use super::failure::{Failure, Outcome};
use crate::Structural;

pub(super) fn check<'a>(at: Validator<'a>, value: &'a Value, path: &str) -> Outcome {
    let mut outcome = Outcome::default();
    let Some(entries) = value.as_map() else { return outcome };
    count(at, entries, path, &mut outcome);
    additional(at, entries, path, &mut outcome);
    let properties = at.schema.0.get("properties").and_then(Value::as_map);
    for (name, schema) in properties.into_iter().flatten() {
        let Some(value) = entries.get(name) else { continue };
        let inner = if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
        // The type of an object is the same before and after, whatever its text was: it is checked always.
        let old = match path.is_empty() && matches!(&**name, "kind" | "apiVersion") {
            true => None,
            false => at.old.and_then(|old| old.key(name)),
        };
        outcome.merge(Validator::part(Structural(schema), old, value, &inner));
    }
    for name in at.schema.0.get("required").and_then(Value::as_list).unwrap_or_default() {
        let name = name.as_str().unwrap_or_default();
        if !entries.contains_key(name) {
            outcome.add(Failure::required(&format!("{path}.{name}")));
        }
    }
    outcome
}

fn count(at: Validator<'_>, entries: &Map, path: &str, outcome: &mut Outcome) {
    let count = entries.len() as i64;
    if let Some(least) = at.schema.0.int_at(&["minProperties"]).filter(|least| count < *least) {
        let text = format!("{path} in body should have at least {least} properties");
        outcome.add(Failure::invalid(path, Some(Value::Int(count)), text));
    }
    if let Some(most) = at.schema.0.int_at(&["maxProperties"]).filter(|most| count > *most) {
        let text = format!("{path} in body should have at most {most} properties");
        outcome.add(Failure::too_many(path, count, most, text));
    }
}

fn additional<'a>(at: Validator<'a>, entries: &'a Map, path: &str, outcome: &mut Outcome) {
    let known = |name: &str| at.schema.0.at(&["properties", name]).is_some();
    match at.schema.0.get("additionalProperties") {
        Some(Value::Bool(false)) => {
            for name in entries.keys().filter(|name| !known(name)) {
                let text = format!("{path}.{name} in body is a forbidden property");
                outcome.add(Failure::invalid(path, Some(Value::String(name.clone())), text));
            }
        }
        Some(schema @ Value::Map(_)) => {
            for (name, value) in entries.iter().filter(|(name, _)| !known(name)) {
                let old = at.old.and_then(|old| old.key(name));
                outcome.merge(Validator::part(Structural(schema), old, value, &format!("{path}.{name}")));
            }
        }
        _ => {}
    }
}
