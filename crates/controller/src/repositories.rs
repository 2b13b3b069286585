//! One poll a repository, however many Applications use it, and who is touched by what it brings.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Weak};
use std::time::Duration;

use git::{Access, RevisionSpec, Snapshot};
use lockstep_core::{AppKey, Commit, CommitId, RepoUrl};
use parking_lot::Mutex;
use source::{Reads, Repositories};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::claims::{Claims, RepositoryId};
use crate::queue::{Cause, Queue};
use crate::schedule::{Round, Schedule};

/// One source of an Application, as far as its repository is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The repository.
    pub(crate) url: RepoUrl,
    /// How to be let in.
    pub(crate) access: Access,
    /// The revision to follow.
    pub(crate) spec: RevisionSpec,
}

/// What is known of a wanted revision now.
#[derive(Clone, Debug)]
pub(crate) enum Look {
    /// A fetch has to end first; the Application will be marked.
    Waiting,
    /// The commit to render. `unreachable` tells why the repository could not be read at the last attempt.
    Found { commit: Commit, unreachable: Option<Arc<str>> },
    /// There is no commit to render.
    Failed(Arc<str>),
}

/// What an Application last rendered from one source.
#[derive(Clone, Debug)]
struct Rendered {
    commit: Commit,
    /// One for each source that follows this revision.
    reads: Vec<Arc<Reads>>,
    /// The newest commit that is known to leave these reads as they are.
    unchanged_at: CommitId,
}

#[derive(Default)]
struct User {
    ticket: Round,
    sources: Vec<(RevisionSpec, Option<Rendered>)>,
}

struct State {
    schedule: Schedule,
    users: HashMap<AppKey, User>,
    resolved: HashMap<RevisionSpec, Result<Commit, Arc<str>>>,
    unreachable: Option<Arc<str>>,
}

struct Repository {
    url: RepoUrl,
    access: Access,
    state: Mutex<State>,
    wake: Notify,
}

type RepositoryKey = (RepositoryId, Access);

/// What the hub tells others and hears from them.
pub(crate) struct Ports {
    /// Where touched Applications are marked.
    pub(crate) queue: Arc<Queue>,
    /// Where they count as behind until they have rendered.
    pub(crate) claims: Arc<Claims>,
    /// Counts a fetch by its result, a short stable word.
    pub(crate) count_fetch: Box<dyn Fn(&'static str) + Send + Sync>,
}

/// All repositories that some Application uses.
pub(crate) struct Hub {
    store: Arc<Repositories>,
    ports: Ports,
    poll: Duration,
    repositories: Mutex<HashMap<RepositoryKey, Arc<Repository>>>,
    itself: Weak<Hub>,
}

impl Hub {
    /// Without repositories; each is made by the first [`Hub::look`] for it.
    pub(crate) fn new(store: Arc<Repositories>, poll: Duration, ports: Ports) -> Arc<Self> {
        Arc::new_cyclic(|itself| Self {
            store,
            ports,
            poll,
            repositories: Mutex::default(),
            itself: itself.clone(),
        })
    }

    /// Says what `app` wants and what is known of it. `afresh`: only a fetch that begins after now counts.
    pub(crate) fn look(&self, app: &AppKey, wanted: &[Wanted], afresh: bool) -> Vec<Look> {
        self.leave_others(app, wanted);
        let now = Instant::now();
        let mut seen = BTreeSet::new();
        for want in wanted {
            let key = (want.url.identity(), want.access.clone());
            if seen.insert(key.clone()) {
                let specs = wanted.iter().filter(|w| w.url.identity() == key.0 && w.access == key.1);
                self.enter(app, &key, want, (specs.map(|w| w.spec.clone()).collect(), afresh));
            }
        }
        wanted.iter().map(|want| self.look_at(app, want, now)).collect()
    }

    /// `app` has rendered, or tried to, the sources that follow one revision at a commit, reading this. A later commit that leaves the reads as they are
    /// does not touch it.
    pub(crate) fn rendered(&self, app: &AppKey, want: &Wanted, commit: &Commit, reads: &[Arc<Reads>]) {
        let Some(repository) = self.find(want) else { return };
        let mut state = repository.state.lock();
        let Some(user) = state.users.get_mut(app) else { return };
        for (spec, rendered) in &mut user.sources {
            if *spec == want.spec {
                // The same as before: what is known of newer commits holds.
                let known = rendered.as_ref().filter(|known| known.commit.id == commit.id);
                let unchanged_at =
                    known.map_or_else(|| commit.id.clone(), |known| known.unchanged_at.clone());
                *rendered = Some(Rendered { commit: commit.clone(), reads: reads.to_vec(), unchanged_at });
            }
        }
    }

