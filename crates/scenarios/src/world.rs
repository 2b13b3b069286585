//! The cluster that a scenario plays on, seen by its clients.

use std::sync::Arc;
use std::time::Duration;

use apistore::{Answers, Body, Handled, Request, Response, Settings, Store, Watch, WatchEvent};
use parking_lot::Mutex;
use runtime::Clock;
use tokio::sync::{Notify, watch};
use workloads::Workloads;

use crate::discovery::Services;
use crate::fault::{Effect, Fault};
use crate::story::{Entry, What};

/// When a scenario begins: 2026-01-01T00:00:00Z.
pub(crate) const BEGINNING: Duration = Duration::from_secs(1_767_225_600);

/// What the keys of definitions begin with.
const DEFINITIONS: &str = "apiextensions.k8s.io/customresourcedefinitions/";

/// The cluster, and everything that stands between it and the controller.
pub(crate) struct World {
    inner: Mutex<Inner>,
    /// Raised by every change of what watches wait for.
    changes: watch::Sender<u64>,
    /// The controller died.
    died: Notify,
}

struct Inner {
    store: Store,
    workloads: Workloads,
    /// Known until a definition changes.
    served: Option<Arc<Services>>,
    clock: Clock,
    faults: Vec<Fault>,
    crash: Option<Crash>,
    dead: bool,
    away: bool,
    pace: Pace,
    chance: fastrand::Rng,
    /// Watches that were begun before this count have broken.
    broken: u64,
    /// Watches from before this count are told that their position is too old.
    expired: u64,
    story: Vec<Entry>,
    /// How often the controller has written.
    writes: u64,
}

/// What is kept of a cluster: what it holds, and what its controllers and nodes remember.
#[derive(Clone)]
pub(crate) struct Cluster {
    store: Store,
    workloads: Workloads,
}

impl Cluster {
    /// A cluster that has just begun.
    pub(crate) fn new() -> Self {
        let store = Store::new(Settings { seed: 1, history: 4_000 }, BEGINNING);
        Self { store, workloads: Workloads::new("") }
    }
}

/// When the controller is to die.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Crash {
    /// At which write from now on, the first being 1.
    pub(crate) write: u32,
    pub(crate) moment: Moment,
}

/// On which side of a write the controller dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// The write is not done.
    Before,
    /// It is done; the answer is never read.
    After,
}

/// How long the cluster takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// For each request and watch event.
    Even(Duration),
    /// Up to this long, by chance: what is under way at the same time ends in any order.
    Uneven(Duration),
}

/// What becomes of a write.
pub(crate) enum Fate {
    Goes,
    Dies(Moment),
    Meets(Effect),
}

impl World {
    /// A cluster that goes on from where another one was left.
    pub(crate) fn new(Cluster { store, workloads }: Cluster, seed: u64, pace: Pace) -> Arc<Self> {
        let revision = store.revision();
        let inner = Inner {
            store,
            workloads,
            served: None,
            clock: Clock::system(),
            faults: Vec::new(),
            crash: None,
            dead: false,
            away: false,
            pace,
            chance: fastrand::Rng::with_seed(seed),
            broken: 0,
            expired: 0,
            story: Vec::new(),
            writes: 0,
        };
        let (changes, died) = (watch::Sender::new(revision), Notify::new());
        Arc::new(Self { inner: Mutex::new(inner), changes, died })
    }

    /// The cluster as it is now.
    pub(crate) fn cluster(&self) -> Cluster {
        let inner = self.inner.lock();
        Cluster { store: inner.store.clone(), workloads: inner.workloads.clone() }
    }

    /// From now on it is `now`, and time goes on as the runtime's does.
    pub(crate) fn set_time(&self, now: Duration) {
        self.inner.lock().clock = Clock::following(now);
    }

    pub(crate) fn clock(&self) -> Clock {
        self.inner.lock().clock
    }

    pub(crate) fn now(&self) -> Duration {
        self.clock().since_epoch()
    }

    /// Answers a request at once. Tells whether it changed anything.
    pub(crate) fn handle(&self, request: &Request) -> (Response, bool) {
        let mut inner = self.inner.lock();
        let now = inner.clock.since_epoch();
        let before = inner.store.revision();
        let response = match inner.store.handle(request, &Answers::new(), now) {
            Handled::Done(response) => response,
            // Nothing in a scenario has webhooks or tokens.
            Handled::Need(_) => Response {
                code: 500,
                warnings: Vec::new(),
                body: Body::Object(crate::fault::status(500).into()),
            },
        };
        let changed = self.tell(&mut inner, before);
        (response, changed)
    }

    fn tell(&self, inner: &mut Inner, before: u64) -> bool {
        // What a disk would keep.
        let changes = inner.store.take_changes();
        if changes.iter().any(|change| change.key.starts_with(DEFINITIONS)) {
            inner.served = None;
        }
        let after = inner.store.revision();
        if after != before {
            self.changes.send_modify(|count| *count += 1);
        }
        after != before
    }

