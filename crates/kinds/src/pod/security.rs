//! Security contexts.

use std::collections::BTreeSet;

use lockstep_core::Value;
use schema::{At, FieldError};

use super::Errors;
use super::container::invalid;
use super::volumes::descending;
use crate::meta::{View, invalid_each, user_id};

const PROFILES: [&str; 3] = ["Localhost", "RuntimeDefault", "Unconfined"];

/// Whether the users of a pod are those of its node.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Users {
    Host,
    Own,
}

fn validate_ids(errors: &mut Errors, at: &At, context: &Value, keys: &[&str]) {
    for key in keys {
        if let Some(id) = context.int(key) {
            invalid_each(errors, &at.field(key), &id.into(), user_id(id));
        }
    }
}

/// The context of a container.
pub(super) fn validate_security_context(errors: &mut Errors, at: &At, context: &Value, users: Users) {
    validate_ids(errors, at, context, &["runAsUser", "runAsGroup"]);
    if context.has("procMount") {
        let (at, kind) = (at.field("procMount"), context.text("procMount"));
        if !matches!(kind, "Default" | "Unmasked") {
            errors.push(FieldError::not_supported(&at, kind, &["Default", "Unmasked"]));
        }
        if users == Users::Host && kind == "Unmasked" {
            errors.push(FieldError::invalid(&at, kind, "`hostUsers` must be false to use `Unmasked`"));
        }
    }
    validate_seccomp(errors, &at.field("seccompProfile"), context);
    if context.child("allowPrivilegeEscalation").as_bool() == Some(false) {
        let shown = ("core.SecurityContext", context);
        if context.flag("privileged") {
            let text = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true";
            invalid(errors, at, shown, text);
        }
        let add = context.child("capabilities").items("add");
        if add.iter().any(|capability| capability.as_str() == Some("CAP_SYS_ADMIN")) {
            let text = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN";
            invalid(errors, at, shown, text);
        }
    }
    validate_app_armor(errors, &at.field("appArmorProfile"), context);
}

fn validate_seccomp(errors: &mut Errors, at: &At, context: &Value) {
    if !context.has("seccompProfile") {
        return;
    }
    let profile = context.child("seccompProfile");
    let kind = profile.text("type");
    match kind {
        "" => errors
            .push(FieldError::required(&at.field("type"), "type is required when seccompProfile is set")),
        kind if !PROFILES.contains(&kind) => {
            errors.push(FieldError::not_supported(&at.field("type"), kind, &PROFILES));
        }
        _ => {}
    }
    let (at, given) = (at.field("localhostProfile"), profile.has("localhostProfile"));
    if kind == "Localhost" && !given {
        errors.push(FieldError::required(&at, "must be set when seccomp type is Localhost"));
    } else if kind == "Localhost" {
        descending(errors, &at, profile.text("localhostProfile"));
    } else if given {
        invalid(
            errors,
            &at,
            ("core.SeccompProfile", profile),
            "can only be set when seccomp type is Localhost",
        );
    }
}

fn validate_app_armor(errors: &mut Errors, at: &At, context: &Value) {
    if !context.has("appArmorProfile") {
        return;
    }
    let profile = context.child("appArmorProfile");
    let (local_at, local) = (at.field("localhostProfile"), profile.text("localhostProfile"));
    match profile.text("type") {
        "Localhost" if local.trim().is_empty() && local.trim() == local => {
            errors.push(FieldError::required(&local_at, "must be set when AppArmor type is Localhost"));
        }
        "Localhost" if local.trim() != local => {
            errors.push(FieldError::invalid(&local_at, local, "must not be padded with whitespace"));
        }
        "Localhost" if local.len() > 4095 => errors.push(FieldError::too_long(&local_at, 4095)),
        "Localhost" => {}
        "RuntimeDefault" | "Unconfined" if profile.has("localhostProfile") => {
            errors.push(FieldError::invalid(
                &local_at,
                local,
                "can only be set when AppArmor type is Localhost",
            ));
        }
        "RuntimeDefault" | "Unconfined" => {}
        "" => errors
            .push(FieldError::required(&at.field("type"), "type is required when appArmorProfile is set")),
        other => errors.push(FieldError::not_supported(&at.field("type"), other, &PROFILES)),
    }
}

/// The context of a pod.
pub(super) fn validate_pod_security_context(errors: &mut Errors, at: &At, spec: &Value) {
    let context = spec.child("securityContext");
    validate_ids(errors, at, context, &["fsGroup", "runAsUser", "runAsGroup"]);
    let groups = at.field("supplementalGroups");
    for (index, group) in context.items("supplementalGroups").iter().enumerate() {
        invalid_each(errors, &groups.index(index), group, user_id(group.as_int().unwrap_or_default()));
    }
    validate_sysctls(errors, &at.field("sysctls"), context.items("sysctls"), spec);
    let words: [(&str, &[&str]); 1] = [("fsGroupChangePolicy", &["Always", "OnRootMismatch"])];
    validate_words(errors, at, context, &words);
    validate_seccomp(errors, &at.field("seccompProfile"), context);
    validate_app_armor(errors, &at.field("appArmorProfile"), context);
    validate_words(
        errors,
        at,
        context,
        &[
            ("supplementalGroupsPolicy", &["Merge", "Strict"]),
            ("seLinuxChangePolicy", &["MountOption", "Recursive"]),
        ],
    );
}

fn validate_words(errors: &mut Errors, at: &At, context: &Value, words: &[(&str, &[&str])]) {
    for (key, known) in words {
        if context.has(key) && !known.contains(&context.text(key)) {
            errors.push(FieldError::not_supported(&at.field(key), context.text(key), known));
        }
    }
}

fn is_sysctl(name: &str) -> bool {
    let lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let segment = |part: &str| {
        let ends = part.bytes().next().zip(part.bytes().last());
        ends.is_some_and(|(first, last)| lower(first) && lower(last))
            && part.bytes().all(|byte| lower(byte) || matches!(byte, b'-' | b'_'))
    };
    name.len() <= 253 && name.split(['.', '/']).all(segment)
}

fn validate_sysctls(errors: &mut Errors, at: &At, sysctls: &[Value], spec: &Value) {
    const FORM: &str = "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$";
    let mut names = BTreeSet::new();
    for (index, sysctl) in sysctls.iter().enumerate() {
        let (item, name) = (at.index(index), sysctl.text("name"));
        let at = item.field("name");
        if name.is_empty() {
            errors.push(FieldError::required(&at, ""));
        } else if !is_sysctl(name) {
            let text = format!("must have at most 253 characters and match regex {FORM}");
            errors.push(FieldError::invalid(&at, name, text));
        } else if names.contains(name) {
            errors.push(FieldError::duplicate(&at, name));
        }
        let dotted = name.replace('/', ".");
        let ipc = ["kernel.shm", "kernel.msg", "fs.mqueue."].iter().any(|start| dotted.starts_with(start))
            || dotted == "kernel.sem";
        if spec.flag("hostNetwork") && dotted.starts_with("net.") {
            errors.push(FieldError::invalid(&at, name, "may not be specified when 'hostNetwork' is true"));
        } else if spec.flag("hostIPC") && ipc {
            errors.push(FieldError::invalid(&at, name, "may not be specified when 'hostIPC' is true"));
        }
        names.insert(name);
    }
}
