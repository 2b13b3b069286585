//! What changed from one value to another.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lockstep_core::{Map, PathElement, Value};

use crate::definitions::Definitions;
use crate::field_set::FieldSet;
use crate::items::element_of;
use crate::shape::{Form, ListRelation, ListShape, MapRelation, MapShape, TypeRef};
use crate::typed::Typed;

/// The fields that differ between an old and a new value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Set in the new value only.
    pub added: FieldSet,
    /// Set in both, to different values.
    pub modified: FieldSet,
    /// Set in the old value only.
    pub removed: FieldSet,
}

impl Comparison {
    /// Whether nothing differs.
    pub fn is_same(&self) -> bool {
        self.added.is_empty() && self.modified.is_empty() && self.removed.is_empty()
    }

    /// The comparison without these fields and what is below them.
    #[must_use]
    pub fn without(&self, fields: &FieldSet) -> Self {
        Self {
            added: self.added.without_subtrees(fields),
            modified: self.modified.without_subtrees(fields),
            removed: self.removed.without_subtrees(fields),
        }
    }
}

impl Typed {
    /// What changed from this value to `new`, which must be of the same schema.
    pub fn compare(&self, new: &Typed) -> Comparison {
        let mut walk =
            Walk { definitions: &self.schema.definitions, path: Vec::new(), found: Comparison::default() };
        walk.value(&self.schema.root, Some(&self.value), Some(&new.value));
        walk.found
    }
}

struct Walk<'s> {
    definitions: &'s Definitions,
    path: Vec<PathElement>,
    found: Comparison,
}

/// Whether the parts of this node were looked at, each with its own path.
#[derive(PartialEq)]
enum Depth {
    Leaf,
    Parts,
}

impl<'s> Walk<'s> {
    fn value(&mut self, reference: &'s TypeRef, old: Option<&Value>, new: Option<&Value>) {
        if shared(old, new) {
            return;
        }
        let depth = match self.definitions.atom(reference) {
            None => self.leaf(old, new),
            Some(atom) => {
                let (before, after) = (atom.deduce(old), atom.deduce(new));
                if new.is_none() {
                    self.form(before.form(), old, new)
                } else {
                    if old.is_some() && !before.same_parts(&after) {
                        self.form(before.form(), old, new);
                    }
                    self.form(after.form(), old, new)
                }
            }
        };
        if depth == Depth::Parts {
            match (old, new) {
                (None, _) => self.added(),
                (_, None) => self.removed(),
                _ => {}
            }
        }
    }

    fn form(&mut self, form: Form<'s>, old: Option<&Value>, new: Option<&Value>) -> Depth {
        match form {
            Form::Map(map, MapRelation::Granular) => self.entries(map, old, new),
            Form::List(list) if list.relation != ListRelation::Atomic => self.items(list, old, new),
            _ => self.leaf(old, new),
        }
    }

    fn leaf(&mut self, old: Option<&Value>, new: Option<&Value>) -> Depth {
        match (old, new) {
            (None, _) => self.added(),
            (_, None) => self.removed(),
            (Some(old), Some(new)) if old != new => insert(&mut self.found.modified, &self.path),
            _ => {}
        }
        Depth::Leaf
    }

    fn added(&mut self) {
        insert(&mut self.found.added, &self.path);
    }

    fn removed(&mut self) {
        insert(&mut self.found.removed, &self.path);
    }

    fn entries(&mut self, map: &'s MapShape, old: Option<&Value>, new: Option<&Value>) -> Depth {
        let none = Map::new();
        let before = old.and_then(Value::as_map).unwrap_or(&none);
        let after = new.and_then(Value::as_map).unwrap_or(&none);
        if before.is_empty() && after.is_empty() {
            // So that null, empty and absent are told apart.
            return self.leaf(old, new);
        }
        let names: BTreeSet<&Arc<str>> = before.keys().chain(after.keys()).collect();
        for name in names {
            self.path.push(PathElement::Field(name.clone()));
            let reference = map.entry(name).unwrap_or(&TypeRef::Untyped);
            self.value(reference, before.get(name), after.get(name));
            self.path.pop();
        }
        Depth::Parts
    }

    fn items(&mut self, list: &'s ListShape, old: Option<&Value>, new: Option<&Value>) -> Depth {
        let before = old.and_then(Value::as_list).unwrap_or_default();
        let after = new.and_then(Value::as_list).unwrap_or_default();
        if before.is_empty() && after.is_empty() {
            return self.leaf(old, new);
        }
        let mut known: BTreeMap<PathElement, (Vec<&Value>, Vec<&Value>)> = BTreeMap::new();
        for item in before {
            if let Ok(element) = element_of(self.definitions, list, item) {
                known.entry(element).or_default().0.push(item);
            }
        }
        for item in after {
            if let Ok(element) = element_of(self.definitions, list, item) {
                known.entry(element).or_default().1.push(item);
            }
        }
        for (element, (before, after)) in known {
            self.path.push(element);
            self.item(list, &before, &after);
            self.path.pop();
        }
        Depth::Parts
    }

    /// Items with one key. Where there are several, they are one value without parts.
    fn item(&mut self, list: &'s ListShape, before: &[&Value], after: &[&Value]) {
        match (before.len(), after.len()) {
            (0 | 1, 0 | 1) => self.value(&list.items, before.first().copied(), after.first().copied()),
            (2.., 2..) => {
                if before != after {
                    insert(&mut self.found.modified, &self.path);
                }
            }
            (2.., _) => {
                if let Some(item) = after.first() {
                    self.value(&list.items, None, Some(item));
                }
                self.removed();
            }
            (_, 2..) => {
                if let Some(item) = before.first() {
                    self.value(&list.items, Some(item), None);
                }
                self.added();
            }
        }
    }
}

/// Whether both are one value in memory: then nothing in them differs.
fn shared(old: Option<&Value>, new: Option<&Value>) -> bool {
    match (old, new) {
        (Some(Value::Map(old)), Some(Value::Map(new))) => Arc::ptr_eq(old, new),
        (Some(Value::List(old)), Some(Value::List(new))) => Arc::ptr_eq(old, new),
        _ => false,
    }
}

/// Nobody owns the whole object: the empty path is in no set.
fn insert(set: &mut FieldSet, path: &[PathElement]) {
    if !path.is_empty() {
        set.insert(path);
    }
}
