//! EndpointSlices.

use lockstep_core::Value;
use schema::{At, FieldError};

use super::PROTOCOLS;
use crate::address::{ip_warnings, legacy_ip, texts, validate_endpoint_ip};
use crate::meta::{
    Edit, View, Wrong, dns_label, dns_subdomain, invalid_each, is_canonical_ip, label_value, parse_ip,
    qualified_name,
};
use crate::naming::subdomain;
use crate::strategy::Strategy;

type Errors = Vec<FieldError>;

const TYPES: &[&str] = &["FQDN", "IPv4", "IPv6"];

pub(crate) const ENDPOINT_SLICE: Strategy = Strategy {
    default,
    prepare_create: |slice| drop_topology(slice, None),
    prepare_update: |slice, old| drop_topology(slice, Some(old)),
    validate: |slice| validate(slice, None),
    validate_update: |slice, old| {
        let mut errors = validate(slice, Some(old));
        if slice.text("addressType") != old.text("addressType") {
            let at = At::ROOT.field("addressType");
            errors.push(FieldError::invalid(&at, Value::Null, "field is immutable"));
        }
        errors
    },
    warnings,
    name: subdomain,
    generation: Some(|slice, old| {
        let labels = |slice: &Value| slice.child("metadata").child("labels").clone();
        // No endpoints are written as `null` or as an empty list.
        let lists = ["endpoints", "ports"];
        lists.iter().any(|field| slice.items(field) != old.items(field))
            || slice.text("addressType") != old.text("addressType")
            || labels(slice) != labels(old)
    }),
    ..Strategy::plain("discovery.k8s.io", "EndpointSlice", &["v1"])
};

fn default(slice: &mut Value) {
    for port in slice.items_mut("ports") {
        port.default_to("name", "");
        port.default_to("protocol", "TCP");
    }
}

/// What this version of the kind no longer has, unless nothing changes.
fn drop_topology(slice: &mut Value, old: Option<&Value>) {
    if old.is_some_and(|old| old.child("endpoints") == slice.child("endpoints")) {
        return;
    }
    for endpoint in slice.items_mut("endpoints") {
        endpoint.remove(&["deprecatedTopology"]);
    }
}

fn validate(slice: &Value, old: Option<&Value>) -> Errors {
    let (mut errors, mut late, kind) = (Vec::new(), Vec::new(), slice.text("addressType"));
    let at = At::ROOT.field("addressType");
    match kind {
        "" => late.push(FieldError::required(&at, "")),
        known if TYPES.contains(&known) => {}
        other => late.push(FieldError::not_supported(&at, other, TYPES)),
    }
    validate_ports(&mut errors, slice.items("ports"));
    let at = At::ROOT.field("endpoints");
    let endpoints = slice.items("endpoints");
    if endpoints.len() > 1000 {
        errors.push(FieldError::too_many(&at, endpoints.len(), 1000));
    } else if old.is_none_or(|old| old.child("endpoints") != slice.child("endpoints")) {
        for (index, endpoint) in endpoints.iter().enumerate() {
            validate_endpoint(&mut errors, &at.index(index), (endpoint, kind));
            let at = at.index(index);
            match endpoint.items("addresses").len() {
                0 => late.push(FieldError::required(&at.field("addresses"), "")),
                1..=100 => {}
                many => late.push(FieldError::too_many(&at.field("addresses"), many, 100)),
            }
        }
    }
    errors.extend(late);
    errors
}

fn validate_ports(errors: &mut Errors, ports: &[Value]) {
    let at = At::ROOT.field("ports");
    if ports.len() > 20000 {
        errors.push(FieldError::too_many(&at, ports.len(), 20000));
        return;
    }
    for (index, port) in ports.iter().enumerate() {
        let (at, name) = (at.index(index), port.text("name"));
        if !name.is_empty() {
            invalid_each(errors, &at.field("name"), &name.into(), dns_label(name));
        }
        if ports[..index].iter().any(|other| other.text("name") == name) {
            errors.push(FieldError::duplicate(&at.field("name"), name));
        }
        match port.text("protocol") {
            "" => errors.push(FieldError::required(&at.field("protocol"), "")),
            known if PROTOCOLS.contains(&known) => {}
            other => errors.push(FieldError::not_supported(&at.field("protocol"), other, PROTOCOLS)),
        }
        if port.has("appProtocol") {
            let name = port.text("appProtocol");
            invalid_each(errors, &at.field("appProtocol"), &name.into(), qualified_name(name));
        }
    }
}

