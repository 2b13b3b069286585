//! Asking the server what it serves, and knowing when to ask again.

mod aggregated;
mod legacy;

use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use lockstep_core::{GroupKind, Gvk};
use parking_lot::RwLock;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::catalog::{Catalog, Group, Lookup};
use crate::connection::{Call, Connection};
use crate::error::ApiError;
use crate::requests::Verb;
use crate::resource::{Resource, ResourceScope};
use crate::stream::{Selector, Source};
use crate::watch::{Watch, WatchEvent};

const ACCEPT: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
    application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

/// Names only, so that a change of a large CRD costs little.
const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";

/// Discovery lags behind the CRD that changed it: it is asked again at these times after the last change.
const ECHOES: [Duration; 4] = [
    Duration::from_millis(50),
    Duration::from_millis(300),
    Duration::from_millis(1200),
    Duration::from_secs(4),
];

/// How often is asked without a reason: changes may not be allowed to be watched. An unchanged answer is a 304.
const ROUTINE: Duration = Duration::from_secs(60);

/// How often is asked while a group fails.
const FAILING: Duration = Duration::from_secs(30);

/// The cached catalog; clones share it.
#[derive(Clone)]
pub struct Discovery(Arc<Inner>);

struct Inner {
    connection: Connection,
    catalog: RwLock<Arc<Catalog>>,
    cache: tokio::sync::Mutex<Cache>,
    changes: watch::Sender<u64>,
}

/// The last answers, by path, for 304.
#[derive(Default)]
struct Cache {
    core: Cached,
    groups: Cached,
    asked_at: Option<Instant>,
}

#[derive(Default)]
struct Cached {
    etag: Option<HeaderValue>,
    groups: Vec<Group>,
}

impl Discovery {
    /// Asks the server for the first time.
    pub async fn load(connection: &Connection) -> Result<Self, ApiError> {
        let discovery = Self(Arc::new(Inner {
            connection: connection.clone(),
            catalog: RwLock::default(),
            cache: tokio::sync::Mutex::default(),
            changes: watch::channel(0).0,
        }));
        discovery.refresh().await?;
        Ok(discovery)
    }

    /// What is known now.
    pub fn catalog(&self) -> Arc<Catalog> {
        self.0.catalog.read().clone()
    }

    /// See [`Catalog::resource`].
    pub fn resource(&self, gvk: &Gvk) -> Lookup {
        self.catalog().resource(gvk)
    }

    /// See [`Catalog::preferred`].
    pub fn preferred(&self, kind: &GroupKind) -> Lookup {
        self.catalog().preferred(kind)
    }

    /// See [`Catalog::by_name`].
    pub fn by_name(&self, text: &str) -> Lookup {
        self.catalog().by_name(text)
    }

    /// Looks up what is known; asks the server first if that says no and is older than a second.
    pub async fn resource_now(&self, gvk: &Gvk) -> Result<Lookup, ApiError> {
        let known = self.resource(gvk);
        if matches!(known, Lookup::Served(_)) {
            return Ok(known);
        }
        self.refresh_older_than(Duration::from_secs(1)).await?;
        Ok(self.resource(gvk))
    }

    /// Counts up with every change of the catalog.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    /// Asks the server now; calls at the same time share nothing but wait for each other.
    pub async fn refresh(&self) -> Result<(), ApiError> {
        self.refresh_older_than(Duration::ZERO).await
    }

    /// Asks the server unless that was done within this time. On an error what is known stays.
    pub async fn refresh_older_than(&self, age: Duration) -> Result<(), ApiError> {
        let mut cache = self.0.cache.lock().await;
        if cache.asked_at.is_some_and(|at| at.elapsed() < age) {
            return Ok(());
        }
        let connection = &self.0.connection;
        ask(connection, "/api", &mut cache.core).await?;
        ask(connection, "/apis", &mut cache.groups).await?;
        cache.asked_at = Some(Instant::now());
        let groups = cache.core.groups.iter().chain(&cache.groups.groups).cloned().collect();
        self.publish(groups);
        Ok(())
    }

    fn publish(&self, groups: Vec<Group>) {
        let mut catalog = self.0.catalog.write();
        let next = Catalog::new(groups, &catalog);
        if **catalog == next {
            return;
        }
        for (version, reason) in next.failing() {
            tracing::warn!(version, error = %reason, "An API group cannot be discovered; nothing is taken for gone");
        }
        *catalog = Arc::new(next);
        drop(catalog);
        self.0.changes.send_modify(|count| *count += 1);
    }

    /// Keeps the catalog fresh for ever: after changes of CRDs and APIServices, and every few minutes.
    pub async fn follow(self) {
        let follow = |group, kind, plural| {
            let resource = Resource::new(Gvk::new(group, "v1", kind), plural, ResourceScope::Cluster);
            Watch::spawn(Source {
                connection: self.0.connection.clone(),
                resource,
                namespace: None,
                selector: Selector::default(),
                accept: METADATA,
                kick: Arc::new(Notify::new()),
            })
        };
        let crds = follow("apiextensions.k8s.io", "CustomResourceDefinition", "customresourcedefinitions");
        let services = follow("apiregistration.k8s.io", "APIService", "apiservices");
        loop {
            let routine = if self.catalog().failing().is_empty() { ROUTINE } else { FAILING };
            tokio::select! {
                biased;
                () = changed(&crds) => self.settle(&crds, &services).await,
                () = changed(&services) => self.settle(&crds, &services).await,
                () = tokio::time::sleep(routine) => self.refresh_or_warn().await,
            }
        }
    }

    /// Asks until no change has come for as long as discovery may lag.
    async fn settle(&self, crds: &Watch, services: &Watch) {
        let mut echo = 0;
        while let Some(pause) = ECHOES.get(echo) {
            tokio::select! {
                biased;
                () = changed(crds) => echo = 0,
                () = changed(services) => echo = 0,
                () = tokio::time::sleep(*pause) => {
                    echo += 1;
                    self.refresh_or_warn().await;
                }
            }
        }
    }

    async fn refresh_or_warn(&self) {
        if let Err(error) = self.refresh().await {
            tracing::warn!(%error, "Discovery cannot be refreshed");
        }
    }
}

/// Waits for a change. A watch that fails, because it is forbidden for instance, leaves the routine to find them.
async fn changed(watch: &Watch) {
    while let WatchEvent::Failing(_) = watch.next().await {}
}

async fn ask(connection: &Connection, path: &str, cached: &mut Cached) -> Result<(), ApiError> {
    let mut call = Call::new(Verb::Get, path.to_owned());
    call.accept = ACCEPT;
    call.etag.clone_from(&cached.etag);
    let answer = connection.fetch(&call).await?;
    if answer.code == 304 {
        return Ok(());
    }
    cached.groups = match aggregated::parse(&answer.body) {
        Some(groups) => groups,
        None => legacy::ask(connection, path, &answer.body).await?,
    };
    cached.etag = answer.etag;
    Ok(())
}
