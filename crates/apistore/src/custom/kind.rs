//! The rules of the kind CustomResourceDefinition itself.

use std::collections::BTreeSet;

use kinds::{ResetField, Status, Strategy};
use lockstep_core::{Map, Value};
use schema::{At, FieldError};

use crate::fallback::{subdomain, take};

/// The rules of definitions.
pub(crate) const DEFINITION: Strategy = Strategy {
    default,
    prepare_create: |definition| {
        definition.set(&["status"], Value::map(Map::new()));
        definition.set(&["status", "conditions"], Value::Null);
        definition.set(&["status", "acceptedNames"], no_names());
        store_version(definition);
    },
    prepare_update: |definition, old| {
        take(definition, old, &["status"]);
        store_version(definition);
    },
    validate,
    validate_update,
    status: Some(Status {
        prepare_update: |definition, old| {
            take(definition, old, &["spec"]);
            let managed = definition.at(&["metadata", "managedFields"]).cloned();
            let version = definition.at(&["metadata", "resourceVersion"]).cloned();
            take(definition, old, &["metadata"]);
            for (key, value) in [("managedFields", managed), ("resourceVersion", version)] {
                if let Some(value) = value {
                    definition.set(&["metadata", key], value);
                }
            }
        },
        validate_update: |_, _| Vec::new(),
        warnings: |_| Vec::new(),
    }),
    generation: Some(|definition, old| definition.get("spec") != old.get("spec")),
    unconditional_update: false,
    name: subdomain,
    reset: &[
        ResetField { version: "v1", subresource: "", path: &["status"] },
        ResetField { version: "v1", subresource: "status", path: &["metadata"] },
        ResetField { version: "v1", subresource: "status", path: &["spec"] },
    ],
    ..Strategy::plain("apiextensions.k8s.io", "CustomResourceDefinition", &["v1"])
};

fn no_names() -> Value {
    let mut names = Value::map(Map::new());
    names.set(&["plural"], "".into());
    names.set(&["kind"], "".into());
    names
}

fn default(definition: &mut Value) {
    let kind = definition.str_at(&["spec", "names", "kind"]).unwrap_or_default().to_owned();
    let missing =
        |definition: &Value, key: &str| definition.str_at(&["spec", "names", key]).is_none_or(str::is_empty);
    if missing(definition, "singular") && !kind.is_empty() {
        definition.set(&["spec", "names", "singular"], kind.to_lowercase().into());
    }
    if missing(definition, "listKind") && !kind.is_empty() {
        definition.set(&["spec", "names", "listKind"], format!("{kind}List").into());
    }
    if definition.at(&["spec", "conversion"]).is_none_or(|value| matches!(value, Value::Null)) {
        definition.set(&["spec", "conversion", "strategy"], "None".into());
    }
    if definition.at(&["spec", "conversion", "webhook", "clientConfig", "service"]).is_some()
        && definition.at(&["spec", "conversion", "webhook", "clientConfig", "service", "port"]).is_none()
    {
        definition.set(&["spec", "conversion", "webhook", "clientConfig", "service", "port"], 443.into());
    }
    let stored = definition.at(&["status", "storedVersions"]).and_then(Value::as_list).unwrap_or_default();
    if stored.is_empty() {
        store_version(definition);
    }
}

/// The version in which objects are stored is one of those in which there are some.
fn store_version(definition: &mut Value) {
    let storage = versions(definition).iter().find(|version| flag(version, "storage"));
    let Some(name) = storage.and_then(|version| version.str_at(&["name"])).map(str::to_owned) else { return };
    let stored = definition.at(&["status", "storedVersions"]).and_then(Value::as_list).unwrap_or_default();
    if !stored.iter().any(|version| version.as_str() == Some(&name)) {
        let mut stored = stored.to_vec();
        stored.push(name.into());
        definition.set(&["status", "storedVersions"], Value::list(stored));
    }
}

fn versions(definition: &Value) -> &[Value] {
    definition.at(&["spec", "versions"]).and_then(Value::as_list).unwrap_or_default()
}

fn flag(value: &Value, key: &str) -> bool {
    value.get(key).and_then(Value::as_bool).unwrap_or(false)
}

type Errors = Vec<FieldError>;

