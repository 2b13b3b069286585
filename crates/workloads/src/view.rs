//! What has been seen of the cluster: kept by watches, one for each kind.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use apistore::{Answers, Body, EventType, Handled, Method, Request, Store, Watch, WatchEvent};
use lockstep_core::{Map, Value, from_json};

use crate::kind::{Kind, Kinds};
use crate::object::{controller, is_deleting, items, text};

/// Namespace and name; the order is that of lists.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(crate) namespace: Arc<str>,
    pub(crate) name: Arc<str>,
}

/// One object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Id {
    pub(crate) kind: Kind,
    pub(crate) key: Key,
}

/// What became of an object. Of kinds that are not kept whole, only `metadata` is told.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) id: Id,
    pub(crate) old: Option<Value>,
    pub(crate) new: Option<Value>,
}

/// The objects that there are.
#[derive(Clone, Debug, Default)]
pub(crate) struct View {
    pub(crate) kinds: Kinds,
    cursors: Vec<Cursor>,
    /// Up to which version of the state everything was seen.
    seen: u64,
    objects: Vec<BTreeMap<Key, Value>>,
    live: HashMap<Arc<str>, Id>,
    owned: HashMap<Arc<str>, BTreeSet<Id>>,
    /// What could have a controller and has none.
    loose: BTreeSet<Id>,
    /// How many objects of a kind a namespace holds.
    counts: BTreeMap<(Arc<str>, Kind), usize>,
}

/// How far the objects of a kind were followed.
#[derive(Clone, Debug, Default)]
enum Cursor {
    #[default]
    New,
    Open(Box<Watch>),
    /// It ended in time, and goes on where it ended.
    Ended,
    Closed,
}

/// So long a watch lasts that is to last for ever: a century.
const FOR_EVER: &str = "3155760000";

impl Id {
    pub(crate) fn new(kind: Kind, namespace: &str, name: &str) -> Self {
        Self { kind, key: Key::new(namespace, name) }
    }
}

impl Key {
    pub(crate) fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}

impl Change {
    /// The object as it is, or as it last was.
    pub(crate) fn object(&self) -> &Value {
        static NONE: Value = Value::Null;
        self.new.as_ref().or(self.old.as_ref()).unwrap_or(&NONE)
    }

    /// The object before and after, as far as there is one.
    pub(crate) fn both(&self) -> impl Iterator<Item = &Value> {
        self.old.iter().chain(self.new.iter())
    }
}

impl View {
    pub(crate) fn get(&self, kind: Kind, key: &Key) -> Option<&Value> {
        self.objects.get(kind.index())?.get(key)
    }

    pub(crate) fn find(&self, kind: Kind, namespace: &str, name: &str) -> Option<&Value> {
        self.get(kind, &Key::new(namespace, name))
    }

    pub(crate) fn all(&self, kind: Kind) -> impl Iterator<Item = (&Key, &Value)> {
        self.objects.get(kind.index()).into_iter().flatten()
    }

    /// The objects of a kind in a namespace.
    pub(crate) fn within(&self, kind: Kind, namespace: &str) -> impl Iterator<Item = (&Key, &Value)> {
        let from = Key::new(namespace, "");
        let until = from.namespace.clone();
        let objects = self.objects.get(kind.index());
        objects
            .into_iter()
            .flat_map(move |objects| objects.range(from.clone()..))
            .take_while(move |(key, _)| key.namespace == until)
    }

    /// The object of a uid.
    pub(crate) fn living(&self, uid: &str) -> Option<&Id> {
        self.live.get(uid)
    }

    /// What names a uid as that of an owner.
    pub(crate) fn dependents(&self, uid: &str) -> impl Iterator<Item = &Id> {
        self.owned.get(uid).into_iter().flatten()
    }

    /// The objects of a kind whose controller has this uid.
    pub(crate) fn controlled(&self, kind: Kind, uid: &str) -> Vec<&Value> {
        let ids = self.dependents(uid).filter(|id| id.kind == kind);
        let objects = ids.filter_map(|id| self.get(kind, &id.key));
        objects.filter(|object| crate::object::controller_uid(object) == uid).collect()
    }

