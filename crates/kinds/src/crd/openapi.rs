//! The schema of a version.

use lockstep_core::Value;
use schema::{At, FieldError, Structural};

use super::structural::{self, inner};
use crate::meta::View;

/// Validates what stands under `schema`: the server calls it a validation.
pub(super) fn validate(validation: &Value, status: bool, at: &At, errors: &mut Vec<FieldError>) {
    let Some(schema) = validation.get("openAPIV3Schema") else { return };
    let root = at.field("openAPIV3Schema");
    if status {
        root_only(schema, &root, errors);
    }
    if schema.flag("nullable") {
        errors.push(FieldError::forbidden(&root.field("nullable"), "nullable cannot be true at the root"));
    }
    let mut found = match unreadable(schema) {
        true => Vec::new(),
        false => structural::validate(schema, &root),
    };
    if found.is_empty() && !unreadable(schema) {
        defaults(schema, &root, &mut found);
    }
    errors.append(&mut found);
    visit(schema, Around { root: true, ..Around::default() }, &root, errors);
}

/// Whether a schema has what cannot be read as structural: the errors about it come from elsewhere.
fn unreadable(schema: &Value) -> bool {
    let forbidden = ["$ref", "id", "definitions", "dependencies", "patternProperties", "additionalItems"];
    let children = ["properties"].iter().flat_map(|key| schema.entries(key)).map(|(_, inner)| inner);
    let lists = ["allOf", "anyOf", "oneOf"].iter().flat_map(|key| schema.items(key));
    let single = ["items", "additionalProperties", "not"].iter().filter_map(|key| inner(schema, key));
    forbidden.iter().any(|key| schema.has(key))
        || schema.child("items").as_list().is_some()
        || schema.flag("uniqueItems")
        || schema.text("type") == "null"
        || children.chain(lists).chain(single).any(unreadable)
}

/// With a status of its own, little may be said of the whole object.
fn root_only(schema: &Value, at: &At, errors: &mut Vec<FieldError>) {
    const ALLOWED: [&str; 22] = [
        "description",
        "type",
        "format",
        "title",
        "maximum",
        "exclusiveMaximum",
        "minimum",
        "exclusiveMinimum",
        "maxLength",
        "minLength",
        "pattern",
        "maxItems",
        "minItems",
        "uniqueItems",
        "multipleOf",
        "required",
        "items",
        "properties",
        "externalDocs",
        "example",
        "x-kubernetes-preserve-unknown-fields",
        "x-kubernetes-validations",
    ];
    if schema.has("type") && schema.text("type") != "object" {
        let text = "only \"object\" is allowed as the type at the root of the schema if the status subresource is enabled";
        errors.push(FieldError::invalid(&at.field("type"), schema.text("type"), text));
        return;
    }
    if schema.as_map().into_iter().flatten().any(|(key, _)| !ALLOWED.contains(&&**key)) {
        let text = "only [Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength Pattern MaxItems MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example XPreserveUnknownFields XValidations] fields are allowed at the root of the schema if the status subresource is enabled";
        // The value is the server's own structure of the schema; the text of it is not made.
        errors.push(FieldError::new(schema::Mistake::Invalid, at, None, text));
    }
}

/// Defaults must be valid, and without what would be pruned.
fn defaults(schema: &Value, at: &At, errors: &mut Vec<FieldError>) {
    if let Some(default) = schema.get("default").filter(|default| !matches!(default, Value::Null)) {
        let place = at.field("default");
        let mut pruned = default.clone();
        if Structural(schema).prune(&mut pruned).is_empty() {
            let mut own = schema.clone();
            own.remove(&["default"]);
            errors.extend(Structural(&own).validate(default, &place));
        } else {
            errors.push(FieldError::invalid(&place, default.clone(), "must not have unknown fields"));
        }
    }
    let properties = at.field("properties");
    for (name, property) in schema.entries("properties") {
        // Metadata at the root has no default; that is said elsewhere.
        if name != "metadata" {
            defaults(property, &properties.key(name), errors);
        }
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = inner(schema, key) {
            defaults(inner, &at.field(key), errors);
        }
    }
}

