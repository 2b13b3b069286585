//! The specification: group, scope, versions and what each version serves.

use lockstep_core::Value;
use schema::{At, FieldError, Mistake};

use super::{conversion, naming, openapi};
use crate::meta::{View, dns_1035_label, dns_subdomain};

pub(super) fn validate(spec: &Value, at: &At) -> Vec<FieldError> {
    let mut errors = Vec::new();
    group(spec.text("group"), &at.field("group"), &mut errors);
    match spec.text("scope") {
        "" => errors.push(FieldError::required(&at.field("scope"), "")),
        "Cluster" | "Namespaced" => {}
        other => {
            errors.push(FieldError::not_supported(&at.field("scope"), other, &["Cluster", "Namespaced"]))
        }
    }
    versions(spec, at, &mut errors);
    let (names, names_at) = (spec.child("names"), at.field("names"));
    for key in ["plural", "singular", "kind", "listKind"] {
        if names.text(key).is_empty() {
            errors.push(FieldError::required(&names_at.field(key), ""));
        }
    }
    errors.extend(naming::validate(names, &names_at));
    errors.extend(conversion::validate(spec.child("conversion"), &at.field("conversion")));
    errors
}

fn group(group: &str, at: &At, errors: &mut Vec<FieldError>) {
    if group.is_empty() {
        return errors.push(FieldError::required(at, ""));
    }
    let wrong = dns_subdomain(group);
    if !wrong.is_empty() {
        errors.push(FieldError::invalid(at, group, wrong.join(",")));
    } else if !group.contains('.') {
        errors.push(FieldError::invalid(at, group, "should be a domain with at least one dot"));
    }
}

/// What all versions have alike is the definition's own, as the server reads it.
fn is_shared(versions: &[Value], key: &str) -> bool {
    let empty = |value: &Value| matches!(value, Value::Null) || value.as_list().is_some_and(<[_]>::is_empty);
    versions.first().is_some_and(|first| {
        !empty(first.child(key)) && versions.iter().all(|version| version.child(key) == first.child(key))
    })
}

fn versions(spec: &Value, at: &At, errors: &mut Vec<FieldError>) {
    let (versions, list) = (spec.items("versions"), at.field("versions"));
    for (index, version) in versions.iter().enumerate() {
        let here = list.index(index);
        if !version.child("schema").has("openAPIV3Schema") {
            let schema = here.field("schema");
            errors.push(FieldError::required(&schema.field("openAPIV3Schema"), ""));
        }
        name(version.text("name"), &here.field("name"), errors);
        deprecation(version, &here.field("deprecationWarning"), errors);
    }
    let validation = at.field("validation");
    let shared = |key: &str| is_shared(versions, key);
    let first = versions.first();
    for (index, version) in versions.iter().enumerate() {
        let here = list.index(index);
        let status = |version: &Value| version.child("subresources").has("status");
        let own = |key: &str| !shared(key);
        if own("schema") {
            openapi::validate(version.child("schema"), status(version), &here.field("schema"), errors);
        }
        part(version, &here, &own, errors);
    }
    if let Some(first) = first {
        if shared("schema") {
            let status = versions.iter().any(|version| version.child("subresources").has("status"));
            openapi::validate(first.child("schema"), status, &validation, errors);
        }
        part(first, at, &shared, errors);
    }
    whole(versions, at, errors);
}

fn whole(versions: &[Value], at: &At, errors: &mut Vec<FieldError>) {
    let list = at.field("versions");
    // The value is the server's own structure of all versions; the text of it is not made.
    let mut refuse =
        |text: &str| errors.push(FieldError::new(Mistake::Invalid, &list, shown(versions), text));
    let repeated = |index: usize| {
        versions[..index].iter().any(|version| version.text("name") == versions[index].text("name"))
    };
    if (0..versions.len()).any(repeated) {
        refuse("must contain unique version names");
    }
    if versions.iter().filter(|version| version.flag("storage")).count() != 1 {
        refuse("must have exactly one version marked as storage version");
    }
    if let Some(first) = versions.first() {
        name(first.text("name"), &at.field("version"), errors);
    }
}

fn shown(versions: &[Value]) -> Option<Value> {
    versions.is_empty().then(|| Value::list(Vec::new()))
}

/// What a version serves, or the definition for all of them.
fn part(version: &Value, at: &At, wanted: &dyn Fn(&str) -> bool, errors: &mut Vec<FieldError>) {
    if wanted("subresources") {
        scale(version.child("subresources").child("scale"), &at.field("subresources"), errors);
    }
    if wanted("additionalPrinterColumns") {
        let list = at.field("additionalPrinterColumns");
        for (index, column) in version.items("additionalPrinterColumns").iter().enumerate() {
            printed(column, &list.index(index), errors);
        }
    }
    if wanted("selectableFields") && !version.items("selectableFields").is_empty() {
        let schema = version.child("schema").child("openAPIV3Schema");
        selectable(version.items("selectableFields"), schema, &at.field("selectableFields"), errors);
    }
}

