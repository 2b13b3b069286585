//! One repository, fetched and read.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use gix::ObjectId;
use lockstep_core::{Commit, CommitId, RepoUrl};
use parking_lot::{Mutex, RwLock};

use crate::commit::object_id;
use crate::copy::Copy;
use crate::generation::Generation;
use crate::goal::{self, Goal};
use crate::http::Call;
use crate::local::Local;
use crate::location::Location;
use crate::lock::Lock;
use crate::objects::Objects;
use crate::protocol::Depth;
use crate::refs::Refs;
use crate::session::Session;
use crate::{Access, Error, Http, Limits, Result, RevisionError, RevisionSpec, Snapshot, resolve};

/// Other processes that may use one cache directory at a time, each with a copy of its own.
const SIBLINGS: usize = 16;
/// How often a short id is looked for in all of history.
const SEARCH: Duration = Duration::from_secs(60 * 60);
/// Names of revisions that were not found, with what was offered instead.
const HINTS: usize = 256;

/// What a fetch found.
#[derive(Clone, Debug, Default)]
pub struct Fetched {
    /// Each revision that was asked for.
    pub revisions: BTreeMap<RevisionSpec, Result<Commit, RevisionError>>,
    /// Those that name another commit than at the fetch before, or a commit for the first time.
    pub changed: Vec<RevisionSpec>,
}

/// A repository: a shallow copy of a remote one in a directory of its own, or a local one read in place, with a spare of what its
/// revisions lead to in that directory.
///
/// The copy is disposable. What is broken, or grown past its limits, is replaced by a fresh one at the next fetch;
/// snapshots of the old one stay readable until they are dropped.
#[derive(Debug)]
pub struct Mirror {
    location: Location,
    http: Arc<Http>,
    limits: Limits,
    /// Where generations are; none for a local repository of which no spare is kept.
    root: Option<PathBuf>,
    /// Held for as long as this lives.
    _lock: Option<Lock>,
    work: Mutex<Work>,
    copy: RwLock<Option<Arc<Copy>>>,
    /// Of a local repository.
    spare: RwLock<Option<Arc<Copy>>>,
    /// A local repository was not there at the last fetch.
    is_away: AtomicBool,
}

/// What only the one thread that fetches needs.
#[derive(Debug, Default)]
struct Work {
    session: Option<Session>,
    generation: u64,
    hints: HashMap<RevisionSpec, Vec<String>>,
    /// When short ids were last looked for in all of history, in vain or not.
    searched: HashMap<RevisionSpec, Instant>,
    /// What no spare could be made of; it is not tried again.
    unspared: Option<BTreeMap<RevisionSpec, ObjectId>>,
}

impl Mirror {
    /// Opens the mirror of a repository in a directory, which is made if need be, and cleans up what a killed process
    /// left there. Where another process uses that directory, one beside it is taken. Nothing is fetched.
    pub fn open(directory: &Path, url: &RepoUrl, http: Arc<Http>, limits: Limits) -> Result<Self> {
        let location = Location::parse(url)?;
        let mut mirror = Self {
            location,
            http,
            limits,
            root: None,
            _lock: None,
            work: Mutex::default(),
            copy: RwLock::default(),
            spare: RwLock::default(),
            is_away: AtomicBool::new(false),
        };
        match mirror.location {
            Location::Http(_) => *mirror.copy.get_mut() = mirror.settle_in(directory)?,
            Location::Path(_) if mirror.limits.spare == 0 => {}
            Location::Path(_) => match mirror.settle_in(directory) {
                Ok(spare) => *mirror.spare.get_mut() = spare,
                Err(error) => tracing::warn!(source.url = %url, %error, "No spare of the repository is kept"),
            },
        }
        Ok(mirror)
    }

    /// Takes a directory. Returns what was left there.
    fn settle_in(&mut self, directory: &Path) -> Result<Option<Arc<Copy>>> {
        let (root, lock) = claim(directory)?;
        let found = Generation::find(&root)?;
        (self.root, self._lock) = (Some(root), Some(lock));
        let Some((number, generation)) = found else { return Ok(None) };
        self.work.get_mut().generation = number;
        Ok(Copy::load(generation, &self.limits).ok().map(Arc::new))
    }

    /// The directory of this mirror; `None` for a local repository of which no spare is kept.
    pub fn directory(&self) -> Option<&Path> {
        self.root.as_deref()
    }