/// What is around a schema.
#[derive(Clone, Copy, Default)]
struct Around<'a> {
    root: bool,
    /// Why defaults are forbidden.
    no_default: Option<&'a str>,
    metadata: bool,
}

fn visit(schema: &Value, around: Around<'_>, at: &At, errors: &mut Vec<FieldError>) {
    standard(schema, around, at, errors);
    let below = Around { root: false, ..around };
    if let Some(values) = schema.get("additionalProperties") {
        let place = at.field("additionalProperties");
        if schema.entries("properties").next().is_some() && values != &Value::Bool(true) {
            errors.push(FieldError::forbidden(
                &place,
                "additionalProperties and properties are mutual exclusive",
            ));
        }
        let no_default = if around.metadata {
            Some("inside additionalProperties applying to object metadata")
        } else {
            around.no_default
        };
        if values.as_map().is_some() {
            visit(values, Around { no_default, ..below }, &place, errors);
        }
    }
    let properties = at.field("properties");
    let whole = around.root || schema.flag("x-kubernetes-embedded-resource");
    for (name, property) in schema.entries("properties") {
        let meta = whole && matches!(name, "metadata" | "kind" | "apiVersion");
        let reason = format!("in top-level {name}");
        let no_default = if meta && around.root { Some(&*reason) } else { around.no_default };
        visit(
            property,
            Around { root: false, metadata: around.metadata || meta, no_default },
            &properties.key(name),
            errors,
        );
    }
    for key in ["allOf", "oneOf", "anyOf"] {
        let list = at.field(key);
        for (index, alternative) in schema.items(key).iter().enumerate() {
            visit(alternative, below, &list.index(index), errors);
        }
    }
    for key in ["not", "items"] {
        if let Some(inner) = inner(schema, key) {
            visit(inner, below, &at.field(key), errors);
        }
    }
    lists(schema, at, errors);
    rules(schema, at, errors);
}

fn standard(schema: &Value, around: Around<'_>, at: &At, errors: &mut Vec<FieldError>) {
    const TYPES: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];
    let of = schema.text("type");
    if !of.is_empty() && !TYPES.contains(&of) {
        errors.push(FieldError::not_supported(&at.field("type"), of, &TYPES));
    }
    let mut forbid = |key: &str, there: bool, text: &str| {
        if there {
            errors.push(FieldError::forbidden(&at.field(key), text));
        }
    };
    if let Some(reason) = around.no_default {
        forbid("default", schema.has("default"), &format!("must not be set {reason}"));
    }
    forbid("id", schema.has("id"), "id is not supported");
    for key in ["additionalItems", "patternProperties", "definitions", "dependencies", "$ref"] {
        forbid(key, schema.has(key), &format!("{key} is not supported"));
    }
    forbid("type", of == "null", "type cannot be set to null, use nullable as an alternative");
    forbid(
        "items",
        schema.child("items").as_list().is_some(),
        "items must be a schema object and not an array",
    );
    let embedded = around.metadata && schema.flag("x-kubernetes-embedded-resource");
    forbid("x-kubernetes-embedded-resource", embedded, "must not be used inside of resource meta");
    let unique = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
    forbid("uniqueItems", schema.flag("uniqueItems"), unique);
}

