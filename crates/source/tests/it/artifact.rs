//! What is read is recorded, and only that counts.

use lockstep_source::{Artifact, Kind, PathError, Reads};

use crate::artifact;
use crate::repo::Repo;

/// Reads something in the directory `apps/a`.
type Render = fn(&Artifact);

fn render_all(artifact: &Artifact) {
    for file in artifact.walk("", 100).unwrap().unwrap() {
        let _ = artifact.read(&file.path, 100);
    }
}

fn render_flat(artifact: &Artifact) {
    for entry in artifact.list("").unwrap().unwrap() {
        if entry.kind.is_file() || entry.kind == Kind::Symlink {
            let _ = artifact.read(&entry.name, 100);
        }
    }
}

fn render_one(artifact: &Artifact) {
    artifact.read("own.yaml", 100).unwrap();
    assert_eq!(artifact.read("absent.yaml", 100).unwrap(), None);
    assert_eq!(artifact.read("gone/absent.yaml", 100).unwrap(), None);
}

fn render_beside(artifact: &Artifact) {
    artifact.read("../../base/base.yaml", 100).unwrap().unwrap();
}

fn repository() -> Repo {
    let repo = Repo::new();
    repo.write("apps/a/own.yaml", "own");
    repo.write("apps/a/nested/deep.yaml", "deep");
    repo.write("apps/b/own.yaml", "other");
    repo.write("base/base.yaml", "base");
    repo.write("base/more.yaml", "more");
    repo.link("apps/a/link.yaml", "../../base/base.yaml");
    repo.link("apps/a/elsewhere", "../../base");
    repo.commit_all("start");
    repo
}

const RENDERS: [(&str, Render); 4] =
    [("all", render_all), ("beside", render_beside), ("flat", render_flat), ("one", render_one)];

/// A repository and what each render read at its first commit.
struct Touched {
    repo: Repo,
    before: Vec<(&'static str, Reads)>,
}

impl Touched {
    fn new() -> Self {
        let repo = repository();
        repo.git(&["config", "core.fileMode", "false"]);
        repo.git(&["tag", "start"]);
        let before = RENDERS.iter().map(|(name, render)| {
            let artifact = artifact(&repo, "apps/a");
            render(&artifact);
            (*name, artifact.reads())
        });
        let before = before.collect();
        Self { repo, before }
    }

    /// Which of the renders a change to the first commit touches.
    fn check(&self, what: &str, change: impl FnOnce(&Repo), expected: &str) {
        self.repo.git(&["reset", "--quiet", "--hard", "start"]);
        change(&self.repo);
        self.repo.commit_all("change");
        let now = artifact(&self.repo, "");
        let touched = self.before.iter().filter(|(_, reads)| !reads.unchanged(now.snapshot()));
        assert_eq!(touched.map(|(name, _)| *name).collect::<Vec<_>>().join(" "), expected, "{what}");
    }
}

#[test]
fn a_commit_touches_what_read_what_it_changes() {
    let touched = Touched::new();
    let check = |what: &str, change: &dyn Fn(&Repo), expected: &str| touched.check(what, change, expected);
    check("nothing", &|_| {}, "");
    check("another application", &|repo| repo.write("apps/b/own.yaml", "x"), "");
    check("a file", &|repo| repo.write("apps/a/own.yaml", "x"), "all flat one");
    check("a nested file", &|repo| repo.write("apps/a/nested/deep.yaml", "x"), "all");
    check("a new file", &|repo| repo.write("apps/a/new.yaml", "x"), "all flat");
    check("a new nested file", &|repo| repo.write("apps/a/nested/new.yaml", "x"), "all");
    check("what a link shows", &|repo| repo.write("base/base.yaml", "x"), "all beside flat");
    check("beside what a link shows", &|repo| repo.write("base/more.yaml", "x"), "");
    check("an absent file appears", &|repo| repo.write("apps/a/absent.yaml", "x"), "all flat one");
    check("an absent directory appears", &|repo| repo.write("apps/a/gone/x", "x"), "all flat one");
    check(
        "a mode",
        &|repo| drop(repo.git(&["update-index", "--chmod=+x", "apps/a/own.yaml"])),
        "all flat one",
    );
}

#[test]
fn a_commit_touches_what_read_what_it_moves() {
    let touched = Touched::new();
    let check = |what: &str, change: &dyn Fn(&Repo), expected: &str| touched.check(what, change, expected);
    let relink = |repo: &Repo| {
        std::fs::remove_file(repo.file("apps/a/link.yaml")).unwrap();
        repo.link("apps/a/link.yaml", "../../base/more.yaml");
    };
    check("a link", &relink, "all flat");
    check("the directory moves", &|repo| drop(repo.git(&["mv", "apps/a", "apps/c"])), "all flat one");
    let replace = |repo: &Repo| {
        repo.git(&["mv", "apps/a", "apps/c"]);
        repo.link("apps/a", "c");
    };
    check("the directory becomes a link to itself elsewhere", &replace, "all flat one");
}

#[test]
fn paths_lead_where_they_say() {
    let repo = repository();
    let root = artifact(&repo, "");
    let app = artifact(&repo, "apps/a/");
    let read = |artifact: &Artifact, path: &str| {
        artifact.read(path, 100).unwrap().map(|bytes| String::from_utf8(bytes).unwrap())
    };
    assert_eq!(read(&root, "apps/a/own.yaml").as_deref(), Some("own"));
    assert_eq!(read(&artifact(&repo, "."), "base/base.yaml").as_deref(), Some("base"));
    assert_eq!(read(&app, "own.yaml").as_deref(), Some("own"));
    assert_eq!(read(&app, "elsewhere/more.yaml").as_deref(), Some("more"));
    assert_eq!(read(&artifact(&repo, "apps/a/elsewhere"), "more.yaml").as_deref(), Some("more"));
    assert_eq!(read(&app, "nested"), None);
    assert_eq!(app.entry("link.yaml").unwrap().unwrap().path, "base/base.yaml");
    assert_eq!(app.list("own.yaml").unwrap(), None);
    assert_eq!(artifact(&repo, "apps/none").list("").unwrap(), None);
    for path in ["../../../etc/passwd", "/etc/passwd"] {
        assert!(matches!(app.read(path, 100), Err(PathError::Escapes { .. })), "{path}");
    }
    assert!(matches!(artifact(&repo, "../x").list(""), Err(PathError::Escapes { .. })));
    assert_eq!(app.path(), "apps/a");
    assert_eq!(app.commit().subject, "start");
}

#[test]
fn a_thousand_records_are_compared_quickly() {
    let repo = Repo::new();
    for app in 0..1000 {
        repo.write(&format!("apps/{app:04}/app.yaml"), &app.to_string());
    }
    repo.commit_all("many");
    let root = artifact(&repo, "");
    let records: Vec<_> = (0..1000)
        .map(|app| {
            let artifact =
                Artifact::new(root.repository().clone(), root.snapshot().clone(), &format!("apps/{app:04}"));
            render_all(&artifact);
            artifact.reads()
        })
        .collect();
    repo.commit("apps/0500/app.yaml", "changed");
    let now = artifact(&repo, "");
    let start = std::time::Instant::now();
    let touched: Vec<usize> = (0..1000).filter(|app| !records[*app].unchanged(now.snapshot())).collect();
    println!("1,000 records: {:?}", start.elapsed());
    assert_eq!(touched, [500]);
    assert!(start.elapsed() < std::time::Duration::from_secs(10));
}