    /// The tree of a commit that [`Hub::look`] found. Blocks on the disk.
    pub(crate) fn snapshot(&self, want: &Wanted, commit: &CommitId) -> Result<Option<Snapshot>, git::Error> {
        self.store.snapshot(&want.url, &want.access, commit)
    }

    /// Fetches a repository at once, whatever the spelling of its address. Returns whether anyone uses it.
    pub(crate) fn refresh(&self, url: &RepoUrl) -> bool {
        let identity = url.identity();
        let now = Instant::now();
        let repositories = self.repositories.lock();
        let mut found = false;
        for (_, repository) in repositories.iter().filter(|((id, _), _)| *id == identity) {
            found = true;
            repository.state.lock().schedule.request(now);
            repository.wake.notify_one();
        }
        found
    }

    /// Removes the mirrors of repositories that nobody uses any more. Blocks on the disk; call it only once every
    /// Application has said what it wants.
    pub(crate) fn evict(&self) {
        let used: Vec<(RepoUrl, Access)> =
            self.repositories.lock().values().map(|used| (used.url.clone(), used.access.clone())).collect();
        if let Err(error) = self.store.retain(&used) {
            tracing::warn!(error = %crate::chain(&error), "Unused mirrors could not be removed");
        }
    }

    /// `app` is gone.
    pub(crate) fn leave(&self, app: &AppKey) {
        self.leave_others(app, &[]);
    }

    fn leave_others(&self, app: &AppKey, wanted: &[Wanted]) {
        let keys: Vec<RepositoryKey> = wanted.iter().map(|w| (w.url.identity(), w.access.clone())).collect();
        for (_, repository) in self.repositories.lock().iter().filter(|(key, _)| !keys.contains(key)) {
            repository.state.lock().users.remove(app);
        }
    }

    fn find(&self, want: &Wanted) -> Option<Arc<Repository>> {
        self.repositories.lock().get(&(want.url.identity(), want.access.clone())).cloned()
    }

    /// Makes `app` a user of a repository, under the lock that retires repositories without users.
    fn enter(
        &self,
        app: &AppKey,
        key: &RepositoryKey,
        want: &Wanted,
        (specs, afresh): (Vec<RevisionSpec>, bool),
    ) {
        let mut repositories = self.repositories.lock();
        let repository = repositories.entry(key.clone()).or_insert_with(|| {
            let repository = Arc::new(Repository::new(want, self.poll));
            if let Some(hub) = self.itself.upgrade() {
                tokio::spawn(hub.serve(key.clone(), repository.clone()));
            }
            repository
        });
        let marks: Vec<_> = specs.iter().map(|spec| (app.clone(), spec.clone(), None)).collect();
        if repository.enter(app, specs, afresh, Instant::now()) {
            // It may be about to want what another Application is about to prune.
            self.ports.claims.set_behind(&key.0, &marks);
        }
    }

    fn look_at(&self, app: &AppKey, want: &Wanted, now: Instant) -> Look {
        let Some(repository) = self.find(want) else { return Look::Waiting };
        let mut state = repository.state.lock();
        let State { schedule, users, resolved, unreachable } = &mut *state;
        let Some(user) = users.get_mut(app) else { return Look::Waiting };
        if !schedule.is_over(user.ticket) {
            return Look::Waiting;
        }
        let unreachable = unreachable.clone();
        match resolved.get(&want.spec) {
            Some(Ok(commit)) => Look::Found { commit: user.settled(&want.spec, commit), unreachable },
            Some(Err(reason)) => Look::Failed(reason.clone()),
            None => match unreachable {
                Some(reason) => Look::Failed(reason),
                None => {
                    // It was wanted first while the fetch ran that its ticket waited for.
                    user.ticket = schedule.request(now);
                    repository.wake.notify_one();
                    Look::Waiting
                }
            },
        }
    }

    /// Fetches one repository whenever it is due, until nobody uses it.
    async fn serve(self: Arc<Self>, key: RepositoryKey, repository: Arc<Repository>) {
        loop {
            let due = repository.state.lock().schedule.due();
            if let Some(due) = due.filter(|due| *due > Instant::now()) {
                // A wake-up may have moved the time: look again.
                drop(tokio::time::timeout_at(due, repository.wake.notified()).await);
                continue;
            }
            if self.retire(&key, &repository) {
                return;
            }
            self.fetch(&repository).await;
        }
    }

    fn retire(&self, key: &RepositoryKey, repository: &Repository) -> bool {
        let mut repositories = self.repositories.lock();
        let unused = repository.state.lock().users.is_empty();
        if unused {
            repositories.remove(key);
        }
        unused
    }

