//! Which Application desires, and which has recorded, which object; and who has yet to render a commit.
//!
//! One place for the questions that no single Application can answer: whose object changed, does another Application
//! desire what this one would prune, has everyone on a repository rendered the commit in which an object may have moved.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use git::RevisionSpec;
use lockstep_core::{AppKey, CommitId, ObjectKey};
use parking_lot::RwLock;
use plan::{Claim as Wish, Standing, Unrendered};

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
    /// Applications that a repository's newest commit touches and that have not rendered it without an error.
    behind: HashMap<RepositoryId, Behind>,
    /// The repositories that an Application's sources name.
    repositories: HashMap<AppKey, BTreeSet<RepositoryId>>,
    /// Applications that are not acted on.
    idle: BTreeSet<AppKey>,
    /// Applications with a prune that waits for a repository.
    holding: HashMap<RepositoryId, BTreeSet<AppKey>>,
}

/// A render that is outstanding.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mark {
    /// Of this commit: the render of another one does not do. `None`: of whichever comes first.
    commit: Option<CommitId>,
    failed: bool,
}

/// The outstanding renders of one repository, by Application and revision.
type Behind = BTreeMap<AppKey, BTreeMap<RevisionSpec, Mark>>;

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
        let repositories: Vec<RepositoryId> = inner.behind.keys().cloned().collect();
        for repository in repositories {
            concerned.extend(inner.leave(&repository, app));
        }
        for apps in inner.holding.values_mut() {
            apps.remove(app);
        }
        inner.repositories.remove(app);
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
        let mut inner = self.0.write();
        let before = inner.repositories.insert(app.clone(), repositories.clone()).unwrap_or_default();
        before.difference(&repositories).flat_map(|left| inner.leave(left, app)).collect()
    }

    /// `app` is being deleted: it renders nothing any more, so that nobody waits for it, but it waits for those on the repositories
    /// that its sources name as long as it has objects to delete. Returns whose held prunes may go on.
    pub(crate) fn set_leaving(&self, app: &AppKey, repositories: BTreeSet<RepositoryId>) -> BTreeSet<AppKey> {
        let mut inner = self.0.write();
        inner.repositories.insert(app.clone(), repositories);
        let behind: Vec<RepositoryId> = inner.behind.keys().cloned().collect();
        behind.iter().flat_map(|repository| inner.leave(repository, app)).collect()
    }

    /// The Applications other than `app` that desire `key`.
    pub(crate) fn wishes(&self, key: &ObjectKey, app: &AppKey) -> Vec<Wish> {
        let inner = self.0.read();
        let Some(claim) = inner.objects.get(key) else { return Vec::new() };
        let wish = |other: &AppKey| {
            let standing = match (inner.is_behind(other, app), claim.recorded.contains(other)) {
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
        let marks = specs.iter().map(|spec| (spec.clone(), Mark { commit: None, failed: false })).collect();
        self.0.write().behind.entry(repository.to_owned()).or_default().insert(app.clone(), marks);
    }

    /// What `app` wants of a revision cannot be told by any commit: its spec has to change first.
    pub(crate) fn set_unreadable(&self, repository: &str, app: &AppKey, spec: &RevisionSpec) {
        let mut inner = self.0.write();
        let specs = inner.behind.entry(repository.to_owned()).or_default().entry(app.clone()).or_default();
        specs.insert(spec.clone(), Mark { commit: None, failed: true });
    }

    /// Renders of `repository` are outstanding: of a commit, or of whichever comes first.
    pub(crate) fn set_behind(&self, repository: &str, marks: &[(AppKey, RevisionSpec, Option<CommitId>)]) {
        let mut inner = self.0.write();
        let behind = inner.behind.entry(repository.to_owned()).or_default();
        for (app, spec, commit) in marks {
            let mark = Mark { commit: commit.clone(), failed: false };
            behind.entry(app.clone()).or_default().insert(spec.clone(), mark);
        }
    }

    /// The render of a commit by `app` was refused.
    pub(crate) fn set_failed(&self, repository: &str, app: &AppKey, spec: &RevisionSpec, commit: &CommitId) {
        let mut inner = self.0.write();
        let specs = inner.behind.entry(repository.to_owned()).or_default().entry(app.clone()).or_default();
        let mark = specs.entry(spec.clone()).or_insert_with(|| Mark { commit: None, failed: true });
        if mark.commit.as_ref().is_none_or(|outstanding| outstanding == commit) {
            *mark = Mark { commit: Some(commit.clone()), failed: true };
        }
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
        let mut inner = self.0.write();
        let specs = inner.behind.entry(repository.to_owned()).or_default().entry(app.clone()).or_default();
        specs.insert(spec.clone(), Mark { commit: Some(commit.clone()), failed: true });
    }

    /// `app` has rendered a commit without an error, or (`None`) what is newest leaves as it is what it last rendered without an
    /// error. Returns those whose held prunes may go on, and those that want an object of it too.
    pub(crate) fn caught_up(
        &self,
        repository: &str,
        app: &AppKey,
        (spec, commit): (&RevisionSpec, Option<&CommitId>),
    ) -> BTreeSet<AppKey> {
        self.0.write().caught_up(repository, app, (spec, commit))
    }

    /// The Applications other than `app` that have yet to render the newest commit of a repository they share with it.
    pub(crate) fn unrendered(&self, app: &AppKey) -> Vec<Unrendered> {
        let inner = self.0.read();
        let Some(repositories) = inner.repositories.get(app) else { return Vec::new() };
        let behind = repositories.iter().filter_map(|repository| inner.behind.get(repository)).flatten();
        let mut others: BTreeMap<&AppKey, bool> = BTreeMap::new();
        for (other, marks) in behind.filter(|(other, _)| *other != app) {
            *others.entry(other).or_default() |= marks.values().any(|mark| mark.failed);
        }
        let unrendered = |(app, failed): (&AppKey, bool)| Unrendered { app: app.clone(), failed };
        others.into_iter().map(unrendered).collect()
    }

    /// `app` holds a prune until everyone on its repositories has rendered: [`Claims::caught_up`] will name it.
    pub(crate) fn hold(&self, app: &AppKey) {
        let mut inner = self.0.write();
        for repository in inner.repositories.get(app).cloned().unwrap_or_default() {
            inner.holding.entry(repository).or_default().insert(app.clone());
        }
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

    fn is_behind(&self, other: &AppKey, app: &AppKey) -> bool {
        let shared = self.repositories.get(app).into_iter().flatten();
        shared.filter_map(|repository| self.behind.get(repository)).any(|behind| behind.contains_key(other))
    }

    fn caught_up(
        &mut self,
        repository: &str,
        app: &AppKey,
        (spec, commit): (&RevisionSpec, Option<&CommitId>),
    ) -> BTreeSet<AppKey> {
        let Some(behind) = self.behind.get_mut(repository) else { return BTreeSet::new() };
        if let Some(marks) = behind.get_mut(app) {
            let other =
                |mark: &Mark| commit.is_some() && mark.commit.is_some() && mark.commit.as_ref() != commit;
            if marks.get(spec).is_some_and(|mark| !other(mark)) {
                marks.remove(spec);
            }
            if marks.is_empty() {
                behind.remove(app);
                let mut concerned = self.rivals(app);
                concerned.extend(self.released(repository));
                return concerned;
            }
        }
        self.released(repository)
    }

    /// The Applications that desire an object which `app` desires too: its word counts for them now.
    fn rivals(&self, app: &AppKey) -> BTreeSet<AppKey> {
        let keys = self.desired.get(app).into_iter().flatten();
        let claims = keys.filter_map(|key| self.objects.get(key)).filter(|claim| claim.desired.len() > 1);
        claims.flat_map(|claim| &claim.desired).filter(|other| *other != app).cloned().collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn app(name: &str) -> AppKey {
        AppKey::new("ns", name)
    }

    fn key(name: &str) -> ObjectKey {
        ObjectKey::new("", "ConfigMap", "ns", name)
    }

    fn main() -> RevisionSpec {
        RevisionSpec::new("main")
    }

    fn commit(digit: &str) -> CommitId {
        CommitId::parse(&digit.repeat(40)).unwrap()
    }

    fn mark(name: &str, of: Option<&str>) -> (AppKey, RevisionSpec, Option<CommitId>) {
        (app(name), main(), of.map(commit))
    }

    fn keys(names: &[&str]) -> HashSet<ObjectKey> {
        names.iter().map(|name| key(name)).collect()
    }

    #[test]
    fn an_object_that_moves_is_found_with_its_new_owner() {
        let claims = Claims::default();
        claims.set_desired(&app("x"), keys(&["a", "b"]));
        claims.set_recorded(&app("x"), keys(&["a", "b"]));
        assert_eq!(claims.set_desired(&app("y"), keys(&["b"])), BTreeSet::from([app("x")]));
        claims.set_desired(&app("x"), keys(&["a"]));
        let wish = |standing| [Wish { app: app("y"), standing }];
        assert_eq!(claims.wishes(&key("b"), &app("x")), wish(Standing::Desired));
        claims.set_recorded(&app("y"), keys(&["b"]));
        assert_eq!(claims.wishes(&key("b"), &app("x")), wish(Standing::Recorded));
        claims.set_recorded(&app("y"), keys(&[]));
        claims.set_role(&app("y"), Role::Idle);
        assert_eq!(claims.wishes(&key("b"), &app("x")), wish(Standing::Idle));
        claims.set_role(&app("y"), Role::Acts);
        claims.set_recorded(&app("y"), keys(&["b"]));
        claims.set_repositories(&app("x"), BTreeSet::from(["repo".to_owned()]));
        claims.set_behind("repo", &[mark("y", None)]);
        assert_eq!(claims.wishes(&key("b"), &app("x")), wish(Standing::Stale));
        assert_eq!(claims.concerned(&key("b")), [app("x"), app("y")]);
        assert_eq!(claims.forget(&app("x")), BTreeSet::from([app("y")]));
        assert_eq!(claims.concerned(&key("b")), [app("y")]);
        claims.forget(&app("y"));
        assert!(claims.0.read().objects.is_empty());
    }

    #[test]
    fn a_prune_is_held_until_everyone_has_rendered() {
        let claims = Claims::default();
        for name in ["x", "y", "z"] {
            claims.set_repositories(&app(name), BTreeSet::from(["repo".to_owned()]));
        }
        claims.set_behind("repo", &["x", "y", "z"].map(|name| mark(name, Some("2"))));
        assert!(claims.caught_up("repo", &app("x"), (&main(), Some(&commit("2")))).is_empty());
        claims.set_failed("repo", &app("z"), &main(), &commit("2"));
        let outstanding = |name, failed| Unrendered { app: app(name), failed };
        assert_eq!(claims.unrendered(&app("x")), [outstanding("y", false), outstanding("z", true)]);
        assert!(claims.unrendered(&app("stranger")).is_empty());
        claims.hold(&app("x"));
        // What is rendered of an older commit says nothing of the newer one.
        claims.caught_up("repo", &app("y"), (&main(), Some(&commit("1"))));
        assert_eq!(claims.unrendered(&app("x")), [outstanding("y", false), outstanding("z", true)]);
        claims.caught_up("repo", &app("y"), (&main(), Some(&commit("2"))));
        assert_eq!(
            claims.caught_up("repo", &app("z"), (&main(), Some(&commit("2")))),
            BTreeSet::from([app("x")])
        );
        assert!(claims.unrendered(&app("x")).is_empty());
    }

    #[test]
    fn a_deleted_application_holds_nothing_up() {
        let claims = Claims::default();
        claims.set_repositories(&app("x"), BTreeSet::from(["repo".to_owned()]));
        claims.set_behind("repo", &[mark("y", None)]);
        claims.hold(&app("x"));
        assert_eq!(claims.forget(&app("y")), BTreeSet::from([app("x")]));
    }

    #[test]
    fn an_application_on_its_way_out_waits_for_the_others_and_nobody_for_it() {
        let claims = Claims::default();
        let repositories = || BTreeSet::from(["repo".to_owned()]);
        for name in ["x", "y", "z"] {
            claims.set_repositories(&app(name), repositories());
            claims.set_behind("repo", &[mark(name, None)]);
        }
        claims.set_leaving(&app("x"), repositories());
        let outstanding = |name| Unrendered { app: app(name), failed: false };
        assert_eq!(claims.unrendered(&app("x")), [outstanding("y"), outstanding("z")]);
        assert_eq!(claims.unrendered(&app("y")), [outstanding("z")]);
        claims.hold(&app("x"));
        claims.caught_up("repo", &app("y"), (&main(), Some(&commit("1"))));
        // The last one leaves too instead of rendering.
        assert_eq!(claims.set_leaving(&app("z"), repositories()), BTreeSet::from([app("x")]));
        assert!(claims.unrendered(&app("x")).is_empty());
    }

    #[test]
    fn who_leaves_a_repository_holds_nobody_up() {
        let claims = Claims::default();
        for name in ["x", "y"] {
            claims.set_repositories(&app(name), BTreeSet::from(["repo".to_owned()]));
        }
        claims.set_failed("repo", &app("y"), &main(), &commit("1"));
        claims.hold(&app("x"));
        assert_eq!(claims.set_repositories(&app("y"), BTreeSet::new()), BTreeSet::from([app("x")]));
        assert!(claims.unrendered(&app("x")).is_empty());
    }

    #[test]
    fn a_revision_that_is_not_followed_any_more_holds_nobody_up() {
        let claims = Claims::default();
        claims.set_repositories(&app("x"), BTreeSet::from(["repo".to_owned()]));
        claims.set_failed("repo", &app("y"), &main(), &commit("1"));
        let stable = RevisionSpec::new("stable");
        claims.start_over("repo", &app("y"), std::slice::from_ref(&stable));
        assert_eq!(claims.unrendered(&app("x")), [Unrendered { app: app("y"), failed: false }]);
        claims.caught_up("repo", &app("y"), (&stable, Some(&commit("2"))));
        assert!(claims.unrendered(&app("x")).is_empty());
    }

    #[test]
    fn what_cannot_be_told_holds_until_the_spec_changes() {
        let claims = Claims::default();
        claims.set_repositories(&app("x"), BTreeSet::from(["repo".to_owned()]));
        claims.set_unreadable("repo", &app("y"), &main());
        assert_eq!(claims.unrendered(&app("x")), [Unrendered { app: app("y"), failed: true }]);
        claims.start_over("repo", &app("y"), &[main()]);
        claims.caught_up("repo", &app("y"), (&main(), Some(&commit("1"))));
        assert!(claims.unrendered(&app("x")).is_empty());
    }

    #[test]
    fn what_changes_nothing_ends_any_wait() {
        let claims = Claims::default();
        claims.set_repositories(&app("x"), BTreeSet::from(["repo".to_owned()]));
        claims.set_behind("repo", &[mark("y", Some("2"))]);
        claims.caught_up("repo", &app("y"), (&main(), None));
        assert!(claims.unrendered(&app("x")).is_empty());
    }

    #[test]
    fn a_refused_render_that_nothing_changes_holds_until_a_good_one() {
        let claims = Claims::default();
        claims.set_repositories(&app("x"), BTreeSet::from(["repo".to_owned()]));
        claims.set_behind("repo", &[mark("y", Some("2"))]);
        claims.still_failed("repo", &app("y"), &main(), &commit("1"));
        let outstanding = [Unrendered { app: app("y"), failed: true }];
        assert_eq!(claims.unrendered(&app("x")), outstanding);
        // As every run of it says again.
        claims.set_failed("repo", &app("y"), &main(), &commit("1"));
        assert_eq!(claims.unrendered(&app("x")), outstanding);
        claims.hold(&app("x"));
        claims.set_behind("repo", &[mark("y", Some("3"))]);
        let released = claims.caught_up("repo", &app("y"), (&main(), Some(&commit("3"))));
        assert_eq!(released, BTreeSet::from([app("x")]));
    }

    #[test]
    fn rivals_hear_when_a_claim_counts_again() {
        let claims = Claims::default();
        claims.set_desired(&app("x"), keys(&["a"]));
        claims.set_behind("repo", &[mark("y", Some("1"))]);
        claims.set_desired(&app("y"), keys(&["a", "b"]));
        let told = claims.caught_up("repo", &app("y"), (&main(), Some(&commit("1"))));
        assert_eq!(told, BTreeSet::from([app("x")]));
    }
}
