//! Services: which pods are behind them.

use std::collections::BTreeMap;

use lockstep_core::{Map, Value};

use crate::client::{Actor, Context, Refused};
use crate::controller::{Controller, Due};
use crate::kind::Kind;
use crate::object::{controlled_by, flag, is_deleting, items, name, namespace, object, text, uid};
use crate::pod::{is_finished, is_ready};
use crate::selector::has_all;
use crate::view::{Change, Id, View};

/// Which form a controller keeps: slices, or the older Endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoints {
    Slices,
    Legacy,
}

/// So many addresses a slice holds, and Endpoints at most.
const SLICE: usize = 100;
const LEGACY: usize = 1000;
const SERVICE: &str = "kubernetes.io/service-name";
const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
const HEADLESS: &str = "service.kubernetes.io/headless";
const TRIGGER: &str = "endpoints.kubernetes.io/last-change-trigger-time";

impl Controller for Endpoints {
    fn actor(&self) -> Actor<'static> {
        Actor::Controller(match self {
            Self::Slices => "endpointslice-controller",
            Self::Legacy => "endpoint-controller",
        })
    }

    fn touched(&mut self, change: &Change, view: &View) -> Vec<Id> {
        let namespace = &*change.id.key.namespace;
        match change.id.kind {
            Kind::SERVICES => vec![change.id.clone()],
            Kind::PODS if matters(change) => services_of(change, view),
            Kind::SLICES if *self == Self::Slices => {
                let service = text(change.object(), &["metadata", "labels", SERVICE]);
                (!service.is_empty())
                    .then(|| Id::new(Kind::SERVICES, namespace, service))
                    .into_iter()
                    .collect()
            }
            Kind::ENDPOINTS if *self == Self::Legacy => {
                vec![Id::new(Kind::SERVICES, namespace, &change.id.key.name)]
            }
            _ => Vec::new(),
        }
    }

    fn reconcile(&mut self, id: &Id, cx: &mut Context<'_>) -> Result<Due, Refused> {
        let Some(service) = cx.view.get(Kind::SERVICES, &id.key) else {
            if let (Self::Legacy, Some(old)) = (*self, cx.view.get(Kind::ENDPOINTS, &id.key)) {
                cx.delete(Kind::ENDPOINTS, old, &[])?;
            }
            return Ok(None);
        };
        let no_selector = service.at(&["spec", "selector"]).and_then(Value::as_map).is_none_or(Map::is_empty);
        if no_selector || text(service, &["spec", "type"]) == "ExternalName" || is_deleting(service) {
            return Ok(None);
        }
        let backends = backends(service, cx.view);
        match self {
            Self::Slices => slices(service, &backends, cx),
            Self::Legacy => legacy(service, &backends, cx),
        }
        .map(|()| None)
    }
}

/// Whether what a Service knows of a pod has changed.
fn matters(change: &Change) -> bool {
    let seen = |pod: &Value| {
        let keys = [["metadata", "labels"], ["status", "podIP"], ["spec", "hostname"]];
        let fields: Vec<Option<Value>> = keys.iter().map(|path| pod.at(path).cloned()).collect();
        (fields, is_ready(pod), is_deleting(pod), is_finished(pod))
    };
    change.old.as_ref().map(seen) != change.new.as_ref().map(seen)
}

fn services_of(change: &Change, view: &View) -> Vec<Id> {
    let services = view.within(Kind::SERVICES, &change.id.key.namespace);
    let chosen = services.filter(|(_, service)| {
        let selector = service.at(&["spec", "selector"]);
        let some = selector.and_then(Value::as_map).is_some_and(|map| !map.is_empty());
        some && change.both().any(|pod| has_all(selector, pod.at(&["metadata", "labels"])))
    });
    chosen.map(|(key, _)| Id { kind: Kind::SERVICES, key: key.clone() }).collect()
}

/// A pod behind a Service.
struct Backend<'v> {
    pod: &'v Value,
    ports: Vec<Value>,
    ready: bool,
}

fn backends<'v>(service: &Value, view: &'v View) -> Vec<Backend<'v>> {
    let selector = service.at(&["spec", "selector"]);
    let unready_too = flag(service, &["spec", "publishNotReadyAddresses"]);
    let pods = view.within(Kind::PODS, namespace(service)).map(|(_, pod)| pod);
    pods.filter(|pod| {
        has_all(selector, pod.at(&["metadata", "labels"]))
            && !is_finished(pod)
            && !text(pod, &["status", "podIP"]).is_empty()
    })
    .map(|pod| Backend { pod, ports: ports(service, pod), ready: is_ready(pod) || unready_too })
    .collect()
}