    async fn fetch(self: &Arc<Self>, repository: &Arc<Repository>) {
        let specs = repository.begin(Instant::now());
        let (hub, this) = (self.clone(), repository.clone());
        let work = move || {
            let fetched = hub.store.fetch(&this.url, &specs, &this.access, &AtomicBool::new(false));
            hub.absorb(&this, fetched);
        };
        let finished = tokio::task::spawn_blocking(work).await;
        if finished.is_err() {
            repository.set_unreachable(Some("the fetch panicked: this is a defect of Lockstep".into()));
        }
        let succeeded = finished.is_ok() && repository.state.lock().unreachable.is_none();
        let waiting = repository.end(succeeded, fastrand::f64());
        for app in waiting {
            self.ports.queue.mark(&app, Cause::Resume, Instant::now());
        }
    }

    /// Takes in what a fetch brought and marks whom it touches. Runs where blocking is allowed.
    fn absorb(&self, repository: &Repository, fetched: git::Result<git::Fetched>) {
        (self.ports.count_fetch)(match &fetched {
            Ok(fetched) if fetched.changed.is_empty() => "unchanged",
            Ok(_) => "changed",
            Err(_) => "error",
        });
        let fetched = match fetched {
            Ok(fetched) => fetched,
            Err(error) => {
                tracing::warn!(source.url = %repository.url, error = %crate::chain(&error), "Fetch failed");
                self.remember(repository);
                let flipped = repository.set_unreachable(Some(crate::chain(&error).into()));
                return self.mark_all(&flipped, Cause::Resume);
            }
        };
        let touched = self.touched(repository, &repository.moved(&fetched));
        if !touched.is_empty() {
            tracing::info!(source.url = %repository.url, touched = touched.len(), "New revision");
            // Before anyone can see it: a prune must not run ahead of the render that would claim its object.
            self.ports.claims.set_behind(&repository.url.identity(), &touched);
        }
        let concerned = repository.take_in(fetched);
        self.mark_all(touched.iter().map(|(app, ..)| app), Cause::Revision);
        self.mark_all(&concerned, Cause::Resume);
    }

    /// While a repository is away, what an earlier process resolved is all there is.
    fn remember(&self, repository: &Repository) {
        for spec in repository.unresolved() {
            let last = self.store.last_resolved(&repository.url, &repository.access, &spec).ok().flatten();
            if let Some(commit) = last {
                repository.state.lock().resolved.insert(spec, Ok(commit));
            }
        }
    }

    fn mark_all<'a>(&self, apps: impl IntoIterator<Item = &'a AppKey>, cause: Cause) {
        let now = Instant::now();
        apps.into_iter().for_each(|app| self.ports.queue.mark(app, cause, now));
    }

    /// The Applications whose reads differ in the commit that their revision moved to.
    fn touched(
        &self,
        repository: &Repository,
        moved: &[Move],
    ) -> Vec<(AppKey, RevisionSpec, Option<CommitId>)> {
        let mut snapshots: HashMap<CommitId, Option<Snapshot>> = HashMap::new();
        let mut touched = Vec::new();
        for (app, spec, commit) in moved {
            let snapshot = snapshots.entry(commit.id.clone()).or_insert_with(|| {
                self.store.snapshot(&repository.url, &repository.access, &commit.id).ok().flatten()
            });
            let reads = repository.reads(app, spec);
            let unchanged = reads
                .zip(snapshot.as_ref())
                .is_some_and(|(reads, snapshot)| reads.iter().all(|reads| reads.unchanged(snapshot)));
            if !unchanged {
                touched.push((app.clone(), spec.clone(), Some(commit.id.clone())));
                continue;
            }
            repository.set_unchanged(app, spec, &commit.id);
            let released = self.ports.claims.caught_up(&repository.url.identity(), app, (spec, None));
            self.mark_all(&released, Cause::Resume);
        }
        touched
    }
}

/// A revision that is another commit now than the one an Application knows.
type Move = (AppKey, RevisionSpec, Commit);

impl Repository {
    fn new(want: &Wanted, poll: Duration) -> Self {
        let state = State {
            schedule: Schedule::new(poll, Instant::now()),
            users: HashMap::new(),
            resolved: HashMap::new(),
            unreachable: None,
        };
        Self {
            url: want.url.clone(),
            access: want.access.clone(),
            state: Mutex::new(state),
            wake: Notify::new(),
        }
    }

    /// Returns whether nothing is known any more of what `app` rendered.
    fn enter(&self, app: &AppKey, specs: Vec<RevisionSpec>, afresh: bool, now: Instant) -> bool {
        let mut state = self.state.lock();
        let State { schedule, users, .. } = &mut *state;
        let user =
            users.entry(app.clone()).or_insert_with(|| User { ticket: Schedule::first(), sources: vec![] });
        let same = user.sources.iter().map(|(spec, _)| spec).eq(&specs);
        let reset = afresh || !same;
        if reset {
            user.sources = specs.into_iter().map(|spec| (spec, None)).collect();
        }
        if afresh {
            user.ticket = schedule.request(now);
            self.wake.notify_one();
        }
        reset
    }

