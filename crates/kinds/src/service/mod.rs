//! Services.

mod allocation;
mod cluster_ips;
mod families;
mod update;
mod validate;

use lockstep_core::{Map, Value};
use schema::{At, FieldError};

use crate::address::{cidr_warnings, ip_warnings};
use crate::meta::{Edit, View};
use crate::naming::label;
use crate::reset::V1;
use crate::strategy::{Status, Strategy};

pub(crate) use validate::validate_hostname;

pub use allocation::{Given, Wanted, WantedAddress, WantedPorts, release_all, wanted};
pub use families::Family;

pub(crate) const SERVICE: Strategy = Strategy {
    default,
    prepare_create: |service| service.set(&["status"], empty_status()),
    prepare_update: |service, old| {
        service.take_from(old, &["status"]);
        update::drop_what_the_type_has_not(service, old);
    },
    validate: validate::validate,
    validate_update: |service, old| {
        let mut errors = update::validate_change(service, old);
        errors.extend(validate::validate_with(service, Some(old)));
        errors
    },
    status: Some(Status { validate_update: validate_status, warnings: balancer_warnings, ..Status::PLAIN }),
    warnings: |service, _| warnings(service),
    name: label,
    create_on_update: true,
    reset: V1,
    selectable: |service| {
        let spec = service.child("spec");
        vec![("spec.clusterIP", spec.text("clusterIP").into()), ("spec.type", spec.text("type").into())]
    },
    ..Strategy::plain("", "Service", &["v1"])
};

/// What a reader of a Service sees of it: a policy that its type has no use for is kept, but not shown.
pub fn as_read(service: &mut Value) {
    if service.child("spec").text("type") == "ExternalName" {
        service.remove(&["spec", "internalTrafficPolicy"]);
    }
}

/// The status of a Service of which nothing is known.
fn empty_status() -> Value {
    let mut status = Value::map(Map::new());
    status.set(&["loadBalancer"], Value::map(Map::new()));
    status
}

fn default(service: &mut Value) {
    service.default_to("spec", Map::new());
    let Some(spec) = service.child_mut("spec") else { return };
    spec.default_text("sessionAffinity", "None");
    match spec.text("sessionAffinity") {
        "None" => drop(spec.remove(&["sessionAffinityConfig"])),
        "ClientIP" => {
            let timeout = &["sessionAffinityConfig", "clientIP", "timeoutSeconds"];
            if spec.int_at(timeout).is_none() {
                spec.set(timeout, 10800.into());
            }
        }
        _ => {}
    }
    spec.default_text("type", "ClusterIP");
    spec.items_mut("ports").iter_mut().for_each(default_port);
    if is_external(spec) {
        spec.default_text("externalTrafficPolicy", "Cluster");
    }
    let kind = spec.text("type").to_owned();
    if matches!(&*kind, "NodePort" | "LoadBalancer" | "ClusterIP") {
        spec.default_to("internalTrafficPolicy", "Cluster");
    }
    if kind == "LoadBalancer" {
        spec.default_to("allocateLoadBalancerNodePorts", true);
        default_ip_mode(service);
    }
}

fn default_port(port: &mut Value) {
    port.default_text("protocol", "TCP");
    let target = port.child("targetPort");
    if matches!(target, Value::Null) || target.as_int() == Some(0) || target.as_str() == Some("") {
        let number = port.number("port");
        port.set(&["targetPort"], number.into());
    }
}

fn default_ip_mode(service: &mut Value) {
    let Some(balancer) = service.child_mut("status").and_then(|status| status.child_mut("loadBalancer"))
    else {
        return;
    };
    for ingress in balancer.items_mut("ingress") {
        if !ingress.text("ip").is_empty() {
            ingress.default_to("ipMode", "VIP");
        }
    }
}

/// Whether a Service can be reached from outside of the cluster.
fn is_external(spec: &Value) -> bool {
    matches!(spec.text("type"), "LoadBalancer" | "NodePort")
        || (spec.text("type") == "ClusterIP" && !spec.items("externalIPs").is_empty())
}

fn needs_health_check(spec: &Value) -> bool {
    spec.text("type") == "LoadBalancer" && spec.text("externalTrafficPolicy") == "Local"
}

fn is_headless(spec: &Value) -> bool {
    matches!(spec.items("clusterIPs"), [only] if only.as_str() == Some("None"))
}

fn needs_address(spec: &Value) -> bool {
    spec.text("type") != "ExternalName"
}

fn validate_status(service: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    validate::validate_balancer(&mut errors, service, old);
    errors
}

fn warnings(service: &Value) -> Vec<String> {
    const HINTS: &str = "service.kubernetes.io/topology-aware-hints";
    let (spec, mut warnings) = (service.child("spec"), Vec::new());
    let at = At::ROOT.field("spec");
    if service.at(&["metadata", "annotations", HINTS]).is_some() {
        warnings.push(format!(
            "annotation {HINTS} is deprecated, please use service.kubernetes.io/topology-mode instead"
        ));
    }
    let each = |field: &str, warn: fn(&At, &str) -> Vec<String>| -> Vec<String> {
        let list = at.field(field);
        let items = spec.items(field).iter().enumerate();
        items.flat_map(|(index, item)| warn(&list.index(index), item.as_str().unwrap_or_default())).collect()
    };
    let headless = spec.text("type") == "ClusterIP" && spec.text("clusterIP") == "None";
    if !headless {
        warnings.extend(each("clusterIPs", ip_warnings));
    } else {
        warnings.extend(headless_warnings(spec));
    }
    warnings.extend(each("externalIPs", ip_warnings));
    let external = !spec.items("externalIPs").is_empty();
    if external && !headless && spec.text("type") != "ExternalName" {
        warnings
            .push("spec.externalIPs is deprecated and may no longer be implemented in some clusters".into());
    }
    if !spec.text("loadBalancerIP").is_empty() {
        warnings.extend(ip_warnings(&at.field("loadBalancerIP"), spec.text("loadBalancerIP")));
    }
    warnings.extend(each("loadBalancerSourceRanges", cidr_warnings));
    if external && spec.text("type") == "ExternalName" {
        warnings.push("spec.externalIPs is ignored when spec.type is \"ExternalName\"".into());
    }
    if spec.text("type") != "ExternalName" && !spec.text("externalName").is_empty() {
        warnings.push("spec.externalName is ignored when spec.type is not \"ExternalName\"".into());
    }
    if spec.text("trafficDistribution") == "PreferClose" {
        warnings
            .push("spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\"".into());
    }
    warnings
}

/// What a writer of the addresses of load balancers is warned of.
pub(crate) fn balancer_warnings(object: &Value) -> Vec<String> {
    let at = At::ROOT.field("status");
    let at = at.field("loadBalancer");
    let at = at.field("ingress");
    let entries = object.child("status").child("loadBalancer").items("ingress").iter().enumerate();
    let entries = entries.filter(|(_, entry)| !entry.text("ip").is_empty());
    entries.flat_map(|(index, entry)| ip_warnings(&at.index(index), entry.text("ip"))).collect()
}

fn headless_warnings(spec: &Value) -> Vec<String> {
    let mut warnings = Vec::new();
    if !spec.text("loadBalancerIP").is_empty() {
        warnings.push("spec.loadBalancerIP is ignored for headless services".into());
    }
    if !spec.items("externalIPs").is_empty() {
        warnings.push("spec.externalIPs is ignored for headless services".into());
    }
    if spec.text("sessionAffinity") != "None" {
        warnings.push("spec.SessionAffinity is ignored for headless services".into());
    }
    warnings
}
