//! A copy of a repository and what is known of it: the unit that a fetch works on.

use std::collections::BTreeMap;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use gix::ObjectId;
use lockstep_core::Commit;

use crate::bands::Shallows;
use crate::generation::Generation;
use crate::goal::{Goal, Object};
use crate::http::Call;
use crate::mirror::{Fetched, unique};
use crate::objects::Objects;
use crate::protocol::{Ask, Depth};
use crate::session::Session;
use crate::spare::{self, PackOf};
use crate::state::State;
use crate::{Error, Limits, Result, RevisionError, RevisionSpec, Snapshot, pack};

/// Commits that we tell a server we have. More only make the request longer.
const HAVES: usize = 1024;
/// Moved revisions that are fetched one by one, each back to where it was. More are fetched together, which costs one
/// request and brings more history than needed.
const ONE_BY_ONE: usize = 8;

/// Objects, and the state that goes with them. Cloning shares the objects.
#[derive(Clone, Debug)]
pub(crate) struct Copy {
    pub(crate) objects: Arc<Objects>,
    /// None where the objects are someone else's.
    pub(crate) generation: Option<Arc<Generation>>,
    pub(crate) state: State,
}

impl Copy {
    /// A copy in a generation, as its files tell.
    pub(crate) fn load(generation: Generation, limits: &Limits) -> Result<Self> {
        let state = State::load(generation.directory());
        let generation = Arc::new(generation);
        let objects = Objects::open(&generation.objects(), limits.object, Some(generation.clone()))?;
        Ok(Self { objects: Arc::new(objects), generation: Some(generation), state })
    }

    /// Objects that are someone else's, whose state is not ours to write.
    pub(crate) fn foreign(objects: Arc<Objects>) -> Self {
        Self { objects, generation: None, state: State::default() }
    }

    fn generation(&self) -> Result<&Arc<Generation>> {
        self.generation.as_ref().ok_or(Error::Corrupted(None))
    }

    /// Whether it is time for a fresh copy.
    pub(crate) fn is_full(&self, limits: &Limits) -> Result<bool> {
        let usage = pack::usage(&self.generation()?.packs())?;
        Ok(usage.packs >= limits.packs || usage.bytes > self.state.first_bytes * 2 + limits.growth)
    }

    /// Notes the size of a first fetch.
    pub(crate) fn first(&mut self) -> Result<()> {
        self.state.first_bytes = pack::usage(&self.generation()?.packs())?.bytes;
        Ok(())
    }

    pub(crate) fn save(&self) -> Result<()> {
        self.state.save(self.generation()?.directory())
    }

    /// Gives a new generation its final name. Its objects are opened anew, since their paths change.
    pub(crate) fn keep(self, root: &Path, number: u64, limits: &Limits) -> Result<Self> {
        self.save()?;
        let Self { objects, generation, .. } = self;
        drop(objects);
        let generation = generation.and_then(Arc::into_inner).ok_or(Error::Corrupted(None))?;
        Self::load(generation.keep(root, number)?, limits)
    }

    /// Fetches what is missing: new revisions at depth 1, moved ones back to where they were.
    pub(crate) fn download(&mut self, session: &Session, goals: &mut [Goal], call: Call<'_>) -> Result<()> {
        let missing: Vec<&Goal> = goals.iter().filter(|goal| goal.is_missing(&self.objects)).collect();
        let mut fresh = Vec::new();
        let mut moved: BTreeMap<ObjectId, i64> = BTreeMap::new();
        for goal in missing {
            let Ok(object) = &goal.target else { continue };
            let known = self.state.resolved.get(&goal.spec).and_then(|id| self.objects.commit(*id));
            match known {
                _ if !object.is_tip => {}
                None => fresh.push(object.want),
                Some(old) => {
                    let since = moved.entry(object.want).or_insert(old.commit.time.0);
                    *since = (*since).min(old.commit.time.0);
                }
            }
        }
        fresh.retain(|want| !moved.contains_key(want));
        if !fresh.is_empty() {
            self.pull(session, unique(fresh), Depth::One, call)?;
        }
        for (wants, since) in batches(moved) {
            match self.pull(session, wants.clone(), Depth::Since(since), call) {
                // Reset to an older commit: there is nothing since. The commit alone will do.
                Err(Error::Protocol(_)) => self.pull(session, wants, Depth::One, call)?,
                other => other?,
            }
        }
        for goal in goals {
            self.download_id(session, goal, call)?;
        }
        Ok(())
    }

    /// A commit that no reference points to is asked for alone: a refusal is about this revision only.
    fn download_id(&mut self, session: &Session, goal: &mut Goal, call: Call<'_>) -> Result<()> {
        let Ok(Object { want, is_tip: false, .. }) = goal.target else { return Ok(()) };
        if !goal.is_missing(&self.objects) {
            return Ok(());
        }
        match self.pull(session, vec![want], Depth::One, call) {
            Err(Error::Protocol(_)) if session.is_old() => self.pull_all(session, Depth::Full, call)?,
            Err(Error::Protocol(_)) => {}
            other => other?,
        }
        if goal.is_missing(&self.objects) {
            goal.target = Err(RevisionError::NotFound { spec: goal.spec.clone(), near: Vec::new() });
        }
        Ok(())
    }

