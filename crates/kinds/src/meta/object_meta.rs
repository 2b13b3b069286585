//! What is wrong with `metadata`.

use lockstep_core::Value;
use schema::{At, FieldError};

use super::internal::invalid_internal;
use super::names::{Wrong, dns_label, label_value, path_segment, path_segment_prefix, qualified_name};
use super::number::{invalid_each, not_negative};
use super::view::View;
use crate::strategy::Strategy;

const ANNOTATIONS_LIMIT: usize = 256 * 1024;
const MANAGER_LIMIT: usize = 128;
const SUBRESOURCE_LIMIT: usize = 256;
const IMMUTABLE: &str = "field is immutable";

type Errors = Vec<FieldError>;

/// Whether the objects of a kind live in namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// In a namespace, which they must name.
    Namespaced,
    /// In none.
    Cluster,
}

/// Everything that is wrong with an object that is to be created, in the order of the server: `metadata` by the rules of the
/// kind and the rest; where nothing was, what holds for the metadata of all.
pub fn invalid_on_create(strategy: &Strategy, object: &Value, scope: Scope) -> Vec<FieldError> {
    let (mut errors, meta) = (Vec::new(), object.child("metadata"));
    let kind_name = |name: &str| (strategy.name)(name).err().unwrap_or_default();
    validate_names(&mut errors, meta, [&kind_name, &kind_name]);
    validate_rest(&mut errors, meta, scope);
    validate_short_finalizers(&mut errors, strategy, meta);
    errors.extend((strategy.validate)(object));
    if errors.is_empty() {
        validate_names(&mut errors, meta, [&path_segment_prefix, &path_segment]);
    }
    once(errors)
}

/// The server looks at some things several times, and says each mistake once.
fn once(errors: Errors) -> Errors {
    let mut kept: Errors = Vec::new();
    for error in errors {
        if !kept.contains(&error) {
            kept.push(error);
        }
    }
    kept
}

/// Everything that is wrong with an update, in the order of the server.
pub fn invalid_on_update(strategy: &Strategy, object: &Value, old: &Value, scope: Scope) -> Vec<FieldError> {
    let mut errors = meta_on_update(strategy, object, old, scope);
    errors.extend((strategy.validate_update)(object, old));
    once(errors)
}

/// The same for an update of the status.
pub fn invalid_on_status_update(
    strategy: &Strategy,
    object: &Value,
    old: &Value,
    scope: Scope,
) -> Vec<FieldError> {
    let mut errors = meta_on_update(strategy, object, old, scope);
    errors.extend(strategy.status.map(|status| (status.validate_update)(object, old)).unwrap_or_default());
    once(errors)
}

/// What is wrong with the `metadata` of an object inside a custom resource: all but that it may have no name.
pub fn invalid_embedded(metadata: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let scope = if metadata.text("namespace").is_empty() { Scope::Cluster } else { Scope::Namespaced };
    let mut named = metadata.clone();
    if named.text("name").is_empty() {
        named.set(&["name"], "fakename".into());
    }
    validate_names(&mut errors, &named, [&path_segment_prefix, &path_segment]);
    validate_rest(&mut errors, metadata, scope);
    errors
}

fn meta_on_update(strategy: &Strategy, object: &Value, old: &Value, scope: Scope) -> Errors {
    let (mut errors, meta, old) = (Vec::new(), object.child("metadata"), old.child("metadata"));
    validate_names(&mut errors, meta, [&path_segment_prefix, &path_segment]);
    validate_rest(&mut errors, meta, scope);
    validate_change(&mut errors, meta, old);
    validate_short_finalizers(&mut errors, strategy, meta);
    errors
}

/// By the rule for a beginning of a name, and the one for a name. A generated name goes on after its beginning, which may
/// therefore end in a dash; as the server does it, the last two characters give way.
fn validate_names(errors: &mut Errors, meta: &Value, [prefix, whole]: [&dyn Fn(&str) -> Wrong; 2]) {
    let metadata = At::ROOT.field("metadata");
    let generate = meta.text("generateName");
    if !generate.is_empty() {
        let masked = match generate.len() > 1 && generate.ends_with('-') {
            true => format!("{}a", generate.get(..generate.len() - 2).unwrap_or_default()),
            false => generate.to_owned(),
        };
        invalid_each(errors, &metadata.field("generateName"), &generate.into(), prefix(&masked));
    }
    match meta.text("name") {
        "" => errors.push(FieldError::required(&metadata.field("name"), "name or generateName is required")),
        name => invalid_each(errors, &metadata.field("name"), &name.into(), whole(name)),
    }
}

