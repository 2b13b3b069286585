//! The values that expressions work on.

use std::cmp::Ordering;
use std::sync::Arc;

use lockstep_core::{Map, Value};
use schema::{Pattern, Quantity};

use crate::field_name::{escape, unescape};
use crate::library::address::{Cidr, Ip};
use crate::library::authorizer::Authz;
use crate::library::semver::Version;
use crate::library::url::Url;
use crate::time::Time;

/// A value of CEL. Parts of objects stay as they are and are read when they are asked for, so that a big object is not copied.
#[derive(Clone, Debug)]
pub(crate) enum Val {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    String(Arc<str>),
    /// A text that is searched for, compiled with its expression. It stands in calls of searches only.
    Pattern(Arc<Sought>),
    Bytes(Arc<[u8]>),
    Time(Time),
    /// Nanoseconds.
    Duration(i64),
    List(Arc<Vec<Val>>),
    Map(Arc<Vec<(Val, Val)>>),
    /// A list or mapping of an object, with what its schema says.
    Data(Value, Shape),
    /// An object that an expression made: `Object.spec{…}`.
    Message(Arc<str>, Arc<Vec<(Arc<str>, Val)>>),
    Optional(Option<Arc<Val>>),
    Type(Arc<str>),
    Url(Arc<Url>),
    Quantity(Arc<Quantity>),
    Ip(Ip),
    Cidr(Cidr),
    Semver(Arc<Version>),
    Format(&'static str),
    Authz(Arc<Authz>),
}

/// A regular expression and its text.
#[derive(Debug)]
pub(crate) struct Sought {
    pub(crate) text: Arc<str>,
    pub(crate) pattern: Pattern,
}

/// What is known of a part of an object.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    /// Nothing: as in admission policies.
    Free,
    /// Its structural schema. Shared with the definition.
    Schema(Value),
}

impl Shape {
    pub(crate) fn text(&self, key: &str) -> &str {
        match self {
            Self::Free => "",
            Self::Schema(schema) => schema.str_at(&[key]).unwrap_or_default(),
        }
    }

    /// Whether entries are fields, with escaped names, and not keys of a mapping.
    pub(crate) fn has_fields(&self) -> bool {
        match self {
            Self::Free => false,
            Self::Schema(schema) => {
                schema.get("additionalProperties").is_none_or(|inner| inner.as_map().is_none())
            }
        }
    }

    fn entry(&self, name: &str) -> Self {
        match self {
            Self::Free => Self::Free,
            Self::Schema(schema) => schema
                .at(&["properties", name])
                .or_else(|| schema.get("additionalProperties").filter(|inner| inner.as_map().is_some()))
                .map_or(Self::Free, |schema| Self::Schema(schema.clone())),
        }
    }

    fn item(&self) -> Self {
        match self {
            Self::Free => Self::Free,
            Self::Schema(schema) => {
                schema.get("items").map_or(Self::Free, |schema| Self::Schema(schema.clone()))
            }
        }
    }

    fn keys(&self) -> Option<Vec<&str>> {
        match self {
            Self::Schema(schema) if self.text("x-kubernetes-list-type") == "map" => {
                let keys = schema.get("x-kubernetes-list-map-keys")?.as_list()?;
                Some(keys.iter().filter_map(Value::as_str).collect())
            }
            _ => None,
        }
    }
}

impl Val {
    pub(crate) fn text(text: impl Into<Arc<str>>) -> Self {
        Self::String(text.into())
    }

    pub(crate) fn list(items: Vec<Self>) -> Self {
        Self::List(Arc::new(items))
    }

    pub(crate) fn some(value: Self) -> Self {
        Self::Optional(Some(Arc::new(value)))
    }

    /// A part of an object, typed by its schema: an integer where a number is meant is a double, a text a time.
    pub(crate) fn of(value: &Value, shape: Shape) -> Result<Self, String> {
        Ok(match value {
            Value::Null => Self::Null,
            Value::Bool(flag) => Self::Bool(*flag),
            Value::Int(number) if shape.text("type") == "number" => Self::Double(*number as f64),
            Value::Int(number) => Self::Int(*number),
            Value::Uint(number) => Self::Double(*number as f64),
            Value::Float(number) => Self::Double(*number),
            Value::String(text) => return Self::formatted(text, shape.text("format"), shape.text("type")),
            Value::List(_) | Value::Map(_) => Self::Data(value.clone(), shape),
        })
    }

