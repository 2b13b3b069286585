//! One value laid over another.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lockstep_core::{Map, PathElement, Value};

use crate::definitions::Definitions;
use crate::items::element_of;
use crate::shape::{Form, ListRelation, ListShape, MapRelation, MapShape, TypeRef};
use crate::typed::Typed;

impl Typed {
    /// This value with `config` laid over it: mappings and keyed lists entry by entry, everything else whole. `config` must
    /// be of the same schema and without duplicates. Nothing is removed.
    #[must_use]
    pub fn merge(&self, config: &Typed) -> Typed {
        let definitions = &self.schema.definitions;
        let merged = merge(definitions, &self.schema.root, Some(&self.value), Some(&config.value));
        self.with(merged.unwrap_or_default())
    }
}

fn merge(
    definitions: &Definitions,
    reference: &TypeRef,
    live: Option<&Value>,
    config: Option<&Value>,
) -> Option<Value> {
    let atom = definitions.atom(reference)?;
    let parts = Parts { definitions, live, config };
    match atom.deduce(config.or(live)).form() {
        Form::Map(map, MapRelation::Granular) => parts.entries(map),
        Form::List(list) if list.relation != ListRelation::Atomic => parts.items(list),
        _ => parts.whole(),
    }
}

struct Parts<'a> {
    definitions: &'a Definitions,
    live: Option<&'a Value>,
    config: Option<&'a Value>,
}

impl<'a> Parts<'a> {
    fn whole(&self) -> Option<Value> {
        self.config.or(self.live).cloned()
    }

    fn entries(&self, map: &MapShape) -> Option<Value> {
        let none = Map::new();
        let live = self.live.and_then(Value::as_map).unwrap_or(&none);
        let config = self.config.and_then(Value::as_map).unwrap_or(&none);
        if live.is_empty() && config.is_empty() {
            // So that null and empty are told apart.
            return self.whole();
        }
        let mut merged = Map::new();
        for (name, value) in live {
            // What is not laid over is as it was: no need to walk it.
            let entry = match config.get(name) {
                None => Some(value.clone()),
                over => merge(self.definitions, entry(map, name), Some(value), over),
            };
            merged.extend(entry.map(|entry| (name.clone(), entry)));
        }
        for (name, over) in config.iter().filter(|(name, _)| !live.contains_key(*name)) {
            let entry = merge(self.definitions, entry(map, name), None, Some(over));
            merged.extend(entry.map(|entry| (name.clone(), entry)));
        }
        (!merged.is_empty()).then(|| Value::map(merged))
    }

    fn items(&self, list: &ListShape) -> Option<Value> {
        let live = Known::read(self.definitions, list, self.live);
        let config = Known::read(self.definitions, list, self.config);
        if live.order.is_empty() && config.order.is_empty() {
            return self.whole();
        }
        let mut merged = Vec::with_capacity(live.order.len().max(config.order.len()));
        for place in interleave(&live, &config) {
            let item = match place {
                Place::Live(index) => Some(live.order[index].1.clone()),
                Place::Config(index) => {
                    let (element, over) = &config.order[index];
                    merge(self.definitions, &list.items, live.value(element), Some(over))
                }
            };
            merged.extend(item);
        }
        (!merged.is_empty()).then(|| Value::list(merged))
    }
}

fn entry<'s>(map: &'s MapShape, name: &Arc<str>) -> &'s TypeRef {
    map.entry(name).unwrap_or(&TypeRef::Untyped)
}

/// The items of a list with their path elements.
struct Known<'a> {
    order: Vec<(PathElement, &'a Value)>,
    /// By element; `None` where there are several: such ones are replaced rather than merged.
    values: BTreeMap<PathElement, Option<&'a Value>>,
}

impl<'a> Known<'a> {
    fn read(definitions: &Definitions, list: &ListShape, value: Option<&'a Value>) -> Self {
        let mut known = Self { order: Vec::new(), values: BTreeMap::new() };
        for item in value.and_then(Value::as_list).unwrap_or_default() {
            let Ok(element) = element_of(definitions, list, item) else { continue };
            known.order.push((element.clone(), item));
            known.values.entry(element).and_modify(|twice| *twice = None).or_insert(Some(item));
        }
        known
    }

    fn has(&self, element: &PathElement) -> bool {
        self.values.contains_key(element)
    }

    fn value(&self, element: &PathElement) -> Option<&'a Value> {
        static NULL: Value = Value::Null;
        self.values.get(element).map(|item| item.unwrap_or(&NULL))
    }
}

/// Where the next item of a merged list comes from.
enum Place {
    /// A live item that the config does not name.
    Live(usize),
    /// An item of the config, laid over the live one where there is one.
    Config(usize),
}

/// The order of a merged list: the config's items in the config's order, the live ones in theirs; a live item that the
/// config does not name comes as soon as no shared item before it is due. Shared items go where the config has them.
fn interleave(live: &Known<'_>, config: &Known<'_>) -> Vec<Place> {
    let (mut left, mut right, mut shared, mut places) = (0, 0, 0, Vec::new());
    let mut taken: BTreeSet<&PathElement> = BTreeSet::new();
    while left < live.order.len() || right < config.order.len() {
        while shared < config.order.len() && (shared < right || !live.has(&config.order[shared].0)) {
            shared += 1;
        }
        let due = config.order.get(shared).map(|(element, _)| element);
        let next = config.order.get(right).map(|(element, _)| element);
        if let Some((element, _)) = live.order.get(left) {
            if next == Some(element) {
                places.push(Place::Config(right));
                taken.insert(element);
                (left, right) = (left + 1, right + 1);
                continue;
            }
            if !config.has(element) {
                places.push(Place::Live(left));
                left += 1;
                continue;
            }
            if next.is_some() && due.is_some_and(|due| due != element) {
                left += 1;
                continue;
            }
            if taken.contains(element) {
                left += 1;
            }
        }
        if let Some(element) = next {
            places.push(Place::Config(right));
            taken.insert(element);
            right += 1;
        }
    }
    places
}
