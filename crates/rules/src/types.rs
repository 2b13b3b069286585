//! The types of expressions.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use lockstep_core::Value;

use crate::field_name::{can_escape, escape};

/// A type as the checker has it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Type {
    Dyn,
    Null,
    Bool,
    Int,
    Uint,
    Double,
    String,
    Bytes,
    Time,
    Duration,
    List(Arc<Type>),
    Map(Arc<Type>, Arc<Type>),
    Optional(Arc<Type>),
    /// The type of a type.
    Kind(Arc<Type>),
    Object(Arc<Object>),
    /// One that is only a name: `kubernetes.URL`, `Object.spec`.
    Named(Arc<str>),
    /// One that is not known yet.
    Var(usize),
}

/// The type of an object with fields.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) name: String,
    /// By their escaped names.
    pub(crate) fields: BTreeMap<String, Type>,
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Type {
    pub(crate) fn list(of: Self) -> Self {
        Self::List(Arc::new(of))
    }

    pub(crate) fn map(key: Self, value: Self) -> Self {
        Self::Map(Arc::new(key), Arc::new(value))
    }

    pub(crate) fn optional(of: Self) -> Self {
        match of {
            optional @ Self::Optional(_) => optional,
            of => Self::Optional(Arc::new(of)),
        }
    }

    /// The type of an object with fields that are given.
    pub(crate) fn object(name: &str, fields: &[(&str, Self)]) -> Self {
        let fields = fields.iter().map(|(name, of)| ((*name).to_owned(), of.clone())).collect();
        Self::Object(Arc::new(Object { name: name.to_owned(), fields }))
    }

    /// What a policy's variable of this type is taken for: only the language's own types are remembered.
    pub(crate) fn remembered(&self) -> Self {
        match self {
            Self::List(of) => Self::list(of.remembered()),
            Self::Map(key, value) => Self::map(key.remembered(), value.remembered()),
            Self::Optional(_) | Self::Kind(_) | Self::Object(_) | Self::Named(_) | Self::Var(_) => Self::Dyn,
            plain => plain.clone(),
        }
    }

    /// Its name as values have it, which is not the one that mistakes show.
    pub(crate) fn full_name(&self) -> String {
        match self {
            Self::Null => "null_type".into(),
            Self::Time => "google.protobuf.Timestamp".into(),
            Self::Duration => "google.protobuf.Duration".into(),
            Self::List(of) => format!("list({})", of.full_name()),
            Self::Map(key, value) => format!("map({}, {})", key.full_name(), value.full_name()),
            Self::Optional(of) => format!("optional_type({})", of.full_name()),
            other => other.to_string(),
        }
    }

    /// The type that a structural schema declares; `None` for what expressions do not see.
    pub(crate) fn declared(schema: &Value, root: bool, name: &str) -> Option<Self> {
        let flag = |key: &str| schema.get(key).and_then(Value::as_bool) == Some(true);
        if flag("x-kubernetes-int-or-string") {
            return Some(Self::Dyn);
        }
        match schema.str_at(&["type"])? {
            "array" => Some(Self::list(Self::inner(schema.get("items")?, &format!("{name}.@idx"))?)),
            "object" => match schema
                .get("additionalProperties")
                .filter(|inner| inner.as_map().is_some() && !root)
            {
                Some(inner) => Some(Self::map(Self::String, Self::inner(inner, &format!("{name}.@elem"))?)),
                None => Some(Self::fields(schema, root, name)),
            },
            "string" => Some(match schema.str_at(&["format"]) {
                Some("byte") => Self::Bytes,
                Some("duration") => Self::Duration,
                Some("date" | "date-time") => Self::Time,
                _ => Self::String,
            }),
            "boolean" => Some(Self::Bool),
            "number" => Some(Self::Double),
            "integer" => Some(Self::Int),
            _ => None,
        }
    }

    fn inner(schema: &Value, name: &str) -> Option<Self> {
        let embedded = schema.get("x-kubernetes-embedded-resource").and_then(Value::as_bool) == Some(true);
        Self::declared(schema, embedded, name)
    }

    fn fields(schema: &Value, root: bool, name: &str) -> Self {
        let mut fields = BTreeMap::new();
        for (field, inner) in schema.get("properties").and_then(Value::as_map).into_iter().flatten() {
            let path = format!("{name}.{field}");
            if let Some(of) = Self::inner(inner, &path).filter(|_| can_escape(field)) {
                fields.insert(escape(field), of);
            }
        }
        if root {
            fields.insert("apiVersion".into(), Self::String);
            fields.insert("kind".into(), Self::String);
            let meta = [("name", Self::String), ("generateName", Self::String)];
            fields.insert("metadata".into(), Self::object(&format!("{name}.metadata"), &meta));
        }
        Self::Object(Arc::new(Object { name: name.to_owned(), fields }))
    }
}

/// The full name of a type that an expression can mention.
pub(crate) fn named(name: &str) -> Option<&'static str> {
    const NAMES: [&str; 12] = [
        "bool",
        "int",
        "uint",
        "double",
        "string",
        "bytes",
        "list",
        "map",
        "null_type",
        "type",
        "net.IP",
        "net.CIDR",
    ];
    NAMES.iter().find(|known| **known == name).copied()
}

/// The type that such a name stands for.
pub(crate) fn of_name(name: &str) -> Option<Type> {
    Some(match name {
        "bool" => Type::Bool,
        "int" => Type::Int,
        "uint" => Type::Uint,
        "double" => Type::Double,
        "string" => Type::String,
        "bytes" => Type::Bytes,
        "list" => Type::list(Type::Dyn),
        "map" => Type::map(Type::Dyn, Type::Dyn),
        "null_type" => Type::Null,
        "type" => Type::Kind(Arc::new(Type::Dyn)),
        _ => return None,
    })
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dyn | Self::Var(_) => f.write_str("dyn"),
            Self::Null => f.write_str("null"),
            Self::Bool => f.write_str("bool"),
            Self::Int => f.write_str("int"),
            Self::Uint => f.write_str("uint"),
            Self::Double => f.write_str("double"),
            Self::String => f.write_str("string"),
            Self::Bytes => f.write_str("bytes"),
            Self::Time => f.write_str("timestamp"),
            Self::Duration => f.write_str("duration"),
            Self::List(of) => write!(f, "list({of})"),
            Self::Map(key, value) => write!(f, "map({key}, {value})"),
            Self::Optional(of) => write!(f, "optional_type({of})"),
            Self::Kind(of) => write!(f, "type({of})"),
            Self::Object(object) => f.write_str(&object.name),
            Self::Named(name) => f.write_str(name),
        }
    }
}
