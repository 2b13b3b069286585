//! The families of addresses that a Service has.

use lockstep_core::Value;
use schema::{At, FieldError};

use super::cluster_ips::validate_cluster_ips;
use super::needs_address;
use crate::address::texts;
use crate::meta::{View, parse_ip};

/// A family of IP addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// `IPv4`
    V4,
    /// `IPv6`
    V6,
}

impl Family {
    fn name(self) -> &'static str {
        match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        }
    }

    fn other(self) -> Self {
        match self {
            Self::V4 => Self::V6,
            Self::V6 => Self::V4,
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::V4, Self::V6].into_iter().find(|family| family.name() == name)
    }
}

/// Both prefer two families and nothing changes: then there is nothing to fill in.
pub(super) fn prefers_dual_as_before(spec: &Value, old: &Value) -> bool {
    let prefers = |spec: &Value| spec.text("ipFamilyPolicy") == "PreferDualStack";
    old.text("type") == spec.text("type")
        && prefers(spec)
        && (prefers(old) || !old.has("ipFamilyPolicy"))
        && old.items("clusterIPs") == spec.items("clusterIPs")
        && old.items("ipFamilies") == spec.items("ipFamilies")
}

/// Fills in the policy and the families, as they follow from the addresses, `old` and those that the cluster has.
pub(super) fn fill_families(
    service: &mut Value,
    old: Option<&Value>,
    families: &[Family],
) -> Result<(), Vec<FieldError>> {
    let old_spec = old.map(|old| old.child("spec"));
    let spec = service.child("spec");
    if !needs_address(spec) || old_spec.is_some_and(|old| prefers_dual_as_before(spec, old)) {
        return Ok(());
    }
    let selectorless = spec.text("clusterIP") == "None" && spec.entries("selector").next().is_none();
    if !spec.has("ipFamilyPolicy") {
        let policy = match old_spec.map(|old| old.text("ipFamilyPolicy")).unwrap_or_default() {
            "" if selectorless => "RequireDualStack",
            "" => "SingleStack",
            policy => policy,
        };
        let policy = policy.to_owned();
        service.set(&["spec", "ipFamilyPolicy"], policy.into());
    }
    refuse(validate_cluster_ips(service, old))?;
    let mut errors = Vec::new();
    if let Some(old) = old_spec {
        reduce(&mut errors, service, old);
    }
    refuse_two(&mut errors, service.child("spec"));
    families_of_ips(&mut errors, service, families);
    refuse(errors)?;
    match selectorless {
        true => families_without_selector(service, families),
        false => families_with_addresses(service, families)?,
    }
    Ok(())
}

fn refuse(errors: Vec<FieldError>) -> Result<(), Vec<FieldError>> {
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

fn policy_error(spec: &Value, text: &str) -> FieldError {
    let at = At::ROOT.field("spec");
    FieldError::invalid(&at.field("ipFamilyPolicy"), spec.child("ipFamilyPolicy").clone(), text)
}

/// Going back to one family drops the second address where it is as before; without the policy it may not go.
fn reduce(errors: &mut Vec<FieldError>, service: &mut Value, old: &Value) {
    let new = service.child("spec").clone();
    let single = new.text("ipFamilyPolicy") == "SingleStack";
    for (field, what) in [("clusterIPs", "cluster IP"), ("ipFamilies", "IP family")] {
        let (had, has) = (old.items(field), new.items(field));
        if single && had == has && has.len() > 1 {
            service.set(&["spec", field], has[..1].to_vec().into());
        } else if !single && !has.is_empty() && has.len() < had.len() {
            errors
                .push(policy_error(&new, &format!("must be 'SingleStack' to release the secondary {what}")));
        }
    }
}

fn refuse_two(errors: &mut Vec<FieldError>, spec: &Value) {
    if spec.text("ipFamilyPolicy") != "SingleStack" {
        return;
    }
    for (field, what) in [("clusterIPs", "cluster IPs"), ("ipFamilies", "IP families")] {
        if spec.items(field).len() == 2 {
            let text =
                format!("must be 'RequireDualStack' or 'PreferDualStack' when multiple {what} are specified");
            errors.push(policy_error(spec, &text));
        }
    }
}

fn families_of_ips(errors: &mut Vec<FieldError>, service: &mut Value, families: &[Family]) {
    let spec = service.child("spec");
    let ips = spec.child("clusterIPs").clone();
    let mut named = spec.items("ipFamilies").to_vec();
    for (index, ip) in texts(spec.items("clusterIPs")).into_iter().enumerate() {
        if ip == "None" {
            break;
        }
        let family = match parse_ip(ip) {
            Some(ip) if ip.is_ipv6() => Family::V6,
            _ => Family::V4,
        };
        if index < named.len() {
            continue;
        }
        match families.contains(&family) {
            true => named.push(family.name().into()),
            false => {
                let at = At::ROOT.field("spec");
                let at = at.field("clusterIPs");
                let text = format!("{} is not configured on this cluster", family.name());
                errors.push(FieldError::invalid(&at.index(index), ips.clone(), text));
            }
        }
    }
    if !named.is_empty() {
        service.set(&["spec", "ipFamilies"], named.into());
    }
}

/// The families that a Service names.
pub(super) fn named_families(spec: &Value) -> Vec<Family> {
    texts(spec.items("ipFamilies")).into_iter().filter_map(Family::parse).collect()
}

fn set_families(service: &mut Value, families: &[Family]) {
    let names: Vec<Value> = families.iter().map(|family| family.name().into()).collect();
    service.set(&["spec", "ipFamilies"], names.into());
}

/// Nobody knows the addresses behind it, so they may be of both families, whatever the cluster has.
fn families_without_selector(service: &mut Value, families: &[Family]) {
    let spec = service.child("spec");
    let mut named = named_families(spec);
    if named.is_empty() {
        named.extend(families.first());
    }
    if let ([only], false) = (&*named, spec.text("ipFamilyPolicy") == "SingleStack") {
        let second = only.other();
        named.push(second);
    }
    set_families(service, &named);
}

fn families_with_addresses(service: &mut Value, families: &[Family]) -> Result<(), Vec<FieldError>> {
    let (spec, mut errors) = (service.child("spec"), Vec::new());
    if spec.text("ipFamilyPolicy") == "RequireDualStack" && families.len() < 2 {
        errors.push(policy_error(spec, "this cluster is not configured for dual-stack services"));
    }
    let mut named = named_families(spec);
    let at = At::ROOT.field("spec");
    let at = at.field("ipFamilies");
    for (index, family) in named.iter().enumerate().filter(|(_, family)| !families.contains(family)) {
        let text = "not configured on this cluster";
        errors.push(FieldError::invalid(&at.index(index), family.name(), text));
    }
    refuse(errors)?;
    if named.is_empty() {
        named.extend(families.first());
    }
    if let ([only], 2, false) = (&*named, families.len(), spec.text("ipFamilyPolicy") == "SingleStack") {
        let second = only.other();
        named.push(second);
    }
    set_families(service, &named);
    Ok(())
}