    /// Resolves revisions afresh and fetches the commits that are not here yet: one look at the server's references, and
    /// nothing else where they name known commits. One fetch runs at a time; others wait for it.
    ///
    /// The outer error is the repository's, the inner one a revision's.
    pub fn fetch(&self, specs: &[RevisionSpec], access: &Access, cancel: &AtomicBool) -> Result<Fetched> {
        let mut work = self.work.lock();
        let until = Instant::now() + self.limits.total;
        let call = Call { http: &self.http, access, limits: &self.limits, cancel, until };
        match &self.location {
            Location::Path(path) => {
                let fetched = match self.fetch_local(path, specs, &mut work) {
                    // Someone may be repacking it just now.
                    Err(Error::Corrupted(_) | Error::Unavailable(_)) => {
                        self.fetch_local(path, specs, &mut work)
                    }
                    other => other,
                };
                self.is_away.store(fetched.is_err(), Ordering::Relaxed);
                if fetched.is_ok() {
                    self.keep_spare(path, cancel, &mut work);
                }
                fetched
            }
            Location::Http(url) => {
                let had_session = work.session.is_some();
                match self.fetch_http(url, specs, call, &mut work) {
                    // What we knew of the server may be out of date, and a reference may have moved between two requests.
                    Err(Error::Protocol(_) | Error::Unsupported(_) | Error::RepositoryNotFound)
                        if had_session =>
                    {
                        self.fetch_http(url, specs, call, &mut work)
                    }
                    Err(Error::Corrupted(cause)) => {
                        tracing::warn!(source.url = url, error = ?cause, "The mirror is damaged and fetched anew");
                        self.discard();
                        self.fetch_http(url, specs, call, &mut work)
                    }
                    other => other,
                }
            }
        }
    }

    /// The tree of a commit; `None` if it is not here: fetch it first. Works while the repository is away.
    pub fn snapshot(&self, commit: &CommitId) -> Result<Option<Snapshot>> {
        let Some(id) = object_id(commit) else { return Ok(None) };
        let spare = || self.spare.read().as_ref().and_then(|spare| spare.snapshot(id));
        // Of what is open of a repository that went away, nobody knows how much can be read.
        if self.is_away.load(Ordering::Relaxed)
            && let Some(found) = spare()
        {
            return Ok(Some(found));
        }
        match self.current() {
            Ok(copy) => Ok(copy.and_then(|copy| copy.snapshot(id)).or_else(spare)),
            Err(error) => spare().map(Some).ok_or(error),
        }
    }

    /// What a revision was last resolved to, by this process or the one before it. Works while the repository is away.
    pub fn last_resolved(&self, spec: &RevisionSpec) -> Option<Commit> {
        let copy = self.current().ok().flatten();
        let known = copy.and_then(|copy| copy.resolved(spec));
        known.or_else(|| self.spare.read().as_ref()?.resolved(spec))
    }

    /// Whether no process uses the mirror in this directory.
    pub fn is_abandoned(directory: &Path) -> bool {
        match Lock::is_free(directory) {
            Some(is_free) => is_free,
            // The directory of a removed mirror goes with its last snapshot; without any it is nobody's.
            None => !fs::read_dir(directory).is_ok_and(|mut files| files.next().is_some()),
        }
    }

    /// Removes this mirror from disk. Snapshots stay readable; the last one takes the files with it.
    pub fn remove(self) -> Result<()> {
        let Some(root) = &self.root else { return Ok(()) };
        for copy in [self.copy.into_inner(), self.spare.into_inner()] {
            if let Some(generation) = copy.as_ref().and_then(|copy| copy.generation.as_ref()) {
                generation.retire();
            }
        }
        Lock::remove(root)?;
        // Fails while a snapshot needs the files; its generation takes the empty directory with it.
        let _ = fs::remove_dir(root);
        Ok(())
    }

    /// The copy that readers see. A local repository has none before its first fetch, but its objects are there.
    fn current(&self) -> Result<Option<Arc<Copy>>> {
        if let Some(copy) = &*self.copy.read() {
            return Ok(Some(copy.clone()));
        }
        match &self.location {
            Location::Http(_) => Ok(None),
            Location::Path(path) => {
                let objects = Objects::open(&Local::open(path)?.objects(), self.limits.object, None)?;
                Ok(Some(Arc::new(Copy::foreign(Arc::new(objects)))))
            }
        }
    }