/// The ports of a Service at a pod; those by name are looked up in its containers.
fn ports(service: &Value, pod: &Value) -> Vec<Value> {
    let found = items(service, &["spec", "ports"]).iter().filter_map(|port| {
        let target = port.get("targetPort").or_else(|| port.get("port"))?;
        let number = match target.as_str() {
            None => target.as_int(),
            Some(wanted) => {
                let containers = items(pod, &["spec", "containers"]).iter();
                let mut all = containers.flat_map(|container| items(container, &["ports"]));
                let same = |have: &&Value| {
                    text(have, &["name"]) == wanted && text(have, &["protocol"]) == text(port, &["protocol"])
                };
                all.find(same).and_then(|port| port.int_at(&["containerPort"]))
            }
        }?;
        let mut found = object! {
            "name": text(port, &["name"]),
            "port": number,
            "protocol": text(port, &["protocol"]),
        };
        if let Some(protocol) = port.get("appProtocol") {
            found.set(&["appProtocol"], protocol.clone());
        }
        Some(found)
    });
    found.collect()
}

fn target(pod: &Value) -> Value {
    object! {"kind": "Pod", "name": name(pod), "namespace": namespace(pod), "uid": uid(pod)}
}

fn is_headless(service: &Value) -> bool {
    text(service, &["spec", "clusterIP"]) == "None"
}

fn hostname(service: &Value, pod: &Value) -> Option<Value> {
    let named =
        text(pod, &["spec", "subdomain"]) == name(service) && !text(pod, &["spec", "hostname"]).is_empty();
    named.then(|| text(pod, &["spec", "hostname"]).into())
}

