//! Field sets after the schema changed.

use lockstep_core::PathElement;

use crate::definitions::{Definitions, Schema};
use crate::field_set::FieldSet;
use crate::shape::{Form, ListRelation, MapRelation, TypeRef};

impl Schema {
    /// A set that was written under another schema, as it reads under this one: where a mapping or a list has become atomic,
    /// who owned a part of it owns the whole. The other way round nothing is changed, and fields that are no longer declared
    /// stay.
    pub fn reconcile(&self, set: &FieldSet) -> FieldSet {
        reconcile(&self.definitions, &self.root, set)
    }
}

fn reconcile(definitions: &Definitions, reference: &TypeRef, set: &FieldSet) -> FieldSet {
    if set.is_leaf() {
        return set.clone();
    }
    let form = definitions.atom(reference).map_or(Form::Unknown, |atom| atom.form());
    match form {
        Form::Map(map, _) if map.is_free_form() => return set.clone(),
        Form::Map(_, MapRelation::Atomic) => return FieldSet::default().with_own_path(),
        Form::List(list) if list.relation == ListRelation::Atomic => {
            return FieldSet::default().with_own_path();
        }
        Form::Scalar(_) | Form::Unknown => return set.clone(),
        Form::Map(..) | Form::List(_) => {}
    }
    let inner = |element: &PathElement| match (form, element) {
        (Form::Map(map, _), PathElement::Field(name)) => map.entry(name),
        (Form::Map(map, _), _) => map.rest.as_ref(),
        (Form::List(list), _) => Some(&list.items),
        _ => None,
    };
    let children = set.children().iter().map(|(element, child)| {
        let reconciled = inner(element).map(|reference| reconcile(definitions, reference, child));
        (element.clone(), reconciled.unwrap_or_else(|| child.clone()))
    });
    FieldSet::node(set.is_member(), children.collect())
}
