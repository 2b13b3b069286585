//! The value of a Kubernetes object or a part of one.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A mapping with string keys in byte order, as Go's `encoding/json` prints maps.
pub type Map = BTreeMap<Arc<str>, Value>;

/// A JSON-like value with shared children: a clone costs a reference count.
///
/// Numbers follow Go's int64-else-float64 rule, with `Uint` for what lies between `i64::MAX` and `u64::MAX`. Equality and
/// order are numeric across the three (`1 == 1.0`), as an API server that round-trips numbers through JSON sees them.
#[derive(Clone, Debug, Default)]
pub enum Value {
    /// `null`
    #[default]
    Null,
    /// `true` or `false`
    Bool(bool),
    /// An integer that fits in 64 signed bits.
    Int(i64),
    /// An integer above `i64::MAX`; never smaller (see [`Value::uint`]).
    Uint(u64),
    /// Any other number. Never NaN or infinite: JSON cannot say them.
    Float(f64),
    /// A string.
    String(Arc<str>),
    /// A sequence.
    List(Arc<Vec<Value>>),
    /// A mapping.
    Map(Arc<Map>),
}

impl Value {
    /// A string value.
    pub fn string(text: impl Into<Arc<str>>) -> Self {
        Self::String(text.into())
    }

    /// A list value.
    pub fn list(items: Vec<Value>) -> Self {
        Self::List(Arc::new(items))
    }

    /// A mapping value.
    pub fn map(entries: Map) -> Self {
        Self::Map(Arc::new(entries))
    }

    /// An unsigned integer in its canonical variant.
    pub fn uint(number: u64) -> Self {
        i64::try_from(number).map_or(Self::Uint(number), Self::Int)
    }

    /// The child of a mapping; `None` for other values and absent keys.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_map()?.get(key)
    }

    /// The descendant behind a chain of mapping keys.
    pub fn at(&self, keys: &[&str]) -> Option<&Value> {
        keys.iter().try_fold(self, |value, key| value.get(key))
    }

    /// The string behind a chain of mapping keys.
    pub fn str_at(&self, keys: &[&str]) -> Option<&str> {
        self.at(keys)?.as_str()
    }

    /// The integer behind a chain of mapping keys; floats with an integral value count.
    pub fn int_at(&self, keys: &[&str]) -> Option<i64> {
        self.at(keys)?.as_int()
    }

    /// Whether lists and mappings are nested in it more than `limit` times: stacks end, and readers of JSON have limits.
    pub fn is_deeper_than(&self, limit: usize) -> bool {
        let deeper = |value: &Self| value.is_deeper_than(limit - 1);
        match self {
            Self::List(items) => limit == 0 || items.iter().any(deeper),
            Self::Map(entries) => limit == 0 || entries.values().any(deeper),
            _ => false,
        }
    }

    /// This value as a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// This value as an integer; floats with an integral value count.
    pub fn as_int(&self) -> Option<i64> {
        match *self {
            Self::Int(number) => Some(number),
            #[allow(clippy::cast_possible_truncation)] // guarded: integral and within the exact range of f64
            Self::Float(number) if number.fract() == 0.0 && number.abs() < 9e15 => Some(number as i64),
            _ => None,
        }
    }

    /// This value as a boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match *self {
            Self::Bool(flag) => Some(flag),
            _ => None,
        }
    }

    /// This value as a list.
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// This value as a mapping.
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The mapping to edit, copied first where it is shared. Anything else becomes an empty mapping.
    pub fn make_map(&mut self) -> &mut Map {
        if !matches!(self, Self::Map(_)) {
            *self = Self::map(Map::new());
        }
        match self {
            Self::Map(entries) => Arc::make_mut(entries),
            _ => unreachable!("made a mapping above"),
        }
    }

    /// Sets the descendant behind a chain of mapping keys; mappings on the way are made where they are missing.
    pub fn set(&mut self, keys: &[&str], value: Value) {
        match keys.split_first() {
            None => *self = value,
            Some((key, rest)) => self.make_map().entry(Arc::from(*key)).or_default().set(rest, value),
        }
    }

    /// Removes the descendant behind a chain of mapping keys and returns it.
    pub fn remove(&mut self, keys: &[&str]) -> Option<Value> {
        let (last, parents) = keys.split_last()?;
        self.at(parents)?.get(last)?;
        let mut target = self;
        for key in parents {
            target = target.make_map().get_mut(*key)?;
        }
        target.make_map().remove(*last)
    }

    /// Whether everything that is wanted is here: entries may be more, items not.
    pub fn covers(&self, wanted: &Self) -> bool {
        match (self, wanted) {
            (Self::Map(entries), Self::Map(wanted)) => {
                wanted.iter().all(|(key, wanted)| entries.get(key).is_some_and(|entry| entry.covers(wanted)))
            }
            (Self::List(items), Self::List(wanted)) => {
                items.len() == wanted.len()
                    && items.iter().zip(wanted.iter()).all(|(item, wanted)| item.covers(wanted))
            }
            _ => self == wanted,
        }
    }

    /// Whether this is `{}`, `[]` or `null`: a leaf that field ownership cannot tell from an empty container.
    pub fn is_empty_container(&self) -> bool {
        match self {
            Self::Null => true,
            Self::List(items) => items.is_empty(),
            Self::Map(entries) => entries.is_empty(),
            _ => false,
        }
    }

    /// The name of this value's JSON type, for messages.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Int(_) | Self::Uint(_) => "integer",
            Self::Float(_) => "number",
            Self::String(_) => "string",
            Self::List(_) => "list",
            Self::Map(_) => "mapping",
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Bool(_) => 1,
            Self::Int(_) | Self::Uint(_) | Self::Float(_) => 2,
            Self::String(_) => 3,
            Self::List(_) => 4,
            Self::Map(_) => 5,
        }
    }
}

