//! Environment variables of containers, and what in a pod they may name.

use lockstep_core::Value;
use schema::{At, FieldError};

use super::Errors;
use super::defaults::CONTAINERS;
use crate::meta::{
    Quantity, View, Wrong, config_map_key, dns_label, dns_subdomain, env_name, invalid_each, qualified_name,
};

const NO_SOURCE: &str =
    "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`";
const ENV_FIELDS: [&str; 9] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];
/// The fields that a volume may show.
pub(super) const VOLUME_FIELDS: [&str; 5] =
    ["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"];
/// The fields of the downward API, of which each place takes some.
const FIELDS: [&str; 14] = [
    "metadata.annotations",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.serviceAccountName",
    "spec.schedulerName",
    "status.phase",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];
const RESOURCES: [&str; 6] = [
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
];
const BYTES: [&str; 13] = ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"];

/// The variables of a container.
pub(super) fn validate_env(errors: &mut Errors, at: &At, variables: &[Value]) {
    for (index, variable) in variables.iter().enumerate() {
        let at = at.index(index);
        match variable.text("name") {
            "" => errors.push(FieldError::required(&at.field("name"), "")),
            name => invalid_each(errors, &at.field("name"), &name.into(), env_name(name)),
        }
        if variable.has("valueFrom") {
            validate_value_from(errors, &at.field("valueFrom"), variable);
        }
    }
}

fn validate_value_from(errors: &mut Errors, at: &At, variable: &Value) {
    let from = variable.child("valueFrom");
    let mut sources = 0;
    for kind in ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"] {
        if !from.has(kind) {
            continue;
        }
        sources += 1;
        let (at, source) = (at.field(kind), from.child(kind));
        match kind {
            "fieldRef" => validate_field(errors, &at, source, &ENV_FIELDS),
            "resourceFieldRef" => validate_resource_field(errors, &at, source),
            "fileKeyRef" => validate_file_key(errors, &at, source),
            _ => validate_key(errors, &at, source),
        }
    }
    if sources == 0 {
        errors.push(FieldError::invalid(at, "", NO_SOURCE));
    } else if !variable.text("value").is_empty() {
        errors.push(FieldError::invalid(at, "", "may not be specified when `value` is not empty"));
    } else if sources > 1 {
        errors.push(FieldError::invalid(at, "", "may not have more than one field specified at a time"));
    }
}

/// `metadata.labels['a']` is a path and a key.
fn subscript(path: &str) -> Option<(&str, &str)> {
    let (path, rest) = path.strip_suffix("']")?.split_once("['")?;
    (!path.is_empty()).then_some((path, rest))
}

/// A field of the pod by its path.
pub(super) fn validate_field(errors: &mut Errors, at: &At, field: &Value, supported: &[&str]) {
    let (version, path, path_at) = (field.text("apiVersion"), field.text("fieldPath"), at.field("fieldPath"));
    if version.is_empty() {
        errors.push(FieldError::required(&at.field("apiVersion"), ""));
        return;
    }
    if path.is_empty() {
        errors.push(FieldError::required(&path_at, ""));
        return;
    }
    let convert =
        |text: String| FieldError::invalid(&path_at, path, format!("error converting fieldPath: {text}"));
    let keyed = subscript(path);
    if version != "v1" {
        errors.push(convert(format!("unsupported pod version: {version}")));
    } else if let Some((whole, key)) = keyed {
        match whole {
            "metadata.annotations" => {
                invalid_each(errors, at, &key.to_lowercase().into(), qualified_name(&key.to_lowercase()))
            }
            "metadata.labels" => invalid_each(errors, at, &key.into(), qualified_name(key)),
            _ => errors.push(convert(format!("field label does not support subscript: {path}"))),
        }
    } else if !FIELDS.contains(&path) && path != "spec.host" {
        errors.push(convert(format!("field label not supported: {path}")));
    } else if !supported.contains(&path) {
        errors.push(FieldError::not_supported(&path_at, path, supported));
    }
}

/// A resource of a container.
pub(super) fn validate_resource_field(errors: &mut Errors, at: &At, field: &Value) {
    let resource = field.text("resource");
    let pages = resource.starts_with("requests.hugepages-") || resource.starts_with("limits.hugepages-");
    if resource.is_empty() {
        errors.push(FieldError::required(&at.field("resource"), ""));
    } else if !RESOURCES.contains(&resource) && !pages {
        errors.push(FieldError::not_supported(&at.field("resource"), resource, &RESOURCES));
    }
    validate_divisor(errors, &at.field("divisor"), resource, field.text("divisor"));
}

