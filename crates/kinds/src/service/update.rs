//! What changes with the type of a Service, and what may not change.

use lockstep_core::{Map, Value};
use schema::{At, FieldError};

use super::validate::validate_class;
use super::{is_external, is_headless, needs_address, needs_health_check};
use crate::address::texts;
use crate::meta::{Edit, View};

const ONCE_SET: &str = "may not change once set";

/// A writer who changes the type need not take out what the server had put in for the old one.
pub(super) fn drop_what_the_type_has_not(service: &mut Value, old: &Value) {
    let (old, new) = (old.child("spec"), service.child("spec").clone());
    let same = |field: &str| old.child(field) == new.child(field);
    let Some(spec) = service.child_mut("spec") else { return };
    if needs_address(old) && !needs_address(&new) {
        if same("clusterIP") && same("clusterIPs") {
            spec.remove(&["clusterIP"]);
            spec.remove(&["clusterIPs"]);
        }
        for field in ["ipFamilies", "ipFamilyPolicy"] {
            if same(field) {
                spec.remove(&[field]);
            }
        }
    }
    if has_node_ports(old) && !has_node_ports(&new) && adds_no_node_ports(old, &new) {
        for port in spec.items_mut("ports") {
            port.remove(&["nodePort"]);
        }
    }
    if needs_health_check(old) && !needs_health_check(&new) && same("healthCheckNodePort") {
        spec.remove(&["healthCheckNodePort"]);
    }
    let balancer = |spec: &Value| spec.text("type") == "LoadBalancer";
    if balancer(old) && !balancer(&new) {
        for field in ["allocateLoadBalancerNodePorts", "loadBalancerClass"] {
            if same(field) {
                spec.remove(&[field]);
            }
        }
    }
    if is_external(old) && !is_external(&new) && same("externalTrafficPolicy") {
        spec.remove(&["externalTrafficPolicy"]);
    }
    if !balancer(&new) {
        service.set(&["status", "loadBalancer"], Value::map(Map::new()));
    }
}

fn has_node_ports(spec: &Value) -> bool {
    matches!(spec.text("type"), "NodePort" | "LoadBalancer")
}

fn adds_no_node_ports(old: &Value, new: &Value) -> bool {
    let numbers = |spec: &Value| -> Vec<i64> {
        spec.items("ports").iter().map(|port| port.number("nodePort")).filter(|port| *port != 0).collect()
    };
    let had = numbers(old);
    numbers(new).iter().all(|number| had.contains(number))
}

pub(super) fn validate_change(service: &Value, old: &Value) -> Vec<FieldError> {
    let (mut errors, old, new) = (Vec::new(), old.child("spec"), service.child("spec"));
    let at = At::ROOT.field("spec");
    if needs_address(new) && needs_address(old) {
        if !(is_headless(old) && is_headless(new)) {
            validate_ips(&mut errors, &at, old, new);
        }
        if !is_headless(old) && !is_headless(new) {
            validate_families(&mut errors, &at, old, new);
        }
    }
    let balancers = old.text("type") == "LoadBalancer" && new.text("type") == "LoadBalancer";
    if balancers && old.child("loadBalancerClass") != new.child("loadBalancerClass") {
        let value = new.child("loadBalancerClass").clone();
        errors.push(FieldError::invalid(&at.field("loadBalancerClass"), value, ONCE_SET));
    }
    validate_class(&mut errors, &at, new);
    let both = needs_health_check(old) && needs_health_check(new);
    if both && old.number("healthCheckNodePort") != new.number("healthCheckNodePort") {
        errors.push(FieldError::forbidden(&at.field("healthCheckNodePort"), "field is immutable"));
    }
    errors
}

/// The value that the server shows: a list that is not there is `null`.
fn shown(spec: &Value, field: &str) -> Value {
    spec.child(field).clone()
}

fn validate_ips(errors: &mut Vec<FieldError>, at: &At, old: &Value, new: &Value) {
    let (had, has) = (texts(old.items("clusterIPs")), texts(new.items("clusterIPs")));
    let ips_at = at.field("clusterIPs");
    let invalid =
        |index: usize, text: &str| FieldError::invalid(&ips_at.index(index), shown(new, "clusterIPs"), text);
    if had.len() == has.len() {
        let changed = had.iter().zip(&has).enumerate().filter(|(_, (had, has))| had != has);
        errors.extend(changed.map(|(index, _)| invalid(index, ONCE_SET)));
        return;
    }
    if had.len() > has.len() && has.is_empty() {
        errors.push(invalid(0, "primary clusterIP can not be unset"));
    }
    if had.first().zip(has.first()).is_some_and(|(had, has)| had != has) {
        errors.push(invalid(0, ONCE_SET));
    }
    if had.len() > has.len() && has.len() == 1 {
        errors.extend(not_single(at, new, "clusterIP"));
    }
}

fn not_single(at: &At, new: &Value, what: &str) -> Option<FieldError> {
    (new.text("ipFamilyPolicy") != "SingleStack").then(|| {
        let text = format!("must be set to 'SingleStack' when releasing the secondary {what}");
        FieldError::invalid(&at.field("ipFamilyPolicy"), shown(new, "ipFamilyPolicy"), text)
    })
}

fn validate_families(errors: &mut Vec<FieldError>, at: &At, old: &Value, new: &Value) {
    let (had, has) = (texts(old.items("ipFamilies")), texts(new.items("ipFamilies")));
    let families_at = at.field("ipFamilies");
    let first = families_at.index(0);
    let invalid = |field: &str, text: &str| FieldError::invalid(&first, shown(new, field), text);
    if had.len() == has.len() {
        let changed = had.iter().zip(&has).filter(|(had, has)| had != has);
        errors.extend(changed.map(|_| invalid("ipFamilies", ONCE_SET)));
        return;
    }
    if had.len() > has.len() && texts(new.items("clusterIPs")).is_empty() {
        errors.push(invalid("ipFamilies", "primary ipFamily can not be unset"));
    }
    if had.first().zip(has.first()).is_some_and(|(had, has)| had != has) {
        errors.push(invalid("clusterIPs", ONCE_SET));
    }
    if had.len() > has.len() && has.len() == 1 {
        errors.extend(not_single(at, new, "ipFamily"));
    }
}
