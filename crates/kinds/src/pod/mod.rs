//! Pods, and the pods of templates.

mod admission;
mod annotations;
mod app_armor;
mod container;
mod defaults;
mod disabled;
mod env;
mod image;
mod mounts;
mod overlaps;
mod prepare;
mod probes;
mod projected;
mod resize;
mod resources;
mod scheduling;
mod security;
mod spec;
mod update;
mod volumes;
mod warnings;
mod windows;

use lockstep_core::Value;
use schema::{At, FieldError};

pub use admission::{mount_token, token_volume, tolerate_lost_nodes};
pub(crate) use annotations::{validate_pod_annotations, validate_profiles_match};
pub(crate) use defaults::default_pod_spec;
pub(crate) use disabled::drop_disabled;
pub use resize::{prepare_resize, validate_resize};
pub(crate) use spec::{Place, validate_pod_spec};
pub use update::{prepare_ephemeral_update, validate_ephemeral_update};
pub(crate) use warnings::{claim_warnings, pod_warnings};

use crate::meta::{View, dns_label, dns_subdomain, ip_warnings, not_negative};
use crate::strategy::{ResetField, Status, Strategy};

type Errors = Vec<FieldError>;

/// The rules of Pods.
pub(crate) const POD: Strategy = Strategy {
    default: defaults::default_pod,
    prepare_create: prepare::prepare_create,
    prepare_update: prepare::prepare_update,
    validate: validate_create,
    validate_update: update::validate_update,
    status: Some(Status {
        prepare_update: prepare::prepare_status,
        validate_update: update::validate_status,
        warnings: |pod| status_warnings(pod),
    }),
    warnings: |pod, old| if old.is_none() { warnings_on_create(pod) } else { Vec::new() },
    name: |name| crate::meta::named(dns_subdomain(name)),
    generation: Some(crate::pod_template::spec_changed),
    reset: &[
        ResetField { version: "v1", subresource: "", path: &["status"] },
        ResetField { version: "v1", subresource: "status", path: &["spec"] },
        ResetField { version: "v1", subresource: "status", path: &["metadata", "deletionTimestamp"] },
        ResetField { version: "v1", subresource: "status", path: &["metadata", "ownerReferences"] },
    ],
    selectable,
    ..Strategy::plain("", "Pod", &["v1"])
};

fn validate_create(pod: &Value) -> Errors {
    let mut errors = validate_pod(pod);
    let (at, spec) = (At::ROOT.field("spec"), pod.child("spec"));
    if !spec.items("ephemeralContainers").is_empty() {
        errors.push(FieldError::forbidden(&at.field("ephemeralContainers"), "cannot be set on create"));
    }
    if !spec.text("nodeName").is_empty() && !spec.items("schedulingGates").is_empty() {
        let text = "cannot be set until all schedulingGates have been cleared";
        errors.push(FieldError::forbidden(&at.field("nodeName"), text));
    }
    let annotations = pod.child("metadata").child("annotations");
    validate_profiles_match(&mut errors, &at, (annotations, spec));
    errors
}

/// What holds for a Pod at all times.
fn validate_pod(pod: &Value) -> Errors {
    let (mut errors, spec, meta) = (Vec::new(), pod.child("spec"), pod.child("metadata"));
    let at = At::ROOT.field("metadata");
    validate_pod_annotations(&mut errors, &at.field("annotations"), (meta.child("annotations"), spec));
    let at = At::ROOT.field("spec");
    validate_pod_spec(&mut errors, &at, spec, Place::Pod(meta.text("name")));
    if spec.text("serviceAccountName").is_empty() {
        forbid_tokens(&mut errors, &at.field("volumes"), spec.items("volumes"));
    }
    let period = spec.number("terminationGracePeriodSeconds");
    not_negative(&mut errors, &at.field("terminationGracePeriodSeconds"), period);
    for list in ["containers", "initContainers"] {
        let at = at.field(list);
        for (index, container) in spec.items(list).iter().enumerate() {
            container::validate_image_spaces(&mut errors, &at.index(index), container);
        }
    }
    errors
}

fn forbid_tokens(errors: &mut Errors, at: &At, volumes: &[Value]) {
    for (index, volume) in volumes.iter().enumerate() {
        let at = at.index(index);
        let at = at.field("projected");
        let at = at.field("sources");
        for (index, source) in volume.child("projected").items("sources").iter().enumerate() {
            if source.has("serviceAccountToken") {
                let at = at.index(index);
                let text = "must not be specified when serviceAccountName is not set";
                errors.push(FieldError::forbidden(&at.field("serviceAccountToken"), text));
            }
        }
    }
}

fn warnings_on_create(pod: &Value) -> Vec<String> {
    let wrong = dns_label(pod.child("metadata").text("name"));
    let mut warnings = Vec::new();
    if !wrong.is_empty() {
        warnings.push(format!(
            "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [{}]",
            wrong.join(" ")
        ));
    }
    warnings.extend(app_armor::app_armor_warnings(pod));
    warnings.extend(pod_warnings(&At::ROOT, pod));
    warnings
}

fn status_warnings(pod: &Value) -> Vec<String> {
    let at = At::ROOT.field("status");
    let mut warnings = Vec::new();
    for list in ["podIPs", "hostIPs"] {
        let at = at.field(list);
        for (index, entry) in pod.child("status").items(list).iter().enumerate() {
            let at = at.index(index);
            warnings.extend(ip_warnings(&at.field("ip"), entry.text("ip")));
        }
    }
    warnings
}

fn selectable(pod: &Value) -> Vec<(&'static str, String)> {
    let (spec, status) = (pod.child("spec"), pod.child("status"));
    let ip = status.items("podIPs").first().map(|first| first.text("ip")).unwrap_or_default();
    vec![
        ("spec.nodeName", spec.text("nodeName").into()),
        ("spec.restartPolicy", spec.text("restartPolicy").into()),
        ("spec.schedulerName", spec.text("schedulerName").into()),
        ("spec.serviceAccountName", spec.text("serviceAccountName").into()),
        ("spec.hostNetwork", spec.flag("hostNetwork").to_string()),
        ("status.phase", status.text("phase").into()),
        ("status.podIP", ip.into()),
        ("status.nominatedNodeName", status.text("nominatedNodeName").into()),
    ]
}
