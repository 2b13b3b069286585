//! Which part of an old object a part of a new one was.

use lockstep_core::Value;

use crate::Structural;

/// A part of a new object with the part of the old one that it was.
#[derive(Clone, Copy, Debug)]
pub struct Correlated<'a> {
    schema: Structural<'a>,
    new: &'a Value,
    old: &'a Value,
}

impl<'a> Correlated<'a> {
    /// Two states of one value.
    pub fn new(schema: Structural<'a>, new: &'a Value, old: &'a Value) -> Self {
        Self { schema, new, old }
    }

    /// Whether nothing has changed. A list whose items have keys may be in another order.
    pub fn is_equal(self) -> bool {
        match (self.new, self.old) {
            (Value::List(new), Value::List(old)) if self.keys().is_some() => {
                new.len() == old.len()
                    && (0..new.len()).all(|index| self.index(index).is_some_and(Self::is_equal))
            }
            (Value::Map(new), Value::Map(old)) => {
                new.len() == old.len() && new.keys().all(|name| self.key(name).is_some_and(Self::is_equal))
            }
            (new, old) => new == old,
        }
    }

    /// The entry under a key, where both have it and the schema knows it.
    pub fn key(self, name: &str) -> Option<Self> {
        let schema = self.schema.0.at(&["properties", name]).or_else(|| {
            self.schema.0.get("additionalProperties").filter(|schema| schema.as_map().is_some())
        })?;
        Some(Self { schema: Structural(schema), new: self.new.get(name)?, old: self.old.get(name)? })
    }

    /// The item at an index of the new list, where the items of the list have keys and the old one has it.
    pub fn index(self, index: usize) -> Option<Self> {
        let schema = self.schema.0.get("items")?;
        let new = self.new.as_list()?.get(index)?;
        let old = self.old_item(new)?;
        Some(Self { schema: Structural(schema), new, old })
    }

    /// The old item with the keys of a new one.
    pub fn old_item(self, new: &Value) -> Option<&'a Value> {
        find_item(self.schema, self.old, new)
    }

    fn keys(self) -> Option<&'a [Value]> {
        list_keys(self.schema)
    }
}

/// The item of a list that has the same keys as another.
pub(super) fn find_item<'a>(schema: Structural<'_>, list: &'a Value, item: &Value) -> Option<&'a Value> {
    let keys = list_keys(schema)?;
    let same = |old: &&Value| keys.iter().filter_map(Value::as_str).all(|key| old.get(key) == item.get(key));
    item.as_map()?;
    list.as_list()?.iter().filter(|old| old.as_map().is_some()).find(same)
}

fn list_keys(schema: Structural<'_>) -> Option<&[Value]> {
    (schema.0.str_at(&["x-kubernetes-list-type"]) == Some("map"))
        .then(|| schema.0.get("x-kubernetes-list-map-keys").and_then(Value::as_list))
        .flatten()
}
