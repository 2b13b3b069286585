//! Which Application desires, and which has recorded, which object; and who has yet to render a commit.
//!
//! One place for the questions that no single Application can answer: whose object changed, does another Application
//! desire what this one would prune, has everyone on a repository rendered the commit in which an object may have moved.

mod outstanding;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap, HashSet};

use git::RevisionSpec;
use lockstep_core::{AppKey, CommitId, ObjectKey};
use parking_lot::RwLock;
use plan::{Claim as Wish, Standing, Unrendered};

use outstanding::{Caught, Mark, Outstanding};

/// A repository by its identity (`RepoUrl::identity`).
pub(crate) type RepositoryId = String;

#[derive(Default)]
struct Claim {
    desired: BTreeSet<AppKey>,
    recorded: BTreeSet<AppKey>,
}

impl Claim {
    fn is_empty(&self) -> bool {
        self.desired.is_empty() && self.recorded.is_empty()
    }
}

#[derive(Default)]
struct Inner {
    objects: HashMap<ObjectKey, Claim>,
    desired: HashMap<AppKey, HashSet<ObjectKey>>,
    recorded: HashMap<AppKey, HashSet<ObjectKey>>,
    outstanding: Outstanding,
    /// What of it is taken from nobody.
    modest: HashMap<AppKey, HashSet<ObjectKey>>,
    /// Applications that are not acted on.
    idle: BTreeSet<AppKey>,
}

#[derive(Clone, Copy)]
enum Side {
    Desired,
    Recorded,
}

/// What an Application's claims are worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// It is acted on.
    Acts,
    /// It is suspended, or refused: it takes nothing from anybody.
    Idle,
}

/// The claims of all Applications.
#[derive(Default)]
pub(crate) struct Claims(RwLock<Inner>);

impl Claims {
    /// Replaces what `app` desires. Returns the other Applications that are concerned by what changed: those that
    /// desire or have recorded an object which `app` newly desires or no longer does.
    pub(crate) fn set_desired(&self, app: &AppKey, keys: HashSet<ObjectKey>) -> BTreeSet<AppKey> {
        self.0.write().replace(app, Side::Desired, keys)
    }

    /// `app` is acted on from now on, or is not.
    pub(crate) fn set_role(&self, app: &AppKey, role: Role) {
        let mut inner = self.0.write();
        match role {
            Role::Acts => inner.idle.remove(app),
            Role::Idle => inner.idle.insert(app.clone()),
        };
    }

    /// Replaces what `app` has recorded.
    pub(crate) fn set_recorded(&self, app: &AppKey, keys: HashSet<ObjectKey>) {
        self.0.write().replace(app, Side::Recorded, keys);
    }

    /// Forgets an Application. Returns the others that are concerned.
    pub(crate) fn forget(&self, app: &AppKey) -> BTreeSet<AppKey> {
        let mut inner = self.0.write();
        let mut concerned = inner.replace(app, Side::Desired, HashSet::new());
        concerned.extend(inner.replace(app, Side::Recorded, HashSet::new()));
        concerned.extend(inner.outstanding.forget(app));
        inner.modest.remove(app);
        inner.idle.remove(app);
        concerned
    }

    /// The Applications to tell of a live change of `key`.
    pub(crate) fn concerned(&self, key: &ObjectKey) -> Vec<AppKey> {
        let inner = self.0.read();
        let Some(claim) = inner.objects.get(key) else { return Vec::new() };
        claim.desired.union(&claim.recorded).cloned().collect()
    }

    /// The repositories that the sources of `app` name; an object may move between Applications that share one. It is not
    /// behind on those that it left: returns whose held prunes may go on.
    pub(crate) fn set_repositories(
        &self,
        app: &AppKey,
        repositories: BTreeSet<RepositoryId>,
    ) -> BTreeSet<AppKey> {
        self.0.write().outstanding.set_repositories(app, repositories)
    }

    /// `app` is being deleted: it renders nothing any more, so that nobody waits for it, but it waits for those on the repositories
    /// that its sources name as long as it has objects to delete. Returns whose held prunes may go on.
    pub(crate) fn set_leaving(&self, app: &AppKey, repositories: BTreeSet<RepositoryId>) -> BTreeSet<AppKey> {
        self.0.write().outstanding.set_leaving(app, repositories)
    }

    /// The Applications other than `app` that desire `key`.
    pub(crate) fn wishes(&self, key: &ObjectKey, app: &AppKey) -> Vec<Wish> {
        let inner = self.0.read();
        let Some(claim) = inner.objects.get(key) else { return Vec::new() };
        let wish = |other: &AppKey| {
            let modest = inner.modest.get(other).is_some_and(|keys| keys.contains(key));
            let standing = match (inner.outstanding.is_behind(other, app), claim.recorded.contains(other)) {
                (false, _) if modest => Standing::Idle,
                (true, _) => Standing::Stale,
                (false, true) => Standing::Recorded,
                (false, false) if inner.idle.contains(other) => Standing::Idle,
                (false, false) => Standing::Desired,
            };
            Wish { app: other.clone(), standing }
        };
        claim.desired.iter().filter(|other| *other != app).map(wish).collect()
    }

