//! Whether a schema is structural: it says of every field what it is, outside of alternatives.

use lockstep_core::Value;
use schema::{At, FieldError, Pattern};

use crate::meta::View;

#[derive(Clone, Copy, PartialEq)]
enum Level {
    Root,
    Item,
    Field,
}

/// What is wrong, sorted by text as the server does.
pub(super) fn validate(schema: &Value, at: &At) -> Vec<FieldError> {
    let mut errors = Vec::new();
    invariants(schema, Level::Root, at, &mut errors);
    complete(schema, schema, (at, at), &mut errors);
    errors.sort_by_cached_key(ToString::to_string);
    errors
}

pub(super) fn inner<'s>(schema: &'s Value, key: &str) -> Option<&'s Value> {
    schema.get(key).filter(|inner| inner.as_map().is_some())
}

fn invariants(schema: &Value, level: Level, at: &At, errors: &mut Vec<FieldError>) {
    if schema.text("type") == "array" && !schema.has("items") {
        errors.push(FieldError::required(&at.field("items"), "must be specified"));
    }
    if let Some(items) = inner(schema, "items") {
        invariants(items, Level::Item, &at.field("items"), errors);
    }
    let properties = at.field("properties");
    for (name, property) in schema.entries("properties") {
        invariants(property, Level::Field, &properties.key(name), errors);
    }
    let additional = at.field("additionalProperties");
    if schema.has("additionalProperties") && level == Level::Root {
        errors.push(FieldError::forbidden(&additional, "must not be used at the root"));
    }
    if let Some(values) = inner(schema, "additionalProperties") {
        invariants(values, Level::Field, &additional, errors);
    }
    extensions(schema, at, errors);
    let skip = (int_or_string(schema), schema.items("allOf").first().is_some_and(int_or_string));
    values(schema, skip, at, errors);
    typed(schema, level, at, errors);
    metadata(schema, level, at, errors);
}

fn extensions(schema: &Value, at: &At, errors: &mut Vec<FieldError>) {
    if !schema.flag("x-kubernetes-int-or-string") {
        return;
    }
    for key in ["x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"] {
        if schema.flag(key) {
            let text = "must be false if x-kubernetes-int-or-string is true";
            errors.push(FieldError::invalid(&at.field(key), true, text));
        }
    }
}

/// `anyOf: [{type: integer}, {type: string}]`, which may stand in what is an integer or a text.
fn int_or_string(schema: &Value) -> bool {
    let is = |value: &Value, of: &str| {
        value.as_map().is_some_and(|map| map.len() == 1) && value.text("type") == of
    };
    matches!(schema.items("anyOf"), [a, b] if is(a, "integer") && is(b, "string"))
}

fn typed(schema: &Value, level: Level, at: &At, errors: &mut Vec<FieldError>) {
    let (of, place) = (schema.text("type"), at.field("type"));
    let embedded = schema.flag("x-kubernetes-embedded-resource");
    let free =
        schema.flag("x-kubernetes-int-or-string") || schema.flag("x-kubernetes-preserve-unknown-fields");
    if embedded && of != "object" {
        let text = "must be object if x-kubernetes-embedded-resource is true";
        errors.push(match of {
            "" => FieldError::required(&place, text),
            of => FieldError::invalid(&place, of, text),
        });
    } else if of.is_empty() && !free {
        let text = match level {
            Level::Root => "must not be empty at the root",
            Level::Item => "must not be empty for specified array items",
            Level::Field => "must not be empty for specified object fields",
        };
        errors.push(FieldError::required(&place, text));
    }
    if embedded && schema.has("additionalProperties") {
        let text = "must not be used if x-kubernetes-embedded-resource is set";
        errors.push(FieldError::forbidden(&at.field("additionalProperties"), text));
    }
    if level == Level::Root && !of.is_empty() && of != "object" {
        errors.push(FieldError::invalid(&place, of, "must be object at the root"));
    }
    if embedded
        && !schema.flag("x-kubernetes-preserve-unknown-fields")
        && schema.entries("properties").next().is_none()
    {
        let text = "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields";
        errors.push(FieldError::required(&at.field("properties"), text));
    }
}

/// What every object has can hardly be restricted.
fn metadata(schema: &Value, level: Level, at: &At, errors: &mut Vec<FieldError>) {
    let checked = level == Level::Root || schema.flag("x-kubernetes-embedded-resource");
    let properties = at.field("properties");
    for name in ["kind", "apiVersion"] {
        let Some(of) = schema.at(&["properties", name]).map(|property| property.text("type")) else {
            continue;
        };
        if checked && of != "string" {
            errors.push(FieldError::invalid(&properties.key(name).field("type"), of, "must be string"));
        }
    }
    let Some(metadata) = schema.at(&["properties", "metadata"]) else { return };
    let place = properties.key("metadata");
    if checked && metadata.text("type") != "object" {
        errors.push(FieldError::invalid(&place.field("type"), metadata.text("type"), "must be object"));
    }
    let named = metadata.entries("properties").all(|(name, _)| matches!(name, "name" | "generateName"));
    let others = metadata
        .as_map()
        .into_iter()
        .flatten()
        .any(|(key, _)| !matches!(&**key, "type" | "properties" | "default" | "description"));
    let described = metadata.has("description");
    if level == Level::Root && (!named || others || described) {
        let text = "must not specify anything other than name and generateName, but metadata is implicitly specified";
        errors.push(FieldError::forbidden(&place, text));
    }
}

