//! The live index: what the cluster has now of everything that some Application desires or owns.
//!
//! One watch a group-version-resource as it is applied, however many want it. For objects of interest (tracked by name,
//! or annotated as this installation's) the bytes are kept as they came, once; of all others only what the owner graph
//! and comparisons need. A lookup never says "absent" before the list is complete.

mod events;
mod feed;
mod fetch;
mod graph;
mod kind;
mod names;
mod scope;
mod store;
mod version;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Weak};
use std::time::Duration;

use lockstep_core::{Gvk, LiveObject, ObjectKey};
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::connection::Connection;
use crate::discovery::Discovery;
use crate::error::ApiError;
use crate::raw::{Head, PodState, RawObject};
use crate::stream::Failure;

use events::Subscribers;
pub use events::{Change, LiveEvent, Subscriber};
use fetch::Fetching;
use kind::Kind;
pub use scope::Namespaces;
use scope::StreamScope;
use store::{Effect, Store, Via};

/// How long a watch outlives the last one who wanted it.
const LINGER: Duration = Duration::from_secs(180);

/// What to watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchScope {
    /// The kind, in the version in which it is applied: field sets are written in it.
    pub gvk: Gvk,
    /// Where.
    pub namespaces: Namespaces,
}

/// Why the index cannot tell.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    /// Nobody has asked to watch this.
    #[error("not watched")]
    NotWanted,
    /// The first list is not complete.
    #[error("the first list is not complete")]
    Syncing,
    /// The server does not serve the kind in this version.
    #[error("the server does not serve this kind in this version")]
    NotServed,
    /// Discovery of the group fails.
    #[error("the API group fails: {0}")]
    GroupFailing(Arc<str>),
    /// Listing or watching fails.
    #[error(transparent)]
    Failing(Failure),
    /// The object is there, but only its metadata are kept: see [`Index::ensure`].
    #[error("only metadata are known")]
    NoBody,
}

/// Whether lookups in a scope can be trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScopeState {
    /// The list is complete and the watch stands.
    Synced,
    /// Not, or not any more.
    Unknown(Unread),
}

/// What the index knows of one object.
#[derive(Clone, Debug)]
pub enum Live {
    /// It is there.
    Present(LiveObject),
    /// It is not there, and that is certain.
    Absent,
    /// Nothing can be said: never to be read as absent.
    Unknown(Unread),
}

/// What is known of an object without its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Child {
    /// Its kind, in the version that is watched.
    pub gvk: Gvk,
    /// Its name.
    pub key: ObjectKey,
    /// Its uid.
    pub uid: Arc<str>,
    /// Its resourceVersion.
    pub resource_version: Arc<str>,
    /// Whether it is on its way out.
    pub deleting: bool,
    /// For pods.
    pub pod: Option<PodState>,
}

/// How much the index holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IndexSize {
    /// Objects, whole or slim.
    pub objects: usize,
    /// Objects whose bytes are kept.
    pub bodies: usize,
    /// Length of these bytes together.
    pub bytes: usize,
    /// Lists and watches that run.
    pub streams: usize,
}

/// The index; clones share it. The watches end with the last clone.
#[derive(Clone)]
pub struct Index(Arc<Inner>);

pub(crate) struct Inner {
    me: Weak<Inner>,
    connection: Connection,
    discovery: Discovery,
    state: Mutex<State>,
    subscribers: Subscribers,
    fetching: Fetching,
    /// Cuts back-offs of streams short.
    kick: Arc<Notify>,
    /// Counts changes of scopes.
    moved: watch::Sender<u64>,
    runtime: Handle,
}

struct State {
    store: Store,
    kinds: HashMap<Gvk, Kind>,
}

/// An interest in a scope; dropping it takes the interest back.
pub struct Want {
    index: Weak<Inner>,
    gvk: Gvk,
    scopes: BTreeSet<StreamScope>,
}

impl Index {
    /// An index over a connection, for one installation (`--instance`). Must be called inside a tokio runtime.
    pub fn new(connection: &Connection, discovery: &Discovery, instance: &str) -> Self {
        let inner = Arc::new_cyclic(|me| Inner {
            me: me.clone(),
            connection: connection.clone(),
            discovery: discovery.clone(),
            state: Mutex::new(State { store: Store::new(instance), kinds: HashMap::new() }),
            subscribers: Subscribers::default(),
            fetching: Fetching::default(),
            kick: Arc::new(Notify::new()),
            moved: watch::channel(0).0,
            runtime: Handle::current(),
        });
        tokio::spawn(follow_discovery(Arc::downgrade(&inner), discovery.changes()));
        Self(inner)
    }

