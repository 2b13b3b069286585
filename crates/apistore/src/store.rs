//! The store: the state, and what its users call.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use kinds::Resource;
use lockstep_core::{ParseError, Timestamp, Value, from_json};
use schema::Definitions;

use crate::authorizer;
use crate::body;
use crate::call::{Call, Outcome, Shown};
use crate::chance::{Chance, Fingerprint};
use crate::demand::{Answers, Begun, Handled, Pending};
use crate::entry::{Entry, kind_first};
use crate::failure::{Failure, Halt};
use crate::fault::{Effect, Fault, Faults};
use crate::info::Info;
use crate::request::Request;
use crate::response::{Body, Response, WatchEvent};
use crate::route::{self, Missing};
use crate::state::{DEFINITIONS, State, Write, WriteKind};
use crate::subresource::FollowedLog;
use crate::watch::Watch;

/// What is chosen once for a store.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where uids, generated names and cluster IPs come from.
    pub seed: u64,
    /// How many changes a watch may lag behind before it is told 410 Gone.
    pub history: usize,
}

/// One embedded API. A clone goes on from where it is, on its own: objects are shared until one of the two changes them.
#[derive(Clone)]
pub struct Store {
    state: State,
    chance: Chance,
    changes: Vec<Stored>,
    faults: Faults,
    /// What a fault does to the answer of the last request.
    effect: Option<Effect>,
}

/// A change that is to be kept on disk.
#[derive(Clone)]
pub struct Stored {
    /// Under which key: sorts as resource, namespace, name.
    pub key: Arc<str>,
    /// The stored form; `None` when it is gone.
    pub value: Option<Arc<[u8]>>,
    /// The version of the state with it.
    pub revision: u64,
}

/// Objects may be Secrets: what is in them is not shown.
impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({} objects, revision {})", self.len(), self.revision())
    }
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.value.as_ref().map_or(0, |value| value.len());
        write!(f, "Stored({}, {size} bytes)", self.key)
    }
}

/// A kept object that is none.
#[derive(Debug)]
pub struct Unreadable {
    /// Under which key it was kept.
    pub key: Arc<str>,
    source: ParseError,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the object {} cannot be read", self.key)
    }
}

impl std::error::Error for Unreadable {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// What a request comes to, what its client is warned of, and the chance after it.
type Decided = (Outcome, Vec<String>, Chance);

/// How many objects [`Store::poll_part`] tells of at once.
const PART: usize = 500;

fn timestamp(now: Duration) -> Timestamp {
    Timestamp(i64::try_from(now.as_secs()).unwrap_or(0))
}

impl Store {
    /// A new cluster: the namespaces, roles and further objects that a real one has when it starts.
    pub fn new(settings: Settings, now: Duration) -> Self {
        let mut store = Self::empty(&settings);
        let time = timestamp(now);
        let beginning = crate::bootstrap::beginning();
        store.state.rights = beginning.rights.clone();
        for prepared in &beginning.objects {
            let entry = prepared.entry(&mut store.chance, time, store.state.revision + 1);
            let entry = store.state.plant((&prepared.shelf, &prepared.key), entry, &prepared.value);
            let key = format!("{}/{}", prepared.shelf, prepared.key);
            let value = Some(entry.object.clone());
            store.changes.push(Stored { key: key.into(), value, revision: entry.revision });
        }
        store
    }

    fn empty(settings: &Settings) -> Self {
        Self {
            state: State::new(settings.history),
            chance: Chance::new(settings.seed),
            changes: Vec::new(),
            faults: Faults::default(),
            effect: None,
        }
    }

    /// A cluster as it was kept. Its versions go on after `revision`, which is not below that of any change that a client may have
    /// seen: a watch that knows more than was kept must not take new changes for old ones.
    ///
    /// # Errors
    /// Where an object cannot be read: nothing goes on without it.
    pub fn restore(
        settings: Settings,
        kept: Vec<Stored>,
        revision: u64,
        now: Duration,
    ) -> Result<Self, Unreadable> {
        let mut store = Self::empty(&settings);
        let newest = kept.iter().map(|change| change.revision).max().unwrap_or(0);
        let revision = revision.max(newest);
        store.state.revision = revision;
        store.state.beginning = revision;
        // The chance goes on where no uid can come a second time.
        store.chance = Chance::new(Fingerprint::of(&(settings.seed, revision, now.as_nanos())));
        for change in kept {
            let Some(value) = change.value.as_deref() else { continue };
            let object = from_json(value).map_err(|source| Unreadable { key: change.key.clone(), source })?;
            let (shelf, key) = split_key(&change.key);
            store.state.understand(&shelf, &key, Some(&object));
            let entry = Arc::new(Entry::of(&object, change.revision));
            store.state.shelf_mut(&shelf).restore(key, entry);
        }
        store.state.define();
        let services: Vec<Value> =
            store.state.objects(crate::addresses::SERVICES, "").map(|entry| entry.value()).collect();
        services.iter().for_each(|service| store.state.addresses.add(service));
        Ok(store)
    }

