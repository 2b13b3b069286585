//! One request in front of the plugins.

use std::sync::Arc;

use lockstep_core::Value;

use super::{Attributes, Operation};
use crate::call::Call;
use crate::entry::Entry;
use crate::failure::Failure;
use crate::served::Served;
use crate::state::State;
use crate::subresource::SCALE;

/// A request, and what is asked of it.
pub(super) struct Stage<'s, 'a> {
    pub(super) call: &'s mut Call<'a>,
    pub(super) attributes: Attributes<'s>,
}

impl<'s> Stage<'s, '_> {
    pub(super) fn state(&self) -> &'s State {
        self.attributes.ask.state
    }

    /// Whether the request is one for objects themselves, not for a further endpoint of theirs.
    pub(super) fn is(&self, group: &str, plural: &str) -> bool {
        self.attributes.subresource.is_empty() && self.is_of(group, plural)
    }

    /// Whether the request is one for a resource or for a further endpoint of it.
    pub(super) fn is_of(&self, group: &str, plural: &str) -> bool {
        self.call.served.is(group, plural)
    }

    pub(super) fn creates(&self) -> bool {
        self.attributes.operation == Operation::Create
    }

    pub(super) fn updates(&self) -> bool {
        self.attributes.operation == Operation::Update
    }

    /// The namespace of the request: a request for a Namespace is in it.
    pub(super) fn namespace(&self) -> &str {
        match self.call.served.is("", "namespaces") {
            true => self.attributes.name,
            false => self.call.namespace(),
        }
    }

    /// The namespace's object.
    pub(super) fn namespace_object(&self) -> Option<Arc<Entry>> {
        self.state().find("/namespaces", "", self.namespace()).cloned()
    }

    /// A refusal by a plugin.
    pub(super) fn forbidden(&self, object: &Value, why: &str) -> Failure {
        Failure::forbidden(&self.call.resource(), &self.name(object), why)
    }

    /// The name of the object, as far as it has one already.
    pub(super) fn name(&self, object: &Value) -> String {
        let text = |key| object.str_at(&["metadata", key]).unwrap_or_default();
        let names = [self.attributes.name, text("name"), text("generateName"), "Unknown"];
        names.into_iter().find(|name| !name.is_empty()).unwrap_or_default().to_owned()
    }
}

/// The types of an object that admission sees: a Scale is not of the kind that it scales.
pub(super) fn types_of<'t>(served: &'t Served, object: &Value) -> &'t Served {
    match object.str_at(&["kind"]) {
        Some("Scale") if *served.gvk.kind != *"Scale" => &SCALE,
        _ => served,
    }
}

/// The items of a list in an object.
pub(super) fn items<'v>(object: &'v Value, path: &[&str]) -> &'v [Value] {
    object.at(path).and_then(Value::as_list).unwrap_or_default()
}

/// Adds an item to a list in an object.
pub(super) fn push(object: &mut Value, path: &[&str], item: Value) {
    let mut list = items(object, path).to_vec();
    list.push(item);
    object.set(path, Value::list(list));
}

/// An annotation of an object.
pub(super) fn annotation<'v>(object: &'v Value, key: &str) -> Option<&'v str> {
    object.str_at(&["metadata", "annotations", key])
}