    fn formatted(text: &Arc<str>, format: &str, of: &str) -> Result<Self, String> {
        if of != "string" {
            return Ok(Self::String(text.clone()));
        }
        match format {
            "date-time" => match Time::parse(text) {
                Some(time) => Ok(Self::Time(time)),
                None => Err(format!("Invalid date-time formatted string {text}: cannot parse it")),
            },
            "date" => match Time::parse(&format!("{text}T00:00:00Z")) {
                Some(time) => Ok(Self::Time(time)),
                None => Err(format!("Invalid date formatted string {text}: cannot parse it")),
            },
            "duration" => match schema::duration(text) {
                Some(nanos) => Ok(Self::Duration(nanos)),
                None => Err(format!("Invalid duration {text}: unable to parse {text} as duration")),
            },
            "byte" => match crate::library::base64::decode(text) {
                Some(bytes) => Ok(Self::Bytes(bytes.into())),
                None => Err(format!("Invalid byte formatted string {text}: illegal base64 data")),
            },
            _ => Ok(Self::String(text.clone())),
        }
    }

    /// The name of its type.
    pub(crate) fn type_name(&self) -> &str {
        match self {
            Self::Null => "null_type",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Uint(_) => "uint",
            Self::Double(_) => "double",
            Self::String(_) | Self::Pattern(_) => "string",
            Self::Bytes(_) => "bytes",
            Self::Time(_) => "google.protobuf.Timestamp",
            Self::Duration(_) => "google.protobuf.Duration",
            Self::List(_) | Self::Data(Value::List(_), _) => "list",
            Self::Map(_) | Self::Data(..) => "map",
            Self::Message(name, _) => name,
            Self::Optional(_) => "optional_type",
            Self::Type(_) => "type",
            Self::Url(_) => "kubernetes.URL",
            Self::Quantity(_) => "kubernetes.Quantity",
            Self::Ip(_) => "net.IP",
            Self::Cidr(_) => "net.CIDR",
            Self::Semver(_) => "kubernetes.Semver",
            Self::Format(_) => "kubernetes.NamedFormat",
            Self::Authz(authz) => authz.type_name(),
        }
    }

    /// The items of a list, typed.
    pub(crate) fn items(&self) -> Option<Result<Vec<Self>, String>> {
        match self {
            Self::List(items) => Some(Ok(items.to_vec())),
            Self::Data(Value::List(items), shape) => {
                Some(items.iter().map(|item| Self::of(item, shape.item())).collect())
            }
            _ => None,
        }
    }

    /// The number of items, entries, characters or bytes.
    pub(crate) fn size(&self) -> Option<usize> {
        match self {
            Self::List(items) => Some(items.len()),
            Self::Map(entries) => Some(entries.len()),
            Self::Data(Value::List(items), _) => Some(items.len()),
            Self::Data(Value::Map(entries), _) => Some(entries.len()),
            Self::String(text) => Some(text.chars().count()),
            Self::Pattern(sought) => Some(sought.text.chars().count()),
            Self::Bytes(bytes) => Some(bytes.len()),
            _ => None,
        }
    }

    pub(crate) fn item(&self, index: usize) -> Option<Result<Self, String>> {
        match self {
            Self::List(items) => items.get(index).cloned().map(Ok),
            Self::Data(Value::List(items), shape) => Some(Self::of(items.get(index)?, shape.item())),
            _ => None,
        }
    }

    /// The entries of a mapping, or the fields of an object by their escaped names.
    pub(crate) fn entries(&self) -> Option<Result<Vec<(Self, Self)>, String>> {
        match self {
            Self::Map(entries) => Some(Ok(entries.to_vec())),
            Self::Data(Value::Map(entries), shape) => {
                let fields = matches!(shape, Shape::Schema(_)) && shape.has_fields();
                let name = |name: &Arc<str>| if fields { escape(name).into() } else { name.clone() };
                let one = |(key, value): (&Arc<str>, &Value)| {
                    Ok((Self::String(name(key)), Self::of(value, shape.entry(key))?))
                };
                Some(entries.iter().map(one).collect())
            }
            _ => None,
        }
    }

