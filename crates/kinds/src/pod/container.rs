//! Containers of pods.

use std::collections::BTreeSet;

use lockstep_core::Value;
use schema::{At, FieldError};

use super::Errors;
use super::env::{validate_env, validate_env_from};
use super::mounts::{validate_devices, validate_mounts};
use super::probes::{validate_lifecycle, validate_probes};
use super::resources::{Of, validate_resources};
use super::security::validate_security_context;
use crate::meta::{View, dns_label, invalid_each, invalid_internal, port_name, port_number};

const POLICIES: [&str; 3] = ["Always", "IfNotPresent", "Never"];

/// What the rest of a pod means for its containers.
pub(super) struct Around<'v> {
    pub(super) spec: &'v Value,
    /// The volumes without mistakes.
    pub(super) volumes: Vec<&'v Value>,
    /// The names of the pod's resource claims, in order.
    pub(super) claims: Vec<&'v str>,
}

impl Around<'_> {
    /// The volume of that name, if it is one without mistakes.
    pub(super) fn volume(&self, name: &str) -> Option<&Value> {
        self.volumes.iter().find(|volume| volume.text("name") == name).copied()
    }

    fn period(&self) -> Option<i64> {
        self.spec.int("terminationGracePeriodSeconds")
    }
}

/// The containers that make up the pod.
pub(super) fn validate_containers(errors: &mut Errors, at: &At, around: &Around<'_>) {
    let containers = around.spec.items("containers");
    if containers.is_empty() {
        errors.push(FieldError::required(at, ""));
        return;
    }
    let mut names = BTreeSet::new();
    for (index, container) in containers.iter().enumerate() {
        let at = at.index(index);
        validate_container(errors, &at, container, around);
        if !names.insert(container.text("name")) {
            errors.push(FieldError::duplicate(&at.field("name"), container.text("name")));
        }
        validate_lifecycle(errors, &at.field("lifecycle"), container.child("lifecycle"), around.period());
        validate_probes(errors, &at, container);
        validate_restart_policy(errors, &at, container);
    }
    validate_host_ports(errors, at, (0, containers));
}

/// Host ports may be taken once.
fn validate_host_ports(errors: &mut Errors, at: &At, (first, containers): (usize, &[Value])) {
    let mut taken = BTreeSet::new();
    for (index, container) in containers.iter().enumerate() {
        let at = at.index(first + index);
        let at = at.field("ports");
        for (index, port) in container.items("ports").iter().enumerate() {
            let number = port.number("hostPort");
            let key = format!("{}/{}/{number}", port.text("protocol"), port.text("hostIP"));
            if number != 0 && !taken.insert(key.clone()) {
                let at = at.index(index);
                errors.push(FieldError::duplicate(&at.field("hostPort"), key));
            }
        }
    }
}

/// Containers that run before the others, or all the time besides them.
pub(super) fn validate_init_containers(errors: &mut Errors, at: &At, around: &Around<'_>) {
    let mut names: BTreeSet<&str> =
        around.spec.items("containers").iter().map(|other| other.text("name")).collect();
    for (index, container) in around.spec.items("initContainers").iter().enumerate() {
        let item = at.index(index);
        validate_container(errors, &item, container, around);
        validate_restart_policy(errors, &item, container);
        let name = container.text("name");
        if names.contains(name) {
            errors.push(FieldError::duplicate(&item.field("name"), name));
        } else if !name.is_empty() {
            names.insert(name);
        }
        validate_host_ports(errors, at, (0, std::slice::from_ref(container)));
        let sidecar = container.text("restartPolicy") == "Always";
        if sidecar {
            validate_lifecycle(
                errors,
                &item.field("lifecycle"),
                container.child("lifecycle"),
                around.period(),
            );
            validate_probes(errors, &item, container);
        } else {
            validate_runs_once(errors, &item, container);
        }
    }
}

fn validate_runs_once(errors: &mut Errors, at: &At, container: &Value) {
    for key in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
        if container.has(key) {
            let text = "may not be set for init containers without restartPolicy=Always";
            errors.push(FieldError::forbidden(&at.field(key), text));
        }
    }
    let list = at.field("resizePolicy");
    for (index, policy) in container.items("resizePolicy").iter().enumerate() {
        if policy.text("restartPolicy") == "RestartContainer" {
            let item = list.index(index);
            let text = "must not be set to 'RestartContainer' for non-sidecar initContainers";
            errors.push(FieldError::invalid(&item.field("restartPolicy"), "RestartContainer", text));
        }
    }
}

