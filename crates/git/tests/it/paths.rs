//! Trees, links and what must not be read.

use lockstep_git::{End, Kind, PathError, Seen, Snapshot};

use crate::local_snapshot;
use crate::repo::Repo;
use crate::text;

fn problem(snapshot: &Snapshot, path: &str) -> String {
    match snapshot.read(path, 1 << 20) {
        Ok(Some(content)) => format!("read {}", String::from_utf8_lossy(&content)),
        Ok(None) => "absent".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn links_stay_inside() {
    let repo = Repo::new();
    repo.write("base/file", "base");
    repo.write("apps/a/own", "own");
    repo.link("apps/a/up", "../../base/file");
    repo.link("apps/a/dir", "../../base");
    repo.link("apps/a/chain", "dir/../apps/a/up");
    repo.link("apps/a/absolute", "/etc/passwd");
    repo.link("apps/a/escape", "../../../etc/passwd");
    repo.link("apps/a/escape-and-back", "../../../repo/base/file");
    repo.link("apps/a/evil", "dir/../../etc/passwd");
    repo.link("apps/a/nowhere", "missing");
    repo.link("apps/a/self", "self");
    repo.link("apps/a/ping", "pong");
    repo.link("apps/a/pong", "ping");
    repo.link("apps/a/here", ".");
    repo.link("root", ".");
    repo.commit_all("links");
    let snapshot = local_snapshot(&repo);
    for (path, expected) in [
        ("apps/a/own", "read own"),
        ("./apps//a/./own", "read own"),
        ("apps/a/../a/own", "read own"),
        ("apps/a/up", "read base"),
        ("apps/a/dir/file", "read base"),
        ("apps/a/chain", "read base"),
        ("apps/a/here/here/own", "read own"),
        ("root/root/base/file", "read base"),
        ("apps/a/nowhere", "absent"),
        ("apps/a", "absent"),
        ("apps/a/own/below", "absent"),
        ("apps/a/absolute", "apps/a/absolute leads out of the repository"),
        ("apps/a/escape", "apps/a/escape leads out of the repository"),
        ("apps/a/escape-and-back", "apps/a/escape-and-back leads out of the repository"),
        ("apps/a/evil", "apps/a/evil leads out of the repository"),
        ("apps/a/self", "too many symbolic links at apps/a/self"),
        ("/apps/a/own", "/apps/a/own leads out of the repository"),
        ("../x", "../x leads out of the repository"),
        ("apps/../../x", "apps/../../x leads out of the repository"),
    ] {
        assert_eq!(problem(&snapshot, path), expected, "{path}");
    }
    assert!(matches!(snapshot.read("apps/a/ping", 1), Err(PathError::TooManyLinks { .. })));
    let listed = snapshot.list("apps/a/dir").unwrap().unwrap();
    assert_eq!(listed.iter().map(|entry| &*entry.name).collect::<Vec<_>>(), ["file"]);
    let Ok(End::Found { path, .. }) = snapshot.resolve("apps/a/dir/file").end else { panic!("found") };
    assert_eq!(path, "base/file");
}

#[test]
fn what_decided_a_path_is_told() {
    let repo = Repo::new();
    repo.write("base/file", "base");
    repo.link("apps/link", "../base");
    repo.commit_all("links");
    let snapshot = local_snapshot(&repo);
    let steps =
        |path: &str| snapshot.resolve(path).steps.into_iter().map(|(path, _)| path).collect::<Vec<_>>();
    assert_eq!(steps("apps/link/file"), ["apps/link", "base/file"]);
    assert_eq!(steps("apps/link/none/x"), ["apps/link", "base/none"]);
    assert_eq!(steps("base/file/x"), ["base/file"]);
    assert_eq!(steps(""), [""]);
    assert_eq!(snapshot.look("apps/link/file").unwrap(), Seen::Blocked);
    assert_eq!(snapshot.look("base/none").unwrap(), Seen::Absent);
    assert!(matches!(snapshot.look("apps/link").unwrap(), Seen::Entry(Kind::Symlink, _)));
}

#[test]
fn content_that_is_elsewhere_is_named() {
    let (repo, other) = (Repo::new(), Repo::new());
    other.commit("file", "x");
    repo.git(&["submodule", "--quiet", "add", other.path().to_str().unwrap(), "vendor/sub"]);
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";
    repo.write("big.yaml", pointer);
    repo.link("to-sub", "vendor/sub");
    repo.commit_all("elsewhere");
    let snapshot = local_snapshot(&repo);
    assert_eq!(problem(&snapshot, "big.yaml"), "big.yaml is kept in Git LFS, which is not supported");
    assert_eq!(problem(&snapshot, "vendor/sub/file"), "vendor/sub is a submodule, which is not supported");
    assert_eq!(problem(&snapshot, "to-sub/file"), "vendor/sub is a submodule, which is not supported");
    assert!(matches!(snapshot.list("vendor/sub"), Err(PathError::Submodule { .. })));
    let found = snapshot.walk("", 100).unwrap().unwrap();
    let kind = |path: &str| found.iter().find(|found| found.path == path).map(|found| found.kind);
    assert_eq!(kind("vendor/sub"), Some(Kind::Submodule));
    assert_eq!(kind("to-sub"), Some(Kind::Symlink));
}

#[test]
fn sizes_and_counts_are_bounded() {
    let repo = Repo::new();
    repo.write("large", &"x".repeat(5000));
    (0..20).for_each(|n| repo.write(&format!("many/{n}"), "x"));
    repo.commit_all("large");
    let snapshot = local_snapshot(&repo);
    assert_eq!(snapshot.read("large", 5000).unwrap().unwrap().len(), 5000);
    let error = snapshot.read("large", 4999).unwrap_err();
    assert!(matches!(error, PathError::TooLarge { size: 5000, limit: 4999, .. }));
    assert!(matches!(snapshot.walk("many", 19), Err(PathError::TooMany { limit: 19, .. })));
    assert_eq!(snapshot.walk("many", 20).unwrap().unwrap().len(), 20);
    assert_eq!(snapshot.walk("large", 20).unwrap(), None);
}

#[test]
fn names_of_any_kind() {
    let repo = Repo::new();
    for name in ["a-b/x", "a/x", "a.b", "ä", "with space", ".hidden/file"] {
        repo.write(name, name);
    }
    repo.commit_all("names");
    let snapshot = local_snapshot(&repo);
    for name in ["a-b/x", "a/x", "a.b", "ä", "with space", ".hidden/file"] {
        assert_eq!(text(&snapshot, name).as_deref(), Some(name));
    }
    let listed = snapshot.list("").unwrap().unwrap();
    let names: Vec<&str> = listed.iter().map(|entry| &*entry.name).collect();
    assert_eq!(names, [".hidden", "a", "a-b", "a.b", "with space", "ä"]);
}
