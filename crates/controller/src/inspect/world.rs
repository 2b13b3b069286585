//! The cluster as plan asks for it, answered from one read of each object.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use cluster::{ApiError, Catalog, Connection, Lookup, Resource, ResourceScope, Selector};
use futures::StreamExt;
use lockstep_core::{AppKey, GroupKind, Gvk, Health, HealthState, ObjectKey, from_json};
use plan::{Claim, Claims, Glance, Kinds, Live, LiveSet, NamespaceState, Serving, Unrendered};

use super::error::InspectError;
use crate::autoscalers::Autoscalers;
use crate::cluster_view::{namespaces, serving};

/// Reads that are under way at once.
const SIDE_BY_SIDE: usize = 64;

/// Everything that is live of an Application.
pub(super) struct World {
    live: HashMap<ObjectKey, Vec<(Gvk, Live)>>,
    namespaces: BTreeMap<Arc<str>, NamespaceState>,
    autoscalers: Autoscalers,
    catalog: Arc<Catalog>,
    claims: BTreeMap<ObjectKey, Vec<Claim>>,
}

impl World {
    pub(super) async fn read(
        connection: &Connection,
        catalog: Arc<Catalog>,
        objects: BTreeSet<(ObjectKey, Gvk)>,
        claims: BTreeMap<ObjectKey, Vec<Claim>>,
    ) -> Result<Self, InspectError> {
        let inside: BTreeSet<Arc<str>> = objects.iter().map(|(key, _)| key.namespace.clone()).collect();
        let inside: Vec<Arc<str>> = inside.into_iter().filter(|name| !name.is_empty()).collect();
        let scaled: BTreeSet<Arc<str>> = objects
            .iter()
            .filter(|(key, _)| &*key.group == "apps")
            .map(|(key, _)| key.namespace.clone())
            .collect();
        let reads: Vec<_> = objects.into_iter().map(|object| one(connection, &catalog, object)).collect();
        let found: Vec<_> = futures::stream::iter(reads).buffer_unordered(SIDE_BY_SIDE).collect().await;
        let mut live: HashMap<ObjectKey, Vec<(Gvk, Live)>> = HashMap::new();
        for ((key, gvk), state) in found {
            live.entry(key).or_default().push((gvk, state));
        }
        let reads: Vec<_> = inside.into_iter().map(|name| namespace(connection, name)).collect();
        let namespaces = futures::stream::iter(reads).buffer_unordered(SIDE_BY_SIDE).collect().await;
        let autoscalers = autoscalers(connection, &catalog, scaled).await;
        Ok(Self { live, namespaces, autoscalers, catalog, claims })
    }

    fn state(&self, key: &ObjectKey, gvk: &Gvk) -> Option<&Live> {
        self.live.get(key)?.iter().find(|(version, _)| version == gvk).map(|(_, live)| live)
    }

    /// An object in whatever version it was read.
    pub(super) fn any(&self, key: &ObjectKey) -> Live {
        let found = self.live.get(key).and_then(|versions| versions.first());
        found.map_or(Live::Absent, |(_, live)| live.clone())
    }

    /// Why an object of this kind could not even be tried now, if it does not exist yet.
    pub(super) fn obstacle(&self, key: &ObjectKey, gvk: &Gvk) -> Option<String> {
        if !matches!(self.serving(gvk), Serving::Served) {
            return Some(format!("the cluster does not serve {gvk}"));
        }
        let missing = !key.namespace.is_empty() && self.namespace(&key.namespace) == NamespaceState::Missing;
        missing.then(|| format!("namespace {} does not exist", key.namespace))
    }
}

/// One object, or why it cannot be told.
pub(super) async fn look(connection: &Connection, catalog: &Catalog, key: &ObjectKey, gvk: &Gvk) -> Live {
    let resource = match catalog.resource(gvk) {
        Lookup::Served(resource) => resource,
        // Without a kind there are no objects.
        Lookup::NotServed => return Live::Absent,
        Lookup::GroupFailing(reason) => return Live::Unknown(reason),
    };
    match connection.get(&resource, key).await {
        Ok(raw) => match raw.live(gvk) {
            Some(live) => Live::Present(Box::new(live)),
            None => Live::Unknown("the answer is not an object".into()),
        },
        Err(ApiError::NotFound | ApiError::NamespaceMissing | ApiError::NotServed) => Live::Absent,
        Err(error) => Live::Unknown(error.to_string().into()),
    }
}

async fn one(
    connection: &Connection,
    catalog: &Catalog,
    (key, gvk): (ObjectKey, Gvk),
) -> ((ObjectKey, Gvk), Live) {
    let live = look(connection, catalog, &key, &gvk).await;
    ((key, gvk), live)
}

async fn namespace(connection: &Connection, name: Arc<str>) -> (Arc<str>, NamespaceState) {
    let resource = Resource::new(namespaces(), "namespaces", ResourceScope::Cluster);
    let state = match connection.get(&resource, &ObjectKey::new("", "Namespace", "", &name)).await {
        Ok(found) if found.meta.deleting_since.is_some() => NamespaceState::Terminating,
        Ok(_) => NamespaceState::Active,
        Err(ApiError::NotFound) => NamespaceState::Missing,
        Err(_) => NamespaceState::Unknown,
    };
    (name, state)
}

