//! Servers that refuse, fail or lie, and credentials that must not leak.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use lockstep_core::{RepoUrl, Secret};
use lockstep_git::{Access, Error, Http, Limits, Mirror, RevisionSpec};

use crate::repo::Repo;
use crate::server::{Rules, Server};
use crate::{Bench, fetch_as, open, resolve};

fn class(result: Result<lockstep_git::Fetched, Error>) -> &'static str {
    result.err().map_or("none", |error| error.class())
}

#[test]
fn answers_become_decisions() {
    let bench = Bench::new();
    bench.repo.commit("file", "a");
    let html = "text/html";
    for (fixed, expected) in [
        ((401, html, ""), "Denied"),
        ((403, html, ""), "Denied"),
        ((404, html, ""), "RepositoryNotFound"),
        ((500, html, ""), "Unavailable"),
        ((503, html, ""), "Unavailable"),
        ((429, html, ""), "Unavailable"),
        ((418, html, ""), "Protocol"),
        ((200, html, "<html>sign in</html>"), "Invalid"),
        ((200, "text/plain", "0123 refs/heads/main"), "Invalid"),
        ((200, "application/x-git-upload-pack-advertisement", "nonsense"), "Invalid"),
        ((200, "application/x-git-upload-pack-advertisement", "000aver"), "Unavailable"),
        ((200, "application/x-git-upload-pack-advertisement", "0011ERR no entry."), "Protocol"),
    ] {
        bench.server.set(Rules { fixed: Some(fixed), ..Rules::default() });
        assert_eq!(class(bench.try_fetch(&["main"])), expected, "{fixed:?}");
    }
    bench.server.set(Rules { fixed: Some((200, "text/plain", "")), ..Rules::default() });
    let error = bench.try_fetch(&["main"]).unwrap_err().to_string();
    assert_eq!(error, "the server cannot be used: it speaks only the dumb HTTP protocol");
    bench.server.set(Rules::default());
    assert_eq!(class(bench.try_fetch(&["main"])), "none");
}

#[test]
fn credentials_are_sent_and_nowhere_shown() {
    let bench = Bench::new();
    bench.repo.commit("file", "a");
    bench.server.set(Rules { authorization: Some("Basic bWU6aHVudGVyMg==".to_owned()), ..Rules::default() });
    let fetch = |access: &Access| fetch_as(&bench.mirror, &["main"], access);
    for access in [Access::anonymous(), Access::basic("me", "wrong"), Access::bearer("hunter2")] {
        let error = fetch(&access).unwrap_err();
        assert!(matches!(error, Error::Denied { status: 401 }));
        assert!(!format!("{error:?} {access:?}").contains("hunter2"));
    }
    fetch(&Access::basic("me", "hunter2")).unwrap();
    bench.server.set(Rules { authorization: Some("Bearer t0ken".to_owned()), ..Rules::default() });
    assert!(fetch(&Access::basic("me", "hunter2")).is_err());
    fetch(&Access::bearer("t0ken")).unwrap();
}

#[test]
fn redirects_are_followed_without_credentials_to_strangers() {
    let repo = Repo::new();
    let a = repo.commit("file", "a");
    let (front, back) = (Server::start(repo.path()), Server::start(repo.path()));
    let state = tempfile::tempdir().unwrap();
    front.set(Rules { redirect: Some(back.url()), ..Rules::default() });
    let mirror = open(&front, state.path(), &Limits::default());
    let access = Access::basic("me", "hunter2");
    let fetched = fetch_as(&mirror, &["main"], &access).unwrap();
    assert_eq!(fetched.revisions[&RevisionSpec::new("main")].as_ref().unwrap().id.as_str(), a);
    assert!(front.seen().iter().all(|seen| seen.authorization.is_some()));
    assert!(back.seen().iter().all(|seen| seen.authorization.is_none()));
    // The target is remembered; when it fails, the way is looked up anew.
    front.set(Rules::default());
    back.set(Rules { fixed: Some((404, "text/html", "")), ..Rules::default() });
    let b = repo.commit("file", "b");
    assert_eq!(resolve(&mirror, "main"), b);
    // Within one host, by path, and for ever.
    front.seen();
    front.set(Rules { redirect: Some("/.git".to_owned()), ..Rules::default() });
    let mirror = open(&front, tempfile::tempdir().unwrap().path(), &Limits::default());
    assert_eq!(class(fetch_as(&mirror, &["main"], &access)), "Protocol");
    assert!(front.seen().iter().all(|seen| seen.authorization.is_some()));
}

#[test]
fn certificates_are_checked() {
    let repo = Repo::new();
    let a = repo.commit("file", "a");
    let (server, ca) = Server::start_tls(repo.path());
    let (_, other) = Server::start_tls(repo.path());
    let state = tempfile::tempdir().unwrap();
    let mirror = open(&server, state.path(), &Limits::default());
    let fetch = |ca: Option<&str>| {
        let access = Access { ca_pem: ca.map(str::to_owned), ..Access::default() };
        fetch_as(&mirror, &["main"], &access)
    };
    assert_eq!(class(fetch(None)), "Untrusted");
    assert_eq!(class(fetch(Some(&other))), "Untrusted");
    assert_eq!(class(fetch(Some("nonsense"))), "Invalid");
    let fetched = fetch(Some(&ca)).unwrap();
    assert_eq!(fetched.revisions[&RevisionSpec::new("main")].as_ref().unwrap().id.as_str(), a);
}

