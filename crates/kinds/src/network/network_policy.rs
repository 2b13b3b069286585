//! NetworkPolicies.

use lockstep_core::Value;
use schema::{At, FieldError};

use crate::address::{Network, cidr_warnings, legacy_cidr, texts};
use crate::meta::{Edit, View, invalid_each, port_name, port_number, validate_selector};
use crate::naming::subdomain;
use crate::strategy::Strategy;

type Errors = Vec<FieldError>;

const DIRECTIONS: &[(&str, &str)] = &[("ingress", "from"), ("egress", "to")];

pub(crate) const NETWORK_POLICY: Strategy = Strategy {
    default,
    validate: |policy| validate(policy, &[]),
    validate_update: |policy, old| {
        let had: Vec<_> = blocks(old).into_iter().flat_map(|(_, block)| networks(block)).collect();
        validate(policy, &had)
    },
    warnings: |policy, _| warnings(policy),
    name: subdomain,
    generation: Some(crate::pod_template::spec_changed),
    ..Strategy::plain("networking.k8s.io", "NetworkPolicy", &["v1"])
};

fn default(policy: &mut Value) {
    policy.default_to("spec", lockstep_core::Map::new());
    let Some(spec) = policy.child_mut("spec") else { return };
    for (direction, _) in DIRECTIONS {
        for rule in spec.items_mut(direction) {
            rule.items_mut("ports").iter_mut().for_each(|port| port.default_to("protocol", "TCP"));
        }
    }
    if spec.items("policyTypes").is_empty() {
        let egress = (!spec.items("egress").is_empty()).then(|| "Egress".into());
        let types: Vec<Value> = std::iter::once("Ingress".into()).chain(egress).collect();
        spec.set(&["policyTypes"], types.into());
    }
}

/// Where a block of addresses stands: direction, rule, side, peer.
type Place = (&'static str, usize, &'static str, usize);

/// The blocks of addresses with their places.
fn blocks(policy: &Value) -> Vec<(Place, &Value)> {
    let mut blocks = Vec::new();
    for (direction, side) in DIRECTIONS {
        for (rule, entry) in policy.child("spec").items(direction).iter().enumerate() {
            for (index, peer) in entry.items(side).iter().enumerate().filter(|(_, peer)| peer.has("ipBlock"))
            {
                blocks.push(((*direction, rule, *side, index), peer.child("ipBlock")));
            }
        }
    }
    blocks
}

fn networks(block: &Value) -> Vec<&str> {
    std::iter::once(block.text("cidr")).chain(texts(block.items("except"))).collect()
}

fn validate(policy: &Value, had: &[&str]) -> Errors {
    let (mut errors, mut late, spec) = (Vec::new(), Vec::new(), policy.child("spec"));
    let at = At::ROOT.field("spec");
    validate_selector(&mut errors, &at.field("podSelector"), spec.child("podSelector"));
    for (direction, side) in DIRECTIONS {
        let list = at.field(direction);
        for (index, rule) in spec.items(direction).iter().enumerate() {
            let at = list.index(index);
            let ports = at.field("ports");
            for (index, port) in rule.items("ports").iter().enumerate() {
                validate_port(&mut errors, &ports.index(index), port);
            }
            let peers = at.field(side);
            for (index, peer) in rule.items(side).iter().enumerate() {
                validate_peer((&mut errors, &mut late), &peers.index(index), (peer, had));
            }
        }
    }
    validate_types(&mut errors, &at.field("policyTypes"), spec);
    errors.extend(late);
    errors
}

fn validate_types(errors: &mut Errors, at: &At, spec: &Value) {
    const TYPES: &[&str] = &["Ingress", "Egress"];
    let types = texts(spec.items("policyTypes"));
    if types.len() > TYPES.len() {
        let value = spec.child("policyTypes").clone();
        errors.push(FieldError::invalid(at, value, "may not specify more than two policyTypes"));
        return;
    }
    for (index, kind) in types.into_iter().enumerate().filter(|(_, kind)| !TYPES.contains(kind)) {
        errors.push(FieldError::not_supported(&at.index(index), kind, TYPES));
    }
}