    /// A field or the entry under a key that is a text.
    pub(crate) fn field(&self, name: &str) -> Option<Result<Self, String>> {
        match self {
            Self::Data(Value::Map(entries), shape) => {
                let real = if shape.has_fields() { unescape(name) } else { name.to_owned() };
                Some(Self::of(entries.get(&*real)?, shape.entry(&real)))
            }
            Self::Map(_) => self.entry(&Self::text(name)),
            Self::Message(_, fields) => {
                fields.iter().find(|(field, _)| &**field == name).map(|(_, value)| Ok(value.clone()))
            }
            _ => None,
        }
    }

    /// The entry of a mapping.
    pub(crate) fn entry(&self, key: &Self) -> Option<Result<Self, String>> {
        match (self, key) {
            (Self::Map(entries), key) => {
                entries.iter().find(|(known, _)| known.equals(key)).map(|(_, value)| Ok(value.clone()))
            }
            (Self::Data(Value::Map(entries), shape), Self::String(name)) => {
                Some(Self::of(entries.get(name)?, shape.entry(name)))
            }
            _ => None,
        }
    }

    /// CEL's equality: numbers by value across their types; what cannot be compared is not equal.
    pub(crate) fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::String(a), Self::String(b)) => a == b,
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::Time(a), Self::Time(b)) => a == b,
            (Self::Duration(a), Self::Duration(b)) => a == b,
            (Self::Type(a), Self::Type(b)) => a == b,
            (Self::Url(a), Self::Url(b)) => a == b,
            (Self::Quantity(a), Self::Quantity(b)) => a == b,
            (Self::Ip(a), Self::Ip(b)) => a == b,
            (Self::Cidr(a), Self::Cidr(b)) => a == b,
            (Self::Semver(a), Self::Semver(b)) => a.cmp(b).is_eq(),
            (Self::Format(a), Self::Format(b)) => a == b,
            (Self::Optional(a), Self::Optional(b)) => match (a, b) {
                (Some(a), Some(b)) => a.equals(b),
                (a, b) => a.is_none() && b.is_none(),
            },
            (Self::Data(a, _), Self::Data(b, shape)) => equal_data(a, b, shape),
            _ => match compare_numbers(self, other) {
                Some(order) => order.is_eq(),
                None => self.equal_collections(other),
            },
        }
    }

    fn equal_collections(&self, other: &Self) -> bool {
        if let (Some(Ok(a)), Some(Ok(b))) = (self.items(), other.items()) {
            return a.len() == b.len() && self.equal_items(&a, &b);
        }
        if let (Some(Ok(a)), Some(Ok(b))) = (self.entries(), other.entries()) {
            let find = |key: &Self| b.iter().find(|(known, _)| known.equals(key));
            return a.len() == b.len()
                && a.iter().all(|(key, value)| find(key).is_some_and(|(_, other)| value.equals(other)));
        }
        match (self, other) {
            (Self::Message(a, fields), Self::Message(b, others)) => {
                a == b
                    && fields.len() == others.len()
                    && fields.iter().all(|(name, value)| {
                        others.iter().any(|(other, known)| name == other && value.equals(known))
                    })
            }
            _ => false,
        }
    }

    /// The items of a set, and those with keys, may be in any order.
    fn equal_items(&self, a: &[Self], b: &[Self]) -> bool {
        let unordered = match self {
            Self::Data(_, shape) => matches!(shape.text("x-kubernetes-list-type"), "set" | "map"),
            _ => false,
        };
        match unordered {
            true => a.iter().all(|item| b.iter().any(|other| item.equals(other))),
            false => a.iter().zip(b).all(|(a, b)| a.equals(b)),
        }
    }

    /// The order of two values of one kind, or of two numbers.
    pub(crate) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => Some(a.cmp(b)),
            (Self::String(a), Self::String(b)) => Some(a.cmp(b)),
            (Self::Bytes(a), Self::Bytes(b)) => Some(a.cmp(b)),
            (Self::Time(a), Self::Time(b)) => Some(a.cmp(b)),
            (Self::Duration(a), Self::Duration(b)) => Some(a.cmp(b)),
            _ => compare_numbers(self, other),
        }
    }

    /// The value as it stands in an object; `None` for what cannot stand there.
    pub(crate) fn to_value(&self) -> Option<Value> {
        Some(match self {
            Self::Null => Value::Null,
            Self::Bool(flag) => Value::Bool(*flag),
            Self::Int(number) => Value::Int(*number),
            Self::Uint(number) => Value::uint(*number),
            Self::Double(number) if number.is_finite() => Value::Float(*number),
            Self::String(text) => Value::String(text.clone()),
            Self::Bytes(bytes) => Value::string(crate::library::base64::encode(bytes)),
            Self::Time(time) => Value::string(time.to_string()),
            Self::Duration(nanos) => Value::string(crate::time::seconds(*nanos)),
            Self::Data(value, _) => value.clone(),
            Self::List(items) => Value::list(items.iter().map(Self::to_value).collect::<Option<_>>()?),
            Self::Map(entries) => {
                let one = |(key, value): &(Self, Self)| match key {
                    Self::String(key) => Some((key.clone(), value.to_value()?)),
                    _ => None,
                };
                Value::map(entries.iter().map(one).collect::<Option<Map>>()?)
            }
            Self::Message(_, fields) => {
                let one =
                    |(name, value): &(Arc<str>, Self)| Some((Arc::from(unescape(name)), value.to_value()?));
                Value::map(fields.iter().map(one).collect::<Option<Map>>()?)
            }
            Self::Optional(Some(inner)) => inner.to_value()?,
            _ => return None,
        })
    }
}