    fn fetch_local(&self, path: &Path, specs: &[RevisionSpec], work: &mut Work) -> Result<Fetched> {
        let local = Local::open(path)?;
        let directory = local.objects();
        let before = self.copy.read().clone();
        let usable =
            before.as_ref().filter(|copy| copy.objects.is_at(&directory) && !copy.objects.is_damaged());
        let mut copy = match usable {
            Some(copy) => Copy::clone(copy),
            None => Copy::foreign(Arc::new(Objects::open(&directory, self.limits.object, None)?)),
        };
        let refs = local.refs(&prefixes(specs))?;
        let mut goals = goal::all(&refs, specs, Some(&copy.objects));
        for goal in &mut goals {
            goal.peel(&copy.objects)?;
        }
        self.hint(&mut goals, work, |prefixes| local.refs(prefixes));
        let fetched = copy.settle(goals, specs, before.as_deref())?;
        *self.copy.write() = Some(Arc::new(copy));
        Ok(fetched)
    }

    fn fetch_http(
        &self,
        url: &str,
        specs: &[RevisionSpec],
        call: Call<'_>,
        work: &mut Work,
    ) -> Result<Fetched> {
        // The session is put back only after success: after any failure the next fetch greets the server anew.
        let session = match work.session.take() {
            Some(session) if !session.is_old() => session,
            _ => Session::open(url, call)?,
        };
        let refs = session.refs(&prefixes(specs), call)?;
        let before = self.copy.read().clone();
        let mut goals = goal::all(&refs, specs, before.as_ref().map(|copy| &*copy.objects));
        self.search(&session, &mut goals, call, work)?;
        let mut copy = self.bring(&session, &mut goals, before.as_ref(), call, work)?;
        for goal in &mut goals {
            goal.peel(&copy.objects)?;
        }
        self.hint(&mut goals, work, |prefixes| session.refs(prefixes, call));
        let fetched = copy.settle(goals, specs, before.as_deref())?;
        self.publish((copy, &self.copy), before, work)?;
        work.session = Some(session);
        Ok(fetched)
    }

    /// Looks for short ids among all commits, of which a shallow copy has few. That costs a pack of commits, so a short id
    /// is looked for once in a while; once found, its commit stays here.
    fn search(&self, session: &Session, goals: &mut [Goal], call: Call<'_>, work: &mut Work) -> Result<()> {
        let now = Instant::now();
        work.searched.retain(|_, then| now.duration_since(*then) < SEARCH);
        let mut lost: Vec<&mut Goal> = goals.iter_mut().filter(|goal| goal.is_short_and_lost()).collect();
        lost.retain(|goal| !work.searched.contains_key(&goal.spec));
        if lost.is_empty() || !session.has_bare_commits() {
            return Ok(());
        }
        let root = self.root.as_deref().ok_or(Error::Corrupted(None))?;
        let mut commits = Copy::load(Generation::create(root, work.generation + 1)?, &self.limits)?;
        commits.pull_all(session, Depth::Commits, call)?;
        for goal in lost {
            goal.find_short(&commits.objects);
            work.searched.insert(goal.spec.clone(), now);
        }
        Ok(())
    }

    /// Makes the commits of all goals present, in the copy that we have or in a fresh one.
    fn bring(
        &self,
        session: &Session,
        goals: &mut [Goal],
        before: Option<&Arc<Copy>>,
        call: Call<'_>,
        work: &Work,
    ) -> Result<Copy> {
        let usable = before.filter(|copy| !copy.objects.is_damaged());
        let mut copy = match usable {
            Some(copy) if goals.iter().all(|goal| !goal.is_missing(&copy.objects)) => {
                return Ok(Copy::clone(copy));
            }
            Some(copy) if !copy.is_full(&self.limits)? => Copy::clone(copy),
            _ => {
                let root = self.root.as_deref().ok_or(Error::Corrupted(None))?;
                Copy::load(Generation::create(root, work.generation + 1)?, &self.limits)?
            }
        };
        copy.download(session, goals, call)?;
        Ok(copy)
    }