fn validate_port(errors: &mut Errors, at: &At, port: &Value) {
    const PROTOCOLS: &[&str] = &["TCP", "UDP", "SCTP"];
    let protocol = port.text("protocol");
    if port.has("protocol") && !PROTOCOLS.contains(&protocol) {
        errors.push(FieldError::not_supported(&at.field("protocol"), protocol, PROTOCOLS));
    }
    let (port_at, end_at, end) = (at.field("port"), at.field("endPort"), port.int("endPort"));
    let no_end = |text: &str| end.map(|end| FieldError::invalid(&end_at, end, text));
    match port.child("port") {
        Value::Null => errors.extend(no_end("may not be specified when `port` is not specified")),
        Value::String(name) => {
            errors.extend(no_end("may not be specified when `port` is non-numeric"));
            invalid_each(errors, &port_at, &(&**name).into(), port_name(name));
        }
        number => {
            let number = number.as_int().unwrap_or_default();
            invalid_each(errors, &port_at, &number.into(), port_number(number));
            if let Some(end) = end {
                if end < number {
                    errors.push(FieldError::invalid(&end_at, end, "must be greater than or equal to `port`"));
                }
                invalid_each(errors, &end_at, &end.into(), port_number(end));
            }
        }
    }
}

fn validate_peer((errors, late): (&mut Errors, &mut Errors), at: &At, (peer, had): (&Value, &[&str])) {
    let selectors = ["podSelector", "namespaceSelector"];
    for field in selectors.iter().filter(|field| peer.has(field)) {
        validate_selector(errors, &at.field(field), peer.child(field));
    }
    if peer.has("ipBlock") {
        validate_block((errors, late), &at.field("ipBlock"), (peer.child("ipBlock"), had));
    }
    match (peer.has("ipBlock"), selectors.iter().any(|field| peer.has(field))) {
        (false, false) => errors.push(FieldError::required(at, "must specify a peer")),
        (true, true) => {
            errors.push(FieldError::forbidden(at, "may not specify both ipBlock and another peer"));
        }
        _ => {}
    }
}

fn validate_block((errors, late): (&mut Errors, &mut Errors), at: &At, (block, had): (&Value, &[&str])) {
    let (cidr_at, cidr) = (at.field("cidr"), block.text("cidr"));
    if cidr.is_empty() {
        late.push(FieldError::required(&cidr_at, ""));
        return;
    }
    invalid_each(errors, &cidr_at, &cidr.into(), legacy_cidr(cidr, had));
    let Some(network) = Network::parse(cidr) else { return };
    let list = at.field("except");
    for (index, except) in texts(block.items("except")).into_iter().enumerate() {
        let at = list.index(index);
        invalid_each(errors, &at, &except.into(), legacy_cidr(except, had));
        let Some(part) = Network::parse(except) else { continue };
        if !network.contains(part.first()) || network.bits() >= part.bits() {
            errors.push(FieldError::invalid(&at, except, "must be a strict subset of `cidr`"));
        }
    }
}

fn warnings(policy: &Value) -> Vec<String> {
    let (mut warnings, spec) = (Vec::new(), At::ROOT.field("spec"));
    for ((direction, rule, side, index), block) in blocks(policy) {
        let at = spec.field(direction);
        let at = at.index(rule);
        let at = at.field(side);
        let at = at.index(index);
        let at = at.field("ipBlock");
        warnings.extend(cidr_warnings(&at.field("cidr"), block.text("cidr")));
        let list = at.field("except");
        for (index, except) in texts(block.items("except")).into_iter().enumerate() {
            warnings.extend(cidr_warnings(&list.index(index), except));
        }
    }
    warnings
}
