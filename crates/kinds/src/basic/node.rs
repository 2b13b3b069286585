//! Nodes.

use lockstep_core::{Map, Value};
use schema::{At, FieldError};

use crate::address::{Network, cidr_warnings, legacy_cidr, texts};
use crate::meta::{Edit, View, invalid_each, label_value, qualified_name};
use crate::naming::subdomain;
use crate::policy::{validate_amount, validate_taint_effect};
use crate::reset::V1;
use crate::strategy::{Status, Strategy};

type Errors = Vec<FieldError>;

pub(crate) const NODE: Strategy = Strategy {
    default,
    prepare_create: |node| drop(node.remove(&["spec", "configSource"])),
    prepare_update: |node, old| {
        node.take_from(old, &["status"]);
        if !old.child("spec").has("configSource") {
            node.remove(&["spec", "configSource"]);
        }
    },
    validate,
    validate_update: |node, old| {
        let mut errors = validate(node);
        errors.extend(validate_change(node, old));
        errors
    },
    status: Some(Status {
        validate_update: |node, old| validate_change(node, old),
        prepare_update: |node, old| node.take_from(old, &["spec"]),
        warnings: |_| Vec::new(),
    }),
    warnings: |node, _| warnings(node),
    name: subdomain,
    reset: V1,
    selectable: |node| vec![("spec.unschedulable", node.child("spec").flag("unschedulable").to_string())],
    ..Strategy::plain("", "Node", &["v1"])
};

/// `podCIDR` and `podCIDRs` say the same; what is allocatable is the capacity unless something else is said.
fn default(node: &mut Value) {
    node.default_to("spec", Map::new());
    let spec = node.child("spec").clone();
    match (spec.text("podCIDR"), spec.items("podCIDRs")) {
        ("", [first, ..]) => node.set(&["spec", "podCIDR"], first.clone()),
        (single, []) if !single.is_empty() => {
            node.set(&["spec", "podCIDRs"], vec![single.into()].into());
        }
        _ => {}
    }
    if let Some(status) = node.child_mut("status")
        && status.has("capacity")
        && !status.has("allocatable")
    {
        let capacity = status.child("capacity").clone();
        status.set(&["allocatable"], capacity);
    }
}

fn validate(node: &Value) -> Errors {
    let (mut errors, spec) = (Vec::new(), node.child("spec"));
    validate_taints(&mut errors, spec.items("taints"));
    validate_resources(&mut errors, node);
    let at = At::ROOT.field("spec");
    let at = at.field("podCIDRs");
    let networks = texts(spec.items("podCIDRs"));
    for (index, network) in networks.iter().enumerate() {
        invalid_each(&mut errors, &at.index(index), &(*network).into(), legacy_cidr(network, &[]));
    }
    let parsed: Vec<_> = networks.iter().filter_map(|network| Network::parse(network)).collect();
    let dual =
        parsed.iter().any(|network| network.is_ipv6()) && parsed.iter().any(|network| !network.is_ipv6());
    if networks.len() > 1 && (!dual || networks.len() > 2) {
        let value = spec.child("podCIDRs").clone();
        errors.push(FieldError::invalid(&at, value, "may specify no more than one CIDR for each IP family"));
    }
    errors
}

/// The server looks for them in `spec` and names them in `metadata`.
fn validate_taints(errors: &mut Errors, taints: &[Value]) {
    let at = At::ROOT.field("metadata");
    let at = at.field("taints");
    let mut seen = Vec::new();
    for (index, taint) in taints.iter().enumerate() {
        let at = at.index(index);
        let (key, value, effect) = (taint.text("key"), taint.text("value"), taint.text("effect"));
        invalid_each(errors, &at.field("key"), &key.into(), qualified_name(key));
        let wrong = label_value(value);
        if !wrong.is_empty() {
            errors.push(FieldError::invalid(&at.field("value"), value, wrong.join(";")));
        }
        validate_taint_effect(errors, &at.field("effect"), effect);
        if seen.contains(&(key, effect)) {
            let added = taint
                .get("timeAdded")
                .map_or("null".into(), |time| format!("\"{}\"", time.as_str().unwrap_or_default()));
            let shown = format!(
                "{{\"Key\":\"{key}\",\"Value\":\"{value}\",\"Effect\":\"{effect}\",\"TimeAdded\":{added}}}: taints must be unique by key and effect pair"
            );
            errors.push(FieldError::new(schema::Mistake::Duplicate, &at, None, shown));
            continue;
        }
        seen.push((key, effect));
    }
}

fn validate_resources(errors: &mut Errors, node: &Value) {
    let status = At::ROOT.field("status");
    for field in ["capacity", "allocatable"] {
        let at = status.field(field);
        for (name, amount) in node.child("status").entries(field) {
            validate_amount(errors, &at.field(name), (name, amount));
        }
    }
}

fn validate_change(node: &Value, old: &Value) -> Errors {
    let (mut errors, spec, before) = (Vec::new(), node.child("spec"), old.child("spec"));
    validate_resources(&mut errors, node);
    let at = At::ROOT.field("status");
    let at = at.field("addresses");
    let addresses = node.child("status").items("addresses");
    for (index, address) in
        addresses.iter().enumerate().filter(|(index, one)| addresses[..*index].contains(one))
    {
        let shown =
            format!("{{\"Type\":\"{}\",\"Address\":\"{}\"}}", address.text("type"), address.text("address"));
        errors.push(FieldError::new(schema::Mistake::Duplicate, &at.index(index), None, shown));
    }
    let at = At::ROOT.field("spec");
    let (had, has) = (before.items("podCIDRs"), spec.items("podCIDRs"));
    if !had.is_empty() {
        let changed = had.len().abs_diff(has.len()).min(1)
            + if had.len() == has.len() { had.iter().zip(has).filter(|(a, b)| a != b).count() } else { 0 };
        let text = "node updates may not change podCIDR except from \"\" to valid";
        errors.extend((0..changed).map(|_| FieldError::forbidden(&at.field("podCIDRs"), text)));
    }
    validate_taints(&mut errors, spec.items("taints"));
    if spec.text("externalID") != before.text("externalID") {
        errors.push(FieldError::forbidden(&at.field("externalID"), "may not be updated"));
    }
    let (had, has) = (before.text("providerID"), spec.text("providerID"));
    if !had.is_empty() && had != has {
        let what = if has.is_empty() { "cleared" } else { "modified" };
        let text = format!("field cannot be {what} once set");
        errors.push(FieldError::invalid(&at.field("providerID"), Value::Null, text));
    }
    errors
}

fn warnings(node: &Value) -> Vec<String> {
    let (spec, mut warnings) = (node.child("spec"), Vec::new());
    if spec.has("configSource") {
        warnings.push("spec.configSource: the feature is removed".into());
    }
    if !spec.text("externalID").is_empty() {
        warnings.push("spec.externalID: this field is deprecated, and is unused by Kubernetes".into());
    }
    let at = At::ROOT.field("spec");
    let at = at.field("podCIDRs");
    for (index, network) in texts(spec.items("podCIDRs")).into_iter().enumerate() {
        warnings.extend(cidr_warnings(&at.index(index), network));
    }
    warnings
}
