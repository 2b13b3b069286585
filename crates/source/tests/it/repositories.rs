//! One mirror for each repository and set of credentials.

use lockstep_core::{Key, RepoUrl};
use lockstep_source::{Access, Limits, Repositories, RevisionSpec};

use crate::repo::Repo;
use crate::server::{Rules, Server};
use crate::{GO_ON, store};

fn fetch(store: &Repositories, url: &str, access: &Access) -> String {
    let spec = RevisionSpec::new("main");
    match store.fetch(&RepoUrl::new(url), std::slice::from_ref(&spec), access, &GO_ON) {
        Ok(fetched) => fetched.revisions[&spec].as_ref().unwrap().id.to_string(),
        Err(error) => error.class().to_owned(),
    }
}

fn mirrors(directory: &std::path::Path) -> usize {
    std::fs::read_dir(directory).map_or(0, Iterator::count)
}

#[test]
fn spellings_share_a_mirror_and_credentials_do_not() {
    let repo = Repo::new();
    let a = repo.commit("file", "a");
    let server = Server::start(repo.path());
    let state = tempfile::tempdir().unwrap();
    let store = store(state.path());
    let url = server.url();
    let spellings =
        [url.clone(), format!("{url}/"), url.replace("localhost", "LOCALHOST"), url.replace("//", "//x:y@")];
    for spelling in &spellings {
        assert_eq!(fetch(&store, spelling, &Access::anonymous()), a);
    }
    assert_eq!(mirrors(state.path()), 1);
    for access in [Access::basic("me", "one"), Access::basic("me", "two"), Access::bearer("two")] {
        assert_eq!(fetch(&store, &url, &access), a);
    }
    assert_eq!(mirrors(state.path()), 4);
    let names = std::fs::read_dir(state.path()).unwrap().map(|file| file.unwrap().file_name());
    assert!(names.into_iter().all(|name| name.len() == 64));
}

#[test]
fn nobody_reads_a_mirror_of_other_credentials() {
    let repo = Repo::new();
    let a = repo.commit("file", "a");
    let server = Server::start(repo.path());
    server.set(Rules { authorization: Some("Bearer t0ken".to_owned()), ..Rules::default() });
    let state = tempfile::tempdir().unwrap();
    let store = store(state.path());
    assert_eq!(fetch(&store, &server.url(), &Access::bearer("t0ken")), a);
    assert_eq!(fetch(&store, &server.url(), &Access::anonymous()), "Denied");
    let commit = lockstep_core::CommitId::parse(&a).unwrap();
    let url = RepoUrl::new(&server.url());
    assert!(store.snapshot(&url, &Access::anonymous(), &commit).unwrap().is_none());
    assert!(store.snapshot(&url, &Access::bearer("t0ken"), &commit).unwrap().is_some());
}

#[test]
fn a_restart_with_the_repository_away_heals_from_disk() {
    let repo = Repo::new();
    let a = repo.commit("file", "a");
    let server = Server::start(repo.path());
    let state = tempfile::tempdir().unwrap();
    let access = Access::bearer("t0ken");
    assert_eq!(fetch(&store(state.path()), &server.url(), &access), a);
    server.set(Rules { fixed: Some((502, "text/html", "")), ..Rules::default() });
    let again = store(state.path());
    assert_eq!(fetch(&again, &server.url(), &access), "Unavailable");
    let url = RepoUrl::new(&server.url());
    let commit = again.last_resolved(&url, &access, &RevisionSpec::new("main")).unwrap().unwrap();
    let snapshot = again.snapshot(&url, &access, &commit.id).unwrap().unwrap();
    assert_eq!(snapshot.read("file", 10).unwrap().as_deref(), Some(&b"a"[..]));
    let other = Repositories::new(state.path(), Key::new([8; 32]), Limits::default()).unwrap();
    assert_eq!(other.last_resolved(&url, &access, &RevisionSpec::new("main")).unwrap(), None);
}

#[test]
fn what_is_not_used_any_more_goes() {
    let repo = Repo::new();
    repo.commit("file", "a");
    let server = Server::start(repo.path());
    let state = tempfile::tempdir().unwrap();
    let url = RepoUrl::new(&server.url());
    let (old, kept, gone) = (Access::bearer("old"), Access::bearer("kept"), Access::bearer("gone"));
    fetch(&store(state.path()), &server.url(), &old);
    let store = store(state.path());
    let a = fetch(&store, &server.url(), &kept);
    fetch(&store, &server.url(), &gone);
    assert_eq!(mirrors(state.path()), 3);
    let commit = lockstep_core::CommitId::parse(&a).unwrap();
    let snapshot = store.snapshot(&url, &gone, &commit).unwrap().unwrap();
    store.retain(&[(url.clone(), kept.clone())]).unwrap();
    assert_eq!(snapshot.read("file", 10).unwrap().as_deref(), Some(&b"a"[..]), "still readable");
    drop(snapshot);
    assert_eq!(mirrors(state.path()), 1);
    assert_eq!(fetch(&store, &server.url(), &kept), a);
    assert_eq!(fetch(&store, &server.url(), &gone), a, "made anew");
}