/// Containers that are added to a running pod to look into it.
pub(super) fn validate_ephemeral_containers(errors: &mut Errors, at: &At, around: &Around<'_>) {
    let others: BTreeSet<&str> = ["containers", "initContainers"]
        .into_iter()
        .flat_map(|list| around.spec.items(list))
        .map(|other| other.text("name"))
        .collect();
    let mut names = others.clone();
    for (index, container) in around.spec.items("ephemeralContainers").iter().enumerate() {
        let (at, name, target) =
            (at.index(index), container.text("name"), container.text("targetContainerName"));
        validate_container(errors, &at, container, around);
        validate_image_spaces(errors, &at, container);
        if !names.insert(name) {
            errors.push(FieldError::duplicate(&at.field("name"), name));
        }
        if !target.is_empty() && !others.contains(target) {
            errors.push(FieldError::not_found(&at.field("targetContainerName"), target));
        }
        validate_ephemeral_fields(errors, &at, container);
    }
}

fn validate_ephemeral_fields(errors: &mut Errors, at: &At, container: &Value) {
    const TEXT: &str = "cannot be set for an Ephemeral Container";
    for key in ["ports", "resources", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle"] {
        if container.has(key) && !container.child(key).is_empty_container() {
            errors.push(FieldError::forbidden(&at.field(key), TEXT));
        }
    }
    let list = at.field("volumeMounts");
    for (index, mount) in container.items("volumeMounts").iter().enumerate() {
        let at = list.index(index);
        for key in ["subPath", "subPathExpr"].into_iter().filter(|key| !mount.text(key).is_empty()) {
            errors.push(FieldError::forbidden(&at.field(key), TEXT));
        }
    }
}

/// Pods, but not templates, refuse images with spaces around.
pub(super) fn validate_image_spaces(errors: &mut Errors, at: &At, container: &Value) {
    let image = container.text("image");
    if image.trim() != image {
        errors.push(FieldError::invalid(
            &at.field("image"),
            image,
            "must not have leading or trailing whitespace",
        ));
    }
}

fn validate_container(errors: &mut Errors, at: &At, container: &Value, around: &Around<'_>) {
    match container.text("name") {
        "" => errors.push(FieldError::required(&at.field("name"), "")),
        name => invalid_each(errors, &at.field("name"), &name.into(), dns_label(name)),
    }
    if container.text("image").is_empty() {
        errors.push(FieldError::required(&at.field("image"), ""));
    }
    one_of(
        errors,
        &at.field("terminationMessagePolicy"),
        container.text("terminationMessagePolicy"),
        &["File", "FallbackToLogsOnError"],
    );
    validate_ports(errors, &at.field("ports"), container.items("ports"));
    validate_env(errors, &at.field("env"), container.items("env"));
    validate_env_from(errors, &at.field("envFrom"), container.items("envFrom"));
    validate_mounts(errors, &at.field("volumeMounts"), container, around);
    validate_devices(errors, &at.field("volumeDevices"), container, around);
    validate_pull_policy(errors, &at.field("imagePullPolicy"), container.text("imagePullPolicy"));
    validate_resources(
        errors,
        &at.field("resources"),
        container.child("resources"),
        (Of::Container, &around.claims),
    );
    let policy = around.spec.text("restartPolicy");
    validate_resize_policy(errors, &at.field("resizePolicy"), container.items("resizePolicy"), policy);
    if container.has("securityContext") {
        let host_users = around.spec.child("hostUsers").as_bool().unwrap_or(true);
        let pod = if host_users { super::security::Users::Host } else { super::security::Users::Own };
        validate_security_context(
            errors,
            &at.field("securityContext"),
            container.child("securityContext"),
            pod,
        );
    }
}

/// One of some words; a missing one is said to be missing.
pub(super) fn one_of(errors: &mut Errors, at: &At, text: &str, known: &[&str]) {
    match text {
        "" => errors.push(FieldError::required(at, "")),
        text if !known.contains(&text) => errors.push(FieldError::not_supported(at, text, known)),
        _ => {}
    }
}

