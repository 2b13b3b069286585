//! One poll a repository, however many Applications use it, and who is touched by what it brings.

mod repository;
mod user;

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Weak};
use std::time::Duration;

use git::{Access, RevisionSpec, Snapshot};
use lockstep_core::{AppKey, Commit, CommitId, RepoUrl};
use parking_lot::Mutex;
use source::Repositories;
use tokio::time::Instant;

use crate::claims::{Claims, RepositoryId};
use crate::queue::{Cause, Queue};
use crate::surroundings::Work;
use repository::{Move, Repository};
pub(crate) use user::{RenderResult, Rendition};

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

type RepositoryKey = (RepositoryId, Access);

/// What the hub tells others and hears from them.
pub(crate) struct Ports {
    /// Where touched Applications are marked.
    pub(crate) queue: Arc<Queue>,
    /// Where they count as behind until they have rendered.
    pub(crate) claims: Arc<Claims>,
    /// Counts a fetch by its result, a short stable word.
    pub(crate) count_fetch: Box<dyn Fn(&'static str) + Send + Sync>,
    /// Where fetches run.
    pub(crate) work: Work,
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
        let look = |want: &Wanted| match self.find(want) {
            Some(repository) => repository.look(app, &want.spec, now),
            None => Look::Waiting,
        };
        wanted.iter().map(look).collect()
    }

    /// `app` has rendered, or tried to, the sources that follow one revision at a commit, reading this. A later commit that leaves the reads as they are
    /// does not touch it.
    pub(crate) fn rendered(&self, app: &AppKey, want: &Wanted, commit: &Commit, look: &Rendition) {
        if let Some(repository) = self.find(want) {
            repository.rendered(app, &want.spec, commit, look);
        }
    }

    /// The tree of a commit that [`Hub::look`] found. Blocks on the disk.
    pub(crate) fn snapshot(&self, want: &Wanted, commit: &CommitId) -> Result<Option<Snapshot>, git::Error> {
        self.store.snapshot(&want.url, &want.access, commit)
    }

    /// A commit by its id, fetched if need be from a repository that answered last time. Blocks on the disk and the network.
    pub(crate) fn commit(&self, want: &Wanted, id: &CommitId) -> Option<Commit> {
        let cached = || Some(self.snapshot(want, id).ok()??.commit().clone());
        if let Some(commit) = cached() {
            return Some(commit);
        }
        if !self.is_reachable(want) {
            return None;
        }
        // Together with the revision that is followed, which is to stay known.
        let specs = [RevisionSpec::new(id.as_str()), want.spec.clone()];
        let fetched = self.store.fetch(&want.url, &specs, &want.access, &AtomicBool::new(false));
        (self.ports.count_fetch)(if fetched.is_ok() { "changed" } else { "error" });
        fetched.ok()?;
        cached()
    }

    /// Whether a repository answered at its last fetch.
    pub(crate) fn is_reachable(&self, want: &Wanted) -> bool {
        self.find(want).is_some_and(|repository| repository.is_reachable())
    }

    /// Fetches a repository at once, whatever the spelling of its address. Returns whether anyone uses it.
    pub(crate) fn refresh(&self, url: &RepoUrl) -> bool {
        let identity = url.identity();
        let now = Instant::now();
        let repositories = self.repositories.lock();
        let mut found = false;
        for (_, repository) in repositories.iter().filter(|((id, _), _)| *id == identity) {
            found = true;
            repository.request(now);
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
            repository.leave(app);
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
        if repository.enter(app, specs.clone(), afresh, Instant::now()) {
            // It may be about to want what another Application is about to prune.
            self.ports.claims.start_over(&key.0, app, &specs);
        }
    }

    /// Fetches one repository whenever it is due, until nobody uses it.
    async fn serve(self: Arc<Self>, key: RepositoryKey, repository: Arc<Repository>) {
        loop {
            repository.due().await;
            if self.retire(&key, &repository) {
                return;
            }
            self.fetch(&repository).await;
        }
    }

    fn retire(&self, key: &RepositoryKey, repository: &Repository) -> bool {
        let mut repositories = self.repositories.lock();
        let unused = repository.is_unused();
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
        let finished = self.ports.work.run(work).await;
        if finished.is_none() {
            repository.set_unreachable(Some("the fetch panicked: this is a defect of Lockstep".into()));
        }
        let succeeded = finished.is_some() && repository.is_reachable();
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
            let commits: BTreeSet<&str> =
                touched.iter().filter_map(|(_, _, commit)| Some(commit.as_ref()?.as_str())).collect();
            for revision in commits {
                tracing::info!(source.url = %repository.url, revision, touched = touched.len(), "New revision");
            }
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
                repository.resolve(spec, commit);
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
            let last = repository.last(app, spec);
            let unchanged = last.filter(|(last, _)| {
                let same = |snapshot| last.reads.iter().all(|reads| reads.unchanged(snapshot));
                snapshot.as_ref().is_some_and(same)
            });
            match unchanged {
                None => touched.push((app.clone(), spec.clone(), Some(commit.id.clone()))),
                Some((last, of)) => {
                    repository.set_unchanged(app, spec, &commit.id);
                    self.passed_by(repository, app, spec, (last.result, &of));
                }
            }
        }
        touched
    }