fn validate(definition: &Value) -> Errors {
    let mut errors = Errors::new();
    let text = |path: &[&str]| definition.str_at(path).unwrap_or_default();
    let (group, plural) = (text(&["spec", "group"]), text(&["spec", "names", "plural"]));
    let wanted = format!("{plural}.{group}");
    let metadata = At::ROOT.field("metadata");
    let name = text(&["metadata", "name"]);
    if name != wanted {
        let at = metadata.field("name");
        errors.push(FieldError::invalid(&at, name, "must be spec.names.plural+\".\"+spec.group"));
    }
    let spec = At::ROOT.field("spec");
    let group_at = spec.field("group");
    if group.is_empty() {
        errors.push(FieldError::required(&group_at, ""));
    } else if let Err(found) = subdomain(group) {
        errors.extend(found.into_iter().map(|text| FieldError::invalid(&group_at, group, text)));
    } else if !group.contains('.') {
        errors.push(FieldError::invalid(&group_at, group, "should be a domain with at least one dot"));
    }
    let scope = text(&["spec", "scope"]);
    let scopes = ["Cluster", "Namespaced"];
    match scope {
        "" => errors.push(FieldError::required(&spec.field("scope"), "")),
        scope if !scopes.contains(&scope) => {
            errors.push(FieldError::not_supported(&spec.field("scope"), scope, &scopes));
        }
        _ => {}
    }
    validate_versions(&mut errors, definition, &spec);
    validate_names(&mut errors, definition, &spec);
    validate_conversion(&mut errors, definition, &spec);
    errors
}

fn validate_versions(errors: &mut Errors, definition: &Value, spec: &At<'_>) {
    let (list_at, mut names) = (spec.field("versions"), BTreeSet::new());
    let list = versions(definition);
    let storage = list.iter().filter(|version| flag(version, "storage")).count();
    if storage != 1 {
        let detail = "must have exactly one version marked as storage version";
        errors.push(FieldError::invalid(
            &list_at,
            definition.at(&["spec", "versions"]).cloned().unwrap_or_default(),
            detail,
        ));
    }
    if !list.iter().any(|version| flag(version, "served")) && !list.is_empty() {
        let detail = "must have at least one version served";
        errors.push(FieldError::invalid(
            &list_at,
            definition.at(&["spec", "versions"]).cloned().unwrap_or_default(),
            detail,
        ));
    }
    for (index, version) in list.iter().enumerate() {
        let at = list_at.index(index);
        let name = version.str_at(&["name"]).unwrap_or_default();
        if !names.insert(name) {
            errors.push(FieldError::invalid(&at.field("name"), name, "must be unique"));
        }
        let schema = version.at(&["schema", "openAPIV3Schema"]);
        let schema_at = at.field("schema");
        match schema {
            None => {
                errors.push(FieldError::required(&schema_at.field("openAPIV3Schema"), "schemas are required"))
            }
            Some(schema) => {
                let at = schema_at.field("openAPIV3Schema");
                if schema.str_at(&["type"]).is_none() {
                    let detail = "must not be empty at the root";
                    errors.push(FieldError::required(&at.field("type"), detail));
                } else if schema.str_at(&["type"]) != Some("object") {
                    let found = schema.str_at(&["type"]).unwrap_or_default();
                    errors.push(FieldError::invalid(&at.field("type"), found, "must be object at the root"));
                }
                validate_structural(errors, schema, &at);
            }
        }
    }
}

/// What a schema must have to be structural: a type everywhere.
fn validate_structural(errors: &mut Errors, schema: &Value, at: &At<'_>) {
    let properties_at = at.field("properties");
    for (name, child) in schema.get("properties").and_then(Value::as_map).into_iter().flatten() {
        let at = properties_at.key(name);
        require_type(errors, child, &at, "must not be empty for specified object fields");
        validate_structural(errors, child, &at);
    }
    if let Some(items) = schema.get("items").filter(|items| items.as_map().is_some()) {
        let at = at.field("items");
        require_type(errors, items, &at, "must not be empty for specified array items");
        validate_structural(errors, items, &at);
    } else if schema.str_at(&["type"]) == Some("array") {
        errors.push(FieldError::required(&at.field("items"), "must be specified"));
    }
    if let Some(other) = schema.get("additionalProperties").filter(|other| other.as_map().is_some()) {
        let at = at.field("additionalProperties");
        require_type(errors, other, &at, "must not be empty for specified object fields");
        validate_structural(errors, other, &at);
    }
}

