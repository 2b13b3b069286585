//! Applications of several sources, in one repository and in several.
use serde_json::{Value, json};
use xtask::{Availability, GitRepo, text};

use crate::harness::{config_map, heal, scenario, value};

#[tokio::test(flavor = "multi_thread")]
async fn of_two_sources_with_one_object_the_last_wins() {
    let Some(stage) = scenario("sources").await else { return };
    let sha = stage.push(&[
        ("base/a.yaml", &config_map("a", "base")),
        ("base/b.yaml", &config_map("b", "base")),
        ("over/b.yaml", &config_map("b", "over")),
    ]);
    let url = stage.repo.url();
    stage.application("shop", json!({"sources": [git(&url, "base"), git(&url, "over")]})).await;
    let shop = stage.ready("shop", &sha).await;
    assert_eq!(shop["status"]["summary"]["objects"]["total"], 2);
    assert_eq!((value(&stage, "a").await, value(&stage, "b").await), ("base".to_owned(), "over".to_owned()));
    // Without the upper one the lower one shows.
    stage.repo.remove("over/b.yaml");
    let sha = stage.push(&[("over/c.yaml", &config_map("c", "over"))]);
    stage.ready("shop", &sha).await;
    assert_eq!(value(&stage, "b").await, "base");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_repositories_are_followed_and_one_that_is_away_does_not_hold_the_other() {
    let Some(stage) = scenario("repositories").await else { return };
    let other = GitRepo::new();
    other.write("app/b.yaml", &config_map("b", "1")).commit("other");
    let sha = stage.push(&[("app/a.yaml", &config_map("a", "1"))]);
    let sources = json!([git(&stage.repo.url(), "app"), git(&other.url(), "app")]);
    stage.application("shop", json!({"sources": sources})).await;
    let shop = stage.ready("shop", &sha).await;
    let revisions = shop["status"]["sync"]["revisions"].clone();
    assert_eq!(revisions, json!([sha, other.head()]));
    other.write("app/b.yaml", &config_map("b", "2")).commit("other");
    stage.controller.refresh(&other.url()).expect("202");
    stage.until(("v1", "ConfigMap", "b"), |live| text(live, "/data/value") == "2").await;

    other.server().set_availability(Availability::Unavailable);
    stage.controller.refresh(&other.url()).expect("202");
    stage.not_ready("shop", "SourceUnavailable").await;
    stage.push(&[("app/a.yaml", &config_map("a", "2"))]);
    stage.until(("v1", "ConfigMap", "a"), |live| text(live, "/data/value") == "2").await;
    heal(&stage, "b", "2").await;
    other.server().set_availability(Availability::Up);
    stage.controller.refresh(&other.url()).expect("202");
    stage.ready("shop", &stage.repo.head()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_is_taken_away_takes_its_objects_along() {
    let Some(stage) = scenario("fewer").await else { return };
    let sha = stage.push(&[("one/a.yaml", &config_map("a", "1")), ("two/b.yaml", &config_map("b", "1"))]);
    let url = stage.repo.url();
    stage.application("shop", json!({"sources": [git(&url, "one"), git(&url, "two")]})).await;
    stage.ready("shop", &sha).await;
    stage.change("shop", json!({"spec": {"sources": [git(&url, "one")]}})).await;
    stage.until_gone("v1", "ConfigMap", "b").await;
    stage.ready("shop", &sha).await;
    // Another path of the same commit is another set.
    stage.change("shop", json!({"spec": {"sources": [git(&url, "two")]}})).await;
    stage.until(("v1", "ConfigMap", "b"), |_| true).await;
    stage.until_gone("v1", "ConfigMap", "a").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_without_a_namespace_and_of_another_one_are_defended_and_pruned_too() {
    let Some(stage) = scenario("scope").await else { return };
    let away = stage.cluster.namespace("scope-away").await;
    let role = stage.namespace.clone();
    let rules = format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: {role}}}\n\
         rules: [{{apiGroups: [\"\"], resources: [pods], verbs: [get]}}]\n"
    );
    let elsewhere = config_map("elsewhere", "1").replace("name: e", &format!("namespace: {away}, name: e"));
    let sha = stage.push(&[
        ("app/a.yaml", &config_map("a", "1")),
        ("app/role.yaml", &rules),
        ("app/elsewhere.yaml", &elsewhere),
    ]);
    stage.application("shop", json!({})).await;
    stage.ready("shop", &sha).await;
    let kind = ("rbac.authorization.k8s.io/v1", "ClusterRole");
    let rest = stage.cluster.rest();
    let path = stage.path(kind.0, kind.1, &role);
    let wanted = stage.find(kind.0, kind.1, &role).await.expect("live")["rules"].take();
    rest.merge(&path, &json!({"rules": []}), "somebody").await.expect("drift");
    stage.until((kind.0, kind.1, &role), |live| live["rules"] == wanted).await;
    let elsewhere = format!("/api/v1/namespaces/{away}/configmaps/elsewhere");
    rest.delete(&elsewhere).await.expect("drift");
    let there = async |there: bool| {
        xtask::eventually(xtask::SOON, || async {
            let found = rest.find(&elsewhere).await.map_err(|error| error.to_string())?;
            if found.is_some() == there { Ok(()) } else { Err(format!("{elsewhere}: {found:?}")) }
        })
        .await;
    };
    there(true).await;
    stage.repo.remove("app/role.yaml").remove("app/elsewhere.yaml");
    let sha = stage.push(&[]);
    stage.ready("shop", &sha).await;
    stage.until_gone(kind.0, kind.1, &role).await;
    there(false).await;
}

fn git(url: &str, path: &str) -> Value {
    json!({"git": {"url": url, "revision": "main", "path": path}})
}
