//! What is wrong with the spec of a pod, in a Pod or a template.

use lockstep_core::Value;
use schema::{At, FieldError};

use super::Errors;
use super::container::{
    Around, one_of, validate_containers, validate_ephemeral_containers, validate_init_containers,
};
use super::defaults::CONTAINERS;
use super::env::validate_file_volumes;
use super::resources::{Of, validate_pod_resources, validate_resources};
use super::scheduling::{validate_affinity, validate_gates, validate_spread, validate_tolerations};
use super::security::validate_pod_security_context;
use super::volumes::validate_volumes;
use super::windows::validate_os;
use crate::meta::{
    View, Wrong, dns_label, dns_subdomain, dns_subdomain_with_underscore, invalid_each, legacy_ip,
    qualified_name, validate_labels,
};

/// Where the spec stands: some rules hold for Pods only.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place<'v> {
    /// In a Pod of this name.
    Pod(&'v str),
    /// In a template.
    Template,
}

/// Everything, in the order of the server.
pub(crate) fn validate_pod_spec(errors: &mut Errors, at: &At, spec: &Value, place: Place<'_>) {
    if !spec.has("terminationGracePeriodSeconds") {
        errors.push(FieldError::required(&at.field("terminationGracePeriodSeconds"), ""));
    }
    let pod = if let Place::Pod(name) = place { name } else { "" };
    let volumes = validate_volumes(errors, &at.field("volumes"), spec, pod);
    let mut claims: Vec<&str> = spec.items("resourceClaims").iter().map(|claim| claim.text("name")).collect();
    claims.sort_unstable();
    validate_claims(errors, &at.field("resourceClaims"), spec.items("resourceClaims"));
    let around = Around { spec, volumes, claims };
    validate_containers(errors, &at.field("containers"), &around);
    validate_init_containers(errors, &at.field("initContainers"), &around);
    validate_ephemeral_containers(errors, &at.field("ephemeralContainers"), &around);
    if spec.has("resources") {
        validate_pod_resources(errors, at, spec, &around.claims);
    }
    validate_host_network(errors, &at.field("containers"), spec, place);
    one_of(errors, &at.field("restartPolicy"), spec.text("restartPolicy"), &["Always", "OnFailure", "Never"]);
    let dns = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
    one_of(errors, &at.field("dnsPolicy"), spec.text("dnsPolicy"), &dns);
    validate_labels(errors, &at.field("nodeSelector"), spec.child("nodeSelector"));
    validate_pod_security_context(errors, &at.field("securityContext"), spec);
    if spec.flag("shareProcessNamespace") && spec.flag("hostPID") {
        let text = "ShareProcessNamespace and HostPID cannot both be enabled";
        errors.push(FieldError::invalid(&at.field("shareProcessNamespace"), true, text));
    }
    validate_affinity(errors, &at.field("affinity"), spec.child("affinity"));
    validate_dns(errors, &at.field("dnsConfig"), spec);
    validate_readiness(errors, &at.field("readinessGates"), spec.items("readinessGates"));
    validate_gates(errors, &at.field("schedulingGates"), spec.items("schedulingGates"));
    validate_spread(errors, &at.field("topologySpreadConstraints"), spec.items("topologySpreadConstraints"));
    validate_host_users(errors, at, spec);
    validate_host_name(errors, at, spec);
    validate_names(errors, at, spec);
    validate_rest(errors, at, spec);
}

fn validate_claims(errors: &mut Errors, at: &At, claims: &[Value]) {
    for (index, claim) in claims.iter().enumerate() {
        let (at, name) = (at.index(index), claim.text("name"));
        match name {
            "" => errors.push(FieldError::required(&at.field("name"), "")),
            _ if claims[..index].iter().any(|other| other.text("name") == name) => {
                errors.push(FieldError::duplicate(&at.field("name"), name));
            }
            _ => invalid_each(errors, &at.field("name"), &name.into(), dns_label(name)),
        }
        for key in ["resourceClaimName", "resourceClaimTemplateName"] {
            let text = claim.text(key);
            if claim.has(key) {
                invalid_each(errors, &at.field(key), &text.into(), dns_subdomain(text));
            }
        }
        let given = [claim.has("resourceClaimName"), claim.has("resourceClaimTemplateName")];
        let wrong = match given {
            [true, true] => {
                "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"
            }
            [false, false] => "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`",
            _ => continue,
        };
        errors.push(super::container::shown_internal(&at, ("core.PodResourceClaim", claim), wrong));
    }
}

