//! The addresses of a Service in the cluster, their families and the policy: what is wrong with them.

use lockstep_core::Value;
use schema::{At, FieldError};

use super::is_headless;
use crate::address::{legacy_ip, texts};
use crate::meta::{View, invalid_each, parse_ip};

const FAMILIES: &[&str] = &["IPv4", "IPv6"];
const POLICIES: &[&str] = &["PreferDualStack", "RequireDualStack", "SingleStack"];

/// With what `old` had already, which the server takes.
pub(super) fn validate_cluster_ips(service: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let (mut errors, spec) = (Vec::new(), service.child("spec"));
    if spec.text("type") == "ExternalName" {
        return errors;
    }
    let at = At::ROOT.field("spec");
    let (ips_at, ips) = (at.field("clusterIPs"), spec.child("clusterIPs"));
    let all = texts(spec.items("clusterIPs"));
    match (spec.text("clusterIP"), all.first()) {
        ("", Some(_)) => errors.push(FieldError::invalid(
            &ips_at,
            ips.clone(),
            "must be empty when `clusterIP` is not specified",
        )),
        ("", None) => {}
        (_, None) => errors.push(FieldError::required(&ips_at, "")),
        (ip, Some(first)) if ip != *first => {
            errors.push(FieldError::invalid(&ips_at, ips.clone(), "first value must match `clusterIP`"));
        }
        _ => {}
    }
    validate_families(&mut errors, &at, spec);
    let before = errors.len();
    let had = old.map(|old| texts(old.child("spec").items("clusterIPs"))).unwrap_or_default();
    validate_each(&mut errors, &ips_at, spec, &had);
    let invalid = errors.len() > before;
    if all.len() > 2 {
        errors.push(FieldError::invalid(&ips_at, ips.clone(), "may only hold up to 2 values"));
    }
    if !invalid {
        validate_stack(&mut errors, &ips_at, spec);
    }
    errors
}

fn validate_families(errors: &mut Vec<FieldError>, at: &At, spec: &Value) {
    let families_at = at.field("ipFamilies");
    let families = texts(spec.items("ipFamilies"));
    for (index, family) in families.iter().enumerate() {
        let at = families_at.index(index);
        if !FAMILIES.contains(family) {
            errors.push(FieldError::not_supported(&at, *family, FAMILIES));
        }
        if families[..index].contains(family) {
            errors.push(FieldError::duplicate(&at, *family));
        }
    }
    let policy = spec.text("ipFamilyPolicy");
    if spec.has("ipFamilyPolicy") && !POLICIES.contains(&policy) {
        errors.push(FieldError::not_supported(&at.field("ipFamilyPolicy"), policy, POLICIES));
    }
}

fn validate_each(errors: &mut Vec<FieldError>, at: &At, spec: &Value, had: &[&str]) {
    let all = texts(spec.items("clusterIPs"));
    for (index, ip) in all.iter().enumerate() {
        if index == 0 && *ip == "None" {
            if all.len() > 1 {
                let value = spec.child("clusterIPs").clone();
                errors.push(FieldError::invalid(at, value, "'None' must be the first and only value"));
            }
            continue;
        }
        invalid_each(errors, &at.index(index), &(*ip).into(), legacy_ip(ip, had));
    }
}

fn is_ipv6(ip: &str) -> bool {
    parse_ip(ip).is_some_and(|ip| ip.is_ipv6())
}

/// At most one address of each family, in the order of the families.
fn validate_stack(errors: &mut Vec<FieldError>, at: &At, spec: &Value) {
    let all = texts(spec.items("clusterIPs"));
    let dual = all.iter().any(|ip| is_ipv6(ip)) && all.iter().any(|ip| !is_ipv6(ip));
    if all.len() > 1 && !dual {
        let value = spec.child("clusterIPs").clone();
        errors.push(FieldError::invalid(at, value, "may specify no more than one IP for each IP family"));
    }
    if is_headless(spec) {
        return;
    }
    for (index, (ip, family)) in all.iter().zip(texts(spec.items("ipFamilies"))).enumerate() {
        if (family == "IPv4" && is_ipv6(ip)) || (family == "IPv6" && !is_ipv6(ip)) {
            let text = format!("expected an {family} value as indicated by `ipFamilies[{index}]`");
            errors.push(FieldError::invalid(&at.index(index), *ip, text));
        }
    }
}