fn require_type(errors: &mut Errors, schema: &Value, at: &At<'_>, detail: &str) {
    let open =
        flag(schema, "x-kubernetes-int-or-string") || flag(schema, "x-kubernetes-preserve-unknown-fields");
    if schema.str_at(&["type"]).is_none_or(str::is_empty) && !open {
        errors.push(FieldError::required(&at.field("type"), detail));
    }
}

fn validate_names(errors: &mut Errors, definition: &Value, spec: &At<'_>) {
    let names = spec.field("names");
    let text = |key: &str| definition.str_at(&["spec", "names", key]).unwrap_or_default();
    for key in ["plural", "singular"] {
        check_label(errors, &names.field(key), text(key));
    }
    for key in ["kind", "listKind"] {
        if text(key).is_empty() {
            errors.push(FieldError::required(&names.field(key), ""));
        } else {
            check_label(errors, &names.field(key), &text(key).to_lowercase());
        }
    }
    if !text("kind").is_empty() && text("kind") == text("listKind") {
        let detail = "kind and listKind may not be the same";
        errors.push(FieldError::invalid(&names.field("listKind"), text("listKind"), detail));
    }
    let short = definition.at(&["spec", "names", "shortNames"]).and_then(Value::as_list).unwrap_or_default();
    let at = names.field("shortNames");
    for (index, name) in short.iter().enumerate() {
        check_label(errors, &at.index(index), name.as_str().unwrap_or_default());
    }
}

fn check_label(errors: &mut Errors, at: &At<'_>, name: &str) {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = name.as_bytes();
    let good = bytes.first().is_some_and(|byte| byte.is_ascii_lowercase())
        && bytes.last().is_some_and(|byte| fits(*byte))
        && bytes.iter().all(|byte| fits(*byte) || *byte == b'-')
        && name.len() <= 63;
    if !good {
        let detail = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
        errors.push(FieldError::invalid(at, name, detail));
    }
}

fn validate_conversion(errors: &mut Errors, definition: &Value, spec: &At<'_>) {
    let conversion = spec.field("conversion");
    let strategy = definition.str_at(&["spec", "conversion", "strategy"]).unwrap_or_default();
    match strategy {
        "Webhook" => {
            let webhook = conversion.field("webhook");
            if definition.at(&["spec", "conversion", "webhook", "clientConfig"]).is_none() {
                let detail = "required when strategy is set to \"Webhook\"";
                errors.push(FieldError::required(&webhook.field("clientConfig"), detail));
            }
        }
        "None" => {}
        "" => errors.push(FieldError::required(&conversion.field("strategy"), "")),
        other => {
            errors.push(FieldError::not_supported(
                &conversion.field("strategy"),
                other,
                &["None", "Webhook"],
            ));
        }
    }
}

fn validate_update(definition: &Value, old: &Value) -> Errors {
    let mut errors = validate(definition);
    let established = super::definition::is_established(old);
    let spec = At::ROOT.field("spec");
    let names = spec.field("names");
    let mut fixed = |at: &At<'_>, path: &[&str]| {
        let (new, old) = (definition.at(path), old.at(path));
        if new != old {
            errors.push(FieldError::invalid(at, new.cloned().unwrap_or_default(), "field is immutable"));
        }
    };
    if established {
        fixed(&spec.field("scope"), &["spec", "scope"]);
        fixed(&names.field("kind"), &["spec", "names", "kind"]);
    }
    fixed(&spec.field("group"), &["spec", "group"]);
    fixed(&names.field("plural"), &["spec", "names", "plural"]);
    let status = At::ROOT.field("status");
    let stored = old.at(&["status", "storedVersions"]).and_then(Value::as_list).unwrap_or_default();
    let at = status.field("storedVersions");
    for (index, version) in stored.iter().enumerate() {
        let name = version.as_str().unwrap_or_default();
        if !versions(definition).iter().any(|version| version.str_at(&["name"]) == Some(name)) {
            let detail = "missing from spec.versions; v1 was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in v1 and removes v1 from status.storedVersions";
            errors.push(FieldError::invalid(
                &at.index(index),
                name,
                detail.replace("v1", name).replace("spec.versions;", "spec.versions;"),
            ));
        }
    }
    errors
}