#[test]
fn a_proxy_is_used() {
    let bench = Bench::new();
    let a = bench.repo.commit("file", "a");
    let state = tempfile::tempdir().unwrap();
    let url = RepoUrl::new("http://repositories.invalid/.git");
    let limits =
        Limits { connect: Duration::from_secs(5), stall: Duration::from_secs(20), ..Limits::default() };
    let mirror = Mirror::open(state.path(), &url, Arc::new(Http::new().unwrap()), limits).unwrap();
    let proxy = |user: &str| Some(Secret::new(format!("http://{user}localhost:{}", bench.server.port())));
    let access = Access { proxy: proxy("me:hunter2@"), ..Access::default() };
    let fetched = fetch_as(&mirror, &["main"], &access).unwrap();
    assert_eq!(fetched.revisions[&RevisionSpec::new("main")].as_ref().unwrap().id.as_str(), a);
    assert!(bench.server.seen().iter().all(|seen| seen.line.contains(" http://repositories.invalid/.git/")));
    assert!(!format!("{access:?}").contains("hunter2"));
    // Without it there is nobody: a name server says so, or nothing at all.
    let error = fetch_as(&mirror, &["main"], &Access::anonymous()).unwrap_err();
    assert!(matches!(error, Error::Unavailable(_) | Error::Timeout), "{error:?}");
}

#[test]
fn a_proxy_carries_https_without_seeing_it() {
    let repo = Repo::new();
    let a = repo.commit("file", "a");
    let proxy = Server::start(repo.path());
    let (server, ca) = Server::start_tls(repo.path());
    let state = tempfile::tempdir().unwrap();
    let mirror = open(&server, state.path(), &Limits::default());
    let address = Secret::new(format!("http://me:hunter2@localhost:{}", proxy.port()));
    let access = Access { ca_pem: Some(ca), proxy: Some(address), ..Access::basic("user", "secret") };
    let fetched = fetch_as(&mirror, &["main"], &access).unwrap();
    assert_eq!(fetched.revisions[&RevisionSpec::new("main")].as_ref().unwrap().id.as_str(), a);
    let seen = proxy.seen();
    assert!(!seen.is_empty() && seen.iter().all(|seen| seen.line.starts_with("CONNECT localhost:")));
    assert!(seen.iter().all(|seen| seen.authorization.is_none()));
    assert!(server.seen().iter().all(|seen| seen.authorization.is_some()));
}

#[test]
fn waiting_has_an_end() {
    let bench = Bench::with(Limits { stall: Duration::from_millis(500), ..Limits::default() });
    bench.repo.commit("file", "a");
    bench.server.set(Rules { stall: true, ..Rules::default() });
    let start = Instant::now();
    assert_eq!(class(bench.try_fetch(&["main"])), "Timeout");
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_fetch_can_be_cancelled() {
    let bench = Bench::new();
    bench.repo.commit("file", "a");
    bench.server.set(Rules { stall: true, ..Rules::default() });
    let cancel = AtomicBool::new(false);
    let start = Instant::now();
    let result = std::thread::scope(|scope| {
        let fetch =
            scope.spawn(|| bench.mirror.fetch(&[RevisionSpec::new("main")], &Access::anonymous(), &cancel));
        std::thread::sleep(Duration::from_millis(200));
        cancel.store(true, Ordering::Relaxed);
        fetch.join().unwrap()
    });
    assert_eq!(class(result), "Cancelled");
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[test]
fn an_answer_may_not_be_larger_than_allowed() {
    let bench = Bench::with(Limits { response: 50_000, ..Limits::default() });
    // Not compressible, so that the pack is large.
    let noise: String =
        (0_u64..20_000).map(|n| format!("{:x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
    bench.repo.commit("file", &noise);
    let error = bench.try_fetch(&["main"]).unwrap_err();
    assert!(matches!(error, Error::TooLarge { limit: 50_000 }), "{error:?}");
}

#[test]
fn a_kept_connection_that_was_closed_is_no_error() {
    let bench = Bench::new();
    bench.repo.commit("file", "a");
    for rules in [
        Rules { hang_up: true, ..Rules::default() },
        Rules { hang_up_late: true, ..Rules::default() },
        Rules::default(),
    ] {
        bench.server.set(rules);
        for _ in 0..10 {
            bench.try_fetch(&["main"]).unwrap();
        }
    }
}

#[test]
fn however_many_kept_connections_were_closed_one_more_is_made() {
    let repo = Repo::new();
    repo.commit("file", "a");
    let server = Server::start(repo.path());
    let state = tempfile::tempdir().unwrap();
    let http = Arc::new(Http::new().unwrap());
    let mirrors: Vec<Mirror> = (0..8)
        .map(|n| {
            let directory = state.path().join(n.to_string());
            Mirror::open(&directory, &RepoUrl::new(&server.url()), http.clone(), Limits::default()).unwrap()
        })
        .collect();
    let fetch_all = || {
        std::thread::scope(|scope| {
            let fetches: Vec<_> = mirrors
                .iter()
                .map(|mirror| scope.spawn(|| class(fetch_as(mirror, &["main"], &Access::anonymous()))))
                .collect();
            fetches.into_iter().all(|fetch| fetch.join().unwrap() == "none")
        })
    };
    assert!(fetch_all());
    let kept = server.connections();
    server.set(Rules { hang_up_late: true, ..Rules::default() });
    assert!(fetch_all());
    assert!(server.connections() > kept, "the kept ones were closed");
    // A server that closes every connection before it answers is away, and not asked for ever.
    server.set(Rules { cut: Some(0), ..Rules::default() });
    repo.commit("file", "b");
    assert!(!fetch_all());
}