    /// Asks to watch a scope, for as long as the answer lives.
    pub fn want(&self, scope: &WatchScope) -> Want {
        let scopes: BTreeSet<StreamScope> = match &scope.namespaces {
            Namespaces::All => BTreeSet::from([None]),
            Namespaces::Set(names) => names.iter().cloned().map(Some).collect(),
        };
        let mut state = self.0.state.lock();
        state.kinds.entry(scope.gvk.clone()).or_default().wanted.add(&scopes);
        self.0.reconcile(&mut state, &scope.gvk);
        Want { index: self.0.me.clone(), gvk: scope.gvk.clone(), scopes }
    }

    /// Counts an interest in an object: from now on its bytes are kept and its changes are told. Track before the scope is
    /// wanted, and the first list brings the bytes; else see [`Index::ensure`].
    pub fn track(&self, key: &ObjectKey) {
        self.0.state.lock().store.track(key);
    }

    /// Takes an interest back.
    pub fn untrack(&self, key: &ObjectKey) {
        self.0.state.lock().store.untrack(key);
    }

    /// What is known of an object. Parses it: see [`Index::meta`] where that is not needed.
    pub fn get(&self, gvk: &Gvk, key: &ObjectKey) -> Live {
        match self.raw(gvk, key) {
            Ok(None) => Live::Absent,
            Err(unread) => Live::Unknown(unread),
            Ok(Some(raw)) => raw.live(gvk).map_or(Live::Unknown(Unread::NoBody), Live::Present),
        }
    }

    /// The bytes of an object; `None` if it certainly is not there.
    pub fn raw(&self, gvk: &Gvk, key: &ObjectKey) -> Result<Option<RawObject>, Unread> {
        let state = self.0.state.lock();
        state.known(gvk, key)?;
        match state.store.entry(gvk, &key.namespace, &key.name) {
            None => Ok(None),
            Some(entry) => entry.raw(key).map(Some).ok_or(Unread::NoBody),
        }
    }

    /// What is known of an object without its bytes; `None` if it certainly is not there.
    pub fn meta(&self, gvk: &Gvk, key: &ObjectKey) -> Result<Option<Child>, Unread> {
        let state = self.0.state.lock();
        state.known(gvk, key)?;
        let entry = state.store.entry(gvk, &key.namespace, &key.name);
        Ok(entry.map(|entry| child(gvk.clone(), key.clone(), entry)))
    }

    /// Whether lookups can be trusted; the namespace is that of the objects in question, empty for cluster-scoped kinds.
    pub fn state(&self, gvk: &Gvk, namespace: &str) -> ScopeState {
        self.0.state.lock().scope(gvk, namespace)
    }

    /// Waits until the scope is synced or known to fail.
    pub async fn settled(&self, gvk: &Gvk, namespace: &str) -> ScopeState {
        let mut moved = self.0.moved.subscribe();
        loop {
            match self.state(gvk, namespace) {
                ScopeState::Unknown(Unread::Syncing) => (),
                state => return state,
            }
            // The sender lives in the index, which is borrowed here.
            _ = moved.changed().await;
        }
    }

    /// Reads the bytes of objects that only slim metadata are known of. Reads of one object at the same time are one.
    pub async fn ensure(&self, objects: &[(Gvk, ObjectKey)]) -> Result<(), ApiError> {
        self.0.ensure(objects).await
    }

    /// Takes in the answer to our own write; when the watch brings it again nobody is told. (A watch that is faster than
    /// the answer does tell.)
    pub fn observe_write(&self, gvk: &Gvk, object: &RawObject) {
        let Some(head) = Head::parse(object.bytes()) else { return };
        self.0.answered(gvk, &head, object.bytes());
    }

    /// The objects that name this uid as their owner.
    pub fn children(&self, uid: &str) -> Vec<Child> {
        let state = self.0.state.lock();
        let children = state.store.children(uid).into_iter();
        children.map(|(place, entry)| child(place.gvk.clone(), place.key(), entry)).collect()
    }

    /// The pods that an object controls, itself or through others, and that wait for something, as far as they are watched;
    /// without those that are on their way out.
    pub fn waiting_pods(&self, gvk: &Gvk, key: &ObjectKey) -> Vec<Child> {
        let state = self.0.state.lock();
        let Some(entry) = state.store.entry(gvk, &key.namespace, &key.name) else { return vec![] };
        let pods = state.store.waiting_pods(&entry.uid).into_iter();
        pods.map(|(place, pod)| child(place.gvk.clone(), place.key(), pod)).collect()
    }