/// On the network of the node a port of a container is the node's.
fn validate_host_network(errors: &mut Errors, at: &At, spec: &Value, place: Place<'_>) {
    if !spec.flag("hostNetwork") {
        return;
    }
    for (index, container) in spec.items("containers").iter().enumerate() {
        let at = at.index(index);
        let at = at.field("ports");
        for (index, port) in container.items("ports").iter().enumerate() {
            let (host, own) = (port.number("hostPort"), port.number("containerPort"));
            if (matches!(place, Place::Pod(_)) || host != 0) && host != own {
                let at = at.index(index);
                let text = "must match `containerPort` when `hostNetwork` is true";
                errors.push(FieldError::invalid(&at.field("hostPort"), host, text));
            }
        }
    }
}

fn validate_dns(errors: &mut Errors, at: &At, spec: &Value) {
    let (config, servers_at) = (spec.child("dnsConfig"), at.field("nameservers"));
    let servers = config.items("nameservers");
    if spec.text("dnsPolicy") == "None" {
        if !spec.has("dnsConfig") {
            errors.push(FieldError::required(at, "must provide `dnsConfig` when `dnsPolicy` is None"));
            return;
        }
        if servers.is_empty() {
            let text = "must provide at least one DNS nameserver when `dnsPolicy` is None";
            errors.push(FieldError::required(&servers_at, text));
            return;
        }
    }
    if servers.len() > 3 {
        let text = "must not have more than 3 nameservers";
        errors.push(FieldError::invalid(&servers_at, config.child("nameservers").clone(), text));
    }
    for (index, server) in servers.iter().enumerate() {
        invalid_each(
            errors,
            &servers_at.index(index),
            server,
            legacy_ip(server.as_str().unwrap_or_default()),
        );
    }
    validate_searches(errors, &at.field("searches"), config.child("searches"));
    let list = at.field("options");
    for (index, option) in config.items("options").iter().enumerate() {
        if option.text("name").is_empty() {
            errors.push(FieldError::required(&list.index(index), "must not be empty"));
        }
    }
}

fn validate_searches(errors: &mut Errors, at: &At, searches: &Value) {
    let texts: Vec<&str> = searches.as_list().unwrap_or_default().iter().filter_map(Value::as_str).collect();
    if texts.len() > 32 {
        errors.push(FieldError::invalid(at, searches.clone(), "must not have more than 32 search paths"));
    }
    if texts.join(" ").len() > 2048 {
        let text = "must not have more than 2048 characters (including spaces) in the search list";
        errors.push(FieldError::invalid(at, searches.clone(), text));
    }
    for (index, search) in texts.iter().enumerate().filter(|(_, search)| **search != ".") {
        let search = search.strip_suffix('.').unwrap_or(search);
        invalid_each(errors, &at.index(index), &search.into(), dns_subdomain_with_underscore(search));
    }
}

fn validate_readiness(errors: &mut Errors, at: &At, gates: &[Value]) {
    for (index, gate) in gates.iter().enumerate() {
        let (at, kind) = (at.index(index), gate.text("conditionType"));
        invalid_each(errors, &at.field("conditionType"), &kind.into(), qualified_name(kind));
    }
}