/// When the image of a container is pulled.
pub(super) fn validate_pull_policy(errors: &mut Errors, at: &At, policy: &str) {
    one_of(errors, at, policy, &POLICIES);
}

fn validate_ports(errors: &mut Errors, at: &At, ports: &[Value]) {
    let mut names = BTreeSet::new();
    for (index, port) in ports.iter().enumerate() {
        // A bad name leads the server to go on with the index of the text about it; the path was made before.
        let (at, name) = (at.index(index), port.text("name"));
        if !name.is_empty() {
            let wrong = port_name(name);
            if wrong.is_empty() && !names.insert(name) {
                errors.push(FieldError::duplicate(&at.field("name"), name));
            }
            invalid_each(errors, &at.field("name"), &name.into(), wrong);
        }
        match port.number("containerPort") {
            0 => errors.push(FieldError::required(&at.field("containerPort"), "")),
            number => invalid_each(errors, &at.field("containerPort"), &number.into(), port_number(number)),
        }
        let number = port.number("hostPort");
        if number != 0 {
            invalid_each(errors, &at.field("hostPort"), &number.into(), port_number(number));
        }
        one_of(errors, &at.field("protocol"), port.text("protocol"), &["SCTP", "TCP", "UDP"]);
    }
}

fn validate_resize_policy(errors: &mut Errors, at: &At, policies: &[Value], pod: &str) {
    let mut seen = BTreeSet::new();
    for (index, policy) in policies.iter().enumerate() {
        let (name, restart) = (policy.text("resourceName"), policy.text("restartPolicy"));
        if !seen.insert(name) {
            errors.push(FieldError::duplicate(&at.index(index), name));
        }
        one_of(errors, at, name, &["cpu", "memory"]);
        one_of(errors, at, restart, &["NotRequired", "RestartContainer"]);
        if pod == "Never" && restart != "NotRequired" {
            let text = "must be 'NotRequired' when pod `restartPolicy` is 'Never'";
            errors.push(FieldError::invalid(at, restart, text));
        }
    }
}

fn validate_restart_policy(errors: &mut Errors, at: &At, container: &Value) {
    const POLICIES: [&str; 3] = ["Always", "Never", "OnFailure"];
    let (policy, rules) = (container.text("restartPolicy"), container.items("restartPolicyRules"));
    if !container.has("restartPolicy") {
        if rules.is_empty() {
            return;
        }
        let text = "must specify restartPolicy when restart rules are used";
        errors.push(FieldError::required(&at.field("restartPolicy"), text));
    } else if !POLICIES.contains(&policy) {
        errors.push(FieldError::not_supported(&at.field("restartPolicy"), policy, &POLICIES));
    }
    let list = at.field("restartPolicyRules");
    if rules.len() > 20 {
        errors.push(FieldError::too_many(&list, rules.len(), 20));
    }
    for (index, rule) in rules.iter().enumerate() {
        let at = list.index(index);
        if !matches!(rule.text("action"), "Restart" | "RestartAllContainers") {
            let known = ["Restart", "RestartAllContainers"];
            errors.push(FieldError::not_supported(&at.field("action"), rule.text("action"), &known));
        }
        if !rule.has("exitCodes") {
            errors.push(FieldError::required(&at.field("exitCodes"), "must be specified"));
            continue;
        }
        let (at, codes) = (at.field("exitCodes"), rule.child("exitCodes"));
        if !matches!(codes.text("operator"), "In" | "NotIn") {
            errors.push(FieldError::not_supported(
                &at.field("operator"),
                codes.text("operator"),
                &["In", "NotIn"],
            ));
        }
        if codes.items("values").len() > 255 {
            errors.push(FieldError::too_many(&at.field("values"), codes.items("values").len(), 255));
        }
    }
}

/// A value as the server's own type prints it.
pub(super) fn shown_internal(at: &At, shown: (&str, &Value), text: &str) -> FieldError {
    invalid_internal(at, shown, text)
}

/// Adds such a mistake.
pub(super) fn invalid(errors: &mut Errors, at: &At, (kind, value): (&str, &Value), text: &str) {
    errors.push(invalid_internal(at, (kind, value), text));
}
