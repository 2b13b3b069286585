//! What revisions name, and what is fetched for them.

use lockstep_git::RevisionSpec;

use crate::server::Rules;
use crate::{Bench, text};

/// Some history with all kinds of names; the commits by name.
fn history(bench: &Bench) -> [String; 5] {
    let repo = &bench.repo;
    let a = repo.commit("file", "a");
    repo.git(&["tag", "v1.0.0"]);
    let b = repo.commit("file", "b");
    repo.git(&["tag", "--annotate", "--message=x", "v1.1.0"]);
    repo.git(&["branch", "feature/x"]);
    let c = repo.commit("file", "c");
    repo.git(&["tag", "--annotate", "--message=x", "v2.0.0-rc.1"]);
    repo.git(&["update-ref", "refs/pull/7/head", &b]);
    let d = repo.commit("file", "d");
    repo.git(&["tag", "main-ish"]);
    let e = repo.commit("file", "e");
    [a, b, c, d, e]
}

fn check_all(bench: &Bench) {
    let [a, b, c, d, e] = history(bench);
    for (spec, expected) in [
        ("", &e),
        ("HEAD", &e),
        ("main", &e),
        ("feature/x", &b),
        ("refs/heads/feature/x", &b),
        ("refs/pull/7/head", &b),
        ("refs/tags/v1.1.0", &b),
        ("v1.0.0", &a),
        ("v1.1.0", &b),
        ("main-ish", &d),
        ("1.x", &b),
        ("~1.0.0", &a),
        (">=2.0.0-0", &c),
        (&*e, &e),
        (&*d, &d),
        (&c.to_uppercase(), &c),
        (&e[..7], &e),
    ] {
        assert_eq!(bench.resolve(spec), **expected, "{spec}");
    }
    let specs = ["main", "v1.0.0", "feature/x", "gone", "v2.0.0"];
    let fetched = bench.try_fetch(&specs).unwrap();
    assert_eq!(fetched.revisions.len(), 5);
    let found = |spec: &str| fetched.revisions[&RevisionSpec::new(spec)].as_ref().ok();
    assert_eq!(found("main").unwrap().subject, "write file");
    assert_eq!(found("main").unwrap().author, "Ada <ada@example.com>");
    assert_eq!(found("gone"), None);
    let unknown = "1".repeat(40);
    assert_eq!(bench.resolve(&unknown), format!("revision {unknown} not found"));
    assert_eq!(bench.resolve("^7"), "revision ^7 not found");
    assert_eq!(bench.resolve("feature/y"), "revision feature/y not found; did you mean feature/x?");
    assert!(bench.resolve("0123456").starts_with("no known commit begins with 0123456"));
    let tree = bench.repo.id("HEAD^{tree}");
    bench.repo.git(&["tag", "--annotate", "--message=x", "tree", &tree]);
    assert_eq!(bench.resolve("tree"), "revision tree does not name a commit");
}

#[test]
fn every_kind_of_revision() {
    check_all(&Bench::new());
}

#[test]
fn every_kind_of_revision_from_an_old_server() {
    let bench = Bench::new();
    bench.server.set(Rules { is_old: true, ..Rules::default() });
    check_all(&bench);
}

#[test]
fn short_ids_that_several_commits_share() {
    let bench = Bench::new();
    // 300 commits share their first two digits often enough, and four digits hardly ever; so make the tips known and
    // look for two that share four.
    let mut by_prefix = std::collections::BTreeMap::<String, String>::new();
    let tree = {
        bench.repo.commit("file", "x");
        bench.repo.id("HEAD^{tree}")
    };
    let mut input = String::new();
    for n in 0..1200 {
        let message = format!("number {n}");
        input.push_str(&format!(
            "commit refs/heads/b{n}\ncommitter B <b@x> {} +0000\ndata {}\n{message}\nM 040000 {tree} \n\n",
            1_700_000_000 + n,
            message.len(),
        ));
    }
    bench.repo.import(&input);
    let ids = bench.repo.git(&["for-each-ref", "--format=%(objectname)", "refs/heads/b*"]);
    let shared = ids
        .lines()
        .find_map(|id| by_prefix.insert(id[..4].to_owned(), id.to_owned()).map(|_| id[..4].to_owned()));
    let prefix = shared.unwrap();
    assert!(bench.resolve(&prefix).starts_with(&format!("{prefix} is ambiguous: {prefix}")));
}

