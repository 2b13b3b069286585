//! What every reconcile shares.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use api::{API_VERSION, StoredRecord};
use apply::Executor;
use bytes::Bytes;
use cluster::{ApiError, ApplyOptions, Patch, Priority, Resource, ResourceScope, ScopeState, Unread};
use git::RevisionSpec;
use lockstep_core::{AppKey, Gvk, Key, ObjectKey, ObjectRecord, RepoUrl, Value, from_json, to_json};
use parking_lot::Mutex;
use plan::Millis;
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::Instant;

use crate::application::AppState;
use crate::claims::{Claims, RepositoryId};
use crate::clock::Clock;
use crate::cluster_view::Cluster;
use crate::dependencies::Dependencies;
use crate::events::Events;
use crate::field_sets::FieldSets;
use crate::owned::Owned;
use crate::queue::{Cause, Queue};
use crate::reach::Reach;
use crate::records::Recorded;
use crate::renderers::Renderers;
use crate::repositories::Hub;
use crate::retries::Retries;
use crate::setup::Settings;
use crate::store::Store;
use crate::telemetry::Telemetry;
use crate::waiters::Waiters;

/// What every reconcile shares. Shared state is split by owner; each part locks itself.
pub(crate) struct Context {
    pub(crate) settings: Settings,
    pub(crate) key: Key,
    pub(crate) clock: Clock,
    pub(crate) cluster: Cluster,
    pub(crate) store: Store,
    pub(crate) claims: Arc<Claims>,
    pub(crate) dependencies: Dependencies,
    pub(crate) owned: Owned,
    pub(crate) hub: Arc<Hub>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) retries: Retries,
    pub(crate) reach: Reach,
    pub(crate) renderers: Renderers,
    pub(crate) events: Events,
    pub(crate) telemetry: Arc<Telemetry>,
    pub(crate) waiting: Waiting,
    pub(crate) memory: Memory,
}

/// Who waits for what.
#[derive(Default)]
pub(crate) struct Waiting {
    /// For any change of what is served.
    pub(crate) kinds: Waiters<()>,
    /// For a first list.
    pub(crate) scopes: Waiters<Gvk>,
    /// For another Application to be ready.
    pub(crate) applications: Waiters<AppKey>,
    /// For a namespace to come, to go, or to be kept. The index follows those that somebody waits for.
    pub(crate) namespaces: Waiters<Arc<str>>,
}

/// What is remembered of Applications.
#[derive(Default)]
pub(crate) struct Memory {
    states: Mutex<HashMap<AppKey, Arc<AsyncMutex<AppState>>>>,
    /// Records found at start whose Application has not been seen yet.
    found: Mutex<BTreeMap<AppKey, StoredRecord>>,
    /// Applications whose live objects were looked at.
    observing: Mutex<HashSet<AppKey>>,
    /// One copy of each field set.
    field_sets: FieldSets,
    /// Every Application was reconciled once.
    started: AtomicBool,
}

impl Memory {
    /// With the records that were found at start.
    pub(crate) fn new(found: BTreeMap<AppKey, StoredRecord>) -> Self {
        Self { found: Mutex::new(found), ..Self::default() }
    }

    /// From now on a new Application is news.
    pub(crate) fn set_started(&self) {
        self.started.store(true, Ordering::Release);
    }
}

impl Context {
    /// Asks for a run.
    pub(crate) fn mark(&self, app: &AppKey, cause: Cause) {
        self.queue.mark(app, cause, Instant::now());
    }

    /// Asks for a run in a while, after a failure; in a longer one each time until a run has none.
    pub(crate) fn retry(&self, app: &AppKey) {
        let pause = self.retries.failed(app, fastrand::f64());
        self.queue.wake_at(app, Instant::now() + pause);
    }

    /// The API server answers again: whoever waits for that need not wait any longer.
    pub(crate) fn retry_now(&self) {
        self.retries.drain().iter().for_each(|app| self.mark(app, Cause::Resume));
    }

