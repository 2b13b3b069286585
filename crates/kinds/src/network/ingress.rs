//! Ingresses.

use lockstep_core::{Map, Value};
use schema::{At, FieldError};

use crate::address::{legacy_ip, texts};
use crate::meta::{
    Edit, View, Wrong, dns_label, dns_subdomain, invalid_each, parse_ip, path_segment, port_name,
    port_number, wildcard_dns_subdomain,
};
use crate::naming::subdomain;
use crate::reset::V1;
use crate::service::{balancer_warnings, validate_hostname};
use crate::strategy::{Status, Strategy};

type Errors = Vec<FieldError>;

const CLASS: &str = "kubernetes.io/ingress.class";
const PATH_TYPES: &[&str] = &["Exact", "ImplementationSpecific", "Prefix"];

pub(crate) const INGRESS: Strategy = Strategy {
    prepare_create: |ingress| {
        let status = [("loadBalancer".into(), Value::map(Map::new()))];
        ingress.set(&["status"], Value::map(Map::from(status)));
    },
    prepare_update: |ingress, old| ingress.take_from(old, &["status"]),
    validate: |ingress| {
        let mut errors = validate(ingress, Tolerance::NONE);
        validate_class(&mut errors, ingress);
        errors
    },
    validate_update: |ingress, old| validate(ingress, Tolerance::of(old)),
    status: Some(Status { validate_update: validate_status, warnings: balancer_warnings, ..Status::PLAIN }),
    warnings,
    name: subdomain,
    generation: Some(crate::pod_template::spec_changed),
    reset: V1,
    ..Strategy::plain("networking.k8s.io", "Ingress", &["v1"])
};

/// What an old object had that would be refused in a new one.
#[derive(Clone, Copy)]
struct Tolerance {
    secret_names: bool,
    wildcard_rules: bool,
}

impl Tolerance {
    const NONE: Self = Self { secret_names: false, wildcard_rules: false };

    fn of(old: &Value) -> Self {
        let spec = old.child("spec");
        let bad_rule = |rule: &Value| {
            let mut errors = Vec::new();
            validate_rule(&mut errors, &At::ROOT, rule);
            rule.text("host").contains('*') && !errors.is_empty()
        };
        Self {
            secret_names: spec.items("tls").iter().any(|tls| !secret_name(tls).is_empty()),
            wildcard_rules: spec.items("rules").iter().any(bad_rule),
        }
    }
}

fn secret_name(tls: &Value) -> Wrong {
    match tls.text("secretName") {
        "" => Vec::new(),
        name => dns_subdomain(name),
    }
}

fn warnings(ingress: &Value, old: Option<&Value>) -> Vec<String> {
    let annotated = ingress.child("metadata").child("annotations").has(CLASS);
    match old.is_none() && annotated && !ingress.child("spec").has("ingressClassName") {
        true => {
            vec![format!("annotation \"{CLASS}\" is deprecated, please use 'spec.ingressClassName' instead")]
        }
        false => Vec::new(),
    }
}

fn validate_class(errors: &mut Errors, ingress: &Value) {
    let (annotations, spec) = (ingress.child("metadata").child("annotations"), ingress.child("spec"));
    let both = annotations.has(CLASS) && spec.has("ingressClassName");
    if both && annotations.text(CLASS) != spec.text("ingressClassName") {
        let at = At::ROOT.field("annotations");
        let text = "must match `ingressClassName` when both are specified";
        errors.push(FieldError::invalid(&at.field(CLASS), annotations.text(CLASS), text));
    }
}

fn validate(ingress: &Value, tolerance: Tolerance) -> Errors {
    let (mut errors, spec) = (Vec::new(), ingress.child("spec"));
    let at = At::ROOT.field("spec");
    if spec.items("rules").is_empty() && !spec.has("defaultBackend") {
        let text = "either `defaultBackend` or `rules` must be specified";
        errors.push(FieldError::invalid(&at, spec.child("rules").clone(), text));
    }
    if spec.has("defaultBackend") {
        validate_backend(&mut errors, &at.field("defaultBackend"), spec.child("defaultBackend"));
    }
    let rules = at.field("rules");
    for (index, rule) in spec.items("rules").iter().enumerate() {
        let at = rules.index(index);
        validate_host(&mut errors, &at.field("host"), rule.text("host"));
        if !(rule.text("host").contains('*') && tolerance.wildcard_rules) {
            validate_rule(&mut errors, &at, rule);
        }
    }
    let tls = at.field("tls");
    for (index, entry) in spec.items("tls").iter().enumerate() {
        validate_tls(&mut errors, &tls.index(index), entry);
        if !tolerance.secret_names {
            let (at, name) = (tls.index(index), entry.text("secretName"));
            invalid_each(&mut errors, &at.field("secretName"), &name.into(), secret_name(entry));
        }
    }
    if spec.has("ingressClassName") {
        let (at, name) = (at.field("ingressClassName"), spec.text("ingressClassName"));
        invalid_each(&mut errors, &at, &name.into(), dns_subdomain(name));
    }
    errors
}

fn host_name(host: &str) -> Wrong {
    if host.contains('*') { wildcard_dns_subdomain(host) } else { dns_subdomain(host) }
}

