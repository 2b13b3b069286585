//! Lists whose items are unique, by their keys or as a whole.

use lockstep_core::{Map, Value};

use crate::Structural;
use crate::field_error::{At, FieldError, Mistake};

pub(super) fn validate(schema: Structural<'_>, value: &Value, at: &At, errors: &mut Vec<FieldError>) {
    match value {
        Value::Map(entries) => {
            if let Some(inner) = schema.0.get("additionalProperties").filter(|inner| inner.as_map().is_some())
            {
                for (name, value) in entries.iter() {
                    validate(Structural(inner), value, &at.key(name), errors);
                }
            }
            for (name, value) in entries.iter() {
                if let Some(inner) = schema.0.at(&["properties", name]) {
                    validate(Structural(inner), value, &at.field(name), errors);
                }
            }
        }
        Value::List(items) => {
            match schema.0.str_at(&["x-kubernetes-list-type"]) {
                Some("set") => duplicates(items, items, at, errors),
                Some("map") => keyed(schema, items, at, errors),
                _ => {}
            }
            if let Some(inner) = schema.0.get("items") {
                for (index, item) in items.iter().enumerate() {
                    validate(Structural(inner), item, &at.index(index), errors);
                }
            }
        }
        _ => {}
    }
}

/// Reports the second of every value; a third is no news.
fn duplicates(values: &[Value], shown: &[Value], at: &At, errors: &mut Vec<FieldError>) {
    for (index, value) in values.iter().enumerate() {
        if values[..index].iter().filter(|before| same(before, value)).count() == 1 {
            errors.push(FieldError::new(
                Mistake::Duplicate,
                &at.index(index),
                Some(shown[index].clone()),
                "",
            ));
        }
    }
}

/// Scalars are compared as Go compares them: a number that is written as one with a fraction is another.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Int(_), Value::Float(_)) | (Value::Float(_), Value::Int(_)) => false,
        _ => a == b,
    }
}

fn keyed(schema: Structural<'_>, items: &[Value], at: &At, errors: &mut Vec<FieldError>) {
    let bad = |item: &&Value| !matches!(item, Value::Map(_) | Value::Null);
    if let Some((index, item)) = items.iter().enumerate().find(|(_, item)| bad(item)) {
        let text = "must be an object for an array of list-type map";
        errors.push(FieldError::invalid(&at.index(index), item.clone(), text));
        return;
    }
    let names = schema.0.get("x-kubernetes-list-map-keys").and_then(Value::as_list).unwrap_or_default();
    let key = |item: &Value| {
        let entries = names.iter().filter_map(Value::as_str);
        Value::map(entries.filter_map(|name| Some((name.into(), item.get(name)?.clone()))).collect::<Map>())
    };
    let keys: Vec<Value> = items.iter().map(key).collect();
    duplicates(&keys, &keys, at, errors);
}
