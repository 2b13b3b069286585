//! The Go types that read and write themselves.

use lockstep_core::Value;

use super::error::{Mistake, SELF_MADE, WireError};
use super::read::{Canonical, Reader, kind_of, literal};
use super::table::TABLE;
use super::time::{self, Precision};
use crate::quantity::canonical_quantity;

/// A type with a syntax of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Selfmade {
    Quantity,
    IntOrString,
    Time,
    MicroTime,
    /// Anything: `RawExtension`, `FieldsV1`, `JSON`.
    Raw(&'static str),
    /// A schema or something else, in the definitions of custom resources.
    Schema(Besides),
}

/// What may stand in the place of a schema.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Besides {
    Bool,
    Schemas,
    Strings,
}

pub(super) const SCHEMA: &str = "apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaProps";

impl Selfmade {
    pub(super) fn of(name: &'static str) -> Option<Self> {
        Some(match name {
            "resource.Quantity" => Self::Quantity,
            "intstr.IntOrString" => Self::IntOrString,
            "v1.Time" => Self::Time,
            "v1.MicroTime" => Self::MicroTime,
            "runtime.RawExtension" | "v1.FieldsV1" | "v1.JSON" => Self::Raw(name),
            "v1.JSONSchemaPropsOrBool" => Self::Schema(Besides::Bool),
            "v1.JSONSchemaPropsOrArray" => Self::Schema(Besides::Schemas),
            "v1.JSONSchemaPropsOrStringArray" => Self::Schema(Besides::Strings),
            _ => return None,
        })
    }

    pub(super) fn go_name(self) -> &'static str {
        match self {
            Self::Quantity => "resource.Quantity",
            Self::IntOrString => "intstr.IntOrString",
            Self::Time => "v1.Time",
            Self::MicroTime => "v1.MicroTime",
            Self::Raw(name) => name,
            Self::Schema(Besides::Bool) => "v1.JSONSchemaPropsOrBool",
            Self::Schema(Besides::Schemas) => "v1.JSONSchemaPropsOrArray",
            Self::Schema(Besides::Strings) => "v1.JSONSchemaPropsOrStringArray",
        }
    }

    pub(super) fn zero(self) -> Value {
        match self {
            Self::Quantity => "0".into(),
            Self::IntOrString => 0.into(),
            Self::Schema(Besides::Bool) => false.into(),
            _ => Value::Null,
        }
    }

    /// What is wrong with such a value ends the reading at once.
    pub(super) fn read<'v>(self, reader: &mut Reader<'v>, value: &'v Value) -> Canonical {
        match self {
            Self::Quantity => quantity(value),
            Self::IntOrString => int_or_string(reader, value),
            Self::Time => read_time(reader, value, Precision::Seconds),
            Self::MicroTime => read_time(reader, value, Precision::Micros),
            Self::Raw(_) => Ok(None),
            Self::Schema(besides) => schema(reader, value, besides),
        }
    }
}

fn syntax(text: impl Into<String>) -> WireError {
    WireError(Mistake::Syntax(text.into()))
}

fn quantity(value: &Value) -> Canonical {
    let text = match value {
        Value::Null => return Ok(Some("0".into())),
        Value::String(text) => {
            let written = canonical_quantity(text).map_err(|error| syntax(error.to_string()))?;
            return Ok(written.map(Value::from));
        }
        Value::Float(number) => number.to_string(),
        Value::Int(_) | Value::Uint(_) => literal(value),
        // What starts otherwise has no form at all.
        _ => "x".into(),
    };
    let written = canonical_quantity(&text).map_err(|error| syntax(error.to_string()))?;
    Ok(Some(written.unwrap_or(text).into()))
}

fn int_or_string(reader: &Reader<'_>, value: &Value) -> Canonical {
    let found = match value {
        Value::String(_) => return Ok(None),
        Value::Int(number) if i32::try_from(*number).is_ok() => return Ok(None),
        Value::Null => return Ok(Some(0.into())),
        Value::Int(_) | Value::Uint(_) | Value::Float(_) => format!("number {}", literal(value)),
        other => kind_of(other).into(),
    };
    Err(reader.mistaken(found, "int32".into(), SELF_MADE))
}

fn read_time(reader: &Reader<'_>, value: &Value, precision: Precision) -> Canonical {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => match time::canonical(text, precision).map_err(syntax)? {
            Some(written) if *written == **text => Ok(None),
            Some(written) => Ok(Some(written.into())),
            None => Ok(Some(Value::Null)),
        },
        other => Err(reader.mistaken(kind_of(other).into(), "string".into(), SELF_MADE)),
    }
}

/// Schemas are decoded by themselves, and not strictly: what they do not know is gone without a word.
fn schema<'v>(reader: &Reader<'v>, value: &'v Value, besides: Besides) -> Canonical {
    match (besides, value) {
        (_, Value::Map(_)) => one_schema(reader, value),
        (Besides::Bool, Value::Bool(_)) => Ok(None),
        (Besides::Bool, _) => Err(syntax("boolean or JSON schema expected")),
        (Besides::Schemas, Value::List(items)) if !items.is_empty() => {
            let read = |item| Ok(one_schema(reader, item)?.unwrap_or_else(|| item.clone()));
            Ok(Some(Value::list(items.iter().map(read).collect::<Result<_, WireError>>()?)))
        }
        (Besides::Strings, Value::List(items)) if !items.is_empty() => {
            let read = |item: &Value| match item {
                Value::String(_) => Ok(item.clone()),
                Value::Null => Ok("".into()),
                other => Err(reader.mistaken(kind_of(other).into(), "string".into(), "string")),
            };
            Ok(Some(Value::list(items.iter().map(read).collect::<Result<_, WireError>>()?)))
        }
        _ => Ok(Some(Value::Null)),
    }
}

fn one_schema<'v>(reader: &Reader<'v>, value: &'v Value) -> Canonical {
    let Some(of) = TABLE.named(SCHEMA) else { return Ok(None) };
    reader.apart().whole(of, value).map_err(|WireError(mistake)| match mistake {
        Mistake::Type { found, path: inner, wanted, kind, .. } => {
            let (owner, mut path) = reader.place();
            path.extend(inner);
            WireError(Mistake::Type { found, owner, path, wanted, kind })
        }
        syntax @ Mistake::Syntax(_) => WireError(syntax),
    })
}