    /// Answers one request; `now` is the time since 1970-01-01T00:00:00Z.
    pub fn handle(&mut self, request: &Request, answers: &Answers, now: Duration) -> Handled<Response> {
        self.effect = None;
        let fresh = answers.begun().is_none();
        if fresh && let Some(effect) = Info::of(request).and_then(|info| self.faults.take(&info)) {
            let refusal = effect.refusal();
            self.effect = Some(effect);
            if let Some(failure) = refusal {
                let body = Body::Object(failure.json());
                return Handled::Done(Response { code: failure.code(), warnings: Vec::new(), body });
            }
        }
        let begun = answers.begun().unwrap_or(Begun { now, chance: self.chance });
        let Begun { now, chance } = begun;
        match self.decide(request, answers, (now, chance)) {
            Ok((outcome, warnings, after)) => {
                self.chance = self.chance.gone_on(chance, after);
                let response = self.carry_out(outcome, now);
                Handled::Done(Response { warnings, ..response })
            }
            Err((Halt::Failed(failure), warnings)) => {
                let body = Body::Object(failure.json());
                Handled::Done(Response { code: failure.code(), warnings, body })
            }
            Err((Halt::Need(demands), _)) => {
                if fresh {
                    // Others go on from elsewhere, so that no uid comes twice.
                    self.chance = Chance::new(self.chance.next());
                }
                Handled::Need(Pending { demands, begun })
            }
        }
    }

    /// Makes a fault happen to the next requests that match it.
    pub fn inject(&mut self, fault: Fault) {
        self.faults.add(fault);
    }

    /// Forgets the faults that have not happened yet.
    pub fn clear_faults(&mut self) {
        self.faults.clear();
    }

    /// What a fault does to the answer that [`Store::handle`] has just given, beyond refusing it: the connection breaks, or the
    /// answer comes late.
    pub fn effect(&self) -> Option<&Effect> {
        self.effect.as_ref()
    }

    /// Why `request` may not be answered, if it may not. [`Store::handle`] asks this itself: it is for paths that name no
    /// resource (`/metrics`, `/version`), which others serve.
    pub fn refuses(&self, request: &Request) -> Option<Response> {
        let allowed = authorizer::effective_user(&self.state, request)
            .and_then(|user| authorizer::allowed(&self.state, &user, request, Info::of(request).as_ref()));
        let failure = allowed.err()?;
        let body = Body::Object(failure.json());
        Some(Response { code: failure.code(), warnings: Vec::new(), body })
    }

    fn decide(
        &self,
        request: &Request,
        answers: &Answers,
        (now, chance): (Duration, Chance),
    ) -> Result<Decided, (Halt, Vec<String>)> {
        let refused = |failure: Failure| (Halt::Failed(failure), Vec::new());
        let user = authorizer::effective_user(&self.state, request).map_err(refused)?;
        let info = Info::of(request);
        authorizer::allowed(&self.state, &user, request, info.as_ref()).map_err(refused)?;
        let Some(info) = info else { return Err(refused(Failure::no_such_resource())) };
        let served = match route::served(&self.state, &info) {
            Ok(served) => served,
            Err(Missing::Resource) => return Err(refused(Failure::no_such_resource())),
            Err(Missing::Group) => return Ok((route::page_not_found(), Vec::new(), chance)),
        };
        let mut call = Call {
            request,
            answers,
            now,
            info: &info,
            served,
            user,
            chance,
            warnings: Vec::new(),
            raw: false,
        };
        match route::route(&self.state, &mut call) {
            Ok(outcome) => match outcome.writes.iter().try_for_each(storable) {
                Ok(()) => Ok((outcome, call.warnings, call.chance)),
                Err(failure) => Err((failure.into(), call.warnings)),
            },
            Err(halt) => Err((halt, call.warnings)),
        }
    }

    /// Makes the changes of an outcome, and shows it.
    fn carry_out(&mut self, outcome: Outcome, now: Duration) -> Response {
        let entries: Vec<Arc<Entry>> =
            outcome.writes.into_iter().map(|write| self.commit(write, now)).collect();
        let written = |index: usize| entries.get(index);
        let body = match outcome.shown {
            Shown::Json(json) => Body::Object(json),
            Shown::Object(object) => Body::Object(kind_first(&object).into()),
            Shown::Written(index) => {
                Body::Object(written(index).map(|entry| entry.object.clone()).unwrap_or_default())
            }
            Shown::At(index, mut object) => {
                let revision = written(index).map_or(self.state.revision, |entry| entry.revision);
                object.set(&["metadata", "resourceVersion"], revision.to_string().into());
                Body::Object(kind_first(&object).into())
            }
            Shown::List(list) => Body::List(list),
            Shown::Watch(watch) => Body::Watch(*watch),
            Shown::Text(text) => Body::Text(text),
            Shown::Log(log) => Body::Log(*log),
        };
        Response { code: outcome.code, warnings: Vec::new(), body }
    }