/// Equality inside of objects: lists that are sets or have keys are equal in any order.
fn equal_data(a: &Value, b: &Value, shape: &Shape) -> bool {
    let (Value::List(left), Value::List(right)) = (a, b) else {
        return match (a, b) {
            (Value::Map(left), Value::Map(right)) => {
                left.len() == right.len()
                    && left.iter().all(|(name, value)| {
                        right.get(name).is_some_and(|other| equal_data(value, other, &shape.entry(name)))
                    })
            }
            _ => a == b,
        };
    };
    if left.len() != right.len() {
        return false;
    }
    let item = shape.item();
    if shape.text("x-kubernetes-list-type") == "set" {
        return left.iter().all(|value| right.contains(value));
    }
    match shape.keys() {
        Some(keys) => left.iter().all(|value| {
            let same = |other: &&Value| keys.iter().all(|key| value.get(key) == other.get(key));
            right.iter().find(same).is_some_and(|other| equal_data(value, other, &item))
        }),
        None => left.iter().zip(right.iter()).all(|(a, b)| equal_data(a, b, &item)),
    }
}

#[allow(clippy::cast_precision_loss)] // as cel-go compares
fn compare_numbers(a: &Val, b: &Val) -> Option<Ordering> {
    match (a, b) {
        (Val::Int(a), Val::Int(b)) => Some(a.cmp(b)),
        (Val::Uint(a), Val::Uint(b)) => Some(a.cmp(b)),
        (Val::Double(a), Val::Double(b)) => a.partial_cmp(b),
        (Val::Int(a), Val::Uint(b)) => Some(i128::from(*a).cmp(&i128::from(*b))),
        (Val::Uint(a), Val::Int(b)) => Some(i128::from(*a).cmp(&i128::from(*b))),
        (Val::Int(a), Val::Double(b)) => (*a as f64).partial_cmp(b),
        (Val::Double(a), Val::Int(b)) => a.partial_cmp(&(*b as f64)),
        (Val::Uint(a), Val::Double(b)) => (*a as f64).partial_cmp(b),
        (Val::Double(a), Val::Uint(b)) => a.partial_cmp(&(*b as f64)),
        _ => None,
    }
}
