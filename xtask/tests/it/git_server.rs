//! The real git client against the server of the fixtures.
use std::path::Path;
use std::process::{Command, Output};

use xtask::{Availability, Credentials, GitRepo};

fn git(dir: &Path, arguments: &[&str]) -> Output {
    Command::new("git")
        .args(arguments)
        .current_dir(dir)
        .envs([
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_TERMINAL_PROMPT", "0"),
        ])
        .output()
        .expect("git is installed")
}

fn ok(dir: &Path, arguments: &[&str]) -> String {
    let output = git(dir, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn repo_with_history() -> GitRepo {
    let repo = GitRepo::new();
    for version in 1..=3 {
        repo.write("app/a.yaml", &format!("version: {version}\n")).commit(&format!("version {version}"));
    }
    repo
}

#[test]
fn clones_shallow_and_follows_in_every_protocol() {
    for protocol in ["0", "2"] {
        let (repo, dir) = (repo_with_history(), tempfile::tempdir().expect("dir"));
        let version = format!("protocol.version={protocol}");
        ok(dir.path(), &["-c", &version, "clone", "-q", "--bare", "--depth", "1", &repo.url(), "c"]);
        let clone = dir.path().join("c");
        assert_eq!(ok(&clone, &["rev-list", "--count", "HEAD"]), "1", "protocol {protocol}");
        let next = repo.write("app/b.yaml", "b: 1\n").commit("more");
        ok(&clone, &["-c", &version, "fetch", "-q", "origin", "main:main"]);
        assert_eq!(ok(&clone, &["rev-parse", "main"]), next);
        assert_eq!(repo.server().listings(), 2, "protocol {protocol}");
        assert!(repo.server().fetches() >= 2, "protocol {protocol}");
        ok(&clone, &["-c", &version, "fetch", "-q", "origin", "main:main"]);
        assert_eq!(repo.server().listings(), 3, "a poll lists");
    }
}

#[test]
fn takes_compressed_requests() {
    let (repo, dir) = (repo_with_history(), tempfile::tempdir().expect("dir"));
    ok(dir.path(), &["clone", "-q", "--bare", &repo.url(), "c"]);
    // Each wanted branch is a line of the request; git compresses requests beyond 1 KiB.
    for index in 0..60 {
        repo.branch(&format!("branch-{index}")).write("n", &index.to_string()).commit("branch");
    }
    let clone = dir.path().join("c");
    ok(&clone, &["fetch", "-q", "origin", "+refs/heads/*:refs/heads/*"]);
    assert_eq!(ok(&clone, &["rev-parse", "branch-59"]), repo.head());
}

#[test]
fn asks_for_credentials() {
    let (repo, dir) = (repo_with_history(), tempfile::tempdir().expect("dir"));
    repo.server().require(Some(Credentials::Basic("ada".into(), "pass word".into())));
    assert!(!git(dir.path(), &["clone", "-q", &repo.url(), "c"]).status.success());
    let with_password = repo.url().replace("http://", "http://ada:pass%20word@");
    ok(dir.path(), &["clone", "-q", &with_password, "c"]);
    repo.server().require(Some(Credentials::Bearer("t0k3n".into())));
    ok(dir.path(), &["-c", "http.extraHeader=Authorization: Bearer t0k3n", "clone", "-q", &repo.url(), "d"]);
}

#[test]
fn goes_away_and_comes_back() {
    let (repo, dir) = (repo_with_history(), tempfile::tempdir().expect("dir"));
    for availability in [Availability::Unavailable, Availability::HangsUp] {
        repo.server().set_availability(availability);
        assert!(!git(dir.path(), &["ls-remote", &repo.url()]).status.success(), "{availability:?}");
        repo.server().set_availability(Availability::Up);
        assert!(ok(dir.path(), &["ls-remote", &repo.url()]).contains(&repo.head()));
    }
    assert!(!git(dir.path(), &["ls-remote", &repo.url().replace("repo", "nope")]).status.success());
}

#[test]
fn history_moves_as_asked() {
    let repo = repo_with_history();
    let third = repo.head();
    repo.annotated_tag("v3").tag("latest");
    repo.revert();
    assert_eq!(std::fs::read_to_string(repo.work_tree().join("app/a.yaml")).expect("file"), "version: 2\n");
    assert_eq!(repo.git(&["rev-parse", "v3^{commit}"]), third);
    repo.remove("app").commit("gone");
    assert!(!repo.work_tree().join("app").exists());
    assert_eq!(repo.reset("latest"), third);
    assert_eq!(repo.branch("other").checkout("main").git(&["branch", "--show-current"]), "main");
}
