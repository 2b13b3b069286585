//! `metadata` of the objects inside custom resources (`x-kubernetes-embedded-resource`), which is read as that of all objects.

use std::sync::Arc;

use lockstep_core::Value;
use schema::{FieldError, Wire, WireError};

/// Reads the `metadata` of every embedded object, and says which fields it does not know, sorted.
///
/// # Errors
/// A value of another type than the field, with the place of its `metadata`.
pub(crate) fn read(schema: &Value, object: &mut Value) -> Result<Vec<String>, WireError> {
    let Some(wire) = Wire::object_meta() else { return Ok(Vec::new()) };
    let mut reading = Reading { wire, unknown: Vec::new() };
    reading.visit(object, schema, "")?;
    reading.unknown.sort();
    Ok(reading.unknown)
}

/// What is wrong with the `metadata` of embedded objects. That they say what they are is the schema's to want.
pub(crate) fn invalid(schema: &Value, object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    validate(&mut errors, object, schema, "");
    errors
}

fn validate(errors: &mut Vec<FieldError>, value: &Value, schema: &Value, at: &str) {
    match value {
        Value::Map(entries) => {
            if is_embedded(schema) {
                validate_metadata(errors, value, at);
            }
            for (name, value) in entries.iter() {
                let named = schema.at(&["properties", name]).map(|inner| (inner, below(at, name)));
                let other = || Some((schema.get("additionalProperties")?, format!("{at}[{name}]")));
                if let Some((inner, at)) = named.or_else(other) {
                    validate(errors, value, inner, &at);
                }
            }
        }
        Value::List(items) => {
            let Some(inner) = schema.get("items") else { return };
            for (index, item) in items.iter().enumerate() {
                validate(errors, item, inner, &format!("{at}[{index}]"));
            }
        }
        _ => {}
    }
}

fn validate_metadata(errors: &mut Vec<FieldError>, object: &Value, of: &str) {
    let metadata = object.get("metadata").filter(|metadata| metadata.as_map().is_some());
    for mut error in metadata.map(kinds::invalid_embedded).unwrap_or_default() {
        error.field = below(of, &error.field);
        errors.push(error);
    }
}

/// Whether a schema speaks of embedded objects anywhere: most do not, and their objects need not be looked through.
pub(super) fn holds_embedded(schema: &Value) -> bool {
    let inner = |key: &str| schema.get(key).is_some_and(holds_embedded);
    let mut properties = schema.get("properties").and_then(Value::as_map).into_iter().flatten();
    is_embedded(schema)
        || properties.any(|(_, property)| holds_embedded(property))
        || inner("items")
        || inner("additionalProperties")
}

fn is_embedded(schema: &Value) -> bool {
    schema.get("x-kubernetes-embedded-resource").and_then(Value::as_bool) == Some(true)
}

struct Reading {
    wire: Wire,
    unknown: Vec<String>,
}

impl Reading {
    fn visit(&mut self, value: &mut Value, schema: &Value, at: &str) -> Result<(), WireError> {
        match value {
            Value::Map(_) => {
                if is_embedded(schema) {
                    self.metadata(value, at)?;
                }
                let Value::Map(entries) = value else { return Ok(()) };
                let inner = |name: &str| {
                    let named = schema.at(&["properties", name]);
                    named.or_else(|| schema.get("additionalProperties"))
                };
                for (name, value) in Arc::make_mut(entries).iter_mut() {
                    if let Some(inner) = inner(name) {
                        self.visit(value, inner, &below(at, name))?;
                    }
                }
            }
            Value::List(items) => {
                let Some(inner) = schema.get("items") else { return Ok(()) };
                for (index, item) in Arc::make_mut(items).iter_mut().enumerate() {
                    self.visit(item, inner, &format!("{at}[{index}]"))?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn metadata(&mut self, object: &mut Value, of: &str) -> Result<(), WireError> {
        let Some(metadata) = object.get("metadata").cloned() else { return Ok(()) };
        let at = below(of, "metadata");
        let read = self.wire.read(metadata.clone()).map_err(|error| error.of_embedded(&at, &metadata))?;
        // The reader names places from the whole object.
        self.unknown.extend(read.unknown.iter().map(|field| below(of, field)));
        object.set(&["metadata"], read.value);
        Ok(())
    }
}

fn below(at: &str, name: &str) -> String {
    if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_core::{from_json, to_json};

    #[track_caller]
    fn check(object: &str, want: Result<(&str, &[&str]), &str>) {
        let schema = r#"{"properties":{"l":{"items":{"x-kubernetes-embedded-resource":true}},
            "m":{"additionalProperties":{"x-kubernetes-embedded-resource":true}},"o":{}}}"#;
        let (schema, mut object) =
            (from_json(schema.as_bytes()).unwrap(), from_json(object.as_bytes()).unwrap());
        let read = read(&schema, &mut object);
        match (want, read) {
            (Ok((object_then, fields)), Ok(unknown)) => {
                assert_eq!(String::from_utf8(to_json(&object)).unwrap(), object_then);
                assert_eq!(unknown, fields);
            }
            (Err(why), Err(error)) => assert_eq!(error.to_string(), why),
            (want, read) => panic!("{want:?} {read:?}"),
        }
    }

    #[test]
    fn metadata_is_validated_wherever_an_object_is_embedded() {
        let schema = r#"{"properties":{"l":{"items":{"x-kubernetes-embedded-resource":true}}}}"#;
        let object = r#"{"l":[{"kind":"","metadata":{"labels":{"a b":"c"}}},{"kind":"X","apiVersion":"v1","metadata":{"name":"a/b"}}]}"#;
        let (schema, object) = (from_json(schema.as_bytes()).unwrap(), from_json(object.as_bytes()).unwrap());
        let errors: Vec<String> = invalid(&schema, &object).iter().map(|error| error.field.clone()).collect();
        assert_eq!(errors, ["l[0].metadata.labels", "l[1].metadata.name"]);
        assert!(invalid(&Value::default(), &object).is_empty());
    }

    #[test]
    fn metadata_is_read_wherever_an_object_is_embedded() {
        check(
            r#"{"l":[{"metadata":{"name":"a","x":1,"creationTimestamp":null},"y":1}],"m":{"k":{"metadata":{"z":1}}},"o":{"metadata":{"x":1}}}"#,
            Ok((
                r#"{"l":[{"metadata":{"name":"a"},"y":1}],"m":{"k":{"metadata":{}}},"o":{"metadata":{"x":1}}}"#,
                &["l[0].metadata.x", "m.k.metadata.z"],
            )),
        );
        check(
            r#"{"m":{"k":{"metadata":{"labels":{"a":1}}}}}"#,
            Err(
                r#"m.k.metadata: Invalid value: {"labels":{"a":1}}: json: cannot unmarshal number into Go struct field ObjectMeta.labels of type string"#,
            ),
        );
    }
}
