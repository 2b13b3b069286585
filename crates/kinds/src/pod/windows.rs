//! The operating system that a pod names, and what it does not have.

use lockstep_core::Value;
use schema::{At, FieldError};

use super::Errors;
use super::defaults::CONTAINERS;
use crate::meta::View;

const WINDOWS: &str = "cannot be set for a windows pod";
const POD: [&str; 11] = [
    "appArmorProfile",
    "seLinuxOptions",
    "seccompProfile",
    "fsGroup",
    "fsGroupChangePolicy",
    "sysctls",
    "runAsUser",
    "runAsGroup",
    "supplementalGroups",
    "supplementalGroupsPolicy",
    "seLinuxChangePolicy",
];
const CONTAINER: [&str; 10] = [
    "appArmorProfile",
    "seLinuxOptions",
    "seccompProfile",
    "capabilities",
    "readOnlyRootFilesystem",
    "privileged",
    "allowPrivilegeEscalation",
    "procMount",
    "runAsUser",
    "runAsGroup",
];

/// The name of the system, and the settings that it does not know.
pub(super) fn validate_os(errors: &mut Errors, at: &At, spec: &Value) {
    let os = at.field("os");
    match spec.child("os").text("name") {
        "" => errors.push(FieldError::required(&os.field("name"), "cannot be empty")),
        "linux" => {
            let text = "windows options cannot be set for a linux pod";
            forbid(errors, at, (spec, &["windowsOptions"], &["windowsOptions"]), text);
        }
        "windows" => validate_windows(errors, at, spec),
        other => errors.push(FieldError::not_supported(&os, other, &["linux", "windows"])),
    }
}

fn validate_windows(errors: &mut Errors, at: &At, spec: &Value) {
    forbid_in(errors, &at.field("securityContext"), (spec.child("securityContext"), &POD), WINDOWS);
    for key in ["hostUsers", "hostPID", "hostIPC", "shareProcessNamespace"] {
        if spec.has(key) {
            errors.push(FieldError::forbidden(&at.field(key), WINDOWS));
        }
    }
    forbid(errors, at, (spec, &[], &CONTAINER), WINDOWS);
}

/// Fields of the security contexts of the pod and of its containers.
fn forbid(errors: &mut Errors, at: &At, (spec, pod, container): (&Value, &[&str], &[&str]), text: &str) {
    forbid_in(errors, &at.field("securityContext"), (spec.child("securityContext"), pod), text);
    for list in CONTAINERS {
        let list_at = at.field(list);
        for (index, each) in spec.items(list).iter().enumerate() {
            let at = list_at.index(index);
            forbid_in(errors, &at.field("securityContext"), (each.child("securityContext"), container), text);
        }
    }
}

fn forbid_in(errors: &mut Errors, at: &At, (context, keys): (&Value, &[&str]), text: &str) {
    for key in keys.iter().filter(|key| context.has(key)) {
        errors.push(FieldError::forbidden(&at.field(key), text));
    }
}