#[test]
fn short_ids_of_old_commits_where_the_server_can_filter() {
    let bench = Bench::new();
    let old = bench.repo.commit("file", "a");
    bench.repo.commit("file", "b");
    bench.snapshot("main");
    assert!(bench.resolve(&old[..10]).starts_with("no known commit begins with"));
    bench.repo.git(&["config", "uploadpack.allowFilter", "true"]);
    // What the server can do is remembered for as long as it answers well.
    bench.server.set(Rules { fixed: Some((503, "text/html", "")), ..Rules::default() });
    assert!(bench.try_fetch(&["main"]).is_err());
    bench.server.set(Rules::default());
    assert_eq!(bench.resolve(&old[..10]), old);
    assert_eq!(text(&bench.snapshot(&old[..10]), "file").as_deref(), Some("a"));
    bench.server.seen();
    assert_eq!(bench.resolve(&old[..10]), old);
    assert!(bench.resolve("0123456").starts_with("no known commit begins with"));
    assert_eq!(bench.server.seen().len(), 4, "one for the first, three for the second");
    assert!(bench.resolve("0123456").starts_with("no known commit begins with"));
    assert_eq!(bench.server.seen().len(), 1, "not again so soon");
}

#[test]
fn an_empty_repository_comes_to_life() {
    let bench = Bench::new();
    assert_eq!(bench.resolve(""), "the repository is empty, or its default branch has no commit");
    assert_eq!(bench.resolve("main"), "revision main not found");
    let a = bench.repo.commit("file", "a");
    assert_eq!(bench.resolve(""), a);
    assert_eq!(bench.resolve("main"), a);
}

#[test]
fn the_first_fetch_is_shallow_and_the_next_brings_what_is_between() {
    let bench = Bench::new();
    let ids: Vec<String> = (0..6).map(|n| bench.repo.commit("file", &n.to_string())).collect();
    let here =
        |id: &str| bench.mirror.snapshot(&lockstep_core::CommitId::parse(id).unwrap()).unwrap().is_some();
    bench.snapshot("main");
    assert!(here(&ids[5]) && !here(&ids[4]));
    let more: Vec<String> = (0..5).map(|n| bench.repo.commit("other", &n.to_string())).collect();
    let snapshot = bench.snapshot("main");
    assert_eq!(text(&snapshot, "file").as_deref(), Some("5"));
    assert!(more.iter().all(|id| here(id)) && !here(&ids[4]));
}

#[test]
fn a_merge_of_an_old_branch_does_not_bring_all_of_history() {
    let bench = Bench::new();
    let old = bench.repo.commit("file", "0");
    bench.repo.git(&["checkout", "--quiet", "-b", "side"]);
    bench.repo.commit("side", "1");
    bench.repo.git(&["checkout", "--quiet", "main"]);
    bench.repo.commit("file", "1");
    bench.snapshot("main");
    bench.repo.commit("file", "2");
    bench.repo.git(&["merge", "--quiet", "--no-ff", "--message=merge", "side"]);
    let merged = bench.repo.commit("file", "3");
    let snapshot = bench.snapshot("main");
    assert_eq!(snapshot.commit().id.as_str(), merged);
    assert_eq!(text(&snapshot, "side").as_deref(), Some("1"));
    assert!(bench.mirror.snapshot(&lockstep_core::CommitId::parse(&old).unwrap()).unwrap().is_none());
    bench.repo.commit("file", "4");
    assert_eq!(text(&bench.snapshot("main"), "side").as_deref(), Some("1"));
}

#[test]
fn commits_within_one_second_all_arrive() {
    let bench = Bench::new();
    bench.repo.commit("file", "0");
    bench.snapshot("main");
    let ids: Vec<String> = (1..5)
        .map(|n| {
            bench.repo.turn_back_clock(60);
            bench.repo.commit("file", &n.to_string())
        })
        .collect();
    bench.snapshot("main");
    for id in ids {
        assert!(bench.mirror.snapshot(&lockstep_core::CommitId::parse(&id).unwrap()).unwrap().is_some());
    }
}

