//! A value without some of its fields, or only with them.

use std::sync::Arc;

use lockstep_core::{Map, PathElement, Value};

use crate::definitions::Definitions;
use crate::field_set::FieldSet;
use crate::items::element_of;
use crate::shape::{Form, ListRelation, ListShape, MapRelation, MapShape, TypeRef};
use crate::typed::Typed;

impl Typed {
    /// This value without the fields of the set. A mapping or a list of which nothing is left becomes null, as the server
    /// has it.
    #[must_use]
    pub fn remove(&self, fields: &FieldSet) -> Typed {
        self.with(
            Parts { definitions: &self.schema.definitions, fields }.without(&self.schema.root, &self.value),
        )
    }

    /// Only the fields of the set: what an owner of this set has to apply to keep them.
    #[must_use]
    pub fn extract(&self, fields: &FieldSet) -> Typed {
        self.with(
            Parts { definitions: &self.schema.definitions, fields }.only(&self.schema.root, &self.value),
        )
    }
}

#[derive(Clone, Copy)]
struct Parts<'a> {
    definitions: &'a Definitions,
    fields: &'a FieldSet,
}

impl<'a> Parts<'a> {
    fn form<'s>(&self, reference: &'s TypeRef, value: &Value) -> Form<'s>
    where
        'a: 's,
    {
        self.definitions.atom(reference).map_or(Form::Unknown, |atom| atom.deduce(Some(value)).form())
    }

    fn child(&self, element: &PathElement) -> Option<&'a FieldSet> {
        self.fields.child(element)
    }

    fn at(self, fields: &'a FieldSet) -> Self {
        Self { fields, ..self }
    }

    fn without(self, reference: &TypeRef, value: &Value) -> Value {
        match (self.form(reference, value), value) {
            (Form::Map(map, MapRelation::Granular), Value::Map(entries)) => {
                self.without_entries(map, entries)
            }
            (Form::List(list), Value::List(items)) if list.relation != ListRelation::Atomic => {
                self.without_items(list, items)
            }
            (Form::Scalar(_), scalar) => scalar.clone(),
            // A path into an atomic value removes all of it.
            _ => Value::Null,
        }
    }

    fn without_entries(self, map: &MapShape, entries: &Map) -> Value {
        let kept: Map = entries
            .iter()
            .filter_map(|(name, value)| match self.child(&PathElement::Field(name.clone())) {
                Some(set) if set.is_member() => None,
                Some(set) => {
                    let reference = map.entry(name).unwrap_or(&TypeRef::Untyped);
                    Some((name.clone(), self.at(set).without(reference, value)))
                }
                None => Some((name.clone(), value.clone())),
            })
            .collect();
        if kept.is_empty() { Value::Null } else { Value::map(kept) }
    }

    fn without_items(self, list: &ListShape, items: &[Value]) -> Value {
        let keep = |item: &Value| {
            let element = element_of(self.definitions, list, item).ok();
            match element.and_then(|element| self.child(&element)) {
                Some(set) if set.is_member() => None,
                Some(set) => Some(self.at(set).without(&list.items, item)),
                None => Some(item.clone()),
            }
        };
        let kept: Vec<Value> = items.iter().filter_map(keep).collect();
        if kept.is_empty() { Value::Null } else { Value::list(kept) }
    }

    fn only(self, reference: &TypeRef, value: &Value) -> Value {
        match (self.form(reference, value), value) {
            (Form::Map(map, MapRelation::Granular), Value::Map(entries)) if !entries.is_empty() => {
                self.only_entries(map, entries)
            }
            (Form::List(list), Value::List(items))
                if list.relation != ListRelation::Atomic && !items.is_empty() =>
            {
                self.only_items(list, items)
            }
            (Form::Unknown, _) => Value::Null,
            _ => value.clone(),
        }
    }

    fn only_entries(self, map: &MapShape, entries: &Map) -> Value {
        let keep = |(name, value): (&Arc<str>, &Value)| {
            let set = self.child(&PathElement::Field(name.clone()))?;
            let reference = map.entry(name).unwrap_or(&TypeRef::Untyped);
            Some((name.clone(), self.at(set).only(reference, value)))
        };
        let kept: Map = entries.iter().filter_map(keep).collect();
        if kept.is_empty() { Value::Null } else { Value::map(kept) }
    }

    fn only_items(self, list: &ListShape, items: &[Value]) -> Value {
        let keep = |item: &Value| {
            let set = self.child(&element_of(self.definitions, list, item).ok()?)?;
            // The key alone names an item of a set; of a mapping nothing but it is known to be owned.
            let whole = set.is_leaf();
            Some(if whole { item.clone() } else { self.at(set).only(&list.items, item) })
        };
        let kept: Vec<Value> = items.iter().filter_map(keep).collect();
        if kept.is_empty() { Value::Null } else { Value::list(kept) }
    }
}