    /// `app` follows these revisions of `repository` from now on and has yet to render each of them.
    pub(crate) fn start_over(&self, repository: &str, app: &AppKey, specs: &[RevisionSpec]) {
        self.0.write().outstanding.start_over(repository, app, specs);
    }

    /// What `app` wants of a revision cannot be told by any commit: its spec has to change first.
    pub(crate) fn set_unreadable(&self, repository: &str, app: &AppKey, spec: &RevisionSpec) {
        self.0.write().outstanding.set(repository, app, spec, Mark { commit: None, failed: true });
    }

    /// Renders of `repository` are outstanding: of a commit, or of whichever comes first.
    pub(crate) fn set_behind(&self, repository: &str, marks: &[(AppKey, RevisionSpec, Option<CommitId>)]) {
        let mut inner = self.0.write();
        for (app, spec, commit) in marks {
            let mark = Mark { commit: commit.clone(), failed: false };
            inner.outstanding.set(repository, app, spec, mark);
        }
    }

    /// The render of a commit by `app` was refused.
    pub(crate) fn set_failed(&self, repository: &str, app: &AppKey, spec: &RevisionSpec, commit: &CommitId) {
        self.0.write().outstanding.set_failed(repository, app, spec, commit);
    }

    /// What is newest changes nothing for `app`, whose last render, of this commit, was refused: that is still all it has, whatever
    /// was outstanding in between.
    pub(crate) fn still_failed(
        &self,
        repository: &str,
        app: &AppKey,
        spec: &RevisionSpec,
        commit: &CommitId,
    ) {
        let mark = Mark { commit: Some(commit.clone()), failed: true };
        self.0.write().outstanding.set(repository, app, spec, mark);
    }

    /// `app` has rendered a commit without an error, or (`None`) what is newest leaves as it is what it last rendered without an
    /// error. Returns those whose held prunes may go on, and those that want an object of it too.
    pub(crate) fn caught_up(
        &self,
        repository: &str,
        app: &AppKey,
        (spec, commit): (&RevisionSpec, Option<&CommitId>),
    ) -> BTreeSet<AppKey> {
        let mut inner = self.0.write();
        let (caught, released) = inner.outstanding.caught_up(repository, app, (spec, commit));
        match caught {
            Caught::All => inner.rivals(app).union(&released).cloned().collect(),
            Caught::Less => released,
        }
    }

    /// The Applications other than `app` that have yet to render the newest commit of a repository they share with it.
    pub(crate) fn unrendered(&self, app: &AppKey) -> Vec<Unrendered> {
        self.0.read().outstanding.unrendered(app)
    }

    /// Whether `app` has yet to render the newest commit of one of its repositories.
    pub(crate) fn has_outstanding(&self, app: &AppKey) -> bool {
        self.0.read().outstanding.is_behind(app, app)
    }

    /// Replaces which of the objects that `app` desires it takes from nobody.
    pub(crate) fn set_modest(&self, app: &AppKey, keys: HashSet<ObjectKey>) {
        let mut inner = self.0.write();
        match keys.is_empty() {
            true => inner.modest.remove(app),
            false => inner.modest.insert(app.clone(), keys),
        };
    }

    /// `app` holds a prune until everyone on its repositories has rendered: [`Claims::caught_up`] will name it.
    pub(crate) fn hold(&self, app: &AppKey) {
        self.0.write().outstanding.hold(app);
    }
}

impl Inner {
    fn replace(&mut self, app: &AppKey, side: Side, keys: HashSet<ObjectKey>) -> BTreeSet<AppKey> {
        let table = match side {
            Side::Desired => &mut self.desired,
            Side::Recorded => &mut self.recorded,
        };
        let old = match keys.is_empty() {
            true => table.remove(app).unwrap_or_default(),
            false => table.insert(app.clone(), keys.clone()).unwrap_or_default(),
        };
        let mut concerned = BTreeSet::new();
        for key in old.difference(&keys) {
            concerned.extend(self.drop_claim(app, side, key));
        }
        for key in keys.difference(&old) {
            let claim = self.objects.entry(key.clone()).or_default();
            concerned.extend(claim.desired.union(&claim.recorded).cloned());
            match side {
                Side::Desired => claim.desired.insert(app.clone()),
                Side::Recorded => claim.recorded.insert(app.clone()),
            };
        }
        concerned.remove(app);
        concerned
    }

    fn drop_claim(&mut self, app: &AppKey, side: Side, key: &ObjectKey) -> BTreeSet<AppKey> {
        let Some(claim) = self.objects.get_mut(key) else { return BTreeSet::new() };
        match side {
            Side::Desired => claim.desired.remove(app),
            Side::Recorded => claim.recorded.remove(app),
        };
        let others = claim.desired.union(&claim.recorded).cloned().collect();
        if claim.is_empty() {
            self.objects.remove(key);
        }
        others
    }

    /// The Applications that desire an object which `app` desires too: its word counts for them now.
    fn rivals(&self, app: &AppKey) -> BTreeSet<AppKey> {
        let keys = self.desired.get(app).into_iter().flatten();
        let claims = keys.filter_map(|key| self.objects.get(key)).filter(|claim| claim.desired.len() > 1);
        claims.flat_map(|claim| &claim.desired).filter(|other| *other != app).cloned().collect()
    }
}