    fn commit(&mut self, write: Write, now: Duration) -> Arc<Entry> {
        let gone = matches!(write.change, WriteKind::Remove(_));
        let shelf = write.shelf.clone();
        let told = crate::addresses::told(&self.state, &write, timestamp(now));
        let entry = self.keep(write);
        told.into_iter().for_each(|write| drop(self.keep(write)));
        let custom = || self.state.catalog.of_shelf(&shelf).is_some_and(|served| served.is_custom());
        if &*shelf == DEFINITIONS || (gone && custom()) {
            self.follow_up(now);
        }
        entry
    }

    /// Makes one change, and notes that it is to be kept on disk.
    fn keep(&mut self, write: Write) -> Arc<Entry> {
        let key = format!("{}/{}", write.shelf, write.key);
        let gone = matches!(write.change, WriteKind::Remove(_));
        let entry = self.state.commit(write);
        let value = (!gone).then(|| entry.object.clone());
        self.changes.push(Stored { key: key.into(), value, revision: entry.revision });
        entry
    }

    /// What the server's own controllers do with definitions, at once.
    fn follow_up(&mut self, now: Duration) {
        loop {
            let steps = crate::custom::next_steps(&self.state, now);
            if steps.is_empty() {
                return;
            }
            steps.into_iter().for_each(|write| drop(self.keep(write)));
        }
    }

    /// What happened since the last poll of a watch; empty when nothing did. A watch has ended after its first
    /// [`crate::EventType::Error`], or when `None` comes.
    pub fn poll(&self, watch: &mut Watch, now: Duration) -> Option<Vec<WatchEvent>> {
        watch.poll(&self.state, now, usize::MAX)
    }

    /// The same, where many watches wait for each other: of the objects that are there when a watch begins only some are told, the
    /// next ones at the next poll, which need not wait for anything.
    pub fn poll_part(&self, watch: &mut Watch, now: Duration) -> Option<Vec<WatchEvent>> {
        watch.poll(&self.state, now, PART)
    }

    /// When a watch is to be polled even if nothing happens: it has a bookmark to tell, or ends.
    pub fn wakes_at(&self, watch: &Watch) -> Duration {
        watch.wakes_at()
    }

    /// What was added since the last poll to a log that is followed; `None` once nothing more will be.
    pub fn poll_log(&self, log: &mut FollowedLog) -> Option<Vec<u8>> {
        log.poll(&self.state)
    }

    /// The version of the state: raised by every write.
    pub fn revision(&self) -> u64 {
        self.state.revision
    }

    /// The changes since the last call, in their order. Stored until taken.
    pub fn take_changes(&mut self) -> Vec<Stored> {
        std::mem::take(&mut self.changes)
    }

    /// A container of a pod starts, for the first time or again: its log begins anew, that of the run before can still be read.
    pub fn begin_log(&mut self, pod_uid: &str, container: &str) {
        self.state.logs.begin_run(pod_uid, container);
    }

    /// Adds to the log of a container, a simulated kubelet's part. Logs are not kept on disk.
    pub fn log(&mut self, pod_uid: &str, container: &str, line: &str, now: Duration) {
        self.state.logs.add(pod_uid, container, line, now);
    }

    /// What is served, as discovery lists it: the built-in resources and those of the definitions.
    pub fn resources(&self) -> Vec<Resource> {
        self.state.catalog.resources()
    }

    /// The OpenAPI definitions of the built-in kinds.
    pub fn definitions(&self) -> &Arc<Definitions> {
        self.state.catalog.definitions()
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.state.shelves().map(|(_, shelf)| shelf.len()).sum()
    }

    /// Whether there is no object.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One object, as it is stored: of a resource by its group and plural name.
    pub fn object(&self, group: &str, plural: &str, namespace: &str, name: &str) -> Option<Value> {
        let shelf = format!("{group}/{plural}");
        Some(self.state.find(&shelf, namespace, name)?.value())
    }
}

/// Whatever made it (a body, a patch, a webhook, a conversion), it is stored only if it can be read again.
fn storable(write: &Write) -> Result<(), Failure> {
    match write.change.put() {
        Some(object) => body::check_depth(object).map_err(Failure::bad_request),
        None => Ok(()),
    }
}

/// The parts of a key of [`Stored`]: the shelf, and the key in it.
fn split_key(key: &str) -> (Arc<str>, Arc<str>) {
    let mut slashes = key.match_indices('/').map(|(at, _)| at);
    slashes.next();
    match slashes.next() {
        Some(at) => (key[..at].into(), key[at + 1..].into()),
        None => (key.into(), "".into()),
    }
}