fn name(name: &str, at: &At, errors: &mut Vec<FieldError>) {
    let wrong = dns_1035_label(name);
    if !wrong.is_empty() {
        errors.push(FieldError::invalid(at, name, wrong.join(",")));
    }
}

fn deprecation(version: &Value, at: &At, errors: &mut Vec<FieldError>) {
    let Some(text) = version.get("deprecationWarning").and_then(Value::as_str) else { return };
    let mut refuse = |why: &str| errors.push(FieldError::invalid(at, text, why));
    if !version.flag("deprecated") {
        return refuse("can only be set for deprecated versions");
    }
    if text.len() > 256 {
        refuse("must be <= 256 characters long");
    }
    if text.is_empty() {
        refuse("must not be an empty string");
    }
    if let Some((index, _)) = text.char_indices().find(|(_, char)| char.is_control()) {
        refuse(&format!(
            "must only contain printable UTF-8 characters; non-printable character found at index {index}"
        ));
    }
}

fn scale(scale: &Value, at: &At, errors: &mut Vec<FieldError>) {
    if matches!(scale, Value::Null) {
        return;
    }
    for (key, under) in [("specReplicasPath", ".spec."), ("statusReplicasPath", ".status.")] {
        let (path, place) = (scale.text(key), format!("scale.{key}"));
        let here = at.field(&place);
        if path.is_empty() {
            errors.push(FieldError::required(&here, ""));
        } else if !json_path(path, &here, errors) && !path.starts_with(under) {
            let text = format!("should be a json path under {}", under.trim_end_matches('.'));
            errors.push(FieldError::invalid(&here, path, text));
        }
    }
    let path = scale.text("labelSelectorPath");
    let here = at.field("scale.labelSelectorPath");
    if !path.is_empty()
        && !json_path(path, &here, errors)
        && !path.starts_with(".spec.")
        && !path.starts_with(".status.")
    {
        errors.push(FieldError::invalid(&here, path, "should be a json path under either .spec or .status"));
    }
}

/// Whether a path was refused.
fn json_path(path: &str, at: &At, errors: &mut Vec<FieldError>) -> bool {
    let refused = !path.starts_with('.');
    if refused {
        errors.push(FieldError::invalid(at, path, "must be a simple json path starting with ."));
    }
    refused
}

fn printed(column: &Value, at: &At, errors: &mut Vec<FieldError>) {
    const TYPES: [&str; 5] = ["boolean", "date", "integer", "number", "string"];
    const FORMATS: [&str; 8] = ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];
    if column.text("name").is_empty() {
        errors.push(FieldError::required(&at.field("name"), ""));
    }
    let types = format!("must be one of {}", TYPES.join(","));
    match column.text("type") {
        "" => errors.push(FieldError::required(&at.field("type"), types)),
        known if TYPES.contains(&known) => {}
        other => errors.push(FieldError::invalid(&at.field("type"), other, types)),
    }
    let format = column.text("format");
    if !format.is_empty() && !FORMATS.contains(&format) {
        let text = format!("must be one of {}", FORMATS.join(","));
        errors.push(FieldError::invalid(&at.field("format"), format, text));
    }
    match column.text("jsonPath") {
        "" => errors.push(FieldError::required(&at.field("JSONPath"), "")),
        path => _ = json_path(path, &at.field("JSONPath"), errors),
    }
}

fn selectable(fields: &[Value], schema: &Value, at: &At, errors: &mut Vec<FieldError>) {
    let mut known: Vec<&str> = Vec::new();
    for (index, field) in fields.iter().enumerate() {
        let (path, item) = (field.text("jsonPath"), at.index(index));
        let here = item.field("jsonPath");
        if path.is_empty() {
            errors.push(FieldError::required(&here, ""));
            continue;
        }
        let found = match find(path, schema) {
            Ok(found) => found,
            Err(why) => {
                errors.push(FieldError::invalid(&here, path, format!("is an invalid path: {why}")));
                continue;
            }
        };
        if path.starts_with(".metadata") {
            errors.push(FieldError::invalid(&here, path, "must not point to fields in metadata"));
        }
        if !matches!(found.text("type"), "string" | "boolean" | "integer") {
            let text = "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.";
            errors.push(FieldError::invalid(&here, path, text));
        }
        match known.contains(&path) {
            true => errors.push(FieldError::duplicate(&here, path)),
            false => known.push(path),
        }
    }
    if known.len() > 8 {
        errors.push(FieldError::too_many(at, known.len(), 8));
    }
}

fn find<'s>(path: &str, schema: &'s Value) -> Result<&'s Value, String> {
    if path.contains('[') {
        return Err("array notation is not allowed".into());
    }
    let Some(names) = path.strip_prefix('.') else {
        return Err(format!("expected [ or . but got: {}", path.split('.').next().unwrap_or_default()));
    };
    names.split('.').try_fold(schema, |schema, name| {
        schema.at(&["properties", name]).ok_or_else(|| "does not refer to a valid field".to_owned())
    })
}
