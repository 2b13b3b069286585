//! How large a value can be that a schema lets pass.

use std::collections::BTreeMap;

use lockstep_core::Value;

use crate::field_name::{can_escape, escape};
use crate::rules::embedded;

/// How large a request may be: nothing in it is larger.
const MOST_BYTES: u64 = 3 << 20;

/// What a value is, as far as costs depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    Scalar,
    Text,
    Bytes,
    List,
    Map,
    Object,
    /// Anything: it is not known before.
    Dyn,
}

/// The sizes of the values of a schema.
#[derive(Debug)]
pub(crate) struct Sizes {
    pub(crate) sort: Sort,
    /// How many bytes, items or entries there are at most; none are counted of what is neither.
    pub(crate) most: u64,
    /// How many bytes the shortest of them takes in a request.
    pub(crate) least: u64,
    inner: Option<Box<Sizes>>,
    fields: BTreeMap<String, Sizes>,
}

/// Keys of mappings, whose size nobody looks at.
pub(super) static KEY: Sizes = Sizes::leaf(Sort::Text, 0, 2);

impl Sizes {
    const fn leaf(sort: Sort, most: u64, least: u64) -> Self {
        Self { sort, most, least, inner: None, fields: BTreeMap::new() }
    }

    /// The sizes of a schema; `None` for what expressions do not see.
    pub(crate) fn of(schema: &Value, root: bool) -> Option<Self> {
        if schema.get("x-kubernetes-int-or-string").and_then(Value::as_bool) == Some(true) {
            return Some(Self::leaf(Sort::Dyn, MOST_BYTES - 2, 1));
        }
        let limit = |key: &str| Some(u64::try_from(schema.int_at(&[key])?).unwrap_or(0));
        let inner = |schema: &Value| Self::of(schema, embedded(schema));
        Some(match schema.str_at(&["type"])? {
            "array" => {
                let items = inner(schema.get("items")?)?;
                let most = limit("maxItems").unwrap_or((MOST_BYTES - 2) / (items.least + 1));
                Self { inner: Some(Box::new(items)), ..Self::leaf(Sort::List, most, 2) }
            }
            "object" => {
                match schema.get("additionalProperties").filter(|of| of.as_map().is_some() && !root) {
                    Some(values) => {
                        let values = inner(values)?;
                        // An entry has at least two quotes, a key of two, a colon and a comma.
                        let most = limit("maxProperties").unwrap_or((MOST_BYTES - 2) / (values.least + 6));
                        Self { inner: Some(Box::new(values)), ..Self::leaf(Sort::Map, most, 2) }
                    }
                    None => Self::object(schema, root),
                }
            }
            "string" => Self::text(schema, limit("maxLength")),
            "boolean" => Self::leaf(Sort::Scalar, 0, 4),
            "number" | "integer" => Self::leaf(Sort::Scalar, 0, 1),
            _ => return None,
        })
    }

    fn text(schema: &Value, limit: Option<u64>) -> Self {
        let enums = schema.get("enum").and_then(Value::as_list).unwrap_or_default();
        match schema.str_at(&["format"]) {
            Some("byte") => Self::leaf(Sort::Bytes, limit.unwrap_or(MOST_BYTES - 2), 2),
            Some("duration") => Self::leaf(Sort::Scalar, 32, 3),
            Some("date") => Self::leaf(Sort::Scalar, 12, 12),
            Some("date-time") => Self::leaf(Sort::Scalar, 32, 21),
            _ => {
                let longest = enums.iter().filter_map(Value::as_str).map(|text| text.len() as u64).max();
                // A character has up to four bytes.
                let most = limit.map(|limit| limit.saturating_mul(4)).or(longest).unwrap_or(MOST_BYTES - 2);
                Self::leaf(Sort::Text, most, 2)
            }
        }
    }

    fn object(schema: &Value, root: bool) -> Self {
        let mut all = Self::leaf(Sort::Object, 0, 2);
        let required = schema.get("required").and_then(Value::as_list).unwrap_or_default();
        for (name, inner) in schema.get("properties").and_then(Value::as_map).into_iter().flatten() {
            let Some(of) = Self::of(inner, embedded(inner)) else { continue };
            // A required field with a default may be left out.
            if required.iter().any(|field| field.as_str() == Some(name)) && inner.get("default").is_none() {
                all.least += name.len() as u64 + of.least + 4;
            }
            if can_escape(name) {
                all.fields.insert(escape(name), of);
            }
        }
        if root {
            let text = || Self::leaf(Sort::Text, MOST_BYTES - 2, 2);
            let mut metadata = Self::leaf(Sort::Object, 0, 2);
            metadata.fields.extend(["name", "generateName"].map(|name| (name.to_owned(), text())));
            all.fields.extend(["apiVersion", "kind"].map(|name| (name.to_owned(), text())));
            all.fields.insert("metadata".to_owned(), metadata);
        }
        all
    }

    pub(super) fn inner(&self) -> Option<&Self> {
        self.inner.as_deref()
    }

    pub(super) fn field(&self, name: &str) -> Option<&Self> {
        self.fields.get(name)
    }

    /// What the items are, or the keys of a mapping.
    pub(super) fn items(&self) -> Sort {
        match self.sort {
            Sort::Map => Sort::Text,
            _ => self.inner().map_or(Sort::Dyn, |inner| inner.sort),
        }
    }

    /// How many values of this size a request can hold, each followed by a comma.
    pub(crate) fn cardinality(&self) -> u64 {
        MOST_BYTES / (self.least + 1)
    }
}