fn validate_host(errors: &mut Errors, at: &At, host: &str) {
    if host.is_empty() {
        return;
    }
    if parse_ip(host).is_some() {
        errors.push(FieldError::invalid(at, host, "must be a DNS name, not an IP address"));
    }
    invalid_each(errors, at, &host.into(), host_name(host));
}

fn validate_tls(errors: &mut Errors, at: &At, tls: &Value) {
    let hosts = at.field("hosts");
    for (index, host) in texts(tls.items("hosts")).into_iter().enumerate() {
        invalid_each(errors, &hosts.index(index), &host.into(), host_name(host));
    }
}

fn validate_rule(errors: &mut Errors, at: &At, rule: &Value) {
    if !rule.has("http") {
        return;
    }
    let http = at.field("http");
    let (list, paths) = (http.field("paths"), rule.child("http").items("paths"));
    if paths.is_empty() {
        errors.push(FieldError::required(&list, ""));
    }
    for (index, path) in paths.iter().enumerate() {
        validate_path(errors, &list.index(index), path);
    }
}

fn validate_path(errors: &mut Errors, at: &At, path: &Value) {
    if !path.has("pathType") {
        errors.push(FieldError::required(&at.field("pathType"), "pathType must be specified"));
        return;
    }
    let (text, path_at) = (path.text("path"), at.field("path"));
    let relative = !text.starts_with('/');
    match path.text("pathType") {
        "Exact" | "Prefix" => {
            if relative {
                errors.push(FieldError::invalid(&path_at, text, "must be an absolute path"));
            }
            invalid_each(errors, &path_at, &text.into(), odd_parts(text));
        }
        "ImplementationSpecific" => {
            if relative && !text.is_empty() {
                errors.push(FieldError::invalid(&path_at, text, "must be an absolute path"));
            }
        }
        other => errors.push(FieldError::not_supported(&at.field("pathType"), other, PATH_TYPES)),
    }
    validate_backend(errors, &at.field("backend"), path.child("backend"));
}

fn odd_parts(path: &str) -> Wrong {
    let within = ["//", "/./", "/../", "%2f", "%2F"].iter().filter(|part| path.contains(**part));
    let behind = ["/..", "/."].iter().filter(|part| path.ends_with(**part));
    let within = within.map(|part| format!("must not contain '{part}'"));
    within.chain(behind.map(|part| format!("cannot end with '{part}'"))).collect()
}

fn validate_backend(errors: &mut Errors, at: &At, backend: &Value) {
    match (backend.has("resource"), backend.has("service")) {
        (true, true) => {
            errors.push(FieldError::invalid(at, "", "cannot set both resource and service backends"));
        }
        (true, false) => validate_reference(errors, &at.field("resource"), backend.child("resource")),
        (false, true) => validate_service(errors, at, backend.child("service")),
        (false, false) => errors.push(FieldError::invalid(at, "", "resource or service backend is required")),
    }
}

fn validate_reference(errors: &mut Errors, at: &At, reference: &Value) {
    if reference.has("apiGroup") {
        let group = reference.text("apiGroup");
        invalid_each(errors, &at.field("apiGroup"), &group.into(), dns_subdomain(group));
    }
    for field in ["kind", "name"] {
        match reference.text(field) {
            "" => errors.push(FieldError::required(&at.field(field), "")),
            text => invalid_each(errors, &at.field(field), &text.into(), path_segment(text)),
        }
    }
}

fn validate_service(errors: &mut Errors, at: &At, service: &Value) {
    let service_at = at.field("service");
    let port_at = service_at.field("port");
    match service.text("name") {
        "" => errors.push(FieldError::required(&service_at.field("name"), "")),
        name => invalid_each(errors, &service_at.field("name"), &name.into(), dns_label(name)),
    }
    let port = service.child("port");
    match (port.text("name"), port.number("number")) {
        ("", 0) => errors.push(FieldError::required(at, "port name or number is required")),
        ("", number) => invalid_each(errors, &port_at.field("number"), &number.into(), port_number(number)),
        (name, 0) => invalid_each(errors, &port_at.field("name"), &name.into(), port_name(name)),
        _ => errors.push(FieldError::invalid(at, "", "cannot set both port name & port number")),
    }
}

fn validate_status(ingress: &Value, old: &Value) -> Errors {
    let mut errors = Vec::new();
    let entries = |ingress: &Value| ingress.child("status").child("loadBalancer").items("ingress").to_vec();
    let (now, had) = (entries(ingress), entries(old));
    let had: Vec<_> = had.iter().map(|entry| entry.text("ip")).filter(|ip| !ip.is_empty()).collect();
    let at = At::ROOT.field("status");
    let at = at.field("loadBalancer");
    let at = at.field("ingress");
    for (index, entry) in now.iter().enumerate() {
        let (at, ip) = (at.index(index), entry.text("ip"));
        if !ip.is_empty() {
            invalid_each(&mut errors, &at.field("ip"), &ip.into(), legacy_ip(ip, &had));
        }
        validate_hostname(&mut errors, &at.field("hostname"), entry.text("hostname"));
    }
    errors
}