    /// Asks for a run at a moment that a plan named.
    pub(crate) fn wake(&self, app: &AppKey, at: Millis) {
        self.queue.wake_at(app, self.clock.instant(at));
    }

    /// Whether every Application that was there at start has been reconciled once.
    pub(crate) fn is_started(&self) -> bool {
        self.memory.started.load(Ordering::Acquire)
    }

    /// The state of an Application; made at its first run.
    pub(crate) fn state(&self, app: &AppKey) -> Arc<AsyncMutex<AppState>> {
        let mut states = self.memory.states.lock();
        if let Some(state) = states.get(app) {
            return state.clone();
        }
        let mut found = self.memory.found.lock().remove(app);
        for record in found.iter_mut().flat_map(|found| found.record.objects.values_mut()) {
            self.share_fields(record);
        }
        let recorded = self.recorded(app, found);
        self.claims.set_recorded(app, recorded.record().objects.keys().cloned().collect());
        let state = Arc::new(AsyncMutex::new(AppState::new(recorded)));
        states.insert(app.clone(), state.clone());
        state
    }

    /// What is recorded of an Application of which nothing is.
    pub(crate) fn unrecorded(&self, app: &AppKey) -> Recorded {
        self.recorded(app, None)
    }

    fn recorded(&self, app: &AppKey, found: Option<StoredRecord>) -> Recorded {
        Recorded::new(app, &self.settings.namespace, &self.settings.instance, found)
    }

    /// Once all Applications are known: those that there are records of and that are not there, where they would be seen.
    pub(crate) fn vanished(&self) -> Vec<AppKey> {
        let namespaces = &self.settings.namespaces;
        let seen = |app: &AppKey| namespaces.is_empty() || namespaces.contains(&app.namespace);
        let found = self.memory.found.lock();
        let vanished = found.keys().filter(|app| seen(app) && self.store.application(app).is_none());
        vanished.cloned().collect()
    }

    /// At start: an object may have moved to `app` while nobody looked, so that no prune on its repositories may run ahead of its
    /// first render. It is rendered also where it is not acted on.
    pub(crate) fn expect_render(&self, app: &AppKey) {
        let Some(resource) = self.store.application(app) else { return };
        let followed = followed(&resource);
        self.claims
            .set_repositories(app, followed.iter().map(|(repository, _)| repository.clone()).collect());
        for (repository, revision) in followed {
            self.claims.set_behind(&repository, &[(app.clone(), revision, None)]);
        }
    }

    /// Makes a record share its field sets with equal ones.
    pub(crate) fn share_fields(&self, record: &mut ObjectRecord) {
        self.memory.field_sets.share(&self.key, record);
    }

    /// From now on changes of live objects concern `app`; whatever they were before, it is about to look at them.
    pub(crate) fn observes(&self, app: &AppKey) {
        self.memory.observing.lock().insert(app.clone());
    }

    /// Whether changes of live objects concern `app`.
    pub(crate) fn is_observing(&self, app: &AppKey) -> bool {
        self.memory.observing.lock().contains(app)
    }

    /// An Application is gone: nobody waits for it any more, and nothing is done for it.
    pub(crate) fn leave(&self, app: &AppKey) {
        self.memory.observing.lock().remove(app);
        self.hub.leave(app);
        self.telemetry.forget(app);
        self.claims.forget(app).iter().for_each(|other| self.mark(other, Cause::Resume));
    }

    /// Drops the state of an Application that is gone.
    pub(crate) fn forget(&self, app: &AppKey) {
        self.memory.states.lock().remove(app);
        self.queue.forget(app);
    }

    /// What executing a plan needs.
    pub(crate) fn executor(&self) -> Executor {
        Executor {
            writer: self.cluster.writer.clone(),
            index: self.cluster.index.clone(),
            catalog: self.cluster.discovery.catalog(),
            manager: self.settings.instance.clone(),
            key: self.key.clone(),
        }
    }