fn validate_rest(errors: &mut Errors, meta: &Value, scope: Scope) {
    let at = At::ROOT.field("metadata");
    let namespace = meta.text("namespace");
    match scope {
        Scope::Namespaced if namespace.is_empty() => {
            errors.push(FieldError::required(&at.field("namespace"), ""))
        }
        Scope::Namespaced => {
            invalid_each(errors, &at.field("namespace"), &namespace.into(), dns_label(namespace))
        }
        Scope::Cluster if namespace.is_empty() => {}
        Scope::Cluster => {
            errors.push(FieldError::forbidden(&at.field("namespace"), "not allowed on this type"))
        }
    }
    not_negative(errors, &at.field("generation"), meta.number("generation"));
    validate_labels(errors, &at.field("labels"), meta.child("labels"));
    validate_annotations(errors, &at.field("annotations"), meta.child("annotations"));
    validate_owners(errors, &at.field("ownerReferences"), meta.child("ownerReferences"));
    validate_finalizers(errors, &at.field("finalizers"), meta.child("finalizers"));
    validate_managed_fields(errors, &at.field("managedFields"), meta.items("managedFields"));
}

fn validate_change(errors: &mut Errors, meta: &Value, old: &Value) {
    let at = At::ROOT.field("metadata");
    if old.has("deletionTimestamp") {
        validate_no_new_finalizers(
            errors,
            &at.field("finalizers"),
            [meta, old].map(|meta| meta.items("finalizers")),
        );
    }
    if meta.text("resourceVersion").is_empty() {
        errors.push(FieldError::invalid(&at.field("resourceVersion"), "", "must be specified for an update"));
    }
    not_negative(errors, &at.field("generation"), meta.number("generation"));
    if meta.number("generation") < old.number("generation") {
        let generation = meta.number("generation");
        errors.push(FieldError::invalid(&at.field("generation"), generation, "must not be decremented"));
    }
    for key in
        ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"]
    {
        if meta.child(key) != old.child(key) {
            errors.push(FieldError::invalid(&at.field(key), meta.child(key).clone(), IMMUTABLE));
        }
    }
    validate_labels(errors, &at.field("labels"), meta.child("labels"));
    validate_annotations(errors, &at.field("annotations"), meta.child("annotations"));
    validate_owners(errors, &at.field("ownerReferences"), meta.child("ownerReferences"));
    validate_managed_fields(errors, &at.field("managedFields"), meta.items("managedFields"));
}

fn entries(value: &Value) -> impl Iterator<Item = (&str, &str)> {
    value.as_map().into_iter().flatten().map(|(key, value)| (&**key, value.as_str().unwrap_or_default()))
}

/// Labels, wherever they stand: their mistakes are all at the mapping.
pub(crate) fn validate_labels(errors: &mut Errors, at: &At, labels: &Value) {
    for (key, value) in entries(labels) {
        invalid_each(errors, at, &key.into(), qualified_name(key));
        invalid_each(errors, at, &value.into(), label_value(value));
    }
}

/// Annotations: their keys, and how much they are together.
pub(crate) fn validate_annotations(errors: &mut Errors, at: &At, annotations: &Value) {
    let mut size = 0;
    for (key, value) in entries(annotations) {
        invalid_each(errors, at, &key.into(), qualified_name(&key.to_lowercase()));
        size += key.len() + value.len();
    }
    if size > ANNOTATIONS_LIMIT {
        errors.push(FieldError::too_long(at, ANNOTATIONS_LIMIT));
    }
}

fn validate_owners(errors: &mut Errors, at: &At, owners: &Value) {
    let mut controller: Option<String> = None;
    for (index, owner) in owners.as_list().unwrap_or_default().iter().enumerate() {
        validate_owner(errors, &at.index(index), owner);
        if owner.flag("controller") {
            let this = format!("{}/{}", owner.text("kind"), owner.text("name"));
            match &controller {
                None => controller = Some(this),
                Some(first) => errors.push(invalid_internal(
                    at,
                    ("[]v1.OwnerReference", owners),
                    &format!(
                        "Only one reference can have Controller set to true. Found \"true\" in references for {first} and {this}"
                    ),
                )),
            }
        }
    }
}

fn validate_owner(errors: &mut Errors, at: &At, owner: &Value) {
    let version = owner.text("apiVersion");
    let last = version.rsplit('/').next().unwrap_or_default();
    if version.is_empty() {
        errors.push(FieldError::required(&at.field("apiVersion"), "must not be empty"));
    } else if version.matches('/').count() > 1 || last.is_empty() {
        let text = "must be <group>/<version> or <version>";
        errors.push(FieldError::invalid(&at.field("apiVersion"), version, text));
    }
    for key in ["kind", "name", "uid"] {
        if owner.text(key).is_empty() {
            errors.push(FieldError::required(&at.field(key), "must not be empty"));
        }
    }
    if version == "v1" && owner.text("kind") == "Event" {
        let text = "/v1, Kind=Event is disallowed from being an owner";
        errors.push(invalid_internal(at, ("v1.OwnerReference", owner), text));
    }
}

fn validate_finalizers(errors: &mut Errors, at: &At, finalizers: &Value) {
    let names: Vec<_> = finalizers.as_list().unwrap_or_default().iter().filter_map(Value::as_str).collect();
    for name in &names {
        invalid_each(errors, at, &(*name).into(), qualified_name(name));
    }
    if names.contains(&"orphan") && names.contains(&"foregroundDeletion") {
        let text = "finalizer orphan and foregroundDeletion cannot be both set";
        errors.push(FieldError::invalid(at, finalizers.clone(), text));
    }
}

