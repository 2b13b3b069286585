//! What an object says that it is.

use lockstep_core::{Gvk, Value};

use super::summary;
use crate::failure::{Failure, quoted};

/// Whether the object says that it is what the path says.
pub(super) fn check_kind(value: &Value, kind: &Gvk) -> Result<(), Failure> {
    let Some(other) = other_kind(value, kind) else { return Ok(()) };
    Err(Failure::bad_request(match other {
        Other::Version { said } => {
            let wanted = kind.api.to_string();
            format!("the API version in the data ({said}) does not match the expected API version ({wanted})")
        }
        Other::Kind { name, version, why } => {
            format!("{name} in version {} cannot be handled as a {}: {why}", quoted(&version), kind.kind)
        }
    }))
}

/// What an object is that is not of the kind that it should be of.
pub(crate) enum Other {
    /// The kind in a version that is served elsewhere, or was once.
    Version { said: String },
    /// Another kind, or none that is known.
    Kind { name: String, version: String, why: String },
}

/// What an object says that it is, if that is not `kind`; what it does not say counts as right.
pub(crate) fn other_kind(value: &Value, kind: &Gvk) -> Option<Other> {
    let wanted = kind.api.to_string();
    let said = |key: &str, or: &str| match value.str_at(&[key]).unwrap_or_default() {
        "" => or.to_owned(),
        text => text.to_owned(),
    };
    let (name, version) = (said("kind", &kind.kind), said("apiVersion", &wanted));
    if *name == *kind.kind && version == wanted {
        return None;
    }
    let (group, short) = version.split_once('/').unwrap_or(("", &version));
    if *name == *kind.kind && group == &*kind.api.group && is_old(group, short) {
        return Some(Other::Version { said: version });
    }
    let served = |resource: &&kinds::Resource| {
        resource.kind == name && resource.group == group && resource.version == short
    };
    let why = match kinds::resources().iter().find(served) {
        Some(_) if *name == *kind.kind => return Some(Other::Version { said: version }),
        Some(_) => format!(
            "converting ({}) to ({}): unknown conversion",
            go_type(group, short, &name),
            go_type(&kind.api.group, "", &kind.kind)
        ),
        None => format!(
            "no kind {} is registered for version {} in scheme {}",
            quoted(&name),
            quoted(&version),
            quoted("pkg/runtime/scheme.go:111")
        ),
    };
    Some(Other::Kind { version: short.to_owned(), name, why })
}

/// The versions of groups that the server knows still, and serves no more.
fn is_old(group: &str, version: &str) -> bool {
    let known: &[&str] = match group {
        "apps" => &["v1", "v1beta1", "v1beta2"],
        "autoscaling" => &["v1", "v2"],
        "batch" | "policy" | "events.k8s.io" | "discovery.k8s.io" => &["v1", "v1beta1"],
        "rbac.authorization.k8s.io"
        | "storage.k8s.io"
        | "node.k8s.io"
        | "scheduling.k8s.io"
        | "certificates.k8s.io"
        | "coordination.k8s.io"
        | "networking.k8s.io"
        | "admissionregistration.k8s.io" => &["v1", "v1beta1", "v1alpha1"],
        _ => &[],
    };
    known.contains(&version)
}

/// Whether a version that the server knows still, and serves no more, has the kind with the fields that it has now: a patch may
/// say it, and changes nothing with that.
pub(crate) fn is_former(kind: &Gvk, version: &str) -> bool {
    let kinds: &[&str] = match version {
        "apps/v1beta1" => &["Deployment", "StatefulSet", "ControllerRevision"],
        "apps/v1beta2" => &["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ControllerRevision"],
        "batch/v1beta1" => &["CronJob"],
        "policy/v1beta1" => &["PodDisruptionBudget"],
        _ => &[],
    };
    version.split_once('/').is_some_and(|(group, _)| group == &*kind.api.group)
        && kinds.contains(&&*kind.kind)
}

/// A custom resource must say what it is.
pub(super) fn check_custom_kind(value: &Value, kind: &Gvk, body: &[u8]) -> Result<(), Failure> {
    if value.str_at(&["kind"]).is_none_or(str::is_empty) {
        let text = String::from_utf8_lossy(body);
        return Err(Failure::bad_request(format!(
            "the object provided is unrecognized (must be of type {}): Object 'Kind' is missing in '{text}' ({})",
            kind.kind,
            summary(body)
        )));
    }
    let (said, wanted) = (value.str_at(&["apiVersion"]).unwrap_or_default(), kind.api.to_string());
    match said == wanted {
        true => Ok(()),
        false => Err(Failure::bad_request(format!(
            "the API version in the data ({said}) does not match the expected API version ({wanted})"
        ))),
    }
}

/// The Go type of a kind: `v1.Secret`, or `core.Secret` for the server's own.
fn go_type(group: &str, version: &str, kind: &str) -> String {
    let package = match (version, group.split('.').next()) {
        ("", None | Some("")) => "core",
        ("", Some("rbac")) => "rbac",
        ("", Some(group)) => group,
        (version, _) => version,
    };
    format!("{package}.{kind}")
}