    /// The owner of an object, its owner, and so on, as far as they are watched. The controlling owner where there are many.
    pub fn owners_up(&self, gvk: &Gvk, key: &ObjectKey) -> Vec<Child> {
        let state = self.0.state.lock();
        let mut chain: Vec<Child> = vec![];
        let mut next = state.store.entry(gvk, &key.namespace, &key.name);
        while let Some((place, owner)) = next.and_then(|entry| state.store.owner(entry, &key.namespace)) {
            // Owner references can form a circle.
            if chain.iter().any(|known| known.uid == owner.uid) {
                break;
            }
            chain.push(child(place.gvk.clone(), place.key(), owner));
            next = Some(owner);
        }
        chain
    }

    /// Changes from now on: of tracked and owned objects, of what the pods that they control say, and of scopes.
    pub fn subscribe(&self) -> Subscriber {
        self.0.subscribers.add()
    }

    /// How much is held.
    pub fn size(&self) -> IndexSize {
        let state = self.0.state.lock();
        let mut size = state.store.size();
        size.streams = state.kinds.values().map(|kind| kind.streams.len()).sum();
        size
    }
}

fn child(gvk: Gvk, key: ObjectKey, entry: &store::Entry) -> Child {
    Child {
        gvk,
        key,
        uid: entry.uid.clone(),
        resource_version: entry.version.text(),
        deleting: entry.deleting_since.is_some(),
        pod: entry.pod.as_deref().cloned(),
    }
}

impl State {
    fn scope(&self, gvk: &Gvk, namespace: &str) -> ScopeState {
        self.kinds.get(gvk).map_or(ScopeState::Unknown(Unread::NotWanted), |kind| kind.state(namespace))
    }

    fn known(&self, gvk: &Gvk, key: &ObjectKey) -> Result<(), Unread> {
        match self.scope(gvk, &key.namespace) {
            ScopeState::Synced => Ok(()),
            ScopeState::Unknown(unread) => Err(unread),
        }
    }
}

impl Inner {
    fn answered(&self, gvk: &Gvk, head: &Head<'_>, object: &[u8]) {
        let mut state = self.state.lock();
        let State { store, kinds } = &mut *state;
        let passed = kinds.get(gvk).and_then(|kind| kind.passed(head.namespace()));
        store.apply(gvk, head, object, Via::Answer(passed));
    }

    fn publish(&self, gvk: &Gvk, effect: Effect, received_at: Instant) {
        match effect {
            Effect::None => (),
            Effect::Applied(key) => self.subscribers.object(gvk, &key, Change::Applied, received_at),
            Effect::Deleted(key) => self.subscribers.object(gvk, &key, Change::Deleted, received_at),
            Effect::Below(gvk, key) => self.subscribers.object(&gvk, &key, Change::Applied, received_at),
        }
    }

    /// Tells of a scope's new state.
    fn announce(&self, gvk: &Gvk, scope: &StreamScope, state: ScopeState) {
        self.subscribers.scope(gvk, scope, state);
        self.moved.send_modify(|count| *count += 1);
    }
}

/// A kind that was not served may be now, and what failed may work.
async fn follow_discovery(index: Weak<Inner>, mut changes: watch::Receiver<u64>) {
    while changes.changed().await.is_ok() {
        let Some(index) = index.upgrade() else { return };
        let mut state = index.state.lock();
        let kinds: Vec<Gvk> = state.kinds.keys().cloned().collect();
        for gvk in kinds {
            index.reconcile(&mut state, &gvk);
        }
        drop(state);
        index.kick.notify_waiters();
        index.moved.send_modify(|count| *count += 1);
    }
}

impl Drop for Want {
    fn drop(&mut self) {
        let Some(index) = self.index.upgrade() else { return };
        let mut state = index.state.lock();
        let Some(kind) = state.kinds.get_mut(&self.gvk) else { return };
        let tickets = kind.wanted.release(&self.scopes);
        drop(state);
        if tickets.is_empty() {
            return;
        }
        let (weak, gvk) = (self.index.clone(), self.gvk.clone());
        index.runtime.spawn(async move {
            tokio::time::sleep(LINGER).await;
            let Some(index) = weak.upgrade() else { return };
            let mut state = index.state.lock();
            let Some(kind) = state.kinds.get_mut(&gvk) else { return };
            tickets.iter().for_each(|ticket| kind.wanted.expire(ticket));
            index.reconcile(&mut state, &gvk);
        });
    }
}
