//! One repository as its fetches show it: when it is due, what its revisions are, who uses it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use git::{Access, RevisionSpec};
use lockstep_core::{AppKey, Commit, CommitId, RepoUrl};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::user::{Rendition, User};
use super::{Look, Wanted};
use crate::schedule::Schedule;

struct State {
    schedule: Schedule,
    users: BTreeMap<AppKey, User>,
    resolved: HashMap<RevisionSpec, Result<Commit, Arc<str>>>,
    unreachable: Option<Arc<str>>,
}

/// One repository, fetched with one identity.
pub(super) struct Repository {
    pub(super) url: RepoUrl,
    pub(super) access: Access,
    state: Mutex<State>,
    wake: Notify,
}

/// A revision that is another commit now than the one an Application knows.
pub(super) type Move = (AppKey, RevisionSpec, Commit);

impl Repository {
    pub(super) fn new(want: &Wanted, poll: Duration) -> Self {
        let state = State {
            schedule: Schedule::new(poll, Instant::now()),
            users: BTreeMap::new(),
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
    pub(super) fn enter(&self, app: &AppKey, specs: Vec<RevisionSpec>, afresh: bool, now: Instant) -> bool {
        let mut state = self.state.lock();
        let State { schedule, users, .. } = &mut *state;
        let user = users.entry(app.clone()).or_default();
        let reset = user.follow(specs, afresh);
        if afresh {
            user.ticket = schedule.request(now);
            self.wake.notify_one();
        }
        reset
    }

    pub(super) fn begin(&self, now: Instant) -> Vec<RevisionSpec> {
        let mut state = self.state.lock();
        state.schedule.begin(now);
        let specs: BTreeSet<RevisionSpec> =
            state.users.values().flat_map(|user| user.specs().cloned()).collect();
        state.resolved.retain(|spec, _| specs.contains(spec));
        specs.into_iter().collect()
    }

    pub(super) fn unresolved(&self) -> BTreeSet<RevisionSpec> {
        let state = self.state.lock();
        let specs = state.users.values().flat_map(|user| user.specs());
        specs.filter(|spec| !state.resolved.contains_key(*spec)).cloned().collect()
    }

    /// Ends a fetch and names those that waited for it and have rendered nothing yet.
    pub(super) fn end(&self, succeeded: bool, jitter: f64) -> Vec<AppKey> {
        let mut state = self.state.lock();
        state.schedule.end(succeeded, Instant::now(), jitter);
        let waiting = state.users.iter().filter(|(_, user)| user.has_unrendered());
        waiting.map(|(app, _)| app.clone()).collect()
    }

    pub(super) fn moved(&self, fetched: &git::Fetched) -> Vec<Move> {
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
    pub(super) fn take_in(&self, fetched: git::Fetched) -> BTreeSet<AppKey> {
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
    pub(super) fn set_unreachable(&self, reason: Option<Arc<str>>) -> BTreeSet<AppKey> {
        let mut state = self.state.lock();
        let flipped = state.unreachable.is_some() != reason.is_some();
        state.unreachable = reason;
        if flipped { state.users.keys().cloned().collect() } else { BTreeSet::new() }
    }

    /// What `app` last rendered, and of which commit.
    pub(super) fn last(&self, app: &AppKey, spec: &RevisionSpec) -> Option<(Rendition, CommitId)> {
        self.state.lock().users.get(app)?.last(spec)
    }

    pub(super) fn set_unchanged(&self, app: &AppKey, spec: &RevisionSpec, commit: &CommitId) {
        if let Some(user) = self.state.lock().users.get_mut(app) {
            user.set_unchanged(spec, commit);
        }
    }

    /// See [`super::Hub::rendered`].
    pub(super) fn rendered(&self, app: &AppKey, spec: &RevisionSpec, commit: &Commit, look: &Rendition) {
        if let Some(user) = self.state.lock().users.get_mut(app) {
            user.set_rendered(spec, commit, look);
        }
    }

    /// What is known of a revision that `app` wants.
    pub(super) fn look(&self, app: &AppKey, spec: &RevisionSpec, now: Instant) -> Look {
        let mut state = self.state.lock();
        let State { schedule, users, resolved, unreachable } = &mut *state;
        let Some(user) = users.get_mut(app) else { return Look::Waiting };
        if !schedule.is_over(user.ticket) {
            return Look::Waiting;
        }
        let unreachable = unreachable.clone();
        match resolved.get(spec) {
            Some(Ok(commit)) => Look::Found { commit: user.settled(spec, commit), unreachable },
            Some(Err(reason)) => Look::Failed(reason.clone()),
            None => match unreachable {
                Some(reason) => Look::Failed(reason),
                None => {
                    // It was wanted first while the fetch ran that its ticket waited for.
                    user.ticket = schedule.request(now);
                    self.wake.notify_one();
                    Look::Waiting
                }
            },
        }
    }

    /// Asks for a fetch that begins after now.
    pub(super) fn request(&self, now: Instant) {
        self.state.lock().schedule.request(now);
        self.wake.notify_one();
    }

    /// Waits until a fetch is due.
    pub(super) async fn due(&self) {
        loop {
            let due = self.state.lock().schedule.due();
            match due.filter(|due| *due > Instant::now()) {
                // A wake-up may have moved the time: look again.
                Some(due) => drop(tokio::time::timeout_at(due, self.wake.notified()).await),
                None => return,
            }
        }
    }

    pub(super) fn leave(&self, app: &AppKey) {
        self.state.lock().users.remove(app);
    }

    pub(super) fn is_unused(&self) -> bool {
        self.state.lock().users.is_empty()
    }

    pub(super) fn is_reachable(&self) -> bool {
        self.state.lock().unreachable.is_none()
    }

    /// What an earlier process found a revision to be.
    pub(super) fn resolve(&self, spec: RevisionSpec, commit: Commit) {
        self.state.lock().resolved.insert(spec, Ok(commit));
    }
}