#[test]
fn a_branch_may_be_forced_back_and_aside() {
    let bench = Bench::new();
    let a = bench.repo.commit("file", "a");
    bench.repo.commit("file", "b");
    assert_eq!(text(&bench.snapshot("main"), "file").as_deref(), Some("b"));
    bench.repo.git(&["reset", "--quiet", "--hard", &a]);
    assert_eq!(text(&bench.snapshot("main"), "file").as_deref(), Some("a"));
    let c = bench.repo.commit("file", "c");
    assert_eq!(bench.resolve("main"), c);
    // A commit that claims to be older than the one it replaces.
    bench.repo.git(&["reset", "--quiet", "--hard", &a]);
    bench.repo.turn_back_clock(86_400);
    let d = bench.repo.commit("file", "d");
    assert_eq!(bench.resolve("main"), d);
}

#[test]
fn a_deleted_branch_is_gone_and_its_last_commit_readable() {
    let bench = Bench::new();
    bench.repo.commit("file", "a");
    bench.repo.git(&["checkout", "--quiet", "-b", "side"]);
    let b = bench.repo.commit("file", "b");
    bench.repo.git(&["checkout", "--quiet", "main"]);
    let snapshot = bench.snapshot("side");
    bench.repo.git(&["branch", "--quiet", "-D", "side"]);
    assert_eq!(bench.resolve("side"), "revision side not found");
    assert_eq!(text(&snapshot, "file").as_deref(), Some("b"));
    assert_eq!(bench.mirror.last_resolved(&RevisionSpec::new("side")).unwrap().id.as_str(), b);
}

#[test]
fn changes_are_told_and_nothing_is_downloaded_without_one() {
    let bench = Bench::new();
    bench.repo.commit("file", "a");
    bench.repo.git(&["branch", "quiet"]);
    let names =
        |fetched: lockstep_git::Fetched| fetched.changed.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names(bench.try_fetch(&["main", "quiet"]).unwrap()), ["main", "quiet"]);
    let lines = || bench.server.seen().iter().map(|seen| seen.line.clone()).collect::<Vec<_>>();
    assert_eq!(lines().len(), 3);
    assert_eq!(names(bench.try_fetch(&["main", "quiet"]).unwrap()), [""; 0]);
    assert_eq!(lines(), ["POST /.git/git-upload-pack HTTP/1.1"]);
    bench.repo.commit("file", "b");
    assert_eq!(names(bench.try_fetch(&["main", "quiet"]).unwrap()), ["main"]);
    assert_eq!(lines().len(), 2);
    assert_eq!(bench.server.connections(), 1, "it is kept");
}

#[test]
fn only_the_references_that_matter_are_asked_for() {
    let bench = Bench::new();
    bench.repo.commit("file", "a");
    bench.snapshot("main");
    let asked = bench.server.seen().into_iter().find(|seen| seen.body.contains("ls-refs")).unwrap().body;
    let prefixes: Vec<&str> =
        asked.split("ref-prefix ").skip(1).map(|line| line.lines().next().unwrap()).collect();
    assert_eq!(prefixes, ["refs/heads/main", "refs/tags/main"]);
}

#[test]
fn many_branches_move_at_once() {
    let bench = Bench::new();
    bench.repo.commit("file", "a");
    let names: Vec<String> = (0..12).map(|n| format!("branch-{n}")).collect();
    let specs: Vec<&str> = names.iter().map(String::as_str).collect();
    let advance = |content: &str| {
        for name in &specs {
            bench.repo.commit(name, content);
            bench.repo.git(&["branch", "--force", name]);
        }
    };
    advance("1");
    assert_eq!(bench.try_fetch(&specs).unwrap().changed.len(), 12);
    bench.server.seen();
    advance("2");
    assert_eq!(bench.try_fetch(&specs).unwrap().changed.len(), 12);
    assert_eq!(bench.server.seen().len(), 2);
    assert_eq!(text(&bench.snapshot("branch-11"), "branch-3").as_deref(), Some("2"));
}
