//! Renders that are outstanding, and the prunes that are held until they are made.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use git::RevisionSpec;
use lockstep_core::{AppKey, CommitId};
use plan::Unrendered;

use super::RepositoryId;

/// A render that is outstanding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// Of this commit: the render of another one does not do. `None`: of whichever comes first.
    pub(super) commit: Option<CommitId>,
    pub(super) failed: bool,
}

/// The outstanding renders of one repository, by Application and revision.
type Behind = BTreeMap<AppKey, BTreeMap<RevisionSpec, Mark>>;

/// What a render left outstanding on its repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caught {
    /// Nothing of this Application any more, for the first time.
    All,
    /// Something, or nothing was.
    Less,
}

#[derive(Default)]
pub(super) struct Outstanding {
    /// Applications that a repository's newest commit touches and that have not rendered it without an error.
    behind: HashMap<RepositoryId, Behind>,
    /// The repositories that an Application's sources name.
    repositories: HashMap<AppKey, BTreeSet<RepositoryId>>,
    /// Applications with a prune that waits for a repository.
    holding: HashMap<RepositoryId, BTreeSet<AppKey>>,
}

impl Outstanding {
    /// Returns whose held prunes may go on.
    pub(super) fn set_repositories(
        &mut self,
        app: &AppKey,
        repositories: BTreeSet<RepositoryId>,
    ) -> BTreeSet<AppKey> {
        let before = self.repositories.insert(app.clone(), repositories.clone()).unwrap_or_default();
        before.difference(&repositories).flat_map(|left| self.leave(left, app)).collect()
    }

    /// Nothing of `app` is outstanding any more. Returns whose held prunes may go on.
    pub(super) fn set_leaving(
        &mut self,
        app: &AppKey,
        repositories: BTreeSet<RepositoryId>,
    ) -> BTreeSet<AppKey> {
        self.repositories.insert(app.clone(), repositories);
        self.leave_all(app)
    }

    /// Forgets an Application. Returns whose held prunes may go on.
    pub(super) fn forget(&mut self, app: &AppKey) -> BTreeSet<AppKey> {
        let released = self.leave_all(app);
        for apps in self.holding.values_mut() {
            apps.remove(app);
        }
        self.repositories.remove(app);
        released
    }

    pub(super) fn start_over(&mut self, repository: &str, app: &AppKey, specs: &[RevisionSpec]) {
        let marks = specs.iter().map(|spec| (spec.clone(), Mark { commit: None, failed: false })).collect();
        self.behind.entry(repository.to_owned()).or_default().insert(app.clone(), marks);
    }

    pub(super) fn set(&mut self, repository: &str, app: &AppKey, spec: &RevisionSpec, mark: Mark) {
        self.specs(repository, app).insert(spec.clone(), mark);
    }

    /// The render of a commit was refused; of another one than is outstanding that says nothing.
    pub(super) fn set_failed(
        &mut self,
        repository: &str,
        app: &AppKey,
        spec: &RevisionSpec,
        commit: &CommitId,
    ) {
        let specs = self.specs(repository, app);
        let mark = specs.entry(spec.clone()).or_insert_with(|| Mark { commit: None, failed: true });
        if mark.commit.as_ref().is_none_or(|outstanding| outstanding == commit) {
            *mark = Mark { commit: Some(commit.clone()), failed: true };
        }
    }

    fn specs(&mut self, repository: &str, app: &AppKey) -> &mut BTreeMap<RevisionSpec, Mark> {
        self.behind.entry(repository.to_owned()).or_default().entry(app.clone()).or_default()
    }

    /// A render was made. Returns what is left, and whose held prunes may go on.
    pub(super) fn caught_up(
        &mut self,
        repository: &str,
        app: &AppKey,
        (spec, commit): (&RevisionSpec, Option<&CommitId>),
    ) -> (Caught, BTreeSet<AppKey>) {
        let Some(behind) = self.behind.get_mut(repository) else { return (Caught::Less, BTreeSet::new()) };
        let mut caught = Caught::Less;
        if let Some(marks) = behind.get_mut(app) {
            let other =
                |mark: &Mark| commit.is_some() && mark.commit.is_some() && mark.commit.as_ref() != commit;
            if marks.get(spec).is_some_and(|mark| !other(mark)) {
                marks.remove(spec);
            }
            if marks.is_empty() {
                behind.remove(app);
                caught = Caught::All;
            }
        }
        (caught, self.released(repository))
    }

    /// The Applications other than `app` that have yet to render the newest commit of a repository they share with it.
    pub(super) fn unrendered(&self, app: &AppKey) -> Vec<Unrendered> {
        let Some(repositories) = self.repositories.get(app) else { return Vec::new() };
        let behind = repositories.iter().filter_map(|repository| self.behind.get(repository)).flatten();
        let mut others: BTreeMap<&AppKey, bool> = BTreeMap::new();
        for (other, marks) in behind.filter(|(other, _)| *other != app) {
            *others.entry(other).or_default() |= marks.values().any(|mark| mark.failed);
        }
        let unrendered = |(app, failed): (&AppKey, bool)| Unrendered { app: app.clone(), failed };
        others.into_iter().map(unrendered).collect()
    }

    /// `app` holds a prune until everyone on its repositories has rendered.
    pub(super) fn hold(&mut self, app: &AppKey) {
        for repository in self.repositories.get(app).cloned().unwrap_or_default() {
            self.holding.entry(repository).or_default().insert(app.clone());
        }
    }

    /// Whether `other` has something outstanding on a repository of `app`.
    pub(super) fn is_behind(&self, other: &AppKey, app: &AppKey) -> bool {
        let shared = self.repositories.get(app).into_iter().flatten();
        shared.filter_map(|repository| self.behind.get(repository)).any(|behind| behind.contains_key(other))
    }

    fn leave_all(&mut self, app: &AppKey) -> BTreeSet<AppKey> {
        let behind: Vec<RepositoryId> = self.behind.keys().cloned().collect();
        behind.iter().flat_map(|repository| self.leave(repository, app)).collect()
    }

    /// `app` has nothing outstanding on a repository any more.
    fn leave(&mut self, repository: &str, app: &AppKey) -> BTreeSet<AppKey> {
        if self.behind.get_mut(repository).is_some_and(|behind| behind.remove(app).is_some()) {
            return self.released(repository);
        }
        BTreeSet::new()
    }

    /// Those whose prunes are held for nobody but those that hold one themselves.
    fn released(&mut self, repository: &str) -> BTreeSet<AppKey> {
        let Some(behind) = self.behind.get(repository) else { return BTreeSet::new() };
        let holding = self.holding.get(repository);
        if behind.keys().any(|other| holding.is_none_or(|holding| !holding.contains(other))) {
            return BTreeSet::new();
        }
        if behind.is_empty() {
            self.behind.remove(repository);
        }
        self.holding.remove(repository).unwrap_or_default()
    }
}
