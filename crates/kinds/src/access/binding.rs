//! RoleBindings and ClusterRoleBindings.

use lockstep_core::Value;
use schema::{At, FieldError, Mistake};

use super::GROUP;
use crate::meta::{Edit, Scope, View, dns_subdomain, invalid_each, path_segment};
use crate::naming::segment;
use crate::strategy::Strategy;

type Errors = Vec<FieldError>;

pub(crate) const ROLE_BINDING: Strategy = Strategy {
    default,
    validate: |binding| validate(binding, Scope::Namespaced),
    validate_update: |binding, old| validate_change(binding, (old, Scope::Namespaced)),
    name: segment,
    create_on_update: true,
    ..Strategy::plain(GROUP, "RoleBinding", &["v1"])
};

pub(crate) const CLUSTER_ROLE_BINDING: Strategy = Strategy {
    default,
    validate: |binding| validate(binding, Scope::Cluster),
    validate_update: |binding, old| validate_change(binding, (old, Scope::Cluster)),
    name: segment,
    create_on_update: true,
    ..Strategy::plain(GROUP, "ClusterRoleBinding", &["v1"])
};

fn default(binding: &mut Value) {
    if let Some(reference) = binding.child_mut("roleRef") {
        reference.default_text("apiGroup", GROUP);
    }
    for subject in binding.items_mut("subjects") {
        if ["User", "Group"].contains(&subject.text("kind")) {
            subject.default_text("apiGroup", GROUP);
        }
    }
}

fn validate_change(binding: &Value, (old, scope): (&Value, Scope)) -> Errors {
    let mut errors = validate(binding, scope);
    let reference = binding.child("roleRef");
    if reference != old.child("roleRef") {
        let shown = format!(
            "{{\"APIGroup\":\"{}\",\"Kind\":\"{}\",\"Name\":\"{}\"}}: field is immutable",
            reference.text("apiGroup"),
            reference.text("kind"),
            reference.text("name")
        );
        errors.push(FieldError::new(Mistake::Invalid, &At::ROOT.field("roleRef"), None, shown));
    }
    errors
}

fn validate(binding: &Value, scope: Scope) -> Errors {
    let (mut errors, mut late, reference) = (Vec::new(), Vec::new(), binding.child("roleRef"));
    let at = At::ROOT.field("roleRef");
    let kinds: &[&str] = match scope {
        Scope::Namespaced => &["Role", "ClusterRole"],
        Scope::Cluster => &["ClusterRole"],
    };
    let (group, kind, name) = (reference.text("apiGroup"), reference.text("kind"), reference.text("name"));
    if group != GROUP {
        errors.push(FieldError::not_supported(&at.field("apiGroup"), group, &[GROUP]));
    }
    if !kinds.contains(&kind) {
        errors.push(FieldError::not_supported(&at.field("kind"), kind, kinds));
    }
    match name.is_empty() {
        true => late.push(FieldError::required(&at.field("name"), "")),
        false => invalid_each(&mut errors, &at.field("name"), &name.into(), path_segment(name)),
    }
    let at = At::ROOT.field("subjects");
    for (index, subject) in binding.items("subjects").iter().enumerate() {
        validate_subject(&mut errors, &at.index(index), (subject, scope));
        if subject.text("name").is_empty() {
            late.push(FieldError::required(&at.index(index).field("name"), ""));
        }
    }
    late.sort_by_key(|error| error.field.starts_with("roleRef"));
    errors.extend(late);
    errors
}

fn validate_subject(errors: &mut Errors, at: &At, (subject, scope): (&Value, Scope)) {
    let (group, name) = (subject.text("apiGroup"), subject.text("name"));
    match subject.text("kind") {
        "ServiceAccount" => {
            if !name.is_empty() {
                invalid_each(errors, &at.field("name"), &name.into(), dns_subdomain(name));
            }
            if !group.is_empty() {
                errors.push(FieldError::not_supported(&at.field("apiGroup"), group, &[""]));
            }
            if scope == Scope::Cluster && subject.text("namespace").is_empty() {
                errors.push(FieldError::required(&at.field("namespace"), ""));
            }
        }
        "User" | "Group" if group != GROUP => {
            errors.push(FieldError::not_supported(&at.field("apiGroup"), group, &[GROUP]));
        }
        "User" | "Group" => {}
        other => {
            let kinds = &["ServiceAccount", "User", "Group"];
            errors.push(FieldError::not_supported(&at.field("kind"), other, kinds));
        }
    }
}
