//! Repositories that we make, judged by the real git.

use std::collections::BTreeMap;

use lockstep_core::Timestamp;
use lockstep_git::{Author, Error, WorkTree};

use crate::repo::Repo;
use crate::{local_snapshot, text};

const ADA: Author<'static> = Author { name: "Ada", email: "ada@example.com", time: Timestamp(1_700_000_000) };

fn files(all: &[(&str, &str)]) -> BTreeMap<String, String> {
    all.iter().map(|(path, content)| ((*path).to_owned(), (*content).to_owned())).collect()
}

/// A new repository, for git to work on.
fn made() -> (Repo, WorkTree) {
    let repo = Repo::empty();
    let made = WorkTree::create(repo.path()).unwrap();
    (repo, made)
}

#[test]
fn git_finds_nothing_to_complain_about() {
    let (repo, made) = made();
    let first = files(&[
        ("a.yaml", "a: 1\n"),
        ("a/b.yaml", "b: 1\n"),
        ("a/b/c.yaml", "c: 1\n"),
        ("a-b", ""),
        ("z/an-even-longer-name-with-blanks and more.yaml", "z"),
    ]);
    let commit = made.commit(&first, ADA, "First\n\nAnd why.\n").unwrap();
    assert_eq!(repo.id("HEAD"), commit.as_str());
    assert_eq!(repo.git(&["fsck", "--full", "--strict"]), "");
    assert_eq!(repo.git(&["status", "--porcelain"]), "");
    assert_eq!(repo.git(&["symbolic-ref", "HEAD"]), "refs/heads/main");
    assert_eq!(
        repo.git(&["log", "-1", "--format=%an <%ae> %at %s"]),
        "Ada <ada@example.com> 1700000000 First"
    );
    assert_eq!(
        repo.git(&["ls-tree", "-r", "--name-only", "-z", "HEAD"]).split_terminator('\0').collect::<Vec<_>>(),
        ["a-b", "a.yaml", "a/b.yaml", "a/b/c.yaml", "z/an-even-longer-name-with-blanks and more.yaml"]
    );
}

#[test]
fn git_goes_on_from_there_and_so_do_we() {
    let (repo, made) = made();
    made.commit(&files(&[("a", "1\n"), ("d/b", "1\n")]), ADA, "one").unwrap();
    repo.write("a", "2\n");
    repo.git(&["commit", "--quiet", "--all", "--message", "two"]);
    assert_eq!(repo.git(&["show", "--format=", "--name-status", "HEAD"]), "M\ta");
    let snapshot = local_snapshot(&repo);
    assert_eq!((text(&snapshot, "a"), text(&snapshot, "d/b")), (Some("2\n".into()), Some("1\n".into())));
    made.commit(&files(&[("a", "3\n"), ("d/b", "1\n")]), ADA, "three").unwrap();
    assert_eq!(repo.git(&["rev-list", "--count", "HEAD"]), "3");
    assert_eq!(repo.git(&["status", "--porcelain"]), "");
    repo.git(&["revert", "--no-edit", "HEAD"]);
    assert_eq!(text(&local_snapshot(&repo), "a").as_deref(), Some("2\n"));
}

#[test]
fn what_git_did_meanwhile_is_seen() {
    let (repo, made) = made();
    assert_eq!((made.files().unwrap(), made.subject().unwrap()), (files(&[]), None));
    made.commit(&files(&[("a", "1\n"), ("d/b", "1\n")]), ADA, "one").unwrap();
    repo.write("d/b", "2\n");
    repo.git(&["commit", "--quiet", "--all", "--message", "two\n\nAnd why."]);
    repo.write("a", "9\n");
    let again = WorkTree::open(repo.path()).unwrap();
    assert_eq!(again.files().unwrap(), files(&[("a", "9\n"), ("d/b", "2\n")]), "as commit -a takes them");
    assert_eq!(again.committed(0).unwrap(), files(&[("a", "1\n"), ("d/b", "2\n")]));
    assert_eq!(again.committed(1).unwrap(), files(&[("a", "1\n"), ("d/b", "1\n")]));
    assert_eq!(again.committed(2).unwrap(), files(&[]));
    assert_eq!(again.subject().unwrap().as_deref(), Some("two"));
    std::fs::remove_file(repo.path().join("a")).unwrap();
    assert_eq!(again.files().unwrap(), files(&[("d/b", "2\n")]));
    assert!(WorkTree::open(&repo.path().join("nothing")).is_err());
}

#[test]
fn what_is_there_is_not_touched() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("precious"), "x").unwrap();
    assert!(matches!(WorkTree::create(directory.path()), Err(Error::Disk(_))));
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    assert!(WorkTree::create(&directory.path().join("new/folder")).is_ok());
}
