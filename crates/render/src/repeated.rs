//! Items that a list has twice: every apply of them would be refused.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use lockstep_core::{Finding, Gvk, PathElement, Value};
use manifest::Object;
use schema::{Definitions, Repeated, Schema};

static BUILT_IN: LazyLock<Arc<Definitions>> = LazyLock::new(Definitions::built_in);

/// The schemas of the kinds in a set, each looked up once.
#[derive(Default)]
pub(crate) struct Schemas<'a> {
    /// Of the CustomResourceDefinitions in the set.
    defined: BTreeMap<Gvk, &'a Value>,
    known: BTreeMap<Gvk, Option<Schema>>,
}

impl<'a> Schemas<'a> {
    /// With what the CustomResourceDefinitions among some objects say.
    pub(crate) fn of(objects: impl Iterator<Item = &'a Value>) -> Self {
        let mut schemas = Self::default();
        objects.for_each(|object| schemas.define(object));
        schemas
    }

    fn define(&mut self, object: &'a Value) {
        if object.str_at(&["kind"]) != Some("CustomResourceDefinition") {
            return;
        }
        let text = |path: &[&str]| object.str_at(path).unwrap_or_default();
        let (group, kind) = (text(&["spec", "group"]), text(&["spec", "names", "kind"]));
        let versions = object.at(&["spec", "versions"]).and_then(Value::as_list).unwrap_or_default();
        for version in versions {
            if let Some(schema) = version.at(&["schema", "openAPIV3Schema"]) {
                let name = version.str_at(&["name"]).unwrap_or_default();
                self.defined.insert(Gvk::new(group, name, kind), schema);
            }
        }
    }

    fn get(&mut self, kind: &Gvk) -> Option<&Schema> {
        if !self.known.contains_key(kind) {
            let defined = || self.defined.get(kind).map(|schema| BUILT_IN.custom_resource(schema));
            let schema = BUILT_IN.kind(kind).or_else(defined);
            self.known.insert(kind.clone(), schema);
        }
        self.known.get(kind)?.as_ref()
    }
}

/// Drops the items of sets and keyed lists that a later one takes the place of, and tells of each.
pub(crate) fn drop_repeated(
    object: &Object,
    value: &mut Value,
    schemas: &mut Schemas<'_>,
    findings: &mut Vec<Finding>,
) {
    if !Repeated::is_possible(value) {
        return;
    }
    let Some(schema) = schemas.get(&object.gvk()) else { return };
    let found = schema.repeated(value);
    findings.extend(found.iter().map(|repeated| finding(object, repeated)));
    Repeated::remove_all(&found, value);
}

fn finding(object: &Object, repeated: &Repeated) -> Finding {
    let Repeated { list, item, index, last } = repeated;
    let origin = |index: &usize| object.origin_of(&list.child(PathElement::Index(*index)).0);
    let (place, last) = (list.child(item.clone()), origin(last));
    let message = format!("{place} is written again at {last}; that one counts");
    Finding::warning("repeated-item", message).at(origin(index)).with_hint("remove one of them")
}