    /// Whether a first list has to come first; the Application is marked when it has. It is marked too when a scope that cannot be
    /// read can be again: nothing else would tell it.
    pub(crate) fn await_scopes(&self, app: &AppKey, scopes: &[(Gvk, Arc<str>)]) -> bool {
        let is_syncing = Cell::new(false);
        let is_unknown = |(gvk, namespace): &(Gvk, Arc<str>)| match self.cluster.index.state(gvk, namespace) {
            ScopeState::Synced => false,
            ScopeState::Unknown(unread) => {
                is_syncing.set(is_syncing.get() || unread == Unread::Syncing);
                true
            }
        };
        self.waiting.scopes.wait_for_missing(scopes, app, is_unknown);
        is_syncing.get()
    }

    /// Marks the Application once what is served changes.
    pub(crate) fn await_kinds(&self, app: &AppKey) {
        let _ = self.waiting.kinds.wait(&(), app);
    }

    /// Marks the Application once a namespace is another one than now.
    pub(crate) fn await_namespace(&self, app: &AppKey, name: &Arc<str>) {
        if self.waiting.namespaces.wait(name, app) {
            self.cluster.index.track(&namespace_key(name));
        }
    }

    /// An Application is another than it was: those that wait for it look again.
    pub(crate) fn progressed(&self, app: &AppKey) {
        self.waiting.applications.arrived(app).iter().for_each(|waiting| self.mark(waiting, Cause::Resume));
    }

    /// A namespace changed.
    pub(crate) fn namespace_changed(&self, name: &Arc<str>) {
        let waiting = self.waiting.namespaces.arrived(name);
        if !waiting.is_empty() {
            self.cluster.index.untrack(&namespace_key(name));
        }
        waiting.iter().for_each(|app| self.mark(app, Cause::Resume));
    }

    /// Patches an Application and takes the answer in as its newest state.
    pub(crate) async fn patch_application(
        &self,
        app: &AppKey,
        subresource: &str,
        patch: Patch,
    ) -> Result<Arc<Value>, ApiError> {
        let options = ApplyOptions { manager: self.settings.controller_manager(), ..ApplyOptions::default() };
        let key = ObjectKey::new(api::GROUP, "Application", &app.namespace, &app.name);
        let writer = self.cluster.writer.with(Priority::Record);
        let written = writer.patch(&applications(), &key, subresource, patch, &options).await?;
        let unreadable = || ApiError::Unavailable { message: "the answer is not an object".into() };
        let value = from_json(written.object.bytes()).map_err(|_| unreadable())?;
        if let Some(cause) = self.store.answer(app, value.clone()) {
            self.mark(app, cause);
        }
        Ok(Arc::new(value))
    }

    /// Writes a status.
    pub(crate) async fn patch_application_status(
        &self,
        app: &AppKey,
        patch: Value,
    ) -> Result<Arc<Value>, ApiError> {
        self.patch_application(app, "status", Patch::Merge(Bytes::from(to_json(&patch)))).await
    }
}

/// The repositories and revisions that an Application's sources name, also where its spec is refused.
pub(crate) fn followed(application: &Value) -> BTreeSet<(RepositoryId, RevisionSpec)> {
    let sources = application.at(&["spec", "sources"]).and_then(Value::as_list).unwrap_or_default();
    let followed = sources.iter().filter_map(|source| {
        let url = source.str_at(&["git", "url"]).filter(|url| !url.is_empty())?;
        let revision = source.str_at(&["git", "revision"]).unwrap_or_default().trim();
        Some((RepoUrl::new(url).identity(), RevisionSpec::new(revision)))
    });
    followed.collect()
}

fn namespace_key(name: &str) -> ObjectKey {
    ObjectKey::new("", "Namespace", "", name)
}

/// Applications, known without asking discovery.
pub(crate) fn applications() -> Resource {
    Resource::new(own("Application"), "applications", ResourceScope::Namespaced)
}

/// Projects.
pub(crate) fn projects() -> Resource {
    Resource::new(own("Project"), "projects", ResourceScope::Cluster)
}

fn own(kind: &str) -> Gvk {
    let version = API_VERSION.rsplit('/').next().unwrap_or_default();
    Gvk::new(api::GROUP, version, kind)
}
