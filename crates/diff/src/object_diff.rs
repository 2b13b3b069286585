//! What differs between two versions of an object, for people.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use lockstep_core::{FieldPath, ObjectKey, PathElement, Value};

use crate::lines;
use crate::natural_key::NaturalKey;
use crate::redaction::{Redaction, Zone};

/// The differences between two versions of an object, redacted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectDiff {
    /// One entry a field, in the order of the older object.
    pub changes: Vec<FieldChange>,
}

/// One field that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange {
    /// Where it is; items of lists by what names them.
    pub path: FieldPath,
    /// The older value; `None` where there was none.
    pub old: Option<Value>,
    /// The newer value; `None` where there is none.
    pub new: Option<Value>,
}

impl ObjectDiff {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

/// Compares two versions of the object of a name. [`Value::Null`] stands for an object that does not exist.
///
/// Left out are the status, and the fields of the metadata that the server sets. The order of items that have names does
/// not count.
pub fn object_diff(before: &Value, after: &Value, key: &ObjectKey) -> ObjectDiff {
    let (before, after) = (without_noise(before), without_noise(after));
    let redaction = Redaction::of(key, Some(&before), Some(&after));
    let root = redaction.root();
    let mut comparison = Comparison { redaction, path: Vec::new(), changes: Vec::new() };
    comparison.maps(root, &before, &after);
    ObjectDiff { changes: comparison.changes }
}

/// The object as a mapping, without what is no part of its content.
fn without_noise(object: &Value) -> Value {
    const NOISE: [&str; 8] = [
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "generation",
        "managedFields",
        "resourceVersion",
        "selfLink",
        "uid",
    ];
    let mut object = object.clone();
    object.make_map().remove("status");
    for field in NOISE {
        object.remove(&["metadata", field]);
    }
    // Older clients write it into every template.
    let template = ["spec", "template", "metadata", "creationTimestamp"];
    if object.at(&template) == Some(&Value::Null) {
        object.remove(&template);
    }
    object
}

struct Comparison<'a> {
    redaction: Redaction<'a>,
    path: Vec<PathElement>,
    changes: Vec<FieldChange>,
}

impl Comparison<'_> {
    fn child(&mut self, zone: Zone, element: PathElement, old: Option<&Value>, new: Option<&Value>) {
        if old == new {
            return;
        }
        let name = match &element {
            PathElement::Field(name) => Some(name.clone()),
            _ => None,
        };
        let zone = Redaction::enter(zone, name.as_deref(), [old, new]);
        self.path.push(element);
        match (old, new) {
            // Not even by which fields its parts differ: items are named by values.
            (Some(Value::List(_)), Some(Value::List(_))) if zone == Zone::Hidden => {
                self.change(zone, old, new)
            }
            (Some(old @ Value::Map(_)), Some(new @ Value::Map(_))) => self.maps(zone, old, new),
            (Some(Value::List(old)), Some(Value::List(new))) if !old.is_empty() && !new.is_empty() => {
                self.lists(zone, old, new);
            }
            _ => self.change(zone, old, new),
        }
        self.path.pop();
    }

    fn maps(&mut self, zone: Zone, old: &Value, new: &Value) {
        let names = [old, new].into_iter().filter_map(Value::as_map).flat_map(|entries| entries.keys());
        for name in names.collect::<BTreeSet<_>>() {
            self.child(zone, PathElement::Field(name.clone()), old.get(name), new.get(name));
        }
    }

    fn lists(&mut self, zone: Zone, old: &[Value], new: &[Value]) {
        let Some(key) = NaturalKey::of([old, new]) else {
            for index in 0..old.len().max(new.len()) {
                self.child(zone, PathElement::Index(index), old.get(index), new.get(index));
            }
            return;
        };
        let named = |items: &'_ [Value]| -> Vec<PathElement> {
            items.iter().filter_map(|item| key.element(item)).collect()
        };
        let (old_names, new_names) = (named(old), named(new));
        let mut newer: BTreeMap<&PathElement, &Value> = new_names.iter().zip(new).collect();
        for (name, item) in old_names.iter().zip(old) {
            let other = newer.remove(name);
            self.child(zone, name.clone(), Some(item), other);
        }
        for (name, item) in new_names.iter().zip(new) {
            if newer.contains_key(name) {
                self.child(zone, name.clone(), None, Some(item));
            }
        }
    }

    fn change(&mut self, zone: Zone, old: Option<&Value>, new: Option<&Value>) {
        let (old, new) = self.redaction.pair_in(zone, old, new);
        let path = self.redaction.path(FieldPath(self.path.clone()));
        self.changes.push(FieldChange { path, old, new });
    }
}

/// The path after `+` (added), `-` (removed) or `~` (changed), then the older and the newer value, indented.
impl fmt::Display for FieldChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match (&self.old, &self.new) {
            (None, _) => '+',
            (_, None) => '-',
            _ => '~',
        };
        write!(f, "{sign} {}", self.path)?;
        let lines_of = |value: &Option<Value>| value.as_ref().map(lines::of_value).unwrap_or_default();
        for line in lines::compare(&lines_of(&self.old), &lines_of(&self.new)) {
            write!(f, "\n    {line}")?;
        }
        Ok(())
    }
}

/// One change after the other.
impl fmt::Display for ObjectDiff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, change) in self.changes.iter().enumerate() {
            write!(f, "{}{change}", if index > 0 { "\n" } else { "" })?;
        }
        Ok(())
    }
}
