//! Items that a list has twice although its items are known by a key or by themselves.

use std::collections::BTreeMap;
use std::sync::Arc;

use lockstep_core::{FieldPath, Map, PathElement, Value};

use crate::definitions::{Definitions, Schema};
use crate::items::element_of;
use crate::shape::{Form, ListRelation, ListShape, MapShape, TypeRef};

/// An item of a list that a later item takes the place of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeated {
    /// The list.
    pub list: FieldPath,
    /// By what its items are known.
    pub item: PathElement,
    /// The place of the item in the list, from 0.
    pub index: usize,
    /// The place of the last item that is known by the same.
    pub last: usize,
}

impl Schema {
    /// The items of sets and keyed lists after which another of the same key follows; the server refuses to apply them
    /// ("duplicate entries for key"). Places are given by index, lists before what is in their items; nothing is told from inside
    /// an item that is repeated itself.
    pub fn repeated(&self, value: &Value) -> Vec<Repeated> {
        let mut found = Vec::new();
        let mut search = Search { definitions: &self.definitions, path: Vec::new(), found: &mut found };
        search.value(&self.root, value);
        found
    }
}

impl Repeated {
    /// Whether there is a list of several items anywhere, without which no schema need be asked.
    pub fn is_possible(value: &Value) -> bool {
        match value {
            Value::List(items) => items.len() > 1 || items.iter().any(Self::is_possible),
            Value::Map(entries) => entries.values().any(Self::is_possible),
            _ => false,
        }
    }

    /// Takes items out of the value in which they were found, all at once.
    pub fn remove_all(found: &[Self], value: &mut Value) {
        // What is inside a list was found after the list's own, and later items after earlier ones: places stay right.
        for Self { list, index, .. } in found.iter().rev() {
            remove(value, &list.0, *index);
        }
    }
}

fn remove(value: &mut Value, path: &[PathElement], index: usize) {
    match (path.split_first(), value) {
        (None, Value::List(items)) if index < items.len() => {
            Arc::make_mut(items).remove(index);
        }
        (Some((PathElement::Field(name), rest)), Value::Map(entries)) => {
            if let Some(child) = Arc::make_mut(entries).get_mut(name) {
                remove(child, rest, index);
            }
        }
        (Some((PathElement::Index(at), rest)), Value::List(items)) => {
            if let Some(child) = Arc::make_mut(items).get_mut(*at) {
                remove(child, rest, index);
            }
        }
        _ => {}
    }
}

/// Whether nothing can be repeated: of a short list, this is seen without making anything.
fn all_differ(relation: &ListRelation, items: &[Value]) -> bool {
    let known_by = |item| match relation {
        ListRelation::Keyed(keys) => Value::get(item, keys.first()?),
        _ => Some(item),
    };
    let differ = |(index, item)| {
        let key = known_by(item);
        key.is_some() && items.iter().skip(index + 1).all(|other| known_by(other) != key)
    };
    *relation == ListRelation::Atomic
        || items.len() < 2
        || items.len() <= 8 && items.iter().enumerate().all(differ)
}

struct Search<'s> {
    definitions: &'s Definitions,
    path: Vec<PathElement>,
    found: &'s mut Vec<Repeated>,
}