    /// The newest commit leaves as it is what `app` last rendered: what came of that still holds, good or bad.
    fn passed_by(
        &self,
        repository: &Repository,
        app: &AppKey,
        spec: &RevisionSpec,
        (result, of): (RenderResult, &CommitId),
    ) {
        let (claims, repository) = (&self.ports.claims, repository.url.identity());
        match result {
            RenderResult::Good => {
                self.mark_all(&claims.caught_up(&repository, app, (spec, None)), Cause::Resume);
            }
            RenderResult::Refused => claims.still_failed(&repository, app, spec, of),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use lockstep_core::Key;

    use super::*;

    /// Waits until something holds; how long that may take is real time.
    async fn until(holds: impl Fn() -> bool) {
        let check = async {
            while !holds() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), check).await.unwrap();
    }

    fn hub(
        name: &str,
        count_fetch: Box<dyn Fn(&'static str) + Send + Sync>,
    ) -> (Arc<Hub>, std::path::PathBuf) {
        let ports = Ports { queue: Arc::default(), claims: Arc::default(), count_fetch, work: Work::Threads };
        let directory = std::env::temp_dir().join(format!("lockstep-hub-{name}-{}", std::process::id()));
        let store = Repositories::new(&directory, Key::new([7; 32]), git::Limits::default()).unwrap();
        (Hub::new(Arc::new(store), Duration::from_secs(3600), ports), directory)
    }

    #[tokio::test]
    async fn a_commit_that_changes_nothing_makes_no_refused_render_good() {
        let (hub, directory) = hub("passed", Box::new(|_| ()));
        let url = RepoUrl::new("file:///nowhere/at-all.git");
        let want = Wanted { url, access: Access::anonymous(), spec: RevisionSpec::new("main") };
        let (x, y) = (AppKey::new("n", "x"), AppKey::new("n", "y"));
        let repositories = || BTreeSet::from([want.url.identity()]);
        hub.ports.claims.set_repositories(&x, repositories());
        hub.look(&y, std::slice::from_ref(&want), false);
        let repository = hub.find(&want).unwrap();
        let commit = CommitId::parse(&"a".repeat(40)).unwrap();
        for (result, held) in [(RenderResult::Refused, true), (RenderResult::Good, false)] {
            hub.passed_by(&repository, &y, &want.spec, (result, &commit));
            if result == RenderResult::Good {
                // The render itself has said so before.
                hub.ports.claims.caught_up(&want.url.identity(), &y, (&want.spec, Some(&commit)));
            }
            let held_by = hub.ports.claims.unrendered(&x);
            assert_eq!(held_by.iter().any(|by| by.app == y && by.failed), held, "{result:?}");
        }
        let _ = std::fs::remove_dir_all(directory);
    }

    #[tokio::test]
    async fn a_flood_of_refreshes_is_one_fetch_at_a_time_and_one_more() {
        let fetches = Arc::new(AtomicUsize::new(0));
        let (release, gate) = mpsc::channel::<()>();
        let gate = Mutex::new(gate);
        let count_fetch = Box::new({
            let fetches = fetches.clone();
            move |_| {
                fetches.fetch_add(1, Ordering::SeqCst);
                // As long as the other end is there, a fetch takes until it is told to end.
                let _ = gate.lock().recv();
            }
        });
        let (hub, directory) = hub("flood", count_fetch);
        let url = RepoUrl::new("file:///nowhere/at-all.git");
        let want = Wanted { url: url.clone(), access: Access::anonymous(), spec: RevisionSpec::new("main") };
        hub.look(&AppKey::new("n", "a"), &[want], false);
        until(|| fetches.load(Ordering::SeqCst) == 1).await;
        for _ in 0..1000 {
            assert!(hub.refresh(&RepoUrl::new("file:///nowhere/at-all/")), "another spelling of it");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(fetches.load(Ordering::SeqCst), 1, "never two at a time");
        drop(release);
        until(|| fetches.load(Ordering::SeqCst) == 2).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(fetches.load(Ordering::SeqCst), 2, "one answers all of them");
        assert!(!hub.refresh(&RepoUrl::new("file:///elsewhere")));
        let _ = std::fs::remove_dir_all(directory);
    }
}
