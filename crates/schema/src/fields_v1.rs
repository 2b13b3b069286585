//! FieldsV1, the form in which field sets travel.

use std::sync::Arc;

use lockstep_core::{Map, PathElement, Value, from_json, to_json};

use crate::field_set::FieldSet;

/// A value that is not a field set in the form FieldsV1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a field set in the form FieldsV1")]
pub struct FieldsError;

impl FieldSet {
    /// Reads a `fieldsV1`. Path elements of a kind that is not known are refused rather than left out: a set that is
    /// read must print as the same set.
    pub fn parse(fields: &Value) -> Result<Self, FieldsError> {
        let entries = fields.as_map().ok_or(FieldsError)?;
        // Only the root may be empty without standing for a path.
        read_node(entries, entries.contains_key("."))
    }

    /// The `fieldsV1` of this set.
    pub fn to_fields_v1(&self) -> Value {
        let own = (self.is_member() && !self.is_leaf()).then(|| (".".into(), Value::map(Map::new())));
        let below = self.children().iter().map(|(element, node)| (name_of(element), node.to_fields_v1()));
        Value::map(own.into_iter().chain(below).collect())
    }

    /// The `fieldsV1` of this set as the server writes it: `.` first, then fields, items by key, items by value and items
    /// by position, each group in its own order. ([`FieldSet::to_fields_v1`] has the order of bytes, as every mapping here.)
    pub fn to_json(&self) -> String {
        let mut text = String::new();
        self.write_json(&mut text);
        text
    }

    fn write_json(&self, text: &mut String) {
        text.push('{');
        if self.is_member() && !self.is_leaf() {
            text.push_str("\".\":{},");
        }
        for (element, node) in self.children() {
            text.push_str(&json(&Value::String(name_of(element))));
            text.push(':');
            node.write_json(text);
            text.push(',');
        }
        if text.ends_with(',') {
            text.pop();
        }
        text.push('}');
    }
}

fn read_node(entries: &Map, member: bool) -> Result<FieldSet, FieldsError> {
    let mut children = Vec::with_capacity(entries.len());
    for (name, below) in entries.iter().filter(|(name, _)| &***name != ".") {
        let below = below.as_map().ok_or(FieldsError)?;
        let node = read_node(below, below.is_empty() || below.contains_key("."))?;
        children.push((read_element(name)?, node));
    }
    Ok(FieldSet::node(member, children))
}

fn read_element(name: &str) -> Result<PathElement, FieldsError> {
    let (kind, rest) = name.split_once(':').ok_or(FieldsError)?;
    let value = || from_json(rest.as_bytes()).map_err(|_| FieldsError);
    match kind {
        "f" => Ok(PathElement::Field(rest.into())),
        "v" => Ok(PathElement::Item(value()?)),
        "i" => Ok(PathElement::Index(rest.parse().map_err(|_| FieldsError)?)),
        "k" => {
            let fields = value()?;
            let fields = fields.as_map().ok_or(FieldsError)?;
            Ok(PathElement::Key(fields.iter().map(|(name, value)| (name.clone(), value.clone())).collect()))
        }
        _ => Err(FieldsError),
    }
}

fn name_of(element: &PathElement) -> Arc<str> {
    match element {
        PathElement::Field(name) => format!("f:{name}"),
        PathElement::Item(value) => format!("v:{}", json(value)),
        PathElement::Index(index) => format!("i:{index}"),
        PathElement::Key(fields) => {
            format!("k:{}", json(&Value::map(fields.iter().cloned().collect())))
        }
    }
    .into()
}

fn json(value: &Value) -> String {
    String::from_utf8_lossy(&to_json(value)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<FieldSet, FieldsError> {
        FieldSet::parse(&from_json(text.as_bytes()).unwrap())
    }

    #[test]
    fn sets_print_as_the_server_writes_them() {
        for text in [
            "{}",
            r#"{"f:data":{}}"#,
            r#"{"f:data":{".":{},"f:a":{},"f:b.c/d":{}},"f:spec":{"f:x":{"f:y":{}}}}"#,
            // Numbers sort as numbers, where bytes would put 443 before 80.
            r#"{"f:ports":{".":{},"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:port":{}},"k:{\"port\":443,\"protocol\":\"TCP\"}":{".":{},"f:port":{}}}}"#,
            r#"{"f:finalizers":{".":{},"v:\"a/b\"":{},"v:\"say \\\"hi\\\"\"":{}},"f:list":{"i:2":{},"i:10":{"f:x":{}}}}"#,
        ] {
            let set = parse(text).unwrap();
            assert_eq!(set.to_json(), text);
            assert_eq!(FieldSet::parse(&set.to_fields_v1()), Ok(set));
        }
    }

    #[test]
    fn the_order_of_what_is_read_does_not_matter() {
        let set = parse(r#"{"f:p":{"k:{\"protocol\":\"TCP\",\"port\":80}":{},".":{}},"f:a":{}}"#).unwrap();
        assert_eq!(set.to_json(), r#"{"f:a":{},"f:p":{".":{},"k:{\"port\":80,\"protocol\":\"TCP\"}":{}}}"#);
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "[]",
            "null",
            r#"{"a":{}}"#,
            r#"{"f:a":1}"#,
            r#"{"x:a":{}}"#,
            r#"{"k:[1]":{}}"#,
            r#"{"k:{":{}}"#,
            r#"{"i:x":{}}"#,
            r#"{"f:a":{"f:b":[]}}"#,
        ] {
            assert_eq!(parse(text), Err(FieldsError), "{text}");
        }
        assert!(parse("{}").unwrap().is_empty());
    }
}