    fn begin(&self, now: Instant) -> Vec<RevisionSpec> {
        let mut state = self.state.lock();
        state.schedule.begin(now);
        let specs: BTreeSet<RevisionSpec> =
            state.users.values().flat_map(|user| user.sources.iter().map(|(spec, _)| spec.clone())).collect();
        state.resolved.retain(|spec, _| specs.contains(spec));
        specs.into_iter().collect()
    }

    fn unresolved(&self) -> BTreeSet<RevisionSpec> {
        let state = self.state.lock();
        let specs = state.users.values().flat_map(|user| user.sources.iter().map(|(spec, _)| spec));
        specs.filter(|spec| !state.resolved.contains_key(*spec)).cloned().collect()
    }

    /// Ends a fetch and names those that waited for it and have rendered nothing yet.
    fn end(&self, succeeded: bool, jitter: f64) -> Vec<AppKey> {
        let mut state = self.state.lock();
        state.schedule.end(succeeded, Instant::now(), jitter);
        let waiting =
            state.users.iter().filter(|(_, user)| user.sources.iter().any(|(_, done)| done.is_none()));
        waiting.map(|(app, _)| app.clone()).collect()
    }

    fn moved(&self, fetched: &git::Fetched) -> Vec<Move> {
        let state = self.state.lock();
        let mut moved = Vec::new();
        for (spec, answer) in &fetched.revisions {
            let Ok(commit) = answer else { continue };
            let users =
                state.users.iter().filter(|(_, user)| user.follows(spec) && !user.knows(spec, &commit.id));
            moved.extend(users.map(|(app, _)| (app.clone(), spec.clone(), commit.clone())));
        }
        moved
    }

    /// Makes what was fetched known. Returns the Applications that have to tell something else of their source.
    fn take_in(&self, fetched: git::Fetched) -> BTreeSet<AppKey> {
        let mut concerned = self.set_unreachable(None);
        let mut state = self.state.lock();
        let State { users, resolved, .. } = &mut *state;
        for (spec, answer) in fetched.revisions {
            let answer = answer.map_err(|error| Arc::from(error.to_string()));
            let same_kind =
                resolved.get(&spec).is_some_and(|old| old.is_ok() && answer.is_ok() || *old == answer);
            if !same_kind {
                concerned
                    .extend(users.iter().filter(|(_, user)| user.follows(&spec)).map(|(app, _)| app.clone()));
            }
            resolved.insert(spec, answer);
        }
        concerned
    }

    /// Returns all users where the reachability is another one than before.
    fn set_unreachable(&self, reason: Option<Arc<str>>) -> BTreeSet<AppKey> {
        let mut state = self.state.lock();
        let flipped = state.unreachable.is_some() != reason.is_some();
        state.unreachable = reason;
        if flipped { state.users.keys().cloned().collect() } else { BTreeSet::new() }
    }

    fn reads(&self, app: &AppKey, spec: &RevisionSpec) -> Option<Vec<Arc<Reads>>> {
        let state = self.state.lock();
        state.users.get(app)?.rendered(spec).map(|rendered| rendered.reads.clone())
    }

    fn set_unchanged(&self, app: &AppKey, spec: &RevisionSpec, commit: &CommitId) {
        let mut state = self.state.lock();
        let sources = state.users.get_mut(app).map(|user| &mut user.sources);
        for (own, rendered) in sources.into_iter().flatten() {
            if let Some(rendered) = rendered.as_mut().filter(|_| own == spec) {
                rendered.unchanged_at = commit.clone();
            }
        }
    }
}

impl User {
    fn rendered(&self, spec: &RevisionSpec) -> Option<&Rendered> {
        self.sources.iter().find(|(own, _)| own == spec)?.1.as_ref()
    }

    fn follows(&self, spec: &RevisionSpec) -> bool {
        self.sources.iter().any(|(own, _)| own == spec)
    }

    fn knows(&self, spec: &RevisionSpec, commit: &CommitId) -> bool {
        self.rendered(spec).is_some_and(|rendered| rendered.unchanged_at == *commit)
    }

    /// The commit to render: the one rendered already where the newest one changes nothing of what was read.
    fn settled(&self, spec: &RevisionSpec, newest: &Commit) -> Commit {
        match self.rendered(spec) {
            Some(rendered) if rendered.unchanged_at == newest.id => rendered.commit.clone(),
            _ => newest.clone(),
        }
    }
}
