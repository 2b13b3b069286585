//! Which commit made a difference.

use lockstep_core::CommitId;
use lockstep_git::Snapshot;

use crate::repo::Repo;
use crate::{Bench, local_snapshot, text};

fn last_change(snapshot: &Snapshot, old: &str, path: &str) -> Option<String> {
    let own = text(snapshot, path);
    let same = |other: &Snapshot| text(other, path) == own;
    snapshot.last_change(&CommitId::parse(old).unwrap(), &same).map(|commit| commit.id.to_string())
}

#[test]
fn the_last_commit_that_changed_the_inputs_is_found() {
    let repo = Repo::new();
    let a = repo.commit("file", "a");
    let b = repo.commit("file", "b");
    let c = repo.commit("other", "c");
    let d = repo.commit("other", "d");
    let snapshot = local_snapshot(&repo);
    assert_eq!(last_change(&snapshot, &a, "file"), Some(b.clone()));
    assert_eq!(last_change(&snapshot, &b, "file"), None);
    assert_eq!(last_change(&snapshot, &a, "other"), Some(d.clone()));
    assert_eq!(last_change(&snapshot, &c, "other"), Some(d));
    assert_eq!(last_change(&snapshot, &"1".repeat(40), "file"), Some(b));
}

#[test]
fn a_merge_is_looked_through() {
    let repo = Repo::new();
    let a = repo.commit("file", "a");
    repo.git(&["checkout", "--quiet", "-b", "side"]);
    let b = repo.commit("file", "b");
    repo.commit("noise", "1");
    repo.git(&["checkout", "--quiet", "main"]);
    repo.commit("other", "c");
    repo.git(&["merge", "--quiet", "--no-ff", "--message=merge", "side"]);
    repo.commit("other", "d");
    assert_eq!(last_change(&local_snapshot(&repo), &a, "file"), Some(b));
}

#[test]
fn a_shallow_history_gives_the_best_that_it_knows() {
    let bench = Bench::new();
    bench.repo.commit("file", "a");
    let b = bench.repo.commit("file", "b");
    bench.snapshot("main");
    bench.repo.commit("other", "c");
    let d = bench.repo.commit("file", "d");
    bench.repo.commit("other", "e");
    let snapshot = bench.snapshot("main");
    assert_eq!(last_change(&snapshot, &b, "file"), Some(d));
    assert_eq!(
        last_change(&snapshot, &"1".repeat(40), "other").as_deref(),
        Some(snapshot.commit().id.as_str())
    );
}