/// What lists and mappings are to server-side apply.
fn lists(schema: &Value, at: &At, errors: &mut Vec<FieldError>) {
    if schema.child("x-kubernetes-preserve-unknown-fields") == &Value::Bool(false) {
        let place = at.field("x-kubernetes-preserve-unknown-fields");
        errors.push(FieldError::invalid(&place, false, "must be true or undefined"));
    }
    let (map_type, list_type) = (schema.text("x-kubernetes-map-type"), schema.text("x-kubernetes-list-type"));
    for (key, value, of, known) in [
        ("x-kubernetes-map-type", map_type, "object", &["atomic", "granular"][..]),
        ("x-kubernetes-list-type", list_type, "array", &["atomic", "set", "map"][..]),
    ] {
        if value.is_empty() {
            continue;
        }
        let text = format!("must be {of} if {key} is specified");
        match schema.text("type") {
            "" => errors.push(FieldError::required(&at.field("type"), text)),
            own if own != of => errors.push(FieldError::invalid(&at.field("type"), own, text)),
            _ => {}
        }
        if !known.contains(&value) {
            errors.push(FieldError::not_supported(&at.field(key), value, known));
        }
    }
    if list_type == "set" && schema.text("type") == "array" {
        atomic_items(schema.child("items"), &at.field("items"), errors);
    }
    keys(schema, list_type, at, errors);
}

fn atomic_items(items: &Value, at: &At, errors: &mut Vec<FieldError>) {
    let text = "must be atomic as item of a list with x-kubernetes-list-type=set";
    let (list, map) = (items.text("x-kubernetes-list-type"), items.text("x-kubernetes-map-type"));
    match items.text("type") {
        "array" if !matches!(list, "" | "atomic") => {
            errors.push(FieldError::invalid(&at.field("x-kubernetes-list-type"), list, text));
        }
        "object" if map != "atomic" => {
            let shown = items.child("x-kubernetes-list-type").clone();
            errors.push(FieldError::invalid(&at.field("x-kubernetes-map-type"), shown, text));
        }
        _ => {}
    }
}

fn keys(schema: &Value, list_type: &str, at: &At, errors: &mut Vec<FieldError>) {
    let (keys, items) = (schema.items("x-kubernetes-list-map-keys"), schema.child("items"));
    let (keys_at, items_at) = (at.field("x-kubernetes-list-map-keys"), at.field("items"));
    if !keys.is_empty() && list_type != "map" {
        let (place, text) =
            (at.field("x-kubernetes-list-type"), "must be map if x-kubernetes-list-map-keys is non-empty");
        errors.push(match list_type {
            "" => FieldError::required(&place, text),
            other => FieldError::invalid(&place, other, text),
        });
    }
    if list_type == "map" {
        if keys.is_empty() {
            errors.push(FieldError::required(&keys_at, "must not be empty if x-kubernetes-list-type is map"));
        }
        if !schema.has("items") {
            errors
                .push(FieldError::required(&items_at, "must have a schema if x-kubernetes-list-type is map"));
        }
        if items.as_map().is_some() && items.text("type") != "object" {
            let text = "must be object if parent array's x-kubernetes-list-type is map";
            errors.push(FieldError::invalid(&items_at.field("type"), items.text("type"), text));
        } else {
            key_properties(keys, items, (&keys_at, &items_at), errors);
        }
    }
    if !matches!(list_type, "set" | "map") || items.as_map().is_none() {
        return;
    }
    if items.flag("nullable") {
        let text = format!("cannot be nullable when x-kubernetes-list-type is {list_type}");
        errors.push(FieldError::forbidden(&items_at.field("nullable"), text));
    }
    if list_type == "map" {
        key_values(keys, items, &items_at, errors);
    }
}

fn key_properties(keys: &[Value], items: &Value, (at, items_at): (&At, &At), errors: &mut Vec<FieldError>) {
    let properties = items_at.field("properties");
    let all = || Value::list(keys.to_vec());
    for (index, key) in keys.iter().enumerate() {
        let name = key.as_str().unwrap_or_default();
        match items.at(&["properties", name]) {
            None => {
                errors.push(FieldError::invalid(at, all(), "entries must all be names of item properties"))
            }
            Some(property) if matches!(property.text("type"), "array" | "object") => {
                let text = "must be a scalar type if parent array's x-kubernetes-list-type is map";
                errors.push(FieldError::invalid(
                    &properties.key(name).field("type"),
                    items.text("type"),
                    text,
                ));
            }
            Some(_) => {}
        }
        if keys[..index].contains(key) {
            errors.push(FieldError::invalid(at, all(), "must not contain duplicate entries"));
        }
    }
}

