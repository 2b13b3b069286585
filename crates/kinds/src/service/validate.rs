//! What is wrong with a Service.

use lockstep_core::Value;
use schema::{At, FieldError};

use super::cluster_ips::validate_cluster_ips;
use super::{is_external, is_headless, needs_health_check};
use crate::address::{legacy_cidr, legacy_ip, texts, validate_endpoint_ip};
use crate::meta::{
    View, dns_label, dns_subdomain, invalid_each, parse_ip, port_number, qualified_name, validate_labels,
    validate_port_or_name,
};

type Errors = Vec<FieldError>;

const PROTOCOLS: &[&str] = &["SCTP", "TCP", "UDP"];
const TYPES: &[&str] = &["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const BALANCER_ONLY: &str = "may only be used when `type` is 'LoadBalancer'";

pub(super) fn validate(service: &Value) -> Errors {
    validate_with(service, None)
}

/// With what `old` had already, which the server takes even where it would refuse it now.
pub(super) fn validate_with(service: &Value, old: Option<&Value>) -> Errors {
    let (mut errors, spec) = (Vec::new(), service.child("spec"));
    let at = At::ROOT.field("spec");
    validate_topology(&mut errors, service);
    validate_type(&mut errors, &at, spec);
    validate_ports(&mut errors, &at.field("ports"), spec);
    if spec.has("selector") {
        validate_labels(&mut errors, &at.field("selector"), spec.child("selector"));
    }
    validate_affinity(&mut errors, &at, spec);
    errors.extend(validate_cluster_ips(service, old));
    validate_external_ips(&mut errors, &at.field("externalIPs"), service, old);
    validate_type_name(&mut errors, &at.field("type"), spec);
    validate_port_numbers(&mut errors, &at.field("ports"), spec);
    validate_source_ranges(&mut errors, service, old);
    validate_balancer_fields(&mut errors, &at, spec);
    validate_traffic(&mut errors, &at, spec);
    errors
}

fn validate_topology(errors: &mut Errors, service: &Value) {
    let annotations = service.child("metadata").child("annotations");
    let (hints, mode) = ("service.kubernetes.io/topology-aware-hints", "service.kubernetes.io/topology-mode");
    if annotations.has(hints) && annotations.has(mode) && annotations.text(hints) != annotations.text(mode) {
        let at = At::ROOT.field("metadata");
        let at = at.field("annotations");
        let text = format!("must match annotations[{hints}] when both are specified");
        errors.push(FieldError::invalid(&at.key(mode), annotations.text(mode), text));
    }
}

fn validate_type(errors: &mut Errors, at: &At, spec: &Value) {
    let kind = spec.text("type");
    if spec.items("ports").is_empty() && !is_headless(spec) && kind != "ExternalName" {
        errors.push(FieldError::required(&at.field("ports"), ""));
    }
    match kind {
        "LoadBalancer" | "NodePort" if is_headless(spec) => {
            let at = at.field("clusterIPs");
            let text = format!("may not be set to 'None' for {kind} services");
            errors.push(FieldError::invalid(&at.index(0), "None", text));
        }
        "ExternalName" => validate_external_name(errors, at, spec),
        _ => {}
    }
}

fn validate_external_name(errors: &mut Errors, at: &At, spec: &Value) {
    let set = [
        ("clusterIPs", !spec.items("clusterIPs").is_empty()),
        ("ipFamilies", !spec.items("ipFamilies").is_empty()),
        ("ipFamilyPolicy", spec.has("ipFamilyPolicy")),
    ];
    for (field, _) in set.iter().filter(|(_, set)| *set) {
        errors.push(FieldError::forbidden(&at.field(field), "may not be set for ExternalName services"));
    }
    let name = spec.text("externalName");
    let name = name.strip_suffix('.').unwrap_or(name);
    match name.is_empty() {
        true => errors.push(FieldError::required(&at.field("externalName"), "")),
        false => invalid_each(errors, &at.field("externalName"), &name.into(), dns_subdomain(name)),
    }
}

fn validate_ports(errors: &mut Errors, at: &At, spec: &Value) {
    let (ports, mut names) = (spec.items("ports"), Vec::new());
    for (index, port) in ports.iter().enumerate() {
        let (at, name) = (at.index(index), port.text("name"));
        if name.is_empty() {
            if ports.len() > 1 {
                errors.push(FieldError::required(&at.field("name"), ""));
            }
        } else {
            invalid_each(errors, &at.field("name"), &name.into(), dns_label(name));
            match names.contains(&name) {
                true => errors.push(FieldError::duplicate(&at.field("name"), name)),
                false => names.push(name),
            }
        }
        validate_port(errors, &at, port);
    }
}

fn validate_port(errors: &mut Errors, at: &At, port: &Value) {
    let number = port.number("port");
    invalid_each(errors, &at.field("port"), &number.into(), port_number(number));
    match port.text("protocol") {
        "" => errors.push(FieldError::required(&at.field("protocol"), "")),
        known if PROTOCOLS.contains(&known) => {}
        other => errors.push(FieldError::not_supported(&at.field("protocol"), other, PROTOCOLS)),
    }
    validate_port_or_name(errors, &at.field("targetPort"), port.child("targetPort"));
    if port.has("appProtocol") {
        let name = port.text("appProtocol");
        invalid_each(errors, &at.field("appProtocol"), &name.into(), qualified_name(name));
    }
}

fn validate_affinity(errors: &mut Errors, at: &At, spec: &Value) {
    let config_at = at.field("sessionAffinityConfig");
    match spec.text("sessionAffinity") {
        "" => errors.push(FieldError::required(&at.field("sessionAffinity"), "")),
        "ClientIP" => validate_affinity_timeout(errors, &config_at, spec.child("sessionAffinityConfig")),
        "None" if spec.has("sessionAffinityConfig") => {
            errors.push(FieldError::forbidden(&config_at, "must not be set when session affinity is None"));
        }
        "None" => {}
        other => {
            errors.push(FieldError::not_supported(&at.field("sessionAffinity"), other, &["ClientIP", "None"]))
        }
    }
}

fn validate_affinity_timeout(errors: &mut Errors, at: &At, config: &Value) {
    const WHEN: &str = "when session affinity type is ClientIP";
    let client_at = at.field("clientIP");
    let seconds = config.child("clientIP").int("timeoutSeconds");
    match (config, seconds) {
        (Value::Null, _) => errors.push(FieldError::required(at, WHEN)),
        (config, _) if !config.has("clientIP") => errors.push(FieldError::required(&client_at, WHEN)),
        (_, None) => errors.push(FieldError::required(&client_at.field("timeoutSeconds"), WHEN)),
        (_, Some(seconds)) if !(1..=86400).contains(&seconds) => errors.push(FieldError::invalid(
            &client_at.field("timeoutSeconds"),
            seconds,
            "must be greater than 0 and less than 86400",
        )),
        _ => {}
    }
}

fn validate_external_ips(errors: &mut Errors, at: &At, service: &Value, old: Option<&Value>) {
    let had = old.map(|old| texts(old.child("spec").items("externalIPs"))).unwrap_or_default();
    for (index, text) in texts(service.child("spec").items("externalIPs")).into_iter().enumerate() {
        let at = at.index(index);
        match legacy_ip(text, &had) {
            wrong if wrong.is_empty() => validate_endpoint_ip(errors, &at, text),
            wrong => invalid_each(errors, &at, &text.into(), wrong),
        }
    }
}

fn validate_type_name(errors: &mut Errors, at: &At, spec: &Value) {
    match spec.text("type") {
        "" => errors.push(FieldError::required(at, "")),
        known if TYPES.contains(&known) => {}
        other => errors.push(FieldError::not_supported(at, other, TYPES)),
    }
}

/// Ports and node ports may be there once for each protocol.
fn validate_port_numbers(errors: &mut Errors, at: &At, spec: &Value) {
    let ports = spec.items("ports");
    let (mut node_ports, mut numbers) = (Vec::new(), Vec::new());
    for (index, port) in ports.iter().enumerate() {
        if spec.text("type") == "ClusterIP" && port.number("nodePort") != 0 {
            errors.push(FieldError::forbidden(
                &at.index(index).field("nodePort"),
                "may not be used when `type` is 'ClusterIP'",
            ));
        }
    }
    for (index, port) in ports.iter().enumerate().filter(|(_, port)| port.number("nodePort") != 0) {
        let key = (port.text("protocol"), port.number("nodePort"));
        if node_ports.contains(&key) {
            errors.push(FieldError::duplicate(&at.index(index).field("nodePort"), key.1));
        }
        node_ports.push(key);
    }
    for (index, port) in ports.iter().enumerate() {
        let key = (port.text("protocol"), port.number("port"));
        if numbers.contains(&key) {
            errors.push(duplicate_port(&at.index(index), key));
        }
        numbers.push(key);
    }
}

/// The server shows its own type, with its own names of fields in their own order.
fn duplicate_port(at: &At, (protocol, number): (&str, i64)) -> FieldError {
    let shown = format!(
        "{{\"Name\":\"\",\"Protocol\":\"{protocol}\",\"AppProtocol\":null,\"Port\":{number},\"TargetPort\":0,\"NodePort\":0}}"
    );
    FieldError::new(schema::Mistake::Duplicate, at, None, shown)
}

fn validate_source_ranges(errors: &mut Errors, service: &Value, old: Option<&Value>) {
    const ANNOTATION: &str = "service.beta.kubernetes.io/load-balancer-source-ranges";
    let spec = service.child("spec");
    let balancer = spec.text("type") == "LoadBalancer";
    let ranges = |service: &Value| -> Vec<String> {
        let ranges = texts(service.child("spec").items("loadBalancerSourceRanges"));
        ranges.into_iter().map(|range| range.trim().to_owned()).collect()
    };
    let (now, had) = (ranges(service), old.map(ranges).unwrap_or_default());
    let had: Vec<_> = had.iter().map(String::as_str).collect();
    let annotation = service.str_at(&["metadata", "annotations", ANNOTATION]);
    if !now.is_empty() {
        let at = At::ROOT.field("spec");
        let at = at.field("LoadBalancerSourceRanges");
        if !balancer {
            errors.push(FieldError::forbidden(&at, BALANCER_ONLY));
        }
        for (index, range) in now.iter().enumerate() {
            invalid_each(errors, &at.index(index), &(&**range).into(), legacy_cidr(range, &had));
        }
    } else if let Some(annotation) = annotation {
        let at = At::ROOT.field("metadata");
        let at = at.field("annotations");
        let at = at.key(ANNOTATION);
        if !balancer {
            errors.push(FieldError::forbidden(&at, BALANCER_ONLY));
        }
        let before = old.and_then(|old| old.str_at(&["metadata", "annotations", ANNOTATION]));
        if before != Some(annotation) && !annotation.trim().is_empty() {
            for range in annotation.trim().split(',').map(str::trim) {
                invalid_each(errors, &at, &range.into(), legacy_cidr(range, &[]));
            }
        }
    }
}

fn validate_balancer_fields(errors: &mut Errors, at: &At, spec: &Value) {
    let balancer = spec.text("type") == "LoadBalancer";
    match (balancer, spec.has("allocateLoadBalancerNodePorts")) {
        (false, true) => {
            errors.push(FieldError::forbidden(&at.field("allocateLoadBalancerNodePorts"), BALANCER_ONLY));
        }
        (true, false) => {
            errors.push(FieldError::required(&At::ROOT.field("allocateLoadBalancerNodePorts"), ""));
        }
        _ => {}
    }
    validate_class(errors, at, spec);
}

/// The class of a load balancer.
pub(super) fn validate_class(errors: &mut Errors, at: &At, spec: &Value) {
    if !spec.has("loadBalancerClass") {
        return;
    }
    let (at, class) = (at.field("loadBalancerClass"), spec.text("loadBalancerClass"));
    match spec.text("type") == "LoadBalancer" {
        true => invalid_each(errors, &at, &class.into(), qualified_name(class)),
        false => errors.push(FieldError::forbidden(&at, BALANCER_ONLY)),
    }
}

fn validate_traffic(errors: &mut Errors, at: &At, spec: &Value) {
    const POLICIES: &[&str] = &["Cluster", "Local"];
    const DISTRIBUTIONS: &[&str] = &["PreferClose", "PreferSameZone", "PreferSameNode"];
    let external_at = at.field("externalTrafficPolicy");
    match (is_external(spec), spec.text("externalTrafficPolicy")) {
        (true, "") => errors.push(FieldError::required(&external_at, "")),
        (true, policy) if !POLICIES.contains(&policy) => {
            errors.push(FieldError::not_supported(&external_at, policy, POLICIES));
        }
        (false, policy) if !policy.is_empty() => errors.push(FieldError::invalid(
            &external_at,
            policy,
            "may only be set for externally-accessible services",
        )),
        _ => {}
    }
    validate_health_check(errors, &at.field("healthCheckNodePort"), spec);
    let internal_at = at.field("internalTrafficPolicy");
    match (spec.has("internalTrafficPolicy"), spec.text("internalTrafficPolicy")) {
        (false, _) if matches!(spec.text("type"), "NodePort" | "LoadBalancer" | "ClusterIP") => {
            errors.push(FieldError::required(&internal_at, ""));
        }
        (true, policy) if !POLICIES.contains(&policy) => {
            errors.push(FieldError::not_supported(&internal_at, policy, POLICIES));
        }
        _ => {}
    }
    let distribution = spec.text("trafficDistribution");
    if spec.has("trafficDistribution") && !DISTRIBUTIONS.contains(&distribution) {
        errors.push(FieldError::not_supported(&at.field("trafficDistribution"), distribution, DISTRIBUTIONS));
    }
}

fn validate_health_check(errors: &mut Errors, at: &At, spec: &Value) {
    match (needs_health_check(spec), spec.number("healthCheckNodePort")) {
        (true, 0) => errors.push(FieldError::required(at, "")),
        (true, port) => invalid_each(errors, at, &port.into(), port_number(port)),
        (false, 0) => {}
        (false, port) => errors.push(FieldError::invalid(
            at,
            port,
            "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
        )),
    }
}

/// The addresses of load balancers in the status.
pub(super) fn validate_balancer(errors: &mut Errors, service: &Value, old: &Value) {
    let at = At::ROOT.field("status");
    let at = at.field("loadBalancer");
    let at = at.field("ingress");
    let entries = |service: &Value| service.child("status").child("loadBalancer").items("ingress").to_vec();
    let (now, had) = (entries(service), entries(old));
    if service.child("spec").text("type") != "LoadBalancer" && !now.is_empty() {
        errors.push(FieldError::forbidden(&at, "may only be used when `spec.type` is 'LoadBalancer'"));
        return;
    }
    let had: Vec<_> = had.iter().map(|entry| entry.text("ip")).filter(|ip| !ip.is_empty()).collect();
    for (index, entry) in now.iter().enumerate() {
        let at = at.index(index);
        validate_ip_and_mode(errors, &at, entry, &had);
        validate_hostname(errors, &at.field("hostname"), entry.text("hostname"));
    }
}

fn validate_ip_and_mode(errors: &mut Errors, at: &At, entry: &Value, had: &[&str]) {
    let (ip, mode, mode_at) = (entry.text("ip"), entry.text("ipMode"), at.field("ipMode"));
    if !ip.is_empty() {
        invalid_each(errors, &at.field("ip"), &ip.into(), legacy_ip(ip, had));
    }
    match (entry.has("ipMode"), ip.is_empty()) {
        (false, false) => {
            errors.push(FieldError::required(&mode_at, "must be specified when `ip` is set"));
        }
        (true, true) => {
            errors.push(FieldError::forbidden(&mode_at, "may not be specified when `ip` is not set"));
        }
        (true, false) if !["Proxy", "VIP"].contains(&mode) => {
            errors.push(FieldError::not_supported(&mode_at, mode, &["Proxy", "VIP"]));
        }
        _ => {}
    }
}

/// The name of a load balancer, which is no address.
pub(crate) fn validate_hostname(errors: &mut Errors, at: &At, name: &str) {
    if name.is_empty() {
        return;
    }
    invalid_each(errors, at, &name.into(), dns_subdomain(name));
    if parse_ip(name).is_some() {
        errors.push(FieldError::invalid(at, name, "must be a DNS name, not an IP address"));
    }
}
