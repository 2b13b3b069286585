//! CustomResourceDefinitions. Whether the rules in their schemas compile is not looked at here: that is the room of rules.

mod conversion;
mod naming;
mod openapi;
mod prepare;
mod spec;
mod structural;

use lockstep_core::Value;
use schema::{At, FieldError, Mistake};

use crate::meta::View;
use crate::strategy::{ResetField, Status, Strategy};

pub use naming::{accept_names, schemas};

/// The rules of the kind.
pub(crate) static CUSTOM_RESOURCE_DEFINITION: Strategy = Strategy {
    default: prepare::default,
    prepare_create: prepare::create,
    prepare_update: prepare::update,
    validate,
    validate_update,
    status: Some(Status {
        prepare_update: prepare::status_update,
        validate_update: validate_status_update,
        ..Status::PLAIN
    }),
    name: |name| crate::meta::named(crate::meta::dns_subdomain(name)),
    generation: Some(|object, old| object.get("spec") != old.get("spec")),
    unconditional_update: false,
    reset: &[
        ResetField { version: "v1", subresource: "", path: &["status"] },
        ResetField { version: "v1", subresource: "status", path: &["metadata"] },
        ResetField { version: "v1", subresource: "status", path: &["spec"] },
    ],
    ..Strategy::plain("apiextensions.k8s.io", "CustomResourceDefinition", &["v1"])
};

fn validate(object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let (spec, name) = (object.child("spec"), object.child("metadata").text("name"));
    if name != format!("{}.{}", spec.child("names").text("plural"), spec.text("group")) {
        let metadata = At::ROOT.field("metadata");
        let text = "must be spec.names.plural+\".\"+spec.group";
        errors.push(FieldError::invalid(&metadata.field("name"), name, text));
    }
    errors.extend(spec::validate(spec, &At::ROOT.field("spec")));
    errors.extend(stored_versions(object));
    errors.extend(approval(object, None));
    errors.extend(preserving(object, None));
    errors
}

fn validate_update(object: &Value, old: &Value) -> Vec<FieldError> {
    let at = At::ROOT.field("spec");
    let (spec, old_spec) = (object.child("spec"), old.child("spec"));
    let mut errors = spec::validate(spec, &at);
    let names = at.field("names");
    let mut immutable = |at: &At, new: &Value, old: &Value| {
        if new != old {
            errors.push(FieldError::invalid(at, new.clone(), "field is immutable"));
        }
    };
    if naming::is_established(old) {
        immutable(&at.field("scope"), spec.child("scope"), old_spec.child("scope"));
        immutable(
            &names.field("kind"),
            spec.child("names").child("kind"),
            old_spec.child("names").child("kind"),
        );
    }
    immutable(&at.field("group"), spec.child("group"), old_spec.child("group"));
    immutable(
        &names.field("plural"),
        spec.child("names").child("plural"),
        old_spec.child("names").child("plural"),
    );
    errors.extend(status_names(object));
    errors.extend(stored_versions(object));
    errors.extend(approval(object, Some(old)));
    errors.extend(preserving(object, Some(old)));
    errors
}

fn validate_status_update(object: &Value, _: &Value) -> Vec<FieldError> {
    status_names(object)
}

fn status_names(object: &Value) -> Vec<FieldError> {
    let status = At::ROOT.field("status");
    naming::validate(object.child("status").child("acceptedNames"), &status.field("acceptedNames"))
}

/// Every version in which objects may be stored must be there, the one in which they are stored now among them.
fn stored_versions(object: &Value) -> Vec<FieldError> {
    let status = At::ROOT.field("status");
    let at = status.field("storedVersions");
    let stored = object.child("status").items("storedVersions");
    if stored.is_empty() {
        return vec![FieldError::invalid(&at, Value::Null, "must have at least one stored version")];
    }
    let mut errors = Vec::new();
    let versions = object.child("spec").items("versions");
    for version in versions.iter().filter(|version| version.flag("storage")) {
        if !stored.contains(version.child("name")) {
            let text = format!("must have the storage version {}", version.text("name"));
            errors.push(FieldError::invalid(&at, Value::list(stored.to_vec()), text));
        }
    }
    for (index, name) in stored.iter().enumerate() {
        if !versions.iter().any(|version| version.child("name") == name) {
            let name = name.as_str().unwrap_or_default();
            let text = format!(
                "missing from spec.versions; {name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in {name} and removes {name} from status.storedVersions"
            );
            errors.push(FieldError::invalid(&at.index(index), name, text));
        }
    }
    errors
}

const APPROVED: &str = "api-approved.kubernetes.io";

/// What the annotation says of an API group of the Kubernetes community.
fn approval_state(object: &Value) -> (u8, String) {
    let value = object.child("metadata").child("annotations").text(APPROVED);
    match value {
        "" => (
            0,
            format!(
                "protected groups must have approval annotation {APPROVED:?}, see https://github.com/kubernetes/enhancements/pull/1111"
            ),
        ),
        value if value.starts_with("unapproved") => (1, format!("not approved: {value:?}")),
        value if value.starts_with("https://") || value.starts_with("http://") => {
            (2, format!("approved in {value}"))
        }
        _ => (
            3,
            format!(
                "protected groups must have approval annotation {APPROVED:?} with either a URL or a reason starting with \"unapproved\", see https://github.com/kubernetes/enhancements/pull/1111"
            ),
        ),
    }
}

fn approval(object: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let group = object.child("spec").text("group");
    let protected = ["k8s.io", "kubernetes.io"]
        .iter()
        .any(|known| group == *known || group.ends_with(&format!(".{known}")));
    let (state, reason) = approval_state(object);
    if !protected || old.is_some_and(|old| approval_state(old).0 == state) {
        return Vec::new();
    }
    let metadata = At::ROOT.field("metadata");
    let annotations = metadata.field("annotations");
    let at = annotations.key(APPROVED);
    match state {
        0 => vec![FieldError::required(&at, reason)],
        3 => vec![FieldError::invalid(
            &at,
            object.child("metadata").child("annotations").child(APPROVED).clone(),
            reason,
        )],
        _ => Vec::new(),
    }
}

fn preserving(object: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let preserves = |object: &Value| object.child("spec").flag("preserveUnknownFields");
    if !preserves(object) || old.is_some_and(preserves) {
        return Vec::new();
    }
    let spec = At::ROOT.field("spec");
    let text = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead";
    vec![FieldError::new(Mistake::Invalid, &spec.field("preserveUnknownFields"), Some(true.into()), text)]
}