/// What a resource is divided by before it is shown.
pub(super) fn validate_divisor(errors: &mut Errors, at: &At, resource: &str, divisor: &str) {
    if divisor.parse::<Quantity>().is_ok_and(|divisor| divisor == Quantity::ZERO) || divisor.is_empty() {
        return;
    }
    let (kind, known): (&str, &[&str]) = match resource {
        "limits.cpu" | "requests.cpu" => ("cpu", &["1m", "1"]),
        "limits.memory" | "requests.memory" => ("memory", &BYTES),
        "limits.ephemeral-storage" | "requests.ephemeral-storage" => ("local ephemeral storage", &BYTES),
        _ if resource.contains(".hugepages-") => ("hugepages", &BYTES),
        _ => return,
    };
    if !known.contains(&divisor) {
        let values = if kind == "cpu" { "1m and 1".to_owned() } else { BYTES.join(", ") };
        errors.push(FieldError::invalid(
            at,
            resource,
            format!("only divisor's values {values} are supported with the {kind} resource"),
        ));
    }
}

fn validate_key(errors: &mut Errors, at: &At, source: &Value) {
    let name = source.text("name");
    invalid_each(errors, &at.field("name"), &name.into(), dns_subdomain(name));
    match source.text("key") {
        "" => errors.push(FieldError::required(&at.field("key"), "")),
        key => invalid_each(errors, &at.field("key"), &key.into(), config_map_key(key)),
    }
}

fn validate_file_key(errors: &mut Errors, at: &At, source: &Value) {
    for field in ["key", "volumeName", "path"] {
        let (at, text) = (at.field(field), source.text(field));
        let wrong = match field {
            _ if text.is_empty() => {
                errors.push(FieldError::required(&at, ""));
                continue;
            }
            "key" => env_name(text),
            "volumeName" => dns_label(text),
            _ => no_backsteps(text),
        };
        invalid_each(errors, &at, &text.into(), wrong);
    }
}

/// A path that does not climb.
pub(super) fn no_backsteps(path: &str) -> Wrong {
    match path.split('/').any(|part| part == "..") {
        true => vec!["must not contain '..'".into()],
        false => Vec::new(),
    }
}

/// Sets of variables that are taken over whole. What has no or several sources is a mistake of the list, as the server says it.
pub(super) fn validate_env_from(errors: &mut Errors, at: &At, sources: &[Value]) {
    for (index, source) in sources.iter().enumerate() {
        let item = at.index(index);
        let prefix = source.text("prefix");
        if !prefix.is_empty() {
            invalid_each(errors, &item.field("prefix"), &prefix.into(), env_name(prefix));
        }
        let given: Vec<_> =
            ["configMapRef", "secretRef"].into_iter().filter(|kind| source.has(kind)).collect();
        for kind in &given {
            let name_at = item.field(kind);
            let name_at = name_at.field("name");
            match source.child(kind).text("name") {
                "" => errors.push(FieldError::required(&name_at, "")),
                name => {
                    invalid_each(errors, &name_at, &name.into(), dns_subdomain(name.trim_end_matches('-')))
                }
            }
        }
        match given.len() {
            0 => {
                errors.push(FieldError::invalid(at, "", "must specify one of: `configMapRef` or `secretRef`"))
            }
            1 => {}
            _ => errors.push(FieldError::invalid(
                at,
                "",
                "may not have more than one field specified at a time",
            )),
        }
    }
}

/// A variable that is read from a file names a volume that is an empty directory.
pub(super) fn validate_file_volumes(errors: &mut Errors, at: &At, spec: &Value) {
    for list in CONTAINERS {
        let list_at = at.field(list);
        for (index, container) in spec.items(list).iter().enumerate() {
            let at = list_at.index(index);
            let at = at.field("env");
            for (index, variable) in container.items("env").iter().enumerate() {
                let at = at.index(index);
                let at = at.field("valueFrom");
                let from = variable.child("valueFrom");
                if from.has("fileKeyRef") {
                    let at = at.field("fileKeyRef");
                    let name = from.child("fileKeyRef").text("volumeName");
                    validate_file_volume(errors, &at.field("volumeName"), (name, spec.items("volumes")));
                }
            }
        }
    }
}

fn validate_file_volume(errors: &mut Errors, at: &At, (name, volumes): (&str, &[Value])) {
    match volumes.iter().rev().find(|volume| volume.text("name") == name) {
        None => errors.push(FieldError::not_found(at, name)),
        Some(volume) if volume.has("emptyDir") => {}
        Some(_) => errors.push(FieldError::invalid(at, name, "referenced volume must be of type emptyDir")),
    }
}