fn values(schema: &Value, (skip_any, skip_first): (bool, bool), at: &At, errors: &mut Vec<FieldError>) {
    for key in ["anyOf", "allOf", "oneOf"] {
        let list = at.field(key);
        if key == "anyOf" && skip_any {
            continue;
        }
        for (index, alternative) in schema.items(key).iter().enumerate() {
            nested(alternative, key == "allOf" && index == 0 && skip_first, &list.index(index), errors);
        }
    }
    if let Some(not) = schema.get("not") {
        nested(not, false, &at.field("not"), errors);
    }
    let pattern = schema.text("pattern");
    if let Err(error) = Pattern::new(pattern) {
        let text = format!("must be a valid regular expression, but isn't: {error}");
        errors.push(FieldError::invalid(&at.field("pattern"), pattern, text));
    }
}

/// An alternative says what values are valid, not what they are.
fn nested(schema: &Value, skip_any: bool, at: &At, errors: &mut Vec<FieldError>) {
    values(schema, (skip_any, false), at, errors);
    if let Some(items) = inner(schema, "items") {
        nested(items, false, &at.field("items"), errors);
    }
    let properties = at.field("properties");
    for (name, property) in schema.entries("properties") {
        nested(property, false, &properties.key(name), errors);
    }
    let mut forbid = |key: &str, there: bool, text: &str| {
        if there {
            errors.push(FieldError::forbidden(&at.field(key), text));
        }
    };
    let empty = "must be empty to be structural";
    let undefined = "must be undefined to be structural";
    let false_ = "must be false to be structural";
    forbid("type", !schema.text("type").is_empty(), empty);
    forbid("additionalProperties", schema.has("additionalProperties"), undefined);
    forbid("default", schema.has("default"), undefined);
    forbid("title", !schema.text("title").is_empty(), empty);
    forbid("description", !schema.text("description").is_empty(), empty);
    for key in [
        "nullable",
        "x-kubernetes-preserve-unknown-fields",
        "x-kubernetes-embedded-resource",
        "x-kubernetes-int-or-string",
    ] {
        forbid(key, schema.flag(key), false_);
    }
    forbid("x-kubernetes-list-map-keys", !schema.items("x-kubernetes-list-map-keys").is_empty(), empty);
    forbid("x-kubernetes-list-type", schema.has("x-kubernetes-list-type"), undefined);
    forbid("x-kubernetes-map-type", schema.has("x-kubernetes-map-type"), undefined);
    forbid("x-kubernetes-validations", !schema.items("x-kubernetes-validations").is_empty(), empty);
    if schema.at(&["properties", "metadata"]).is_some() {
        errors.push(FieldError::forbidden(
            &properties.key("metadata"),
            "must not be specified in a nested context",
        ));
    }
}

/// Every field and list that an alternative of the whole object speaks of must be there outside of it. Alternatives further
/// inside are not looked at, as by the server.
fn complete(schema: &Value, spoken: &Value, (at, spoken_at): (&At, &At), errors: &mut Vec<FieldError>) {
    for key in ["allOf", "anyOf", "oneOf"] {
        let list = spoken_at.field(key);
        for (index, alternative) in spoken.items(key).iter().enumerate() {
            spoken_of(schema, alternative, (at, &list.index(index)), errors);
        }
    }
    if let Some(not) = spoken.get("not") {
        spoken_of(schema, not, (at, &spoken_at.field("not")), errors);
    }
}

fn spoken_of(schema: &Value, alternative: &Value, (at, spoken_at): (&At, &At), errors: &mut Vec<FieldError>) {
    complete(schema, alternative, (at, spoken_at), errors);
    let mut step = |known: Option<&Value>, spoken: &Value, at: &At, spoken_at: &At| match known {
        Some(known) => spoken_of(known, spoken, (at, spoken_at), errors),
        None => errors.push(FieldError::required(at, format!("because it is defined in {spoken_at}"))),
    };
    if let Some(items) = inner(alternative, "items") {
        step(inner(schema, "items"), items, &at.field("items"), &spoken_at.field("items"));
    }
    let (properties, spoken_properties) = (at.field("properties"), spoken_at.field("properties"));
    for (name, property) in alternative.entries("properties") {
        let known = schema.at(&["properties", name]);
        step(known, property, &properties.key(name), &spoken_properties.key(name));
    }
}
