//! The cluster as plan asks for it, answered from the live index and discovery.

use std::sync::Arc;

use ::cluster::{Catalog, Discovery, Index, Lookup, Namespaces, Unread, Want, WatchScope, Writer};
use health::WaitingPod;
use lockstep_core::{Gvk, Health, HealthState, ObjectKey};
use plan::{Glance, Kinds, Live, LiveSet, NamespaceState, Serving};

use crate::autoscalers::Autoscalers;

/// Everything that reaches into the cluster.
pub(crate) struct Cluster {
    /// Where writes go.
    pub(crate) writer: Writer,
    /// What is live.
    pub(crate) index: Index,
    /// What is served.
    pub(crate) discovery: Discovery,
    /// Which workloads are autoscaled.
    pub(crate) autoscalers: Autoscalers,
}

impl Cluster {
    /// Asks to watch the namespace of some objects; the empty one for cluster-scoped kinds.
    pub(crate) fn want(&self, gvk: &Gvk, namespace: &str) -> Want {
        let namespaces = if namespace.is_empty() { Namespaces::All } else { Namespaces::one(namespace) };
        self.index.want(&WatchScope { gvk: gvk.clone(), namespaces })
    }

    /// The health of a live object.
    pub(crate) fn health(&self, key: &ObjectKey, gvk: &Gvk) -> Health {
        match self.index.get(gvk, key) {
            ::cluster::Live::Present(live) => health::health(&live),
            ::cluster::Live::Absent => Health::new(HealthState::Missing, ""),
            ::cluster::Live::Unknown(unread) => Health::new(HealthState::Unknown, unread.to_string()),
        }
    }

    /// The health of a workload with what its pods wait for, as far as they are known.
    pub(crate) fn with_pods(&self, key: &ObjectKey, gvk: &Gvk, health: Health) -> Health {
        let pods = self.index.waiting_pods(gvk, key).into_iter();
        let pods = pods.filter_map(|pod| Some(WaitingPod { name: pod.key.name, reasons: pod.pod?.waiting }));
        health::with_pods(health, &pods.collect::<Vec<_>>())
    }
}

/// A kind that is not served has no objects: that is plan's other question, and no failure of the watch.
fn unknown(unread: &Unread) -> Option<Arc<str>> {
    match unread {
        Unread::NotServed => None,
        other => Some(other.to_string().into()),
    }
}

impl LiveSet for Cluster {
    fn glance(&self, key: &ObjectKey, gvk: &Gvk) -> Glance {
        match self.index.meta(gvk, key) {
            Ok(Some(child)) => Glance::Present {
                uid: child.uid,
                resource_version: child.resource_version,
                deleting: child.deleting,
            },
            Ok(None) => Glance::Absent,
            Err(unread) => unknown(&unread).map_or(Glance::Absent, Glance::Unknown),
        }
    }

    fn get(&self, key: &ObjectKey, gvk: &Gvk) -> Live {
        match self.index.get(gvk, key) {
            ::cluster::Live::Present(live) => Live::Present(Box::new(live)),
            ::cluster::Live::Absent => Live::Absent,
            ::cluster::Live::Unknown(unread) => unknown(&unread).map_or(Live::Absent, Live::Unknown),
        }
    }

    fn health(&self, key: &ObjectKey, gvk: &Gvk) -> Health {
        Cluster::health(self, key, gvk)
    }

    fn namespace(&self, name: &str) -> NamespaceState {
        let key = ObjectKey::new("", "Namespace", "", name);
        match self.index.meta(&namespaces(), &key) {
            Ok(Some(child)) if child.deleting => NamespaceState::Terminating,
            Ok(Some(_)) => NamespaceState::Active,
            Ok(None) => NamespaceState::Missing,
            Err(_) => NamespaceState::Unknown,
        }
    }

    fn is_autoscaled(&self, key: &ObjectKey) -> bool {
        self.autoscalers.targets(key)
    }
}

impl Kinds for Cluster {
    fn serving(&self, gvk: &Gvk) -> Serving {
        serving(&self.discovery.catalog(), gvk)
    }
}

/// Whether a kind is served.
pub(crate) fn serving(catalog: &Catalog, gvk: &Gvk) -> Serving {
    match catalog.resource(gvk) {
        Lookup::Served(_) => Serving::Served,
        Lookup::NotServed => match catalog.preferred(&gvk.group_kind()) {
            Lookup::Served(other) => Serving::OtherVersion(other.gvk.clone()),
            Lookup::NotServed => Serving::NotServed,
            Lookup::GroupFailing(reason) => Serving::GroupFailing(reason),
        },
        Lookup::GroupFailing(reason) => Serving::GroupFailing(reason),
    }
}

/// Core Namespaces.
pub(crate) fn namespaces() -> Gvk {
    Gvk::new("", "v1", "Namespace")
}
