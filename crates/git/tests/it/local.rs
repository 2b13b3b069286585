//! Repositories on this machine, read where they are.

use std::path::Path;
use std::sync::Arc;

use lockstep_core::{CommitId, RepoUrl};
use lockstep_git::{Error, Http, Limits, Mirror, RevisionSpec};

use crate::repo::Repo;
use crate::{fetch, resolve, snapshot, text};

/// Without a spare, so that it needs no directory of its own.
fn open(path: &Path) -> Mirror {
    open_with(path, path, Limits { spare: 0, ..Limits::default() })
}

fn open_with(path: &Path, directory: &Path, limits: Limits) -> Mirror {
    let url = RepoUrl::new(&format!("file://{}", path.display()));
    Mirror::open(directory, &url, Arc::new(Http::new().unwrap()), limits).unwrap()
}

fn commit_id(id: &str) -> CommitId {
    CommitId::parse(id).unwrap()
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
    let found = open(repo.path()).snapshot(&commit_id(&a)).unwrap().unwrap();
    assert_eq!(text(&found, "file").as_deref(), Some("a"));
}

/// The repository goes, its directory stays or does not.
fn take_away(repo: &Repo, how: &str) {
    match how {
        "gone" => std::fs::remove_dir_all(repo.path()).unwrap(),
        _ => std::fs::rename(repo.file(".git"), repo.file("away")).unwrap(),
    }
}

#[test]
fn a_spare_stands_in_for_a_repository_that_is_away() {
    for how in ["gone", "not mounted"] {
        let (repo, cache) = (Repo::new(), tempfile::tempdir().unwrap());
        let directory = cache.path().join("spare");
        let long = "long ".repeat(100_000);
        repo.write("long", &long);
        let a = repo.commit("deep/er/file", "a");
        let mirror = open_with(repo.path(), &directory, Limits::default());
        assert_eq!(resolve(&mirror, "main"), a);
        repo.link("link", "deep/er/file");
        let b = repo.commit("deep/other", "b");
        assert_eq!(resolve(&mirror, "main"), b);
        take_away(&repo, how);
        let check = |mirror: &Mirror, after: &str| {
            assert!(fetch(mirror, &["main"]).is_err(), "{how}");
            let last = mirror.last_resolved(&RevisionSpec::new("main")).unwrap();
            assert_eq!((last.id.as_str(), &*last.subject), (&*b, "write deep/other"), "{how} {after}");
            let found = mirror.snapshot(&last.id).unwrap().unwrap();
            for (path, expected) in
                [("deep/er/file", "a"), ("deep/other", "b"), ("link", "a"), ("long", &long)]
            {
                assert_eq!(text(&found, path).as_deref(), Some(expected), "{how} {after}: {path}");
            }
        };
        check(&mirror, "in one process");
        drop(mirror);
        check(&open_with(repo.path(), &directory, Limits::default()), "after a restart");
    }
}

#[test]
fn a_spare_copies_what_is_new_and_nothing_twice() {
    let (repo, cache) = (Repo::new(), tempfile::tempdir().unwrap());
    repo.commit("a", &"a".repeat(1000));
    let limits = Limits { spare: 1500, packs: 3, ..Limits::default() };
    let mirror = open_with(repo.path(), cache.path(), limits);
    let packs = || {
        let generation = std::fs::read_dir(cache.path()).unwrap().map(|file| file.unwrap().path());
        let generation = generation.into_iter().find(|path| path.is_dir()).unwrap();
        let files = std::fs::read_dir(generation.join("objects/pack")).unwrap();
        files.filter(|file| file.as_ref().unwrap().path().extension().unwrap() == "pack").count()
    };
    resolve(&mirror, "main");
    resolve(&mirror, "main");
    assert_eq!(packs(), 1);
    repo.commit("b", &"b".repeat(1000));
    resolve(&mirror, "main");
    assert_eq!(packs(), 2, "only what is new counts against the limit");
    let small = repo.commit("c", "c");
    resolve(&mirror, "main");
    assert_eq!(packs(), 3);
    // It is full, and all of it together is more than the limit: what there is stays.
    let newest = repo.commit("d", "d");
    assert_eq!(resolve(&mirror, "main"), newest, "that goes on without a spare");
    take_away(&repo, "gone");
    assert!(fetch(&mirror, &["main"]).is_err());
    assert!(mirror.snapshot(&commit_id(&small)).unwrap().is_some());
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