fn slices(service: &Value, backends: &[Backend<'_>], cx: &mut Context<'_>) -> Result<(), Refused> {
    let mut groups: BTreeMap<Vec<Value>, Vec<Value>> = BTreeMap::new();
    for backend in backends {
        groups.entry(backend.ports.clone()).or_default().push(endpoint(service, backend, cx.view));
    }
    if groups.is_empty() {
        groups.insert(Vec::new(), Vec::new());
    }
    let family = items(service, &["spec", "ipFamilies"]).first().and_then(Value::as_str).unwrap_or("IPv4");
    let mut wanted = Vec::new();
    for (ports, endpoints) in groups {
        let ports = if ports.is_empty() && backends.is_empty() { Value::Null } else { Value::list(ports) };
        let mut chunks: Vec<Vec<Value>> = endpoints.chunks(SLICE).map(<[Value]>::to_vec).collect();
        if chunks.is_empty() {
            chunks.push(Vec::new());
        }
        wanted.extend(chunks.into_iter().map(|chunk| (ports.clone(), chunk)));
    }
    let mine = |slice: &&Value| {
        let label = |key| text(slice, &["metadata", "labels", key]);
        label(SERVICE) == name(service) && label(MANAGED_BY) == "endpointslice-controller.k8s.io"
    };
    let view = cx.view;
    let existing = view.within(Kind::SLICES, namespace(service)).map(|(_, slice)| slice);
    let mut existing: Vec<&Value> = existing.filter(mine).filter(|slice| !is_deleting(slice)).collect();
    // Slices are kept for the ports that they have.
    wanted.sort_by_key(|(ports, _)| !existing.iter().any(|slice| slice.get("ports") == Some(ports)));
    for (ports, endpoints) in wanted {
        let place = existing.iter().position(|slice| slice.get("ports") == Some(&ports));
        let place = place.or_else(|| (!existing.is_empty()).then_some(0));
        let old = place.map(|place| existing.remove(place));
        write_slice(service, old, (ports, endpoints, family), cx)?;
    }
    existing.into_iter().try_for_each(|slice| cx.delete(Kind::SLICES, slice, &[]))
}

fn write_slice(
    service: &Value,
    old: Option<&Value>,
    (ports, endpoints, family): (Value, Vec<Value>, &str),
    cx: &mut Context<'_>,
) -> Result<(), Refused> {
    let mut slice = old.cloned().unwrap_or_else(|| {
        object! {
            "metadata": object! {
                "generateName": format!("{}-", name(service)),
                "namespace": namespace(service),
                "ownerReferences": vec![controlled_by(service)],
            },
            "addressType": family,
        }
    });
    slice.set(
        &["metadata", "labels"],
        labels(service, &[(SERVICE, name(service)), (MANAGED_BY, "endpointslice-controller.k8s.io")]),
    );
    let list = |slice: &Value| items(slice, &["endpoints"]).to_vec();
    let same = old
        .is_some_and(|old| list(old) == endpoints && old.get("ports").cloned().unwrap_or_default() == ports);
    // An empty slice of Go's is written as null, and then nobody comes to own it.
    let shown = if endpoints.is_empty() { Value::Null } else { Value::list(endpoints) };
    slice.set(&["endpoints"], shown);
    slice.set(&["ports"], ports);
    if !same {
        slice.set(&["metadata", "annotations", TRIGGER], cx.stamp().into());
    }
    match old {
        None => cx.create(Kind::SLICES, &slice).map(drop),
        Some(old) if same && old.at(&["metadata", "labels"]) == slice.at(&["metadata", "labels"]) => Ok(()),
        Some(_) => cx.update(Kind::SLICES, &slice).map(drop),
    }
}

/// The labels of the Service, and these.
fn labels(service: &Value, own: &[(&str, &str)]) -> Value {
    let mut labels = service.at(&["metadata", "labels"]).cloned().unwrap_or_default();
    own.iter().for_each(|(key, value)| labels.set(&[key], (*value).into()));
    if is_headless(service) {
        labels.set(&[HEADLESS], "".into());
    }
    labels
}

fn endpoint(service: &Value, backend: &Backend<'_>, view: &View) -> Value {
    let pod = backend.pod;
    let going = is_deleting(pod);
    let mut endpoint = object! {
        "addresses": vec![Value::from(text(pod, &["status", "podIP"]))],
        "conditions": object! {"ready": backend.ready && !going, "serving": backend.ready, "terminating": going},
        "targetRef": target(pod),
    };
    let node = text(pod, &["spec", "nodeName"]);
    endpoint.set(&["nodeName"], node.into());
    let labels = view.find(Kind::NODES, "", node);
    if let Some(zone) =
        labels.and_then(|node| node.at(&["metadata", "labels", "topology.kubernetes.io/zone"]))
    {
        endpoint.set(&["zone"], zone.clone());
    }
    if let Some(hostname) = hostname(service, pod) {
        endpoint.set(&["hostname"], hostname);
    }
    endpoint
}

fn legacy(service: &Value, backends: &[Backend<'_>], cx: &mut Context<'_>) -> Result<(), Refused> {
    let mut groups: BTreeMap<Vec<Value>, (Vec<Value>, Vec<Value>)> = BTreeMap::new();
    for backend in backends.iter().filter(|backend| !is_deleting(backend.pod)).take(LEGACY) {
        let mut address = object! {
            "ip": text(backend.pod, &["status", "podIP"]),
            "nodeName": text(backend.pod, &["spec", "nodeName"]),
            "targetRef": target(backend.pod),
        };
        if let Some(hostname) = hostname(service, backend.pod) {
            address.set(&["hostname"], hostname);
        }
        let group = groups.entry(backend.ports.clone()).or_default();
        if backend.ready { &mut group.0 } else { &mut group.1 }.push(address);
    }
    let subsets: Vec<Value> = groups
        .into_iter()
        .map(|(ports, (ready, unready))| {
            let mut subset = Value::default();
            let by_address = |mut list: Vec<Value>| {
                list.sort_by_key(|address| text(address, &["ip"]).to_owned());
                Value::list(list)
            };
            if !ready.is_empty() {
                subset.set(&["addresses"], by_address(ready));
            }
            if !unready.is_empty() {
                subset.set(&["notReadyAddresses"], by_address(unready));
            }
            let mut ports = ports;
            for port in &mut ports {
                if text(port, &["name"]).is_empty() {
                    port.remove(&["name"]);
                }
            }
            if !ports.is_empty() {
                subset.set(&["ports"], Value::list(ports));
            }
            subset
        })
        .collect();
    let old = cx.view.find(Kind::ENDPOINTS, namespace(service), name(service));
    let mut endpoints = old.cloned().unwrap_or_else(|| {
        object! {"metadata": object! {"name": name(service), "namespace": namespace(service)}}
    });
    endpoints.set(
        &["metadata", "labels"],
        labels(service, &[("endpoints.kubernetes.io/managed-by", "endpoint-controller")]),
    );
    let same = old.is_some_and(|old| items(old, &["subsets"]) == subsets);
    if !same {
        endpoints.set(&["metadata", "annotations", TRIGGER], cx.stamp().into());
    }
    match subsets.is_empty() {
        true => _ = endpoints.remove(&["subsets"]),
        false => endpoints.set(&["subsets"], Value::list(subsets)),
    }
    match old {
        None => cx.create(Kind::ENDPOINTS, &endpoints).map(drop),
        Some(old) if same && old.at(&["metadata", "labels"]) == endpoints.at(&["metadata", "labels"]) => {
            Ok(())
        }
        Some(_) => cx.update(Kind::ENDPOINTS, &endpoints).map(drop),
    }
}
