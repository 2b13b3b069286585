//! The fields that a value sets.

use std::collections::BTreeMap;
use std::sync::Arc;

use lockstep_core::{Map, PathElement, Value};

use crate::definitions::Definitions;
use crate::field_set::FieldSet;
use crate::items::element_of;
use crate::shape::{Form, ListRelation, ListShape, MapRelation, MapShape, TypeRef};
use crate::typed::Typed;

impl Typed {
    /// The fields that this value sets: what a manager owns that applies it.
    pub fn field_set(&self) -> FieldSet {
        let set = collect(&self.schema.definitions, &self.schema.root, &self.value);
        // Nobody owns the whole object.
        FieldSet::node(false, set.children().to_vec())
    }
}

fn collect(definitions: &Definitions, reference: &TypeRef, value: &Value) -> FieldSet {
    let Some(atom) = definitions.atom(reference) else { return FieldSet::default() };
    match atom.deduce(Some(value)).form() {
        Form::Map(map, MapRelation::Granular) => match value {
            Value::Map(entries) => FieldSet::node(false, of_entries(definitions, map, entries)),
            _ => FieldSet::default(),
        },
        Form::List(list) if list.relation != ListRelation::Atomic => match value {
            Value::List(items) => FieldSet::node(false, of_items(definitions, list, items)),
            _ => FieldSet::default(),
        },
        Form::Map(_, MapRelation::Atomic) | Form::List(_) | Form::Scalar(_) => {
            FieldSet::default().with_own_path()
        }
        Form::Unknown => FieldSet::default(),
    }
}

fn of_entries(definitions: &Definitions, map: &MapShape, entries: &Map) -> Vec<(PathElement, FieldSet)> {
    let of_entry = |(name, value): (&Arc<str>, &Value)| {
        let set = map.entry(name).map(|schema| collect(definitions, schema, value)).unwrap_or_default();
        // A field of a struct is set by what is in it, an entry of a map also by itself.
        let empty = match value {
            Value::Null => true,
            Value::Map(entries) => entries.is_empty(),
            _ => false,
        };
        let own = empty || !map.fields.contains_key(name);
        let set = if own { set.with_own_path() } else { set };
        (!set.is_empty()).then(|| (PathElement::Field(name.clone()), set))
    };
    entries.iter().filter_map(of_entry).collect()
}

fn of_items(definitions: &Definitions, list: &ListShape, items: &[Value]) -> Vec<(PathElement, FieldSet)> {
    let mut known: BTreeMap<PathElement, Option<&Value>> = BTreeMap::new();
    for item in items {
        if let Ok(element) = element_of(definitions, list, item) {
            known.entry(element).and_modify(|twice| *twice = None).or_insert(Some(item));
        }
    }
    // What is in an item that is there twice has no path.
    let set =
        |item: Option<&Value>| item.map(|item| collect(definitions, &list.items, item)).unwrap_or_default();
    known.into_iter().map(|(element, item)| (element, set(item).with_own_path())).collect()
}
