//! The shape of values, reduced to what merging looks at.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use lockstep_core::Value;

/// What a type allows. Several parts are there where the type is not known: the value then decides.
#[derive(Debug, Default)]
pub(crate) struct Shape {
    pub(crate) scalar: Option<Scalar>,
    pub(crate) list: Option<ListShape>,
    pub(crate) map: Option<MapShape>,
}

/// A type without parts that could have owners of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    /// Any of them: int-or-string, quantities, times.
    Any,
    Boolean,
    /// Integers and floats: merging does not tell them apart.
    Number,
    String,
}

#[derive(Debug)]
pub(crate) struct ListShape {
    pub(crate) items: TypeRef,
    pub(crate) relation: ListRelation,
}

/// What the items of a list are to each other.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ListRelation {
    /// One value with one owner.
    Atomic,
    /// Scalars, each its own key.
    Set,
    /// Mappings, told apart by these fields.
    Keyed(Vec<Arc<str>>),
}

#[derive(Debug, Default)]
pub(crate) struct MapShape {
    pub(crate) fields: BTreeMap<Arc<str>, Field>,
    /// The type of keys that are no field; without one they are not allowed.
    pub(crate) rest: Option<TypeRef>,
    pub(crate) relation: MapRelation,
}

/// What the entries of a mapping are to each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum MapRelation {
    /// Each has owners of its own.
    #[default]
    Granular,
    /// One value with one owner.
    Atomic,
}

#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) schema: TypeRef,
    pub(crate) default: Option<Value>,
    pub(crate) presence: Presence,
}

/// Whether a field must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    Optional,
    Required,
}

/// A type by name or in place.
#[derive(Clone, Debug)]
pub(crate) enum TypeRef {
    /// A definition, read when it is first needed; the reference may say otherwise about a mapping's entries.
    Named(Arc<str>, Option<MapRelation>),
    Inline(Arc<Shape>),
    /// Anything, as one value.
    Untyped,
    /// Anything; mappings are granular and lists atomic, however deep.
    Deduced,
}

pub(crate) static UNTYPED: LazyLock<Shape> = LazyLock::new(untyped);
pub(crate) static DEDUCED: LazyLock<Shape> =
    LazyLock::new(|| anything(&TypeRef::Deduced, MapRelation::Granular));

/// Anything, as one value.
pub(crate) fn untyped() -> Shape {
    anything(&TypeRef::Untyped, MapRelation::Atomic)
}

fn anything(rest: &TypeRef, relation: MapRelation) -> Shape {
    Shape {
        scalar: Some(Scalar::Any),
        list: Some(ListShape { items: TypeRef::Untyped, relation: ListRelation::Atomic }),
        map: Some(MapShape { fields: BTreeMap::new(), rest: Some(rest.clone()), relation }),
    }
}

impl MapShape {
    /// The type of the entry under `name`; `None`: no such entry is allowed.
    pub(crate) fn entry(&self, name: &str) -> Option<&TypeRef> {
        self.fields.get(name).map(|field| &field.schema).or(self.rest.as_ref())
    }

    /// Whether nothing is known about any entry.
    pub(crate) fn is_free_form(&self) -> bool {
        let untyped = match &self.rest {
            Some(TypeRef::Deduced) => true,
            Some(TypeRef::Inline(shape)) => shape.scalar == Some(Scalar::Any),
            _ => false,
        };
        untyped && self.fields.is_empty()
    }
}

/// A type whose reference is resolved.
#[derive(Clone, Copy)]
pub(crate) struct Atom<'s> {
    pub(crate) scalar: Option<Scalar>,
    pub(crate) list: Option<&'s ListShape>,
    pub(crate) map: Option<(&'s MapShape, MapRelation)>,
}

/// As what a value is treated.
#[derive(Clone, Copy)]
pub(crate) enum Form<'s> {
    Map(&'s MapShape, MapRelation),
    Scalar(Scalar),
    List(&'s ListShape),
    /// The definitions do not say.
    Unknown,
}

impl<'s> Atom<'s> {
    pub(crate) fn of(shape: &'s Shape, relation: Option<MapRelation>) -> Self {
        Self {
            scalar: shape.scalar,
            list: shape.list.as_ref(),
            map: shape.map.as_ref().map(|map| (map, relation.unwrap_or(map.relation))),
        }
    }

    /// Only the part that fits the value; every part where none fits, or where there is no value.
    pub(crate) fn deduce(self, value: Option<&Value>) -> Self {
        let none = Self { scalar: None, list: None, map: None };
        match value {
            Some(Value::List(_)) if self.list.is_some() => Self { list: self.list, ..none },
            Some(Value::Map(_)) if self.map.is_some() => Self { map: self.map, ..none },
            None | Some(Value::Null | Value::List(_) | Value::Map(_)) => self,
            Some(_) if self.scalar.is_some() => Self { scalar: self.scalar, ..none },
            Some(_) => self,
        }
    }

    /// Whether two deductions from one atom came to the same parts.
    pub(crate) fn same_parts(&self, other: &Self) -> bool {
        self.scalar.is_some() == other.scalar.is_some()
            && self.list.is_some() == other.list.is_some()
            && self.map.is_some() == other.map.is_some()
    }

    /// Where several parts are left, a mapping comes before a scalar, and that before a list.
    pub(crate) fn form(&self) -> Form<'s> {
        match (self.map, self.scalar, self.list) {
            (Some((map, relation)), _, _) => Form::Map(map, relation),
            (None, Some(scalar), _) => Form::Scalar(scalar),
            (None, None, Some(list)) => Form::List(list),
            (None, None, None) => Form::Unknown,
        }
    }
}
