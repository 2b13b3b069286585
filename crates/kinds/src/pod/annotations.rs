//! Annotations that mean something for pods.

use lockstep_core::Value;
use schema::{At, FieldError};

use super::Errors;
use super::defaults::CONTAINERS;
use super::volumes::descending;
use crate::meta::View;

const MIRROR: &str = "kubernetes.io/config.mirror";
const DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";
const SECCOMP_POD: &str = "seccomp.security.alpha.kubernetes.io/pod";
const SECCOMP_CONTAINER: &str = "container.seccomp.security.alpha.kubernetes.io/";
/// Behind it stands the name of a container.
pub(super) const APP_ARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";

/// What is wrong with them.
pub(crate) fn validate_pod_annotations(errors: &mut Errors, at: &At, (annotations, spec): (&Value, &Value)) {
    let text = |key: &str| annotations.get(key).and_then(Value::as_str);
    if let Some(value) = text(MIRROR).filter(|_| spec.text("nodeName").is_empty()) {
        let detail = "must set spec.nodeName if mirror pod annotation is set";
        errors.push(FieldError::invalid(&at.key(MIRROR), value, detail));
    }
    if let Some(cost) = text(DELETION_COST).filter(|cost| !is_cost(cost)) {
        errors.push(FieldError::invalid(&at.key(DELETION_COST), cost, "must be a 32bit integer"));
    }
    if let Some(profile) = text(SECCOMP_POD) {
        validate_seccomp(errors, &at.field(SECCOMP_POD), profile);
    }
    for (key, value) in annotations.as_map().into_iter().flatten() {
        let value = value.as_str().unwrap_or_default();
        if key.starts_with(SECCOMP_CONTAINER) {
            validate_seccomp(errors, &at.field(key), value);
        }
        if let Some(name) = key.strip_prefix(APP_ARMOR) {
            validate_app_armor(errors, &at.key(key), (name, value), spec);
        }
    }
}

/// As Go's ParseInt takes it, but no leading plus or zeros.
fn is_cost(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = digits == "0" || !digits.starts_with(['0', '+']);
    (plain && !text.is_empty() && text.parse::<i32>().is_ok()) || text == "0"
}

fn validate_seccomp(errors: &mut Errors, at: &At, profile: &str) {
    match profile.strip_prefix("localhost/") {
        _ if matches!(profile, "runtime/default" | "docker/default" | "unconfined") => {}
        Some(path) => descending(errors, at, path),
        None => errors.push(FieldError::invalid(at, profile, "must be a valid seccomp profile")),
    }
}

fn validate_app_armor(errors: &mut Errors, at: &At, (name, profile): (&str, &str), spec: &Value) {
    if !CONTAINERS.iter().any(|list| spec.items(list).iter().any(|container| container.text("name") == name))
    {
        errors.push(FieldError::invalid(at, name, "container not found"));
    }
    let known = matches!(profile, "" | "runtime/default" | "unconfined") || profile.starts_with("localhost/");
    if !known {
        let text = format!("invalid AppArmor profile name: {profile:?}");
        errors.push(FieldError::invalid(at, profile, text));
    }
}

/// An annotation and the field that took its place say the same.
pub(crate) fn validate_profiles_match(errors: &mut Errors, at: &At, (annotations, spec): (&Value, &Value)) {
    let pod = spec.child("securityContext");
    let context = at.field("securityContext");
    seccomp_matches(
        errors,
        &context.field("seccompProfile"),
        annotations.get(SECCOMP_POD),
        pod.child("seccompProfile"),
    );
    for list in CONTAINERS {
        let list_at = at.field(list);
        for (index, container) in spec.items(list).iter().enumerate() {
            let at = list_at.index(index);
            let at = at.field("securityContext");
            let key = format!("{SECCOMP_CONTAINER}{}", container.text("name"));
            let profile = container.child("securityContext").child("seccompProfile");
            seccomp_matches(errors, &at.field("seccompProfile"), annotations.get(&key), profile);
        }
    }
    if spec.str_at(&["os", "name"]) == Some("windows") {
        return;
    }
    for list in CONTAINERS {
        let list_at = at.field(list);
        for (index, container) in spec.items(list).iter().enumerate() {
            let own = container.child("securityContext");
            let profile = if own.has("appArmorProfile") { own } else { pod }.child("appArmorProfile");
            let key = format!("{APP_ARMOR}{}", container.text("name"));
            let at = list_at.index(index);
            let at = at.field("securityContext");
            app_armor_matches(errors, &at.field("appArmorProfile"), annotations.get(&key), profile);
        }
    }
}

fn seccomp_matches(errors: &mut Errors, at: &At, annotation: Option<&Value>, profile: &Value) {
    profile_matches(errors, at, annotation, (profile, "seccomp", &["runtime/default", "docker/default"]));
}

fn app_armor_matches(errors: &mut Errors, at: &At, annotation: Option<&Value>, profile: &Value) {
    profile_matches(errors, at, annotation, (profile, "apparmor", &["runtime/default"]));
}

fn profile_matches(
    errors: &mut Errors,
    at: &At,
    annotation: Option<&Value>,
    (profile, kind, default): (&Value, &str, &[&str]),
) {
    let Some(annotation) = annotation.and_then(Value::as_str).filter(|_| !matches!(profile, Value::Null))
    else {
        return;
    };
    let (same, same_path) = match profile.text("type") {
        "Unconfined" => (annotation == "unconfined", true),
        "RuntimeDefault" => (default.contains(&annotation), true),
        "Localhost" => match annotation.strip_prefix("localhost/") {
            None => (false, true),
            Some(path) => (true, profile.has("localhostProfile") && path == profile.text("localhostProfile")),
        },
        _ => (true, true),
    };
    if !same {
        let text = format!("{kind} type in annotation and field must match");
        errors.push(FieldError::forbidden(&at.field("type"), text));
    } else if !same_path {
        let text = format!("{kind} profile in annotation and field must match");
        errors.push(FieldError::forbidden(&at.field("localhostProfile"), text));
    }
}

/// These annotations stay as they are.
pub(super) fn validate_annotation_change(errors: &mut Errors, at: &At, [new, old]: [&Value; 2]) {
    let fixed = |key: &str| match key {
        MIRROR => Some("mirror pod annotation"),
        _ if key.starts_with(APP_ARMOR) => Some("AppArmor annotations"),
        _ => None,
    };
    for (key, value) in old.as_map().into_iter().flatten() {
        if let Some(what) = fixed(key).filter(|_| new.get(key) != Some(value)) {
            errors.push(FieldError::forbidden(&at.key(key), format!("may not remove or update {what}")));
        }
    }
    for (key, _) in new.as_map().into_iter().flatten() {
        if let Some(what) = fixed(key).filter(|_| old.get(key).is_none()) {
            errors.push(FieldError::forbidden(&at.key(key), format!("may not add {what}")));
        }
    }
}