/// The autoscalers that may target something. Who may not list them sees replicas of autoscaled workloads as differences.
async fn autoscalers(
    connection: &Connection,
    catalog: &Catalog,
    namespaces: BTreeSet<Arc<str>>,
) -> Autoscalers {
    let all = Autoscalers::default();
    let kind = GroupKind { group: "autoscaling".into(), kind: "HorizontalPodAutoscaler".into() };
    let Some(resource) = catalog.preferred(&kind).served() else { return all };
    for namespace in namespaces {
        let found = connection.list(&resource, Some(&namespace), &Selector::default()).await;
        for raw in found.unwrap_or_default() {
            all.set(&raw.key(&resource.gvk), from_json(raw.bytes()).ok().as_ref());
        }
    }
    all
}

impl LiveSet for World {
    fn glance(&self, key: &ObjectKey, gvk: &Gvk) -> Glance {
        match self.state(key, gvk) {
            Some(Live::Present(live)) => Glance::Present {
                uid: live.uid.clone(),
                resource_version: live.resource_version.clone(),
                deleting: live.deleting_since.is_some(),
            },
            Some(Live::Absent) => Glance::Absent,
            Some(Live::Unknown(reason)) => Glance::Unknown(reason.clone()),
            None => Glance::Unknown("it was not read".into()),
        }
    }

    fn get(&self, key: &ObjectKey, gvk: &Gvk) -> Live {
        self.state(key, gvk).cloned().unwrap_or_else(|| Live::Unknown("it was not read".into()))
    }

    fn health(&self, key: &ObjectKey, gvk: &Gvk) -> Health {
        match self.state(key, gvk) {
            Some(Live::Present(live)) => health::health(live),
            Some(Live::Absent) => Health::new(HealthState::Missing, ""),
            Some(Live::Unknown(_)) | None => Health::new(HealthState::Unknown, ""),
        }
    }

    fn namespace(&self, name: &str) -> NamespaceState {
        self.namespaces.get(name).copied().unwrap_or(NamespaceState::Unknown)
    }

    fn is_autoscaled(&self, key: &ObjectKey) -> bool {
        self.autoscalers.targets(key)
    }
}

impl Kinds for World {
    fn serving(&self, gvk: &Gvk) -> Serving {
        serving(&self.catalog, gvk)
    }
}

impl Claims for World {
    fn claims(&self, key: &ObjectKey, _: &AppKey) -> Vec<Claim> {
        self.claims.get(key).cloned().unwrap_or_default()
    }

    /// Which Applications are about to take an object over is known to the controller alone.
    fn unrendered(&self, _: &AppKey) -> Vec<Unrendered> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use lockstep_core::LiveObject;

    use super::*;

    fn key(name: &str) -> ObjectKey {
        ObjectKey::new("", "ConfigMap", "n", name)
    }

    fn version(name: &str) -> Gvk {
        Gvk::new("", name, "ConfigMap")
    }

    fn world() -> World {
        let live = LiveObject {
            key: key("a"),
            gvk: version("v1"),
            uid: "u".into(),
            resource_version: "7".into(),
            generation: 0,
            deleting_since: None,
            value: lockstep_core::Value::default(),
        };
        let states = vec![(version("v2"), Live::Absent), (version("v1"), Live::Present(Box::new(live)))];
        World {
            live: HashMap::from([
                (key("a"), states),
                (key("b"), vec![(version("v1"), Live::Unknown("forbidden".into()))]),
            ]),
            namespaces: BTreeMap::from([
                ("n".into(), NamespaceState::Active),
                ("gone".into(), NamespaceState::Missing),
            ]),
            autoscalers: Autoscalers::default(),
            catalog: Arc::default(),
            claims: BTreeMap::new(),
        }
    }

    #[test]
    fn only_what_was_read_and_not_found_is_absent() {
        let world = world();
        let present = Glance::Present { uid: "u".into(), resource_version: "7".into(), deleting: false };
        for (name, in_version, expected) in [
            ("a", "v1", present),
            ("a", "v2", Glance::Absent),
            ("a", "v3", Glance::Unknown("it was not read".into())),
            ("b", "v1", Glance::Unknown("forbidden".into())),
            ("c", "v1", Glance::Unknown("it was not read".into())),
        ] {
            assert_eq!(world.glance(&key(name), &version(in_version)), expected, "{name} {in_version}");
        }
        assert_eq!(world.namespace("gone"), NamespaceState::Missing);
        assert_eq!(world.namespace("elsewhere"), NamespaceState::Unknown);
    }

    #[test]
    fn what_has_to_come_first_is_an_obstacle() {
        let obstacle = world().obstacle(&key("a"), &version("v1")).unwrap();
        assert_eq!(obstacle, "the cluster does not serve v1, Kind=ConfigMap");
    }
}
