//! Repositories on this machine, read where they are.

use std::sync::Arc;

use lockstep_core::RepoUrl;
use lockstep_git::{Error, Http, Limits, Mirror};

use crate::repo::Repo;
use crate::{fetch, resolve, snapshot, text};

fn open(path: &std::path::Path) -> Mirror {
    let url = RepoUrl::new(&format!("file://{}", path.display()));
    Mirror::open(path, &url, Arc::new(Http::new().unwrap()), Limits::default()).unwrap()
}

#[test]
fn revisions_are_resolved_afresh_each_time() {
    let repo = Repo::new();
    let mirror = open(repo.path());
    assert_eq!(resolve(&mirror, ""), "the repository is empty, or its default branch has no commit");
    let a = repo.commit("file", "a");
    repo.git(&["tag", "--annotate", "--message=x", "v1.0.0"]);
    repo.git(&["branch", "feature/x"]);
    for spec in ["", "main", "v1.0.0", "^1", "feature/x", "refs/heads/main", &a, &a[..7]] {
        assert_eq!(resolve(&mirror, spec), a, "{spec}");
    }
    let b = repo.commit("file", "b");
    assert_eq!(resolve(&mirror, "main"), b);
    assert_eq!(resolve(&mirror, &a[..7]), a, "all of history is here");
    assert_eq!(resolve(&mirror, "mian"), "revision mian not found; did you mean main?");
    assert_eq!(resolve(&mirror, &"1".repeat(40)), format!("revision {} not found", "1".repeat(40)));
    assert!(mirror.directory().is_none());
}

#[test]
fn bare_linked_and_borrowing_repositories() {
    let repo = Repo::new();
    let a = repo.commit("file", "a");
    let away = tempfile::tempdir().unwrap();
    let path = |name: &str| away.path().join(name);
    let text_of = |name: &str| path(name).to_str().unwrap().to_owned();
    repo.git(&["clone", "--quiet", "--bare", ".", &text_of("bare.git")]);
    repo.git(&["clone", "--quiet", "--shared", ".", &text_of("shared")]);
    repo.git(&["worktree", "add", "--quiet", "-b", "side", &text_of("linked")]);
    for name in ["bare.git", "shared", "linked"] {
        let mirror = open(&path(name));
        assert_eq!(resolve(&mirror, "main"), a, "{name}");
        assert_eq!(text(&snapshot(&mirror, "HEAD"), "file").as_deref(), Some("a"), "{name}");
    }
}

#[test]
fn a_snapshot_can_be_read_before_any_fetch() {
    let repo = Repo::new();
    let a = repo.commit("file", "a");
    let found = open(repo.path()).snapshot(&lockstep_core::CommitId::parse(&a).unwrap()).unwrap().unwrap();
    assert_eq!(text(&found, "file").as_deref(), Some("a"));
}

#[test]
fn repacking_disturbs_nobody() {
    let repo = Repo::new();
    let mirror = open(repo.path());
    let mut snapshots = Vec::new();
    for n in 0..12 {
        repo.commit(&format!("file-{n}"), &n.to_string());
        let found = snapshot(&mirror, "main");
        if n % 3 == 0 {
            repo.git(&["repack", "-a", "-d", "--quiet"]);
            repo.git(&["prune-packed", "--quiet"]);
            repo.git(&["pack-refs", "--all"]);
        }
        snapshots.push(found);
    }
    for (n, found) in snapshots.iter().enumerate() {
        let files = found.list("").unwrap().unwrap();
        assert_eq!(files.len(), n + 1);
        for file in &files {
            assert!(found.content(&file.name, file.id, 100).is_ok());
        }
    }
}

#[test]
fn what_is_no_repository() {
    let directory = tempfile::tempdir().unwrap();
    for path in [directory.path().to_owned(), directory.path().join("absent")] {
        assert!(matches!(fetch(&open(&path), &["main"]), Err(Error::RepositoryNotFound)));
    }
    let http = Arc::new(Http::new().unwrap());
    for url in ["ssh://h/a", "git@h:a", "relative"] {
        let opened = Mirror::open(directory.path(), &RepoUrl::new(url), http.clone(), Limits::default());
        assert!(matches!(opened, Err(Error::InvalidUrl(_))), "{url}");
    }
}
