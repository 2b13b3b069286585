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
