//! What a commit does to the cluster.
use serde_json::json;

use crate::harness::witness::{SHOP, deployed};
use crate::harness::{config_map, uid, value};

/// A commit: files with their text, or `None` for those that go.
type Commit<'a> = &'a [(&'a str, Option<&'a str>)];

/// Makes the commits after a first one with `a: blue` and `b: blue`, and checks values by name; empty: not there.
async fn check(name: &str, commits: &[Commit<'_>], want: &[(&str, &str)]) {
    let (a, b) = (config_map("a", "blue"), config_map("b", "blue"));
    let Some(stage) = deployed(name, &[("app/a.yaml", &a), ("app/b.yaml", &b)], json!({})).await else {
        return;
    };
    for commit in commits {
        for (path, text) in *commit {
            match text {
                Some(text) => stage.repo.write(path, text),
                None => stage.repo.remove(path),
            };
        }
        let sha = stage.push(&[]);
        stage.ready(SHOP, &sha).await;
    }
    for (name, wanted) in want {
        assert_eq!(value(&stage, name).await, *wanted, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_git_creates_is_created() {
    let c = config_map("c", "red");
    check("commit-create", &[&[("app/c.yaml", Some(&c))]], &[("a", "blue"), ("b", "blue"), ("c", "red")])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_git_changes_is_changed() {
    let a = config_map("a", "red");
    check("commit-change", &[&[("app/a.yaml", Some(&a))]], &[("a", "red"), ("b", "blue")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_git_deletes_is_deleted() {
    check("commit-delete", &[&[("app/b.yaml", None)]], &[("a", "blue"), ("b", "")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_git_drops_goes_and_the_object_stays() {
    let (a, b) = (config_map("a", "blue"), config_map("b", "blue"));
    let Some(stage) = deployed("commit-field", &[("app/a.yaml", &a), ("app/b.yaml", &b)], json!({})).await
    else {
        return;
    };
    let before = uid(&stage, "a").await;
    let sha = stage.push(&[(
        "app/a.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {size: small}\n",
    )]);
    stage.ready(SHOP, &sha).await;
    let live = stage.find("v1", "ConfigMap", "a").await.expect("live");
    assert_eq!(live["data"], json!({"size": "small"}));
    assert_eq!(live["metadata"]["uid"], before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revert_brings_back_what_was() {
    let (a, b) = (config_map("a", "blue"), config_map("b", "blue"));
    let Some(stage) = deployed("commit-revert", &[("app/a.yaml", &a), ("app/b.yaml", &b)], json!({})).await
    else {
        return;
    };
    stage.repo.write("app/a.yaml", &config_map("a", "red")).write("app/c.yaml", &config_map("c", "red"));
    stage.repo.remove("app/b.yaml");
    let sha = stage.push(&[]);
    stage.ready(SHOP, &sha).await;
    assert_eq!(
        [value(&stage, "a").await, value(&stage, "b").await, value(&stage, "c").await],
        ["red", "", "red"]
    );
    let sha = stage.repo.revert();
    stage.refresh();
    let app = stage.ready(SHOP, &sha).await;
    assert_eq!(
        [value(&stage, "a").await, value(&stage, "b").await, value(&stage, "c").await],
        ["blue", "blue", ""]
    );
    // What happened is told, the newest first, with who did it.
    let history = app["status"]["history"].as_array().expect("history");
    assert_eq!(history.len(), 3, "{history:#?}");
    assert_eq!(history[0]["revision"], sha);
    assert_eq!(
        history[0]["author"].as_str().map(|author| author.contains("Ada")),
        Some(true),
        "{history:#?}"
    );
    assert_eq!(history[0]["subject"], "Revert \"change\"");
}