fn validate_endpoint(errors: &mut Errors, at: &At, (endpoint, kind): (&Value, &str)) {
    let list = at.field("addresses");
    for (index, address) in texts(endpoint.items("addresses")).into_iter().enumerate() {
        validate_address(errors, &list, (index, address, kind));
    }
    if endpoint.has("nodeName") {
        let node = endpoint.text("nodeName");
        invalid_each(errors, &at.field("nodeName"), &node.into(), dns_subdomain(node));
    }
    if endpoint.has("hostname") {
        let host = endpoint.text("hostname");
        invalid_each(errors, &at.field("hostname"), &host.into(), dns_label(host));
    }
    let hints = at.field("hints");
    validate_hints(errors, &hints, (endpoint.child("hints"), "forZones", label_value));
    validate_hints(errors, &hints, (endpoint.child("hints"), "forNodes", dns_subdomain));
}

fn validate_address(errors: &mut Errors, list: &At, (index, address, kind): (usize, &str, &str)) {
    let at = list.index(index);
    let wrong = match kind {
        "IPv4" => legacy_ip(address, &[]),
        "IPv6" => is_canonical_ip(address),
        "FQDN" => domain_name(address),
        _ => return,
    };
    let fine = wrong.is_empty();
    invalid_each(errors, &at, &address.into(), wrong);
    if !fine || kind == "FQDN" {
        return;
    }
    if parse_ip(address).is_some_and(|ip| ip.is_ipv4() != (kind == "IPv4")) {
        errors.push(FieldError::invalid(list, address, format!("must be an {kind} address")));
    }
    validate_endpoint_ip(errors, &at, address);
}

fn domain_name(name: &str) -> Wrong {
    let name = name.strip_suffix('.').unwrap_or(name);
    let wrong = dns_subdomain(name);
    match wrong.is_empty() && name.split('.').count() < 2 {
        true => vec!["should be a domain with at least two segments separated by dots".into()],
        false => wrong,
    }
}

type Hints<'v> = (&'v Value, &'static str, fn(&str) -> Wrong);

fn validate_hints(errors: &mut Errors, at: &At, (hints, field, form): Hints<'_>) {
    let (at, items) = (at.field(field), hints.items(field));
    if items.len() > 8 {
        errors.push(FieldError::too_many(&at, items.len(), 8));
        return;
    }
    for (index, item) in items.iter().enumerate() {
        let (place, name) = (at.index(index), item.text("name"));
        if items[..index].iter().any(|other| other.text("name") == name) {
            errors.push(FieldError::duplicate(&place.field("name"), name));
        }
        invalid_each(errors, &place.field("name"), &name.into(), form(name));
    }
}

fn warnings(slice: &Value, old: Option<&Value>) -> Vec<String> {
    let mut warnings = Vec::new();
    if old.is_none() && slice.text("addressType") == "FQDN" {
        warnings.push("spec.addressType: FQDN endpoints are deprecated".into());
    }
    let managed = slice.str_at(&["metadata", "labels", "endpointslice.kubernetes.io/managed-by"]);
    let controllers = ["endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io"];
    if managed.is_some_and(|name| controllers.contains(&name)) {
        return warnings;
    }
    let at = At::ROOT.field("endpoints");
    for (index, endpoint) in slice.items("endpoints").iter().enumerate() {
        let at = at.index(index);
        let at = at.field("addresses");
        for (index, address) in texts(endpoint.items("addresses")).into_iter().enumerate() {
            warnings.extend(ip_warnings(&at.index(index), address));
        }
    }
    warnings
}