    /// Copies what is new of a local repository. That this fails is no reason not to go on.
    fn keep_spare(&self, path: &Path, cancel: &AtomicBool, work: &mut Work) {
        let (Some(root), Some(copy)) = (&self.root, self.copy.read().clone()) else { return };
        let before = self.spare.read().clone();
        let known = before.as_ref().map(|spare| &spare.state.resolved);
        if [known, work.unspared.as_ref()].contains(&Some(&copy.state.resolved)) {
            return;
        }
        let mut update = || {
            let usable = before.as_ref().filter(|spare| !spare.objects.is_damaged());
            let mut spare = match usable {
                Some(spare) if !spare.is_full(&self.limits)? => Copy::clone(spare),
                _ => Copy::load(Generation::create(root, work.generation + 1)?, &self.limits)?,
            };
            spare.take_over(&copy, &self.limits, cancel)?;
            self.publish((spare, &self.spare), before.clone(), work)
        };
        let updated = update();
        work.unspared = updated.is_err().then(|| copy.state.resolved.clone());
        if let Err(error) = updated {
            let url = format!("file://{}", path.display());
            tracing::warn!(source.url = url, %error, "No spare of the repository is kept");
        }
    }

    /// Shows a copy to readers, a new generation under its final name.
    fn publish(
        &self,
        (mut copy, place): (Copy, &RwLock<Option<Arc<Copy>>>),
        before: Option<Arc<Copy>>,
        work: &mut Work,
    ) -> Result<()> {
        let is_same = before.as_ref().is_some_and(|old| Arc::ptr_eq(&old.objects, &copy.objects));
        if is_same {
            if before.as_ref().is_none_or(|old| old.state != copy.state) {
                copy.save()?;
            }
        } else {
            let root = self.root.as_deref().ok_or(Error::Corrupted(None))?;
            copy.first()?;
            copy = copy.keep(root, work.generation + 1, &self.limits)?;
            work.generation += 1;
            tracing::debug!(generation = work.generation, directory = %root.display(), "A fresh mirror");
        }
        *place.write() = Some(Arc::new(copy));
        if let Some(generation) = before.filter(|_| !is_same).and_then(|old| old.generation.clone()) {
            generation.retire();
        }
        Ok(())
    }

    /// Never uses the present copy for a fetch again.
    fn discard(&self) {
        if let Some(copy) = &*self.copy.read() {
            copy.objects.give_up();
        }
    }

    /// Offers similar names for revisions that were not found. Asking for all references costs something on a large
    /// repository, so each name is looked up once.
    fn hint(&self, goals: &mut [Goal], work: &mut Work, all: impl FnOnce(&BTreeSet<String>) -> Result<Refs>) {
        let is_new = |goal: &Goal| goal.wants_hint() && !work.hints.contains_key(&goal.spec);
        if goals.iter().any(is_new) {
            let prefixes = ["refs/heads/".to_owned(), "refs/tags/".to_owned()].into();
            let refs = all(&prefixes).unwrap_or_default();
            if work.hints.len() > HINTS {
                work.hints.clear();
            }
            for goal in goals.iter().filter(|goal| goal.wants_hint()) {
                work.hints.insert(goal.spec.clone(), resolve::near(&refs, &goal.spec));
            }
        }
        for goal in goals {
            if let Err(RevisionError::NotFound { spec, near }) = &mut goal.target {
                *near = work.hints.get(spec).cloned().unwrap_or_default();
            }
        }
    }
}

/// Takes the first of a directory and its siblings that no other process holds.
fn claim(directory: &Path) -> Result<(PathBuf, Lock)> {
    for sibling in 1..=SIBLINGS {
        let mut root = directory.to_owned();
        if sibling > 1 {
            root.as_mut_os_string().push(format!(".{sibling}"));
        }
        fs::create_dir_all(&root).map_err(Error::Disk)?;
        if let Some(lock) = Lock::take(&root)? {
            return Ok((root, lock));
        }
    }
    Err(Error::Disk(std::io::Error::other("too many processes share the cache")))
}

fn prefixes(specs: &[RevisionSpec]) -> BTreeSet<String> {
    specs.iter().flat_map(RevisionSpec::prefixes).collect()
}

/// Objects that a fetch names, each once.
pub(crate) fn unique(ids: impl IntoIterator<Item = ObjectId>) -> Vec<ObjectId> {
    ids.into_iter().collect::<BTreeSet<_>>().into_iter().collect()
}