/// With users of its own a pod shares less with its node.
fn validate_host_users(errors: &mut Errors, at: &At, spec: &Value) {
    if spec.child("hostUsers").as_bool() != Some(false) {
        return;
    }
    const TEXT: &str = "when `hostUsers` is false";
    for (key, shown) in [("hostNetwork", "hostNetwork"), ("hostPID", "HostPID"), ("hostIPC", "HostIPC")] {
        if spec.flag(key) {
            errors.push(FieldError::forbidden(&at.field(shown), TEXT));
        }
    }
    for list in CONTAINERS {
        let list_at = at.field(list);
        for (index, container) in spec.items(list).iter().enumerate() {
            if !container.items("volumeDevices").is_empty() {
                let at = list_at.index(index);
                errors.push(FieldError::forbidden(&at.field("volumeDevices"), TEXT));
            }
        }
    }
}

fn validate_host_name(errors: &mut Errors, at: &At, spec: &Value) {
    if !spec.has("hostnameOverride") {
        return;
    }
    let (at, name) = (at.field("hostnameOverride"), spec.text("hostnameOverride"));
    for (key, text) in [
        ("setHostnameAsFQDN", "may not be specified when setHostnameAsFQDN is true"),
        ("hostNetwork", "may not be specified when hostNetwork is true"),
    ] {
        if spec.flag(key) {
            errors.push(FieldError::forbidden(&at, text));
        }
    }
    if name.len() > 64 {
        errors.push(FieldError::too_long(&at, 64));
    }
    invalid_each(errors, &at, &name.into(), dns_subdomain(name));
}

fn validate_names(errors: &mut Errors, at: &At, spec: &Value) {
    let (account, deprecated) = (spec.text("serviceAccountName"), spec.text("serviceAccount"));
    let mut check = |key: &str, rule: fn(&str) -> Wrong| {
        let text = spec.text(key);
        if !text.is_empty() {
            invalid_each(errors, &at.field(key), &text.into(), rule(text));
        }
    };
    check("serviceAccountName", dns_subdomain);
    if account != deprecated {
        let text = format!("must be the same as serviceAccountName: \"{account}\"");
        errors.push(FieldError::invalid(&at.field("deprecatedServiceAccount"), deprecated, text));
    }
    let node = spec.text("nodeName");
    if !node.is_empty() {
        invalid_each(errors, &at.field("nodeName"), &node.into(), dns_subdomain(node));
    }
    if let Some(deadline) =
        spec.int("activeDeadlineSeconds").filter(|seconds| !(1..=2_147_483_647).contains(seconds))
    {
        let text = "must be between 1 and 2147483647, inclusive";
        errors.push(FieldError::invalid(&at.field("activeDeadlineSeconds"), deadline, text));
    }
    for key in ["hostname", "subdomain"] {
        let text = spec.text(key);
        if !text.is_empty() {
            invalid_each(errors, &at.field(key), &text.into(), dns_label(text));
        }
    }
}

fn validate_rest(errors: &mut Errors, at: &At, spec: &Value) {
    validate_tolerations(errors, &at.field("tolerations"), spec.items("tolerations"));
    let aliases = at.field("hostAliases");
    for (index, alias) in spec.items("hostAliases").iter().enumerate() {
        let (at, ip) = (aliases.index(index), alias.text("ip"));
        invalid_each(errors, &at.field("ip"), &ip.into(), legacy_ip(ip));
        let names = at.field("hostnames");
        for (index, name) in alias.items("hostnames").iter().enumerate() {
            invalid_each(errors, &names.index(index), name, dns_subdomain(name.as_str().unwrap_or_default()));
        }
    }
    for key in ["priorityClassName", "runtimeClassName"] {
        let name = spec.text(key);
        if !name.is_empty() || (key == "runtimeClassName" && spec.has(key)) {
            invalid_each(errors, &at.field(key), &name.into(), dns_subdomain(name));
        }
    }
    if spec.has("preemptionPolicy") {
        let known = ["PreemptLowerPriority", "Never"];
        one_of(errors, &at.field("preemptionPolicy"), spec.text("preemptionPolicy"), &known);
    }
    if spec.has("overhead") {
        let mut resources = Value::default();
        resources.set(&["limits"], spec.child("overhead").clone());
        validate_resources(errors, &at.field("overhead"), &resources, (Of::Container, &[]));
    }
    if spec.has("os") {
        validate_os(errors, at, spec);
    }
    validate_file_volumes(errors, at, spec);
}
