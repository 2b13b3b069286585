//! Structs in field sets.

use lockstep_core::PathElement;

use crate::definitions::{Definitions, Schema};
use crate::field_set::FieldSet;
use crate::shape::TypeRef;

impl Schema {
    /// The set with every declared field in it that holds a path of it. Between a struct and what is set in it there is no
    /// owner, but where fields are removed the struct is to go with the last of them.
    pub(crate) fn with_named_fields(&self, set: &FieldSet) -> FieldSet {
        name_fields(&self.definitions, Some(&self.root), set)
    }
}

fn name_fields(definitions: &Definitions, reference: Option<&TypeRef>, set: &FieldSet) -> FieldSet {
    if set.is_leaf() {
        return set.clone();
    }
    let atom = reference.and_then(|reference| definitions.atom(reference));
    let (map, list) = (atom.and_then(|atom| atom.map), atom.and_then(|atom| atom.list));
    let children = set.children().iter().map(|(element, child)| {
        let (reference, named) = match element {
            PathElement::Field(name) => {
                let map = map.map(|(map, _)| map);
                (map.and_then(|map| map.entry(name)), map.is_some_and(|map| map.fields.contains_key(name)))
            }
            PathElement::Key(_) => (list.map(|list| &list.items), false),
            _ => (None, false),
        };
        let child = name_fields(definitions, reference, child);
        (element.clone(), if named { child.with_own_path() } else { child })
    });
    FieldSet::node(set.is_member(), children.collect())
}
