//! Artifacts and stores against real git.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests fail by panicking")]

mod artifact;
#[path = "../../../git/tests/it/repo.rs"]
#[allow(dead_code, reason = "shared with the tests of git")]
mod repo;
mod repositories;
#[path = "../../../git/tests/it/server.rs"]
#[allow(dead_code, reason = "shared with the tests of git")]
mod server;

use std::sync::atomic::AtomicBool;

use lockstep_core::{Key, RepoUrl};
use lockstep_source::{Access, Artifact, Limits, Repositories, RevisionSpec};
use repo::Repo;

static GO_ON: AtomicBool = AtomicBool::new(false);

fn store(directory: &std::path::Path) -> Repositories {
    Repositories::new(directory, Key::new([7; 32]), Limits::default()).unwrap()
}

/// A directory at the head of a repository on disk.
fn artifact(repo: &Repo, path: &str) -> Artifact {
    let store = store(repo.path());
    let url = RepoUrl::new(repo.path().to_str().unwrap());
    let (spec, access) = (RevisionSpec::new("HEAD"), Access::anonymous());
    let fetched = store.fetch(&url, std::slice::from_ref(&spec), &access, &GO_ON).unwrap();
    let commit = fetched.revisions[&spec].as_ref().unwrap();
    Artifact::new(url.clone(), store.snapshot(&url, &access, &commit.id).unwrap().unwrap(), path)
}