/// Every item must have its keys.
fn key_values(keys: &[Value], items: &Value, at: &At, errors: &mut Vec<FieldError>) {
    let properties = at.field("properties");
    for name in keys {
        let key = name.as_str().unwrap_or_default();
        let Some(property) = items.at(&["properties", key]) else { continue };
        let place = properties.key(key);
        if !items.items("required").contains(name) && !property.has("default") {
            let text = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property";
            errors.push(FieldError::required(&place.field("default"), text));
        }
        if property.flag("nullable") {
            let text = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable";
            errors.push(FieldError::forbidden(&place.field("nullable"), text));
        }
    }
}

fn rules(schema: &Value, at: &At, errors: &mut Vec<FieldError>) {
    let list = at.field("x-kubernetes-validations");
    for (index, rule) in schema.items("x-kubernetes-validations").iter().enumerate() {
        let here = list.index(index);
        rule_text(rule, &here, errors);
        if rule.has("messageExpression")
            && !rule.text("messageExpression").is_empty()
            && rule.text("messageExpression").trim().is_empty()
        {
            let text = "messageExpression must be non-empty if specified";
            errors.push(FieldError::required(&here.field("messageExpression"), text));
        }
        const REASONS: [&str; 4] =
            ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];
        if rule.has("reason") && !REASONS.contains(&rule.text("reason")) {
            errors.push(FieldError::not_supported(&here.field("reason"), rule.text("reason"), &REASONS));
        }
        let path = rule.text("fieldPath");
        let mut refuse = |text: &str| errors.push(FieldError::invalid(&here.field("fieldPath"), path, text));
        if path.is_empty() {
            continue;
        }
        if path.trim().is_empty() {
            refuse("must be non-empty if specified");
        }
        if path.contains(['\n', '\r']) {
            refuse("must not contain line breaks");
        }
        if !names_field(path, schema) {
            refuse("must be a valid path");
        }
    }
}

fn rule_text(rule: &Value, at: &At, errors: &mut Vec<FieldError>) {
    let (text, message) = (rule.text("rule").trim(), rule.text("message"));
    let lines = |text: &str| text.contains(['\n', '\r']);
    if text.is_empty() {
        errors.push(FieldError::required(&at.field("rule"), "rule is not specified"));
    } else if !message.is_empty() && message.trim().is_empty() {
        errors.push(FieldError::invalid(&at.field("message"), message, "must be non-empty if specified"));
    } else if lines(message.trim()) {
        errors.push(FieldError::invalid(&at.field("message"), message, "must not contain line breaks"));
    } else if lines(text) && message.trim().is_empty() {
        errors.push(FieldError::required(
            &at.field("message"),
            "message must be specified if rule contains line breaks",
        ));
    }
}

/// Whether a path (`.a['b.c']`) names a field that the schema has.
fn names_field(path: &str, schema: &Value) -> bool {
    let (mut schema, mut rest) = (schema, path);
    while !rest.is_empty() {
        let (name, behind) = if let Some(quoted) = rest.strip_prefix("['") {
            let Some((name, behind)) = quoted.split_once("']") else { return false };
            (name, behind)
        } else if let Some(plain) = rest.strip_prefix('.') {
            let end = plain.find(['.', '[']).unwrap_or(plain.len());
            plain.split_at(end)
        } else {
            return false;
        };
        rest = behind;
        let next = schema
            .at(&["properties", name])
            .or_else(|| inner(schema, "additionalProperties").filter(|_| !schema.has("properties")));
        let Some(next) = next else { return false };
        schema = next;
    }
    true
}