#[allow(clippy::cast_precision_loss)] // only reached where one side is a float already
fn compare_numbers(a: &Value, b: &Value) -> Ordering {
    fn float(value: &Value) -> f64 {
        match *value {
            Value::Int(number) => number as f64,
            Value::Uint(number) => number as f64,
            Value::Float(number) => number,
            _ => 0.0,
        }
    }
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Uint(a), Value::Uint(b)) => a.cmp(b),
        (Value::Int(_), Value::Uint(_)) => Ordering::Less,
        (Value::Uint(_), Value::Int(_)) => Ordering::Greater,
        _ => float(a).total_cmp(&float(b)),
    }
}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::String(a), Self::String(b)) => a.cmp(b),
            (Self::List(a), Self::List(b)) if Arc::ptr_eq(a, b) => Ordering::Equal,
            (Self::List(a), Self::List(b)) => a.cmp(b),
            (Self::Map(a), Self::Map(b)) if Arc::ptr_eq(a, b) => Ordering::Equal,
            (Self::Map(a), Self::Map(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()).then_with(|| match self.rank() {
                2 => compare_numbers(self, other),
                _ => Ordering::Equal,
            }),
        }
    }
}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Value {}

macro_rules! from {
    ($($type:ty => $make:expr;)*) => {$(
        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                #[allow(clippy::redundant_closure_call)] // one arm a type keeps the table short
                ($make)(value)
            }
        }
    )*};
}

from! {
    bool => Value::Bool;
    i64 => Value::Int;
    i32 => |number: i32| Value::Int(number.into());
    u64 => Value::uint;
    &str => |text: &str| Value::string(text);
    String => Value::string;
    Arc<str> => Value::String;
    Vec<Value> => Value::list;
    Map => Value::map;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::from_json;

    fn value(json: &str) -> Value {
        from_json(json.as_bytes()).unwrap()
    }

    #[test]
    fn how_deep_values_are_nested_can_be_asked() {
        let check = |json: &str, depth: usize| {
            let value = value(json);
            assert!(!value.is_deeper_than(depth), "{json}");
            assert!(depth == 0 || value.is_deeper_than(depth - 1), "{json}");
        };
        check("1", 0);
        check("{}", 1);
        check("[1,[]]", 2);
        check(r#"{"a":1,"b":[{"c":{}}]}"#, 4);
    }

    #[test]
    fn numbers_compare_by_value_across_variants() {
        assert_eq!(value("1"), value("1.0"));
        assert_ne!(value("1"), value("1.5"));
        assert_eq!(value("18446744073709551615"), Value::Uint(u64::MAX));
        assert!(value("9223372036854775807") < value("9223372036854775808"));
    }

    #[test]
    fn set_makes_the_mappings_on_the_way_and_leaves_shared_copies_alone() {
        let mut a = value(r#"{"x":{"y":1}}"#);
        let b = a.clone();
        a.set(&["x", "z", "w"], 2.into());
        assert_eq!(a, value(r#"{"x":{"y":1,"z":{"w":2}}}"#));
        assert_eq!(b, value(r#"{"x":{"y":1}}"#));
    }

    #[test]
    fn remove_takes_only_what_is_there() {
        let mut a = value(r#"{"x":{"y":1}}"#);
        assert_eq!(a.remove(&["x", "q"]), None);
        assert_eq!(a.remove(&["q", "y"]), None);
        assert_eq!(a.remove(&["x", "y"]), Some(1.into()));
        assert_eq!(a, value(r#"{"x":{}}"#));
    }

    #[test]
    fn empty_containers_are_told_from_empty_strings() {
        for (json, empty) in
            [("{}", true), ("[]", true), ("null", true), ("\"\"", false), ("0", false), ("[0]", false)]
        {
            assert_eq!(value(json).is_empty_container(), empty, "{json}");
        }
    }
}
