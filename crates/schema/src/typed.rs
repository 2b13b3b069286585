//! Values that are known to fit their schema.

use std::collections::BTreeSet;

use lockstep_core::{Map, Value};

use crate::definitions::{Definitions, Schema};
use crate::go_text;
use crate::items::element_of;
use crate::shape::{Form, ListRelation, ListShape, MapShape, Scalar, TypeRef};
use crate::type_error::{TypeError, TypeErrors};

/// A value with its schema, checked.
#[derive(Clone, Debug)]
pub struct Typed {
    pub(crate) schema: Schema,
    pub(crate) value: Value,
}

/// Whether a set or a keyed list may hold the same item twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duplicates {
    /// As in objects that exist: they may be older than the list's keys.
    Allowed,
    /// As in what is applied.
    Refused,
}

impl Schema {
    /// Checks what merging relies on: types, declared fields, keys of list items. What else a schema says about a value
    /// (required fields, formats, ranges) is not looked at.
    pub fn typed(&self, value: Value, duplicates: Duplicates) -> Result<Typed, TypeErrors> {
        let check = Check { definitions: &self.definitions, duplicates };
        let errors = check.value(&self.root, &value);
        if errors.is_empty() {
            return Ok(Typed { schema: self.clone(), value });
        }
        Err(TypeErrors(errors))
    }
}

impl Typed {
    /// The value.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The value, taken out.
    pub fn into_value(self) -> Value {
        self.value
    }

    /// Another value of the same schema, made of parts that were checked.
    pub(crate) fn with(&self, value: Value) -> Self {
        Self { schema: self.schema.clone(), value }
    }
}

struct Check<'s> {
    definitions: &'s Definitions,
    duplicates: Duplicates,
}

fn error(message: impl Into<String>) -> TypeError {
    TypeError { path: String::new(), message: message.into() }
}

/// Puts what is wrong inside a part behind the path of that part.
fn below(prefix: &str, mut errors: Vec<TypeError>) -> Vec<TypeError> {
    for error in &mut errors {
        error.path.insert_str(0, prefix);
    }
    errors
}

impl Check<'_> {
    fn value(&self, reference: &TypeRef, value: &Value) -> Vec<TypeError> {
        let Some(atom) = self.definitions.atom(reference) else {
            let name = if let TypeRef::Named(name, _) = reference { name } else { "inlined type" };
            return vec![error(format!("schema error: no type found matching: {name}"))];
        };
        let found = match atom.deduce(Some(value)).form() {
            Form::Scalar(scalar) => return scalar_error(scalar, value).map(error).into_iter().collect(),
            Form::Unknown => return vec![error("schema error: invalid atom: inlined")],
            Form::Map(map, _) => match value {
                Value::Map(entries) => return self.entries(map, entries),
                _ => "map",
            },
            Form::List(list) => match value {
                Value::List(items) => return self.items(list, items),
                _ => "list",
            },
        };
        match value {
            // Null is a valid mapping and a valid list.
            Value::Null => Vec::new(),
            other => vec![error(format!("expected {found}, got &{{{}}}", go_text::plain(other)))],
        }
    }

    fn entries(&self, map: &MapShape, entries: &Map) -> Vec<TypeError> {
        let mut errors = Vec::new();
        for (name, value) in entries {
            let Some(reference) = map.entry(name) else {
                errors.extend(below(&format!(".{name}"), vec![error("field not declared in schema")]));
                break;
            };
            let found = self.value(reference, value);
            if !found.is_empty() {
                errors.extend(below(&format!(".{name}"), found));
            }
        }
        errors
    }

    fn items(&self, list: &ListShape, items: &[Value]) -> Vec<TypeError> {
        let mut errors = Vec::new();
        let mut seen = BTreeSet::new();
        for (index, item) in items.iter().enumerate() {
            if list.relation == ListRelation::Atomic {
                errors.extend(below(&format!("[{index}]"), self.value(&list.items, item)));
                continue;
            }
            let element = match element_of(self.definitions, list, item) {
                Ok(element) => element,
                Err(message) => {
                    errors.push(error(format!("element {index}: {message}")));
                    break;
                }
            };
            let text = || go_text::element(&element);
            if self.duplicates == Duplicates::Refused && seen.contains(&element) {
                errors.push(error(format!("duplicate entries for key {}", text())));
            }
            let found = self.value(&list.items, item);
            if !found.is_empty() {
                errors.extend(below(&text(), found));
            }
            seen.insert(element);
        }
        errors
    }
}

/// What is wrong with a scalar, in the server's words: it prints its own wrapper of the value.
fn scalar_error(scalar: Scalar, value: &Value) -> Option<String> {
    let fits = match (scalar, value) {
        (_, Value::Null) => true,
        (_, Value::Map(_) | Value::List(_)) => false,
        (Scalar::Any, _) => true,
        (Scalar::Number, _) => matches!(value, Value::Int(_) | Value::Uint(_) | Value::Float(_)),
        (Scalar::String, _) => matches!(value, Value::String(_)),
        (Scalar::Boolean, _) => matches!(value, Value::Bool(_)),
    };
    (!fits).then(|| match scalar {
        Scalar::Number => format!("expected numeric (int or float), got {}", go_text::type_name(value)),
        Scalar::String => {
            format!("expected string, got &value.valueUnstructured{{Value:{}}}", go_text::syntax(value))
        }
        Scalar::Boolean => format!("expected boolean, got &{{{}}}", go_text::plain(value)),
        Scalar::Any => format!("expected any scalar, got &{{{}}}", go_text::plain(value)),
    })
}
