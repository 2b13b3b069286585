//! Endpoints.

use lockstep_core::Value;
use schema::{At, FieldError};

use super::PROTOCOLS;
use crate::address::{ip_warnings, legacy_ip, validate_endpoint_ip};
use crate::meta::{Edit, View, dns_label, dns_subdomain, invalid_each, port_number, qualified_name};
use crate::naming::subdomain;
use crate::strategy::Strategy;

type Errors = Vec<FieldError>;

pub(crate) const ENDPOINTS: Strategy = Strategy {
    default,
    validate,
    validate_update: |endpoints, old| match endpoints.child("subsets") == old.child("subsets") {
        true => Vec::new(),
        false => validate(endpoints),
    },
    warnings: |endpoints, _| warnings(endpoints),
    name: subdomain,
    create_on_update: true,
    ..Strategy::plain("", "Endpoints", &["v1"])
};

fn default(endpoints: &mut Value) {
    for subset in endpoints.items_mut("subsets") {
        subset.items_mut("ports").iter_mut().for_each(|port| port.default_text("protocol", "TCP"));
    }
}

fn validate(endpoints: &Value) -> Errors {
    let mut errors = Vec::new();
    let at = At::ROOT.field("subsets");
    for (index, subset) in endpoints.items("subsets").iter().enumerate() {
        let at = at.index(index);
        if subset.items("addresses").is_empty() && subset.items("notReadyAddresses").is_empty() {
            errors.push(FieldError::required(&at, "must specify `addresses` or `notReadyAddresses`"));
        }
        for field in ["addresses", "notReadyAddresses"] {
            let at = at.field(field);
            for (index, address) in subset.items(field).iter().enumerate() {
                validate_address(&mut errors, &at.index(index), address);
            }
        }
        let (at, ports) = (at.field("ports"), subset.items("ports"));
        for (index, port) in ports.iter().enumerate() {
            if ports.len() > 1 && port.text("name").is_empty() {
                errors.push(FieldError::required(&at.index(index).field("name"), ""));
            }
            validate_port(&mut errors, &at.index(index), port);
        }
    }
    errors
}

fn validate_address(errors: &mut Errors, at: &At, address: &Value) {
    let (ip, host, node) = (address.text("ip"), address.text("hostname"), address.text("nodeName"));
    invalid_each(errors, &at.field("ip"), &ip.into(), legacy_ip(ip, &[]));
    if !host.is_empty() {
        invalid_each(errors, &at.field("hostname"), &host.into(), dns_label(host));
    }
    if address.has("nodeName") {
        invalid_each(errors, &at.field("nodeName"), &node.into(), dns_subdomain(node));
    }
    validate_endpoint_ip(errors, &at.field("ip"), ip);
}

fn validate_port(errors: &mut Errors, at: &At, port: &Value) {
    let (name, number) = (port.text("name"), port.number("port"));
    if !name.is_empty() {
        invalid_each(errors, &at.field("name"), &name.into(), dns_label(name));
    }
    invalid_each(errors, &at.field("port"), &number.into(), port_number(number));
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

/// The kind itself is deprecated, which the server says first.
fn warnings(endpoints: &Value) -> Vec<String> {
    let mut warnings =
        vec!["v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice".to_owned()];
    let managed = endpoints.str_at(&["metadata", "labels", "endpoints.kubernetes.io/managed-by"]);
    if managed == Some("endpoint-controller") {
        return warnings;
    }
    let at = At::ROOT.field("subsets");
    for (index, subset) in endpoints.items("subsets").iter().enumerate() {
        for field in ["addresses", "notReadyAddresses"] {
            let at = at.index(index);
            let at = at.field(field);
            for (index, address) in subset.items(field).iter().enumerate() {
                warnings.extend(ip_warnings(&at.index(index).field("ip"), address.text("ip")));
            }
        }
    }
    warnings
}
