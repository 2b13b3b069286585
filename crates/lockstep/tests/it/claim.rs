//! Objects that more than one Application wants, at once or one after the other.
use serde_json::{Value, json};
use xtask::{Scenario, text};

use crate::harness::witness::killed;
use crate::harness::{config_map, heal, ours, ready_condition, scenario, settled, uid, value};

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_moves_is_never_deleted() {
    let Some(stage) = both("move").await else { return };
    let before = uid(&stage, "moving").await;
    stage.repo.remove("x/moving.yaml");
    let sha = stage.push(&[("y/moving.yaml", &config_map("moving", "2"))]);
    stage.ready("x", &sha).await;
    stage.ready("y", &sha).await;
    assert_eq!(
        (uid(&stage, "moving").await, value(&stage, "moving").await),
        (before.clone(), "2".to_owned())
    );
    let owner = owner(&stage).await;
    assert!(owner.contains("/y:"), "{owner}");
    // It is y's in every respect: y heals it, and x may go.
    heal(&stage, "moving", "2").await;
    let x = stage.path("lockstep.dev/v1alpha1", "Application", "x");
    stage.cluster.rest().delete(&x).await.expect("delete");
    stage.until_gone("lockstep.dev/v1alpha1", "Application", "x").await;
    assert_eq!(uid(&stage, "moving").await, before);
    let deletions =
        ours(&stage, "configmaps", "moving").iter().filter(|write| write.verb == "delete").count();
    assert_eq!(deletions, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_render_error_in_the_new_owner_holds_the_prune() {
    let Some(stage) = both("held").await else { return };
    let before = uid(&stage, "moving").await;
    stage.repo.remove("x/moving.yaml").remove("y/own.yaml");
    let broken = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: own}\ndata: {a: 'b' c}\n";
    stage.push(&[
        ("x/own.yaml", &config_map("x-own", "2")),
        ("y/moving.yaml", &config_map("moving", "2")),
        ("y/own.yaml", broken),
    ]);
    stage.not_ready("y", "RenderFailed").await;
    stage.until(application("x"), |found| ready_condition(found).2.contains("/y (its render failed)")).await;
    // The rest of x goes on.
    heal(&stage, "x-own", "2").await;
    assert_eq!(
        (uid(&stage, "moving").await, value(&stage, "moving").await),
        (before.clone(), "1".to_owned())
    );
    let sha = stage.push(&[("y/own.yaml", &config_map("y-own", "2"))]);
    stage.ready("y", &sha).await;
    settled(&stage, "x", "Ready").await;
    assert_eq!((uid(&stage, "moving").await, value(&stage, "moving").await), (before, "2".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unrelated_commit_does_not_release_a_prune_that_a_render_error_holds() {
    let Some(mut stage) = both("held-on").await else { return };
    let before = uid(&stage, "moving").await;
    stage.repo.remove("x/moving.yaml");
    stage.push(&[("y/moving.yaml", &config_map("moving", "2")), ("y/bad.yaml", "a: [")]);
    stage.not_ready("y", "RenderFailed").await;
    let held = |found: &Value| ready_condition(found).2.contains("/y (its render failed)");
    stage.until(application("x"), held).await;
    stage.push(&[("unrelated/a.yaml", &config_map("nobodys", "1"))]);
    // What it changes in x proves that x has decided about this commit.
    stage.push(&[("x/own.yaml", &config_map("x-own", "2"))]);
    stage.until(("v1", "ConfigMap", "x-own"), |live| text(live, "/data/value") == "2").await;
    assert_eq!(uid(&stage, "moving").await, before);
    // Later deletions are held as well, also by a process that has never seen the commit which broke y.
    killed(&mut stage);
    heal(&stage, "x-own", "2").await;
    assert_eq!(uid(&stage, "moving").await, before);
    stage.repo.remove("y/bad.yaml");
    let sha = stage.push(&[]);
    stage.ready("y", &sha).await;
    settled(&stage, "x", "Ready").await;
    assert_eq!((uid(&stage, "moving").await, value(&stage, "moving").await), (before, "2".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_goes_while_its_neighbour_cannot_be_rendered_goes_once_it_can() {
    let Some(stage) = both("held-gone").await else { return };
    stage.repo.remove("x/moving.yaml");
    let broken = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: own}\ndata: {a: 'b' c}\n";
    stage.push(&[("y/own.yaml", broken)]);
    stage.not_ready("y", "RenderFailed").await;
    stage.until(application("x"), |found| ready_condition(found).2.contains("/y (its render failed)")).await;
    assert!(!uid(&stage, "moving").await.is_empty());
    stage.push(&[("y/own.yaml", &config_map("y-own", "2"))]);
    stage.until_gone("v1", "ConfigMap", "moving").await;
    settled(&stage, "x", "Ready").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_claim_one_object_both_say_so_until_one_lets_go() {
    let Some(stage) = both("claimed").await else { return };
    let before = uid(&stage, "moving").await;
    stage.push(&[("y/moving.yaml", &config_map("moving", "of-y"))]);
    let message = stage.not_ready("y", "Conflict").await;
    assert!(message.contains("ConfigMap/moving") && message.contains("/x"), "{message}");
    let message = stage.not_ready("x", "Conflict").await;
    assert!(message.contains("ConfigMap/moving") && message.contains("/y"), "{message}");
    heal(&stage, "moving", "1").await;
    assert!(owner(&stage).await.contains("/x:"));

    stage.repo.remove("x/moving.yaml");
    let sha = stage.push(&[]);
    stage.ready("x", &sha).await;
    settled(&stage, "y", "Ready").await;
    assert_eq!((uid(&stage, "moving").await, value(&stage, "moving").await), (before, "of-y".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_one_that_wants_it_too_gets_it_when_the_owner_is_deleted() {
    let Some(stage) = both("inherited").await else { return };
    let before = uid(&stage, "moving").await;
    stage.push(&[("y/moving.yaml", &config_map("moving", "of-y"))]);
    stage.not_ready("y", "Conflict").await;
    let x = stage.path("lockstep.dev/v1alpha1", "Application", "x");
    stage.cluster.rest().delete(&x).await.expect("delete");
    stage.until_gone("lockstep.dev/v1alpha1", "Application", "x").await;
    let head = stage.repo.head();
    stage.ready("y", &head).await;
    assert_eq!((uid(&stage, "moving").await, value(&stage, "moving").await), (before, "of-y".to_owned()));
    stage.until_gone("v1", "ConfigMap", "x-own").await;
}

/// Applications `x` and `y` on directories of the same name, each with an object of its own; `moving` is x's.
#[tokio::test(flavor = "multi_thread")]
async fn a_look_that_finds_nothing_new_holds_no_neighbour_up() {
    let Some(stage) = both("looked").await else { return };
    let annotation = json!({"lockstep.dev/refresh": "now"});
    stage.change("y", json!({"metadata": {"annotations": annotation}})).await;
    stage.until(application("y"), |found| text(found, "/status/lastHandled/refresh") == "now").await;
    stage.repo.remove("x/moving.yaml");
    let sha = stage.push(&[]);
    stage.until_gone("v1", "ConfigMap", "moving").await;
    stage.ready("x", &sha).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_moves_while_nobody_looks_is_never_deleted() {
    let Some(mut stage) = both("move-away").await else { return };
    let before = uid(&stage, "moving").await;
    stage.controller.kill9().expect("kill -9");
    stage.repo.remove("x/moving.yaml").write("y/moving.yaml", &config_map("moving", "2"));
    let sha = stage.repo.commit("move it");
    stage.controller.restart().expect("a restart");
    stage.ready("y", &sha).await;
    stage.ready("x", &sha).await;
    assert_eq!((uid(&stage, "moving").await, value(&stage, "moving").await), (before, "2".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_moves_away_from_a_deleted_application_while_nobody_looks_is_never_deleted() {
    let Some(mut stage) = both("move-deleted").await else { return };
    let before = uid(&stage, "moving").await;
    stage.controller.kill9().expect("kill -9");
    stage.repo.remove("x/moving.yaml").write("y/moving.yaml", &config_map("moving", "2"));
    let sha = stage.repo.commit("move it");
    let x = stage.path("lockstep.dev/v1alpha1", "Application", "x");
    stage.cluster.rest().delete(&x).await.expect("delete");
    stage.controller.restart().expect("a restart");
    stage.until_gone("lockstep.dev/v1alpha1", "Application", "x").await;
    stage.ready("y", &sha).await;
    assert_eq!((uid(&stage, "moving").await, value(&stage, "moving").await), (before, "2".to_owned()));
    stage.until_gone("v1", "ConfigMap", "x-own").await;
}

async fn both(name: &str) -> Option<Scenario> {
    let stage = scenario(name).await?;
    let sha = stage.push(&[
        ("x/own.yaml", &config_map("x-own", "1")),
        ("x/moving.yaml", &config_map("moving", "1")),
        ("y/own.yaml", &config_map("y-own", "1")),
    ]);
    for app in ["x", "y"] {
        let source: Value = json!([{"git": {"url": stage.repo.url(), "revision": "main", "path": app}}]);
        stage.application(app, json!({"sources": source})).await;
        stage.ready(app, &sha).await;
    }
    Some(stage)
}

fn application(name: &str) -> (&str, &str, &str) {
    ("lockstep.dev/v1alpha1", "Application", name)
}

async fn owner(stage: &Scenario) -> String {
    let live = stage.find("v1", "ConfigMap", "moving").await.expect("live");
    text(&live, "/metadata/annotations/lockstep.dev~1owner").to_owned()
}
