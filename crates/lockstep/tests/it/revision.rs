//! The ways to say which revision an Application follows.
use serde_json::{Value, json};
use xtask::Scenario;

use crate::harness::{config_map, scenario};

/// A repository with four commits, each of which sets another colour, and then a fifth.
struct History {
    stage: Scenario,
    shas: Vec<String>,
}

impl History {
    /// `v1.0.0` one, `v1.1.0` (annotated) and branch `release` two, `v2.0.0` three, `main` four; tag `live` is at two.
    async fn new(name: &str) -> Option<Self> {
        let stage = scenario(name).await?;
        let mut history = Self { stage, shas: Vec::new() };
        history.commit("one").tag("v1.0.0");
        history.commit("two").annotated_tag("v1.1.0").tag("live").git(&["branch", "release"]);
        history.commit("three").tag("v2.0.0");
        history.commit("four");
        Some(history)
    }

    fn commit(&mut self, colour: &str) -> &xtask::GitRepo {
        self.stage.repo.write("app/a.yaml", &config_map("a", colour));
        self.shas.push(self.stage.repo.commit(colour));
        &self.stage.repo
    }

    /// A fifth commit, on a branch of its own from which everything that can move goes to it.
    fn move_on(&mut self) {
        let sha = self.commit("five").git(&["rev-parse", "HEAD"]);
        self.stage.repo.tag("v1.2.0").tag("live").git(&["branch", "-f", "release", &sha]);
        self.stage.refresh();
    }

    /// Makes an Application that follows a revision, in a namespace of its own so that each has its own object.
    async fn follow(&self, app: &str, revision: &str) -> String {
        let namespace = self.stage.cluster.namespace(app).await;
        let git = json!({"url": self.stage.repo.url(), "revision": revision, "path": "app"});
        let changes = json!({"sources": [{"git": git}], "destination": {"namespace": namespace}});
        self.stage.application(app, changes).await;
        namespace
    }

    async fn colour(&self, namespace: &str) -> Value {
        let path = xtask::Resource::of("v1", "ConfigMap").object(namespace, "a");
        self.stage.cluster.rest().get(&path).await.expect("ConfigMap")["data"]["value"].take()
    }
}

const COLOURS: [&str; 5] = ["one", "two", "three", "four", "five"];

/// An Application at `revision` is at the commit with the first colour, and after everything moved at the second.
async fn check(name: &str, revision: impl Fn(&History) -> String, want: [&str; 2]) {
    let Some(mut history) = History::new(name).await else { return };
    let namespace = history.follow(name, &revision(&history)).await;
    // It moves in any case: once it has, everybody has been told of the newest revisions.
    history.follow("main", "main").await;
    for (round, colour) in want.into_iter().enumerate() {
        if round > 0 {
            history.move_on();
        }
        let newest = history.shas.last().expect("commits");
        history.stage.ready("main", newest).await;
        let at = COLOURS.iter().position(|known| *known == colour).expect("a colour");
        history.stage.ready(name, &history.shas[at]).await;
        assert_eq!(history.colour(&namespace).await, colour);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_is_followed() {
    check("branch", |_| "release".into(), ["two", "five"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_reference_is_followed() {
    check("reference", |_| "refs/heads/release".into(), ["two", "five"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_revision_is_the_default_branch() {
    check("default", |_| String::new(), ["four", "five"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_is_followed_when_it_moves() {
    check("tag", |_| "live".into(), ["two", "five"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_annotated_tag_is_its_commit() {
    check("annotated", |_| "v1.1.0".into(), ["two", "two"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_semver_range_takes_the_newest_tag_in_it() {
    check("semver", |_| ">=1.0.0 <2.0.0".into(), ["two", "five"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_sha_stays() {
    check("sha", |history| history.shas[0].clone(), ["one", "one"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_sha_stays() {
    check("short", |history| history.shas[2][..8].to_owned(), ["three", "three"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forced_push_is_followed_back_and_forth() {
    let Some(stage) = scenario("forced").await else { return };
    let mut shas = Vec::new();
    for value in ["one", "two", "three"] {
        shas.push(stage.push(&[("app/a.yaml", &config_map("a", value))]));
    }
    stage.application("shop", json!({})).await;
    for at in [2, 0, 1, 2] {
        stage.repo.reset(&shas[at]);
        stage.refresh();
        stage.ready("shop", &shas[at]).await;
        assert_eq!(crate::harness::value(&stage, "a").await, COLOURS[at]);
    }
    // A history that shares nothing with what was known.
    stage.repo.git(&["checkout", "-q", "--orphan", "other"]);
    stage.repo.write("app/a.yaml", &config_map("a", "four"));
    let sha = stage.repo.commit("afresh");
    stage.repo.git(&["branch", "-f", "main", "other"]);
    stage.refresh();
    stage.ready("shop", &sha).await;
    assert_eq!(crate::harness::value(&stage, "a").await, "four");
}