impl Search<'_> {
    fn value(&mut self, reference: &TypeRef, value: &Value) {
        let Some(atom) = self.definitions.atom(reference) else { return };
        match (atom.deduce(Some(value)).form(), value) {
            (Form::Map(map, _), Value::Map(entries)) => self.entries(map, entries),
            (Form::List(list), Value::List(items)) => self.items(list, items),
            _ => {}
        }
    }

    fn entries(&mut self, map: &MapShape, entries: &Map) {
        for (name, value) in
            entries.iter().filter(|(_, value)| matches!(value, Value::Map(_) | Value::List(_)))
        {
            if let Some(reference) = map.entry(name) {
                self.within(PathElement::Field(name.clone()), reference, value);
            }
        }
    }

    fn items(&mut self, list: &ListShape, items: &[Value]) {
        let last = self.last_places(list, items);
        let repeated = |index: usize| last.get(index).copied().flatten().filter(|last| *last != index);
        for (index, value) in items.iter().enumerate() {
            if let Some(last) = repeated(index)
                && let Ok(item) = element_of(self.definitions, list, value)
            {
                self.found.push(Repeated { list: FieldPath(self.path.clone()), item, index, last });
            }
        }
        for (index, value) in items.iter().enumerate().filter(|(index, _)| repeated(*index).is_none()) {
            self.within(PathElement::Index(index), &list.items, value);
        }
    }

    /// For each item, where the last one of its key is.
    fn last_places(&self, list: &ListShape, items: &[Value]) -> Vec<Option<usize>> {
        if all_differ(&list.relation, items) {
            return Vec::new();
        }
        let element = |item: &Value| match &list.relation {
            // Which of them is meant is not for us to say: the server asks for the key.
            ListRelation::Keyed(keys) if keys.iter().all(|key| item.get(key).is_none()) => None,
            _ => element_of(self.definitions, list, item).ok(),
        };
        let elements: Vec<_> = items.iter().map(element).collect();
        let places = elements.iter().enumerate();
        let last: BTreeMap<_, _> =
            places.filter_map(|(index, element)| Some((element.as_ref()?, index))).collect();
        elements.iter().map(|element| last.get(element.as_ref()?).copied()).collect()
    }

    fn within(&mut self, step: PathElement, reference: &TypeRef, value: &Value) {
        self.path.push(step);
        self.value(reference, value);
        self.path.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_core::{Gvk, from_json, to_json};

    #[track_caller]
    fn check(kind: &str, json: &str, want: &str, places: &[&str]) {
        let (group, kind) = kind.split_once('/').unwrap();
        let schema = Definitions::built_in().kind(&Gvk::new(group, "v1", kind)).unwrap();
        let mut value = from_json(json.as_bytes()).unwrap();
        let found = schema.repeated(&value);
        let told = |it: &Repeated| {
            let place = it.list.child(it.item.clone());
            format!("{place} {} {}", it.index, it.last)
        };
        assert_eq!(found.iter().map(told).collect::<Vec<_>>(), places);
        Repeated::remove_all(&found, &mut value);
        assert_eq!(String::from_utf8(to_json(&value)).unwrap(), want);
        assert_eq!(schema.repeated(&value), []);
    }

    #[test]
    fn the_last_item_of_a_key_stays() {
        check(
            "apps/Deployment",
            r#"{"spec":{"template":{"spec":{"containers":[{"name":"a","image":"1"},{"name":"b","env":[{"name":"X","value":"1"},{"name":"Y"},{"name":"X","value":"2"}]},{"name":"a","image":"2"},{"name":"a","image":"3"}]}}}}"#,
            r#"{"spec":{"template":{"spec":{"containers":[{"env":[{"name":"Y"},{"name":"X","value":"2"}],"name":"b"},{"image":"3","name":"a"}]}}}}"#,
            &[
                ".spec.template.spec.containers[name=a] 0 3",
                ".spec.template.spec.containers[name=a] 2 3",
                ".spec.template.spec.containers[1].env[name=X] 0 2",
            ],
        );
        check(
            "/ConfigMap",
            r#"{"metadata":{"finalizers":["a","b","a"]}}"#,
            r#"{"metadata":{"finalizers":["b","a"]}}"#,
            &[".metadata.finalizers[=a] 0 2"],
        );
    }

    #[test]
    fn defaults_of_keys_count() {
        check(
            "/Service",
            r#"{"spec":{"ports":[{"port":80},{"port":80,"protocol":"UDP"},{"port":80,"protocol":"TCP"}]}}"#,
            r#"{"spec":{"ports":[{"port":80,"protocol":"UDP"},{"port":80,"protocol":"TCP"}]}}"#,
            &[".spec.ports[port=80,protocol=TCP] 0 2"],
        );
    }

    #[test]
    fn other_lists_may_hold_what_they_like() {
        for json in [
            r#"{"spec":{"containers":[{"args":["a","a"],"name":"c"}],"tolerations":[{},{}]}}"#,
            r#"{"spec":{"containers":[{"name":"c"},null,3]}}"#,
            r#"{"spec":{"unknown":[1,1]}}"#,
            r#"{"spec":{"containers":[{"image":"no key"},{"image":"no key"}]}}"#,
        ] {
            check("/Pod", json, json, &[]);
        }
    }
}