    /// Fetches what all branches and tags lead to. Old servers give only what references lead to; and a short id can be
    /// that of any commit.
    pub(crate) fn pull_all(&mut self, session: &Session, depth: Depth, call: Call<'_>) -> Result<()> {
        let prefixes = ["refs/heads/".to_owned(), "refs/tags/".to_owned()].into();
        let refs = session.refs(&prefixes, call)?;
        let names = refs.iter().filter(|r| prefixes.iter().any(|prefix| r.name.starts_with(prefix)));
        match unique(names.map(|r| r.id)) {
            wants if wants.is_empty() => Ok(()),
            wants => self.pull(session, wants, depth, call),
        }
    }

    fn pull(&mut self, session: &Session, wants: Vec<ObjectId>, depth: Depth, call: Call<'_>) -> Result<()> {
        // Without a cut the server sends the parents of what we have too, so it must not know that we have anything.
        let is_whole = matches!(depth, Depth::Full | Depth::Commits);
        let haves = match is_whole {
            true => Vec::new(),
            false => unique(self.state.resolved.values().copied().filter(|id| self.objects.contains(*id))),
        };
        let ask = Ask { wants, haves: haves.into_iter().take(HAVES).collect(), depth };
        let generation = self.generation()?.clone();
        let objects = self.objects.clone();
        let shallow = if is_whole { Default::default() } else { self.state.shallow.clone() };
        let state = &mut self.state;
        let (shallows, ()) = session.pack(&ask, &shallow, call, |shallows, pack| {
            // Before the pack: commits whose parents are missing must never be there without our knowing.
            if note(state, shallows) {
                state.save(generation.directory())?;
            }
            pack::write(pack, &generation.packs(), Some(&objects), call.limits, call.cancel)
        })?;
        for id in shallows.removed {
            self.state.shallow.remove(&id);
        }
        Ok(())
    }

    /// Takes over what the revisions of another copy lead to, without history.
    pub(crate) fn take_over(&mut self, from: &Self, limits: &Limits, cancel: &AtomicBool) -> Result<()> {
        let tips = unique(from.state.resolved.values().copied());
        let ids = spare::missing(&from.objects, &self.objects, &tips, limits.spare)?;
        let generation = self.generation()?.clone();
        // Before the pack, as in a fetch.
        let shallow = self.state.shallow.len();
        self.state.shallow.extend(tips);
        if self.state.shallow.len() > shallow {
            self.state.save(generation.directory())?;
        }
        if !ids.is_empty() {
            let mut pack = BufReader::new(PackOf::new(&from.objects, ids)?);
            pack::write(&mut pack, &generation.packs(), None, limits, cancel)?;
        }
        self.state.resolved = from.state.resolved.clone();
        Ok(())
    }

    /// What a revision was resolved to, where the commit is here.
    pub(crate) fn resolved(&self, spec: &RevisionSpec) -> Option<Commit> {
        let id = *self.state.resolved.get(spec)?;
        self.objects.commit(id).map(|node| node.commit)
    }

    /// The tree of a commit.
    pub(crate) fn snapshot(&self, id: ObjectId) -> Option<Snapshot> {
        let node = self.objects.commit(id)?;
        Some(Snapshot::new(self.objects.clone(), node.commit, node.tree))
    }

    /// Turns goals into the answer for a caller, and remembers it.
    pub(crate) fn settle(
        &mut self,
        goals: Vec<Goal>,
        specs: &[RevisionSpec],
        before: Option<&Self>,
    ) -> Result<Fetched> {
        let mut fetched = Fetched::default();
        for goal in goals {
            let commit = match goal.target {
                Ok(object) => match self.objects.commit(object.commit) {
                    Some(node) => {
                        let old = before.and_then(|copy| copy.state.resolved.get(&goal.spec));
                        if old != Some(&object.commit) {
                            fetched.changed.push(goal.spec.clone());
                        }
                        self.state.resolved.insert(goal.spec.clone(), object.commit);
                        Ok(node.commit)
                    }
                    None if self.objects.contains(object.commit) => {
                        Err(RevisionError::NotACommit { spec: goal.spec.clone() })
                    }
                    None => {
                        return Err(self.objects.damage(format!("commit {} did not arrive", object.commit)));
                    }
                },
                Err(error) => Err(error),
            };
            fetched.revisions.insert(goal.spec, commit);
        }
        self.state.trim(specs);
        Ok(fetched)
    }
}

/// What to fetch together, and since when.
fn batches(moved: BTreeMap<ObjectId, i64>) -> Vec<(Vec<ObjectId>, i64)> {
    match moved.values().min() {
        Some(since) if moved.len() > ONE_BY_ONE => vec![(moved.keys().copied().collect(), *since)],
        _ => moved.into_iter().map(|(want, since)| (vec![want], since)).collect(),
    }
}

/// Adds new boundaries of history; whether there were any.
fn note(state: &mut State, shallows: &Shallows) -> bool {
    let before = state.shallow.len();
    state.shallow.extend(shallows.added.iter().copied());
    state.shallow.len() > before
}
