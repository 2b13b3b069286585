//! The kinds of the network.

use std::collections::BTreeSet;
use std::time::Duration;

use lockstep_core::Value;

use super::cell::{Row, age, first, joined, name, or};
use super::selector::{labels, selector};
use crate::address::texts;
use crate::meta::View;

pub(super) static PRINTERS: &[(&str, &str, Row)] = &[
    ("", "Service", service),
    ("", "Endpoints", |one, now| vec![name(one), endpoints(one).into(), age(one, now)]),
    ("discovery.k8s.io", "EndpointSlice", endpoint_slice),
    ("networking.k8s.io", "Ingress", ingress),
    ("networking.k8s.io", "IngressClass", ingress_class),
    ("networking.k8s.io", "NetworkPolicy", |one, now| {
        vec![name(one), selector(one.child("spec").child("podSelector")), age(one, now)]
    }),
    ("networking.k8s.io", "ServiceCIDR", |one, now| {
        let networks = texts(one.child("spec").items("cidrs")).join(",");
        vec![name(one), networks.into(), age(one, now)]
    }),
    ("networking.k8s.io", "IPAddress", |one, now| vec![name(one), parent(one), age(one, now)]),
];

/// The addresses and names of load balancers.
fn balancers(object: &Value) -> Vec<String> {
    let entries = object.child("status").child("loadBalancer").items("ingress").iter();
    let named = entries.filter_map(|entry| {
        [entry.text("ip"), entry.text("hostname")].into_iter().find(|text| !text.is_empty())
    });
    named.map(str::to_owned).collect::<BTreeSet<_>>().into_iter().collect()
}

fn service(service: &Value, now: Duration) -> Vec<Value> {
    let spec = service.child("spec");
    let ports = spec.items("ports").iter().map(|port| {
        let (number, protocol) = (port.number("port"), port.text("protocol"));
        match port.number("nodePort") {
            0 => format!("{number}/{protocol}"),
            node => format!("{number}:{node}/{protocol}"),
        }
    });
    let ports = ports.collect::<Vec<_>>().join(",");
    vec![
        name(service),
        spec.text("type").into(),
        texts(spec.items("clusterIPs")).first().copied().unwrap_or("<none>").into(),
        external(service).into(),
        or(&ports, "<none>"),
        age(service, now),
        labels(spec.child("selector")),
    ]
}

fn external(service: &Value) -> String {
    let spec = service.child("spec");
    let own = texts(spec.items("externalIPs")).join(",");
    match (spec.text("type"), own.is_empty()) {
        ("ClusterIP" | "NodePort", true) => "<none>".into(),
        ("ClusterIP" | "NodePort", false) => own,
        ("LoadBalancer", none) => {
            let mut all = balancers(service);
            if !none {
                all.push(own);
            }
            if all.is_empty() { "<pending>".into() } else { all.join(",") }
        }
        ("ExternalName", _) => spec.text("externalName").into(),
        _ => "<unknown>".into(),
    }
}

fn endpoints(endpoints: &Value) -> String {
    let mut all = Vec::new();
    for subset in endpoints.items("subsets") {
        let ips = || subset.items("addresses").iter().map(|address| address.text("ip"));
        if subset.items("ports").is_empty() {
            all.extend(ips().map(str::to_owned));
        }
        for port in subset.items("ports") {
            let number = port.number("port");
            all.extend(ips().map(|ip| match ip.contains(':') {
                true => format!("[{ip}]:{number}"),
                false => format!("{ip}:{number}"),
            }));
        }
    }
    match endpoints.items("subsets").is_empty() {
        true => "<none>".into(),
        false => first(&all, 3, all.len()),
    }
}

fn endpoint_slice(slice: &Value, now: Duration) -> Vec<Value> {
    let ports: Vec<String> = slice
        .items("ports")
        .iter()
        .map(|port| match port.int("port") {
            Some(number) => number.to_string(),
            None if port.has("name") => port.text("name").into(),
            None => "*".into(),
        })
        .collect();
    let addresses: Vec<String> = slice
        .items("endpoints")
        .iter()
        .flat_map(|endpoint| texts(endpoint.items("addresses")))
        .map(str::to_owned)
        .collect();
    let shown = |all: &[String]| or(&first(all, 3, all.len()), "<unset>");
    vec![name(slice), slice.text("addressType").into(), shown(&ports), shown(&addresses), age(slice, now)]
}

fn ingress(ingress: &Value, now: Duration) -> Vec<Value> {
    let spec = ingress.child("spec");
    let class = if spec.has("ingressClassName") { spec.text("ingressClassName") } else { "<none>" };
    vec![
        name(ingress),
        class.into(),
        hosts(spec.items("rules")).into(),
        balancers(ingress).join(",").into(),
        if spec.items("tls").is_empty() { "80" } else { "80, 443" }.into(),
        age(ingress, now),
    ]
}

/// At most three; as the server counts the rest, rules without a host are among them.
fn hosts(rules: &[Value]) -> String {
    let hosts: Vec<&str> =
        rules.iter().map(|rule| rule.text("host")).filter(|host| !host.is_empty()).collect();
    let third = rules.iter().enumerate().filter(|(_, rule)| !rule.text("host").is_empty()).nth(2);
    let more = third.is_some_and(|(index, _)| index + 1 < rules.len());
    let shown = joined(hosts.iter().copied().take(3), ",");
    match (hosts.is_empty(), more) {
        (true, _) => "*".into(),
        (false, true) => format!("{shown} + {} more...", rules.len() - 3),
        (false, false) => shown,
    }
}

fn ingress_class(class: &Value, now: Duration) -> Vec<Value> {
    const DEFAULT: &str = "ingressclass.kubernetes.io/is-default-class";
    let (meta, spec) = (class.child("metadata"), class.child("spec"));
    let mark = if meta.child("annotations").text(DEFAULT) == "true" { " (default)" } else { "" };
    let parameters = spec.child("parameters");
    let group = match parameters.has("apiGroup") {
        true => format!(".{}", parameters.text("apiGroup")),
        false => String::new(),
    };
    let parameters = match spec.has("parameters") {
        true => format!("{}{group}/{}", parameters.text("kind"), parameters.text("name")),
        false => "<none>".into(),
    };
    let name = format!("{}{mark}", meta.text("name"));
    vec![name.into(), spec.text("controller").into(), parameters.into(), age(class, now)]
}

fn parent(address: &Value) -> Value {
    let parent = address.child("spec").child("parentRef");
    if !address.child("spec").has("parentRef") {
        return "<none>".into();
    }
    let resource = match parent.text("group") {
        "" => parent.text("resource").to_lowercase(),
        group => format!("{}.{group}", parent.text("resource")).to_lowercase(),
    };
    let parts = [&*resource, parent.text("namespace"), parent.text("name")];
    joined(parts.into_iter().filter(|part| !part.is_empty()), "/").into()
}
