//! Giving a field away before leaving it out.

use lockstep_core::{FieldPath, LiveObject, Map, PathElement, Value};
use schema::{Found, find, step};

/// The field manager that holds what was handed over. A field that only we own goes back to its default when we leave it
/// out (`spec.replicas`: 1, an outage); with a second owner it keeps its value.
pub const HANDOVER_MANAGER: &str = "lockstep-handover";

/// The body of the apply by [`HANDOVER_MANAGER`] that takes over one field with its live value; `None` where the live
/// object has no such field: then there is nothing to keep.
pub fn handover(live: &LiveObject, path: &FieldPath) -> Option<Value> {
    let value = find(&live.value, &path.0).one()?;
    let mut body = around(&path.0, value)?;
    body.as_map()?;
    body.set(&["apiVersion"], live.gvk.api.to_string().into());
    body.set(&["kind"], live.gvk.kind.clone().into());
    body.set(&["metadata", "name"], live.key.name.clone().into());
    if !live.key.namespace.is_empty() {
        body.set(&["metadata", "namespace"], live.key.namespace.clone().into());
    }
    Some(body)
}

/// The smallest value that has `value` at `path`.
fn around(path: &[PathElement], value: &Value) -> Option<Value> {
    let Some((first, rest)) = path.split_first() else { return Some(value.clone()) };
    let inner = around(rest, value)?;
    match first {
        PathElement::Field(name) => Some(Value::map(Map::from([(name.clone(), inner)]))),
        PathElement::Key(fields) => {
            let mut item = fields.iter().cloned().collect::<Map>();
            item.extend(inner.as_map()?.iter().map(|(name, value)| (name.clone(), value.clone())));
            Some(Value::list(vec![Value::map(item)]))
        }
        PathElement::Item(_) => Some(Value::list(vec![inner])),
        // A position alone says nothing about the items before it.
        PathElement::Index(_) => None,
    }
}

/// An object without one field. The mappings around it stay, empty perhaps: `emptyDir: {}` is not nothing.
#[must_use]
pub fn without(object: &Value, path: &FieldPath) -> Value {
    removed(object, &path.0).unwrap_or_else(|| object.clone())
}

/// `None` where there is nothing to remove.
fn removed(value: &Value, path: &[PathElement]) -> Option<Value> {
    let (first, rest) = path.split_first()?;
    let Found::One(child) = step(value, first) else { return None };
    let replacement = match rest {
        [] => None,
        rest => Some(removed(child, rest)?),
    };
    match value {
        Value::Map(entries) => {
            let PathElement::Field(name) = first else { return None };
            let mut entries = Map::clone(entries);
            match replacement {
                Some(value) => entries.insert(name.clone(), value),
                None => entries.remove(&**name),
            };
            Some(Value::map(entries))
        }
        Value::List(items) => {
            let position = items.iter().position(|item| std::ptr::eq(item, child))?;
            let mut items = Vec::clone(items);
            match replacement {
                Some(value) => items[position] = value,
                None => drop(items.remove(position)),
            }
            Some(Value::list(items))
        }
        _ => None,
    }
}
