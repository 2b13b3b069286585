//! The simulated nodes.

use std::time::Duration;

use apistore::{Answers, Method, Request, Store, User};
use lockstep_core::{Value, to_json};

use crate::client::{Actor, Context, Refused};
use crate::condition;
use crate::controller::{Controller, Due};
use crate::kind::Kind;
use crate::object::{annotation, items, name, object};
use crate::view::{Change, Id, View};

/// Nodes with this annotation are simulated.
pub(crate) const SIMULATED: &str = "cluster.lockstep.dev/simulated";
const NAMES: [&str; 2] = ["lockstep-1", "lockstep-2"];

/// Registers the nodes that a cluster has at its first start.
pub(crate) fn begin(store: &mut Store, now: Duration) {
    if NAMES.iter().any(|name| store.object("", "nodes", "", name).is_some()) {
        return;
    }
    for name in NAMES {
        let node = object! {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": object! {
                "name": name,
                "labels": object! {
                    "kubernetes.io/hostname": name,
                    "kubernetes.io/os": "linux",
                    "kubernetes.io/arch": "amd64",
                    "beta.kubernetes.io/os": "linux",
                    "beta.kubernetes.io/arch": "amd64",
                },
                "annotations": object! {"cluster.lockstep.dev/simulated": "true"},
            },
        };
        let user = User::of(
            &format!("system:node:{name}"),
            &["system:nodes", "system:masters", "system:authenticated"],
        );
        let request = Request::system(Method::Post, "/api/v1/nodes").body("application/json", to_json(&node));
        // Where it exists already, it is as it should be.
        let _made = store.handle(&request.by(user).agent("kubelet"), &Answers::new(), now);
    }
}

/// Keeps the status of simulated nodes. It says once that a node is ready: nobody here declares nodes dead that do not say so every
/// few seconds, so that heartbeats would be nothing but writes.
#[derive(Clone, Debug)]
pub(crate) struct Nodes;

impl Controller for Nodes {
    fn actor(&self) -> Actor<'static> {
        Actor::Kubelet("")
    }

    fn touched(&mut self, change: &Change, _view: &View) -> Vec<Id> {
        let simulated = annotation(change.object(), SIMULATED).is_some();
        (change.id.kind == Kind::NODES && simulated).then(|| change.id.clone()).into_iter().collect()
    }

    fn reconcile(&mut self, id: &Id, cx: &mut Context<'_>) -> Result<Due, Refused> {
        let Some(node) = cx.view.get(Kind::NODES, &id.key) else { return Ok(None) };
        if condition::find(node, "Ready").is_some() {
            return Ok(None);
        }
        let mut after = node.clone();
        after.set(&["status"], status(node, &address(cx.view, node), &cx.stamp()));
        let node_name = name(node).to_owned();
        let mut cx = cx.acting_as(Actor::Kubelet(&node_name));
        cx.update_status(Kind::NODES, &after).map(|_| None)
    }
}

/// An address that no other node has.
fn address(view: &View, node: &Value) -> String {
    let place = view.all(Kind::NODES).position(|(_, other)| name(other) == name(node)).unwrap_or(0);
    format!("172.18.{}.{}", (place + 2) / 256, (place + 2) % 256)
}

/// The address of a node.
pub(crate) fn address_of(node: &Value) -> &str {
    let addresses = items(node, &["status", "addresses"]);
    let internal = addresses.iter().find(|address| address.str_at(&["type"]) == Some("InternalIP"));
    internal.and_then(|address| address.str_at(&["address"])).unwrap_or_default()
}

fn status(node: &Value, address: &str, now: &str) -> Value {
    let capacity = object! {
        "cpu": "256", "memory": "1Ti", "pods": "10000", "ephemeral-storage": "10Ti",
        "hugepages-1Gi": "0", "hugepages-2Mi": "0",
    };
    let conditions = [
        ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
    ];
    let conditions = conditions.map(|(kind, status, reason, message)| {
        let mut condition = condition::condition(kind, status, reason, message);
        condition.set(&["lastHeartbeatTime"], now.into());
        condition.set(&["lastTransitionTime"], now.into());
        condition
    });
    let addresses = [("InternalIP", address), ("Hostname", name(node))]
        .map(|(kind, address)| object! {"type": kind, "address": address});
    object! {
        "capacity": capacity.clone(),
        "allocatable": capacity,
        "conditions": conditions.to_vec(),
        "addresses": addresses.to_vec(),
        "daemonEndpoints": object! {"kubeletEndpoint": object! {"Port": 10250}},
        "nodeInfo": object! {
            "kubeletVersion": "v1.37.2", "kubeProxyVersion": "", "architecture": "amd64",
            "operatingSystem": "linux", "containerRuntimeVersion": "lockstep://1", "osImage": "Lockstep simulated node",
            "bootID": "", "kernelVersion": "", "machineID": name(node), "systemUUID": "",
        },
    }
}
