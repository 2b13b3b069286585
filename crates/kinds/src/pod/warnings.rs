//! What the server warns of in pods.

use std::collections::BTreeMap;

use lockstep_core::Value;
use schema::At;

use super::annotations::APP_ARMOR;
use super::defaults::CONTAINERS;
use super::overlaps::overlaps;
use crate::meta::{Quantity, View, ip_warnings};

const DEPRECATED_LABELS: [(&str, &str); 8] = [
    ("app.kubernetes.io/created-by", "deprecated since v1.9"),
    (
        "scheduler.alpha.kubernetes.io/preferAvoidPods",
        "deprecated since v1.22; use Taints and Tolerations instead",
    ),
    ("node-role.kubernetes.io/master", r#"use "node-role.kubernetes.io/control-plane" instead"#),
    ("beta.kubernetes.io/arch", r#"deprecated since v1.14; use "kubernetes.io/arch" instead"#),
    ("beta.kubernetes.io/os", r#"deprecated since v1.14; use "kubernetes.io/os" instead"#),
    (
        "failure-domain.beta.kubernetes.io/region",
        r#"deprecated since v1.17; use "topology.kubernetes.io/region" instead"#,
    ),
    (
        "failure-domain.beta.kubernetes.io/zone",
        r#"deprecated since v1.17; use "topology.kubernetes.io/zone" instead"#,
    ),
    (
        "beta.kubernetes.io/instance-type",
        r#"deprecated since v1.17; use "node.kubernetes.io/instance-type" instead"#,
    ),
];
const DEPRECATED_ANNOTATIONS: [(&str, &str); 3] = [
    (
        "scheduler.alpha.kubernetes.io/critical-pod",
        r#"non-functional in v1.16+; use the "priorityClassName" field instead"#,
    ),
    ("security.alpha.kubernetes.io/sysctls", r#"non-functional in v1.11+; use the "sysctls" field instead"#),
    (
        "security.alpha.kubernetes.io/unsafe-sysctls",
        r#"non-functional in v1.11+; use the "sysctls" field instead"#,
    ),
];
const DEPRECATED_VOLUMES: [(&str, &str, &str); 9] = [
    ("photonPersistentDisk", "photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
    ("gitRepo", "gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"),
    ("scaleIO", "scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
    ("flocker", "flocker", "deprecated in v1.22, non-functional in v1.25+"),
    ("storageos", "storageOS", "deprecated in v1.22, non-functional in v1.25+"),
    ("quobyte", "quobyte", "deprecated in v1.22, non-functional in v1.25+"),
    ("glusterfs", "glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
    ("cephfs", "cephfs", "deprecated in v1.28, non-functional in v1.31+"),
    ("rbd", "rbd", "deprecated in v1.28, non-functional in v1.31+"),
];
const SECCOMP_POD: &str = "seccomp.security.alpha.kubernetes.io/pod";
const SECCOMP_CONTAINER: &str = "container.seccomp.security.alpha.kubernetes.io/";
const NO_SELECTOR: &str = "a null labelSelector results in matching no pod";

/// A pod: its metadata and spec, in a Pod or in a template, at whose place `at` is.
pub(crate) fn pod_warnings(at: &At, pod: &Value) -> Vec<String> {
    let (mut warnings, spec, annotations) =
        (Vec::new(), pod.child("spec"), pod.child("metadata").child("annotations"));
    let spec_at = at.field("spec");
    let meta_at = at.field("metadata");
    labels(&mut warnings, &spec_at, spec);
    let annotations_at = meta_at.field("annotations");
    for (key, text) in DEPRECATED_ANNOTATIONS {
        if annotations.get(key).is_some() {
            warnings.push(format!("{}: {text}", annotations_at.key(key)));
        }
    }
    volumes(&mut warnings, &spec_at.field("volumes"), spec.items("volumes"));
    warnings.extend(overlaps(spec.items("volumes")));
    lists(&mut warnings, &spec_at, spec);
    fractions(&mut warnings, &spec_at.field("overhead"), spec.child("overhead"));
    if !spec.child("securityContext").has("seccompProfile") && annotations.get(SECCOMP_POD).is_some() {
        let at = annotations_at.key(SECCOMP_POD);
        warnings.push(format!("{at}: non-functional in v1.27+; use the \"seccompProfile\" field instead"));
    }
    containers(&mut warnings, [&spec_at, &annotations_at], (spec, annotations));
    ports(&mut warnings, &spec_at, spec);
    port_names(&mut warnings, &spec_at, spec);
    if spec.number("terminationGracePeriodSeconds") < 0 {
        let at = spec_at.field("terminationGracePeriodSeconds");
        warnings.push(format!("{at}: must be >= 0; negative values are invalid and will be treated as 1"));
    }
    affinity(&mut warnings, &spec_at.field("affinity"), spec.child("affinity"));
    addresses(&mut warnings, &spec_at, spec);
    warnings
}

fn deprecated_label(label: &str) -> Option<&'static str> {
    DEPRECATED_LABELS.iter().find(|(key, _)| *key == label).map(|(_, text)| *text)
}

fn labels(warnings: &mut Vec<String>, at: &At, spec: &Value) {
    let list = at.field("nodeSelector");
    for (key, _) in spec.entries("nodeSelector") {
        if let Some(text) = deprecated_label(key) {
            warnings.push(format!("{}: {text}", list.key(key)));
        }
    }
    let node = spec.child("affinity").child("nodeAffinity");
    let affinity = at.field("affinity");
    let node_at = affinity.field("nodeAffinity");
    let required = node_at.field("requiredDuringSchedulingIgnoredDuringExecution");
    let terms = required.field("nodeSelectorTerms");
    let list = node.child("requiredDuringSchedulingIgnoredDuringExecution").items("nodeSelectorTerms");
    for (index, term) in list.iter().enumerate() {
        node_term(warnings, &terms.index(index), term);
    }
    let preferred = node_at.field("preferredDuringSchedulingIgnoredDuringExecution");
    for (index, term) in node.items("preferredDuringSchedulingIgnoredDuringExecution").iter().enumerate() {
        let at = preferred.index(index);
        node_term(warnings, &at.field("preference"), term.child("preference"));
    }
    let list = at.field("topologySpreadConstraints");
    for (index, constraint) in spec.items("topologySpreadConstraints").iter().enumerate() {
        let (at, key) = (list.index(index), constraint.text("topologyKey"));
        if let Some(text) = deprecated_label(key) {
            warnings.push(format!("{}: {key} is {text}", at.field("topologyKey")));
        }
        if !constraint.has("labelSelector") {
            warnings.push(format!("{}: {NO_SELECTOR}", at.field("labelSelector")));
        }
    }
}

fn node_term(warnings: &mut Vec<String>, at: &At, term: &Value) {
    let list = at.field("matchExpressions");
    for (index, expression) in term.items("matchExpressions").iter().enumerate() {
        let (at, key) = (list.index(index), expression.text("key"));
        if let Some(text) = deprecated_label(key) {
            warnings.push(format!("{}: {key} is {text}", at.field("key")));
        }
    }
}

fn volumes(warnings: &mut Vec<String>, at: &At, volumes: &[Value]) {
    for (index, volume) in volumes.iter().enumerate() {
        let at = at.index(index);
        for (key, shown, text) in DEPRECATED_VOLUMES {
            if volume.has(key) {
                warnings.push(format!("{}: {text}", at.field(shown)));
            }
        }
        let template = volume.child("ephemeral").child("volumeClaimTemplate");
        let ephemeral = at.field("ephemeral");
        let template_at = ephemeral.field("volumeClaimTemplate");
        claim_warnings(warnings, &template_at.field("spec"), template.child("spec"));
    }
}

fn lists(warnings: &mut Vec<String>, at: &At, spec: &Value) {
    for (list, key) in [("hostAliases", "ip"), ("imagePullSecrets", "name")] {
        let (list_at, items) = (at.field(list), spec.items(list));
        for (index, item) in items.iter().enumerate() {
            if items[..index].iter().any(|other| other.text(key) == item.text(key)) {
                let at = list_at.index(index);
                warnings.push(format!("{}: duplicate {key} {:?}", at.field(key), item.text(key)));
            }
        }
    }
    let list = at.field("imagePullSecrets");
    for (index, item) in
        spec.items("imagePullSecrets").iter().enumerate().filter(|(_, item)| item.text("name").is_empty())
    {
        let at = list.index(index);
        warnings.push(format!("{}: invalid empty name {:?}", at.field("name"), item.text("name")));
    }
}

/// A claim that is made with a pod.
pub(crate) fn claim_warnings(warnings: &mut Vec<String>, at: &At, spec: &Value) {
    let at = at.field("resources");
    for list in ["requests", "limits"] {
        let amounts = at.field(list);
        fraction(warnings, &amounts.key("storage"), spec.child("resources").child(list).get("storage"));
    }
}

fn fractions(warnings: &mut Vec<String>, at: &At, amounts: &Value) {
    for name in ["memory", "ephemeral-storage"] {
        fraction(warnings, &at.key(name), amounts.get(name));
    }
}

fn fraction(warnings: &mut Vec<String>, at: &At, amount: Option<&Value>) {
    let Some(amount) = amount.and_then(Value::as_str) else { return };
    if amount.parse::<Quantity>().is_ok_and(|quantity| quantity.milli_value() % 1000 != 0) {
        warnings.push(format!("{at}: fractional byte value {amount:?} is invalid, must be an integer"));
    }
}

fn containers(
    warnings: &mut Vec<String>,
    [at, annotations_at]: [&At; 2],
    (spec, annotations): (&Value, &Value),
) {
    let template = at.to_string() != "spec";
    for list in CONTAINERS {
        let list_at = at.field(list);
        for (index, container) in spec.items(list).iter().enumerate() {
            let (at, context) = (list_at.index(index), container.child("securityContext"));
            let name = container.text("name");
            let key = format!("{SECCOMP_CONTAINER}{name}");
            if !context.has("seccompProfile") && annotations.get(&key).is_some() {
                let at = annotations_at.key(&key);
                warnings.push(format!(
                    "{at}: non-functional in v1.27+; use the \"seccompProfile\" field instead"
                ));
            }
            let key = format!("{APP_ARMOR}{name}");
            if template && !context.has("appArmorProfile") && annotations.get(&key).is_some() {
                let at = annotations_at.key(&key);
                warnings
                    .push(format!("{at}: deprecated since v1.30; use the \"appArmorProfile\" field instead"));
            }
            let resources_at = at.field("resources");
            for name in ["memory", "ephemeral-storage"] {
                for list in ["limits", "requests"] {
                    let amounts = resources_at.field(list);
                    fraction(
                        warnings,
                        &amounts.key(name),
                        container.child("resources").child(list).get(name),
                    );
                }
            }
            variables(warnings, &at.field("env"), container.items("env"));
        }
    }
}

fn variables(warnings: &mut Vec<String>, at: &At, variables: &[Value]) {
    for (index, variable) in variables.iter().enumerate() {
        let name = variable.text("name");
        let (reference, value) = (format!("$({name})"), variable.text("value"));
        let builds_on = !variable.has("valueFrom") && value != reference && value.contains(&reference);
        if variables[..index].iter().any(|other| other.text("name") == name) && !builds_on {
            let at = at.index(index);
            warnings.push(format!(
                "{at}: hides previous definition of {name:?}, which may be dropped when using apply"
            ));
        }
    }
}

/// Every port with its place, in the order of the server.
fn every_port(at: &At, spec: &Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for list in CONTAINERS {
        let list_at = at.field(list);
        for (index, container) in spec.items(list).iter().enumerate() {
            let at = list_at.index(index);
            let at = at.field("ports");
            let ports = container.items("ports").iter().enumerate();
            all.extend(ports.map(|(index, port)| (at.index(index).to_string(), port.clone())));
        }
    }
    all
}

fn ports(warnings: &mut Vec<String>, at: &At, spec: &Value) {
    let mut seen: BTreeMap<(i64, String), Vec<(String, Value)>> = BTreeMap::new();
    for (at, port) in every_port(at, spec) {
        let (host, ip) = (port.number("hostPort"), port.text("hostIP").to_owned());
        if !ip.is_empty() && host == 0 {
            let (name, number, protocol) =
                (port.text("name"), port.number("containerPort"), port.text("protocol"));
            warnings.push(format!(
                "{at}: hostIP set without hostPort: {{Name:{name} HostPort:0 ContainerPort:{number} Protocol:{protocol} HostIP:{ip}}}"
            ));
        }
        let others =
            seen.entry((port.number("containerPort"), port.text("protocol").to_owned())).or_default();
        for (other_at, other) in &*others {
            let (other_host, other_ip) = (other.number("hostPort"), other.text("hostIP"));
            let what = match () {
                () if ip == other_ip && host == other_host => "duplicate",
                () if host == 0 || other_host == 0 => "overlapping",
                () if host == other_host && ip.is_empty() != other_ip.is_empty() => "dangerously ambiguous",
                () => continue,
            };
            warnings.push(format!("{at}: {what} port definition with {other_at}"));
        }
        others.push((at, port));
    }
}

fn port_names(warnings: &mut Vec<String>, at: &At, spec: &Value) {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for (at, port) in every_port(at, spec) {
        let name = port.text("name");
        match seen.get(name) {
            _ if name.is_empty() => {}
            Some(other) => warnings.push(format!(
                "{at}: duplicate port name {name:?} with {other}, services and probes that select ports by name will use {other}"
            )),
            None => drop(seen.insert(name.to_owned(), at)),
        }
    }
}

fn affinity(warnings: &mut Vec<String>, at: &At, affinity: &Value) {
    for kind in ["podAffinity", "podAntiAffinity"] {
        let (at, terms) = (at.field(kind), affinity.child(kind));
        let list = at.field("requiredDuringSchedulingIgnoredDuringExecution");
        for (index, term) in terms.items("requiredDuringSchedulingIgnoredDuringExecution").iter().enumerate()
        {
            if !term.has("labelSelector") {
                let at = list.index(index);
                warnings.push(format!("{}: {NO_SELECTOR}", at.field("labelSelector")));
            }
        }
        let list = at.field("preferredDuringSchedulingIgnoredDuringExecution");
        for (index, term) in terms.items("preferredDuringSchedulingIgnoredDuringExecution").iter().enumerate()
        {
            if !term.child("podAffinityTerm").has("labelSelector") {
                let at = list.index(index);
                let at = at.field("podAffinityTerm");
                warnings.push(format!("{}: {NO_SELECTOR}", at.field("labelSelector")));
            }
        }
    }
}

fn addresses(warnings: &mut Vec<String>, at: &At, spec: &Value) {
    let config = at.field("dnsConfig");
    let servers = config.field("nameservers");
    for (index, server) in spec.child("dnsConfig").items("nameservers").iter().enumerate() {
        warnings.extend(ip_warnings(&servers.index(index), server.as_str().unwrap_or_default()));
    }
    let list = at.field("hostAliases");
    for (index, alias) in spec.items("hostAliases").iter().enumerate() {
        let at = list.index(index);
        warnings.extend(ip_warnings(&at.field("ip"), alias.text("ip")));
    }
}