    /// The version of the state.
    pub(crate) fn revision(&self) -> u64 {
        self.inner.lock().store.revision()
    }

    /// What is served now.
    pub(crate) fn served(&self) -> Arc<Services> {
        let mut inner = self.inner.lock();
        let Inner { store, served, .. } = &mut *inner;
        served.get_or_insert_with(|| Arc::new(Services::of(store))).clone()
    }

    pub(crate) fn poll(&self, watch: &mut Watch) -> (Option<Vec<WatchEvent>>, Duration) {
        let inner = self.inner.lock();
        let now = inner.clock.since_epoch();
        let events = inner.store.poll(watch, now);
        (events, inner.store.wakes_at(watch).saturating_sub(now))
    }

    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// What has happened to all watches so far: how often they broke, and how often they expired.
    pub(crate) fn interruptions(&self) -> (u64, u64) {
        let inner = self.inner.lock();
        (inner.broken, inner.expired)
    }

    /// Lets controllers, nodes and kubelets work, for ever.
    pub(crate) async fn work(self: Arc<Self>) {
        let mut changes = self.changes();
        loop {
            changes.borrow_and_update();
            let pause = self.tick();
            let pause = async {
                match pause {
                    Some(pause) => tokio::time::sleep(pause.max(Duration::from_millis(1))).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                _ = changes.changed() => {}
                () = pause => {}
            }
        }
    }

    fn tick(&self) -> Option<Duration> {
        let mut inner = self.inner.lock();
        let before = inner.store.revision();
        let Inner { store, workloads, clock, .. } = &mut *inner;
        let now = clock.since_epoch();
        let due = workloads.tick(store, now);
        self.tell(&mut inner, before);
        due.map(|due| due.saturating_sub(now))
    }

    /// How long the next answer takes.
    pub(crate) fn latency(&self) -> Duration {
        let mut inner = self.inner.lock();
        match inner.pace {
            Pace::Even(pause) => pause,
            Pace::Uneven(longest) => {
                let longest = u64::try_from(longest.as_millis()).unwrap_or(1);
                Duration::from_millis(inner.chance.u64(0..=longest))
            }
        }
    }

    pub(crate) fn set_pace(&self, pace: Pace) {
        self.inner.lock().pace = pace;
    }

    pub(crate) fn is_away(&self) -> bool {
        self.inner.lock().away
    }

    /// The API server goes, and with it every watch; or it comes back.
    pub(crate) fn set_away(&self, away: bool) {
        self.inner.lock().away = away;
        self.break_watches();
    }

    pub(crate) fn break_watches(&self) {
        self.inner.lock().broken += 1;
        self.changes.send_modify(|count| *count += 1);
    }

    pub(crate) fn expire_watches(&self) {
        self.inner.lock().expired += 1;
        self.changes.send_modify(|count| *count += 1);
    }

    pub(crate) fn inject(&self, fault: Fault) {
        self.inner.lock().faults.push(fault);
    }

    pub(crate) fn clear_faults(&self) {
        let mut inner = self.inner.lock();
        inner.faults.clear();
        inner.crash = None;
    }

    pub(crate) fn set_crash(&self, crash: Crash) {
        self.inner.lock().crash = Some(crash);
    }

    /// What becomes of a request; `writes` tells whether it changes something.
    pub(crate) fn fate(&self, info: &apistore::Info, writes: bool) -> Fate {
        let mut inner = self.inner.lock();
        if let Some(index) = inner.faults.iter().position(|fault| fault.matches(info, writes)) {
            let fault = &mut inner.faults[index];
            fault.times -= 1;
            let effect = fault.effect.clone();
            if fault.times == 0 {
                inner.faults.remove(index);
            }
            return Fate::Meets(effect);
        }
        match &mut inner.crash {
            Some(crash) if writes && crash.write > 1 => crash.write -= 1,
            Some(crash) if writes => {
                let moment = crash.moment;
                inner.crash = None;
                return Fate::Dies(moment);
            }
            _ => {}
        }
        Fate::Goes
    }

    /// The controller dies here.
    pub(crate) fn die(&self) {
        self.inner.lock().dead = true;
        self.note(What::Crash);
        self.died.notify_one();
    }

    /// Waits until the controller has died.
    pub(crate) async fn death(&self) {
        while !self.inner.lock().dead {
            self.died.notified().await;
        }
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.inner.lock().dead
    }

    pub(crate) fn revive(&self) {
        self.inner.lock().dead = false;
    }

    /// The controller wrote, or tried to.
    pub(crate) fn wrote(&self) {
        self.inner.lock().writes += 1;
    }

    /// How often the controller has written, or tried to.
    pub(crate) fn writes(&self) -> u64 {
        self.inner.lock().writes
    }

    pub(crate) fn note(&self, what: What) {
        let mut inner = self.inner.lock();
        let at = inner.clock.since_epoch();
        inner.story.push(Entry { at, what });
    }

    /// What happened since the last call.
    pub(crate) fn take_story(&self) -> Vec<Entry> {
        std::mem::take(&mut self.inner.lock().story)
    }
}