    /// The objects of a kind in a namespace that have no controller.
    pub(crate) fn loose(&self, kind: Kind, namespace: &str) -> Vec<&Value> {
        let from = Id::new(kind, namespace, "");
        let ids = self.loose.range(from.clone()..);
        let ids = ids.take_while(|id| id.kind == kind && id.key.namespace == from.key.namespace);
        ids.filter_map(|id| self.get(kind, &id.key)).collect()
    }

    /// What kinds of objects a namespace holds, and how many.
    pub(crate) fn contents(&self, namespace: &str) -> Vec<(Kind, usize)> {
        let kinds = self.kinds.all().filter(|kind| self.kinds.get(*kind).namespaced);
        let namespace: Arc<str> = namespace.into();
        kinds.filter_map(|kind| Some((kind, *self.counts.get(&(namespace.clone(), kind))?))).collect()
    }

    /// The kinds of which nobody knows what there is: their objects cannot be read without a webhook.
    pub(crate) fn unread(&self) -> impl Iterator<Item = Kind> + '_ {
        self.kinds.all().filter(|kind| self.is_unread(*kind))
    }

    pub(crate) fn is_unread(&self, kind: Kind) -> bool {
        self.kinds.get(kind).served && !matches!(self.cursors.get(kind.index()), Some(Cursor::Open(_)))
    }

    /// Reads what has happened since the last time.
    pub(crate) fn follow(&mut self, store: &mut Store, now: Duration) -> Vec<Change> {
        if self.cursors.is_empty() {
            self.refresh(store);
        }
        let mut changes = Vec::new();
        if self.seen != store.revision() {
            self.poll(store, now, &mut changes);
        }
        if changes.iter().any(|change| change.id.kind == Kind::DEFINITIONS) {
            self.refresh(store);
            self.poll(store, now, &mut changes);
        }
        changes
    }

    fn refresh(&mut self, store: &Store) {
        self.kinds.refresh(store);
        for kind in self.kinds.all() {
            if self.cursors.len() <= kind.index() {
                self.cursors.push(Cursor::New);
                self.objects.push(BTreeMap::new());
            }
            let cursor = &mut self.cursors[kind.index()];
            match (self.kinds.get(kind).served, &*cursor) {
                (true, Cursor::Closed) => *cursor = Cursor::New,
                (false, _) => *cursor = Cursor::Closed,
                _ => {}
            }
        }
    }

    fn poll(&mut self, store: &mut Store, now: Duration, changes: &mut Vec<Change>) {
        for kind in self.kinds.all() {
            self.poll_kind(kind, store, now, changes);
        }
        self.seen = store.revision();
    }

    fn poll_kind(&mut self, kind: Kind, store: &mut Store, now: Duration, changes: &mut Vec<Change>) {
        // Twice: a watch that ended is opened anew.
        for _ in 0..2 {
            let mut cursor = std::mem::take(&mut self.cursors[kind.index()]);
            let known = match cursor {
                Cursor::Closed => return self.close(kind, changes),
                Cursor::New => {
                    cursor = self.open(kind, store, now, None);
                    self.objects[kind.index()].keys().cloned().collect()
                }
                Cursor::Ended => {
                    cursor = self.open(kind, store, now, Some(self.seen));
                    BTreeSet::new()
                }
                Cursor::Open(_) => BTreeSet::new(),
            };
            let Cursor::Open(mut watch) = cursor else { return };
            match store.poll(&mut watch, now) {
                None => self.cursors[kind.index()] = Cursor::Ended,
                Some(events) if events.iter().any(|event| event.kind == EventType::Error) => {
                    self.cursors[kind.index()] = Cursor::New;
                }
                Some(events) => {
                    self.cursors[kind.index()] = Cursor::Open(watch);
                    self.take(kind, &events, known, changes);
                    return;
                }
            }
        }
    }

    fn open(&self, kind: Kind, store: &mut Store, now: Duration, from: Option<u64>) -> Cursor {
        let path = self.kinds.get(kind).path("", "");
        let mut request =
            Request::system(Method::Get, path).with("watch", "true").with("timeoutSeconds", FOR_EVER);
        if let Some(from) = from {
            request = request.with("resourceVersion", from.to_string());
        }
        match store.handle(&request, &Answers::new(), now) {
            Handled::Done(response) => match response.body {
                Body::Watch(watch) => Cursor::Open(Box::new(watch)),
                _ => Cursor::Closed,
            },
            Handled::Need(_) => Cursor::Closed,
        }
    }

    /// A kind that is no longer served has no objects.
    fn close(&mut self, kind: Kind, changes: &mut Vec<Change>) {
        self.cursors[kind.index()] = Cursor::Closed;
        let keys: Vec<Key> = self.objects[kind.index()].keys().cloned().collect();
        keys.into_iter().for_each(|key| self.forget(Id { kind, key }, None, changes));
    }

    /// Takes over what a watch tells; what is `known` and not told of is gone.
    fn take(
        &mut self,
        kind: Kind,
        events: &[WatchEvent],
        mut known: BTreeSet<Key>,
        changes: &mut Vec<Change>,
    ) {
        for event in events {
            let Ok(object) = from_json(&event.object) else { continue };
            let text = |key| text(&object, &["metadata", key]);
            let id = Id::new(kind, text("namespace"), text("name"));
            known.remove(&id.key);
            match event.kind {
                EventType::Added | EventType::Modified => self.keep(id, object, changes),
                EventType::Deleted => self.forget(id, Some(object), changes),
                EventType::Bookmark | EventType::Error => {}
            }
        }
        known.into_iter().for_each(|key| self.forget(Id { kind, key }, None, changes));
    }

    fn keep(&mut self, id: Id, object: Value, changes: &mut Vec<Change>) {
        let uid: Arc<str> = text(&object, &["metadata", "uid"]).into();
        let kept = if id.kind.is_whole() { object } else { slim(&object) };
        let old = self.objects[id.kind.index()].insert(id.key.clone(), kept.clone());
        match &old {
            Some(old) => self.unlink(&id, old),
            None => {
                *self.counts.entry((id.key.namespace.clone(), id.kind)).or_default() += 1;
            }
        }
        self.link(&id, &kept);
        self.live.insert(uid, id.clone());
        changes.push(Change { id, old, new: Some(kept) });
    }

    fn forget(&mut self, id: Id, last: Option<Value>, changes: &mut Vec<Change>) {
        let Some(old) = self.objects[id.kind.index()].remove(&id.key) else { return };
        self.unlink(&id, &old);
        let old = last.filter(|_| id.kind.is_whole()).unwrap_or(old);
        let uid = text(&old, &["metadata", "uid"]);
        if self.live.get(uid).is_some_and(|living| *living == id) {
            self.live.remove(uid);
        }
        let count = (id.key.namespace.clone(), id.kind);
        if let Some(left) = self.counts.get_mut(&count) {
            *left -= 1;
            if *left == 0 {
                self.counts.remove(&count);
            }
        }
        changes.push(Change { id, old: Some(old), new: None });
    }

    fn link(&mut self, id: &Id, object: &Value) {
        for owner in items(object, &["metadata", "ownerReferences"]) {
            self.owned.entry(text(owner, &["uid"]).into()).or_default().insert(id.clone());
        }
        if adoptable(id.kind) && controller(object).is_none() && !is_deleting(object) {
            self.loose.insert(id.clone());
        }
    }

    fn unlink(&mut self, id: &Id, object: &Value) {
        for owner in items(object, &["metadata", "ownerReferences"]) {
            let uid = text(owner, &["uid"]);
            if let Some(dependents) = self.owned.get_mut(uid) {
                dependents.remove(id);
                if dependents.is_empty() {
                    self.owned.remove(uid);
                }
            }
        }
        self.loose.remove(id);
    }
}

/// What controllers take over that has none.
fn adoptable(kind: Kind) -> bool {
    matches!(kind, Kind::PODS | Kind::REPLICA_SETS | Kind::REVISIONS)
}

/// What must be known of objects that nobody looks into: who owns them, what holds them, of which type a Secret is, and which
/// keys it or a ConfigMap has. What the keys hold is nobody's business here.
fn slim(object: &Value) -> Value {
    let mut kept = Value::default();
    for key in ["uid", "name", "namespace", "ownerReferences", "finalizers", "deletionTimestamp"] {
        if let Some(value) = object.at(&["metadata", key]) {
            kept.set(&["metadata", key], value.clone());
        }
    }
    if let Some(kind) = object.get("type").filter(|kind| kind.as_str().is_some()) {
        kept.set(&["type"], kind.clone());
    }
    for data in ["data", "binaryData"] {
        for key in object.get(data).and_then(Value::as_map).into_iter().flat_map(Map::keys) {
            kept.set(&[data, &**key], Value::Null);
        }
    }
    kept
}
