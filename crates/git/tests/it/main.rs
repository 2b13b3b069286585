//! Mirrors against real git: repositories made by its binary, served by `git http-backend`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests fail by panicking")]

mod history;
mod local;
mod paths;
mod refusals;
mod repo;
mod revisions;
mod server;
mod speed;
mod upkeep;
mod work_tree;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use lockstep_core::RepoUrl;
use lockstep_git::{Access, Error, Fetched, Http, Limits, Mirror, RevisionSpec, Snapshot};
use repo::Repo;
use server::Server;

static GO_ON: AtomicBool = AtomicBool::new(false);

/// A repository, its server and a mirror of it.
struct Bench {
    repo: Repo,
    server: Server,
    state: tempfile::TempDir,
    limits: Limits,
    mirror: Mirror,
}

impl Bench {
    fn new() -> Self {
        Self::with(Limits::default())
    }

    fn with(limits: Limits) -> Self {
        let repo = Repo::new();
        let server = Server::start(repo.path());
        let state = tempfile::tempdir().unwrap();
        let mirror = open(&server, state.path(), &limits);
        Self { repo, server, state, limits, mirror }
    }

    /// Closes the mirror and opens it anew, as after a restart.
    fn reopen(&mut self) {
        let elsewhere = tempfile::tempdir().unwrap();
        self.mirror = open(&self.server, elsewhere.path(), &self.limits);
        self.mirror = open(&self.server, self.state.path(), &self.limits);
    }

    fn try_fetch(&self, specs: &[&str]) -> Result<Fetched, Error> {
        fetch(&self.mirror, specs)
    }

    /// Fetches one revision, which must resolve, and gives its tree.
    fn snapshot(&self, spec: &str) -> Snapshot {
        snapshot(&self.mirror, spec)
    }

    /// The id that a revision resolves to, or the error's text.
    fn resolve(&self, spec: &str) -> String {
        resolve(&self.mirror, spec)
    }
}

fn open(server: &Server, state: &std::path::Path, limits: &Limits) -> Mirror {
    let url = RepoUrl::new(&server.url());
    Mirror::open(&state.join("mirror"), &url, Arc::new(Http::new().unwrap()), limits.clone()).unwrap()
}

fn fetch(mirror: &Mirror, specs: &[&str]) -> Result<Fetched, Error> {
    fetch_as(mirror, specs, &Access::anonymous())
}

fn fetch_as(mirror: &Mirror, specs: &[&str], access: &Access) -> Result<Fetched, Error> {
    let specs: Vec<RevisionSpec> = specs.iter().map(|spec| RevisionSpec::new(spec)).collect();
    mirror.fetch(&specs, access, &GO_ON)
}

fn resolve(mirror: &Mirror, spec: &str) -> String {
    match fetch(mirror, &[spec]).unwrap().revisions.remove(&RevisionSpec::new(spec)).unwrap() {
        Ok(commit) => commit.id.to_string(),
        Err(error) => error.to_string(),
    }
}

fn snapshot(mirror: &Mirror, spec: &str) -> Snapshot {
    let commit = fetch(mirror, &[spec]).unwrap().revisions.remove(&RevisionSpec::new(spec)).unwrap().unwrap();
    mirror.snapshot(&commit.id).unwrap().unwrap()
}

fn text(snapshot: &Snapshot, path: &str) -> Option<String> {
    snapshot.read(path, 1 << 20).unwrap().map(|bytes| String::from_utf8(bytes).unwrap())
}

/// The tree at the head of a repository, read in place.
fn local_snapshot(repo: &Repo) -> Snapshot {
    let url = RepoUrl::new(&format!("file://{}", repo.path().display()));
    let http = Arc::new(Http::new().unwrap());
    let limits = Limits { spare: 0, ..Limits::default() };
    snapshot(&Mirror::open(repo.path(), &url, http, limits).unwrap(), "HEAD")
}