/// Of the finalizers without a prefix these are known. Users of custom kinds, whose rules name none, are only warned.
fn validate_short_finalizers(errors: &mut Errors, strategy: &Strategy, meta: &Value) {
    if strategy.kind.is_empty() {
        return;
    }
    let at = At::ROOT.field("metadata");
    let at = at.field("finalizers");
    for (index, name) in meta.items("finalizers").iter().enumerate() {
        let text = name.as_str().unwrap_or_default();
        if !text.contains('/') && !matches!(text, "kubernetes" | "orphan" | "foregroundDeletion") {
            let detail = "name is neither a standard finalizer name nor is it fully qualified";
            errors.push(FieldError::invalid(&at.index(index), text, detail));
        }
    }
}

fn validate_no_new_finalizers(errors: &mut Errors, at: &At, [new, old]: [&[Value]; 2]) {
    let mut extra: Vec<_> = new.iter().filter(|name| !old.contains(name)).filter_map(Value::as_str).collect();
    extra.sort_unstable();
    extra.dedup();
    if !extra.is_empty() {
        errors.push(FieldError::forbidden(
            at,
            format!(
                "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
                extra.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ")
            ),
        ));
    }
}

fn validate_managed_fields(errors: &mut Errors, at: &At, entries: &[Value]) {
    for (index, entry) in entries.iter().enumerate() {
        let at = at.index(index);
        match entry.text("operation") {
            "Apply" | "Update" => {}
            "" => errors.push(FieldError::required(&at.field("operation"), "must not be empty")),
            other => {
                errors.push(FieldError::not_supported(&at.field("operation"), other, &["Apply", "Update"]))
            }
        }
        let kind = entry.text("fieldsType");
        if !kind.is_empty() && kind != "FieldsV1" {
            errors.push(FieldError::invalid(&at.field("fieldsType"), kind, "must be `FieldsV1`"));
        }
        if entry.text("manager").len() > MANAGER_LIMIT {
            errors.push(FieldError::too_long(&at.field("manager"), MANAGER_LIMIT));
        }
        if entry.text("subresource").len() > SUBRESOURCE_LIMIT {
            errors.push(FieldError::too_long(&at.field("subresource"), SUBRESOURCE_LIMIT));
        }
    }
}

#[cfg(test)]
mod tests {
    use lockstep_core::from_json;

    use super::*;

    const PLAIN: Strategy = Strategy::plain("", "ConfigMap", &["v1"]);

    fn lines(errors: &[FieldError]) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for line in errors.iter().map(ToString::to_string) {
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        lines
    }

    fn object(meta: &str) -> Value {
        from_json(format!(r#"{{"metadata":{meta}}}"#).as_bytes()).unwrap()
    }

    #[test]
    fn metadata_on_create() {
        let check = |meta: &str, expected: &[&str]| {
            assert_eq!(
                lines(&invalid_on_create(&PLAIN, &object(meta), Scope::Namespaced)),
                expected,
                "{meta}"
            );
        };
        check(r#"{"name":"a","namespace":"b"}"#, &[]);
        check(r#"{"namespace":"b"}"#, &["metadata.name: Required value: name or generateName is required"]);
        check(r#"{"name":"a"}"#, &["metadata.namespace: Required value"]);
        check(
            r#"{"name":"a/b","namespace":"b"}"#,
            &["metadata.name: Invalid value: \"a/b\": may not contain '/'"],
        );
        check(
            r#"{"name":"a","namespace":"b","ownerReferences":[{"apiVersion":"a/b/c","kind":"K","uid":"1"}]}"#,
            &[
                "metadata.ownerReferences[0].apiVersion: Invalid value: \"a/b/c\": must be <group>/<version> or <version>",
                "metadata.ownerReferences[0].name: Required value: must not be empty",
            ],
        );
        let long = format!(
            r#"{{"name":"a","namespace":"b","annotations":{{"a":"{}"}}}}"#,
            "x".repeat(ANNOTATIONS_LIMIT)
        );
        check(&long, &["metadata.annotations: Too long: may not be more than 262144 bytes"]);
        check(
            r#"{"name":"a","namespace":"b","managedFields":[{"operation":"X","fieldsType":"Y"}]}"#,
            &[
                "metadata.managedFields[0].operation: Unsupported value: \"X\": supported values: \"Apply\", \"Update\"",
                "metadata.managedFields[0].fieldsType: Invalid value: \"Y\": must be `FieldsV1`",
            ],
        );
    }

    #[test]
    fn metadata_on_update() {
        let old = r#"{"name":"a","namespace":"b","uid":"1","resourceVersion":"1","deletionTimestamp":"x"}"#;
        let check = |meta: &str, expected: &[&str]| {
            let errors = invalid_on_update(&PLAIN, &object(meta), &object(old), Scope::Namespaced);
            assert_eq!(lines(&errors), expected, "{meta}");
        };
        check(old, &[]);
        check(
            r#"{"name":"a","namespace":"b","uid":"2","resourceVersion":"1","deletionTimestamp":"x","finalizers":["a/b"]}"#,
            &[
                "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{\"a/b\"}",
                "metadata.uid: Invalid value: \"2\": field is immutable",
            ],
        );
    }
}
