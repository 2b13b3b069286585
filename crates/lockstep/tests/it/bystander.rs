//! Applications that are not acted on, and what moves to them from others on their repository.
use serde_json::{Value, json};
use xtask::{SOON, Scenario};

use crate::harness::{config_map, ready_condition, scenario, settled, uid, value};

#[tokio::test(flavor = "multi_thread")]
async fn what_moves_to_a_suspended_application_waits_there_and_holds_nobody_up() {
    let Some(mut stage) = both("suspended-move").await else { return };
    stage.change("y", json!({"spec": {"suspend": true}})).await;
    settled(&stage, "y", "Suspended").await;
    let before = uid(&stage, "moving").await;
    stage.repo.remove("x/moving.yaml").remove("x/going.yaml");
    let sha = stage.push(&[("y/moving.yaml", &config_map("moving", "2"))]);
    stage.until_gone("v1", "ConfigMap", "going").await;
    stage.ready("x", &sha).await;
    assert_eq!(
        (uid(&stage, "moving").await, value(&stage, "moving").await),
        (before.clone(), "1".to_owned())
    );
    // Back from a move that nobody saw, too.
    stage.controller.kill9().expect("kill -9");
    stage.repo.remove("x/second.yaml").write("y/second.yaml", &config_map("second", "2"));
    let sha = stage.repo.commit("move another one");
    let second = uid(&stage, "second").await;
    stage.controller.restart().expect("a restart");
    stage.controller.wait_ready(SOON).expect("readiness");
    stage.ready("x", &sha).await;
    assert_eq!(
        (uid(&stage, "second").await, value(&stage, "second").await),
        (second.clone(), "1".to_owned())
    );
    stage.change("y", json!({"spec": {"suspend": false}})).await;
    stage.ready("y", &sha).await;
    assert_eq!((uid(&stage, "moving").await, value(&stage, "moving").await), (before, "2".to_owned()));
    assert_eq!((uid(&stage, "second").await, value(&stage, "second").await), (second, "2".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_moves_to_an_application_whose_spec_is_refused_is_not_deleted() {
    let Some(stage) = both("refused-move").await else { return };
    stage.change("y", json!({"spec": {"ignore": [{"kind": "ConfigMap"}]}})).await;
    settled(&stage, "y", "InvalidSpec").await;
    let before = uid(&stage, "moving").await;
    stage.repo.remove("x/moving.yaml").remove("x/going.yaml");
    let sha = stage.push(&[("y/moving.yaml", &config_map("moving", "2"))]);
    stage.until_gone("v1", "ConfigMap", "going").await;
    stage.ready("x", &sha).await;
    assert_eq!(uid(&stage, "moving").await, before);
    // What a source wants that is refused itself cannot be told.
    let source = json!({"git": {"url": stage.repo.url(), "revision": "main", "path": "y"}, "kustomize": {}});
    stage.change("y", json!({"spec": {"sources": [source]}})).await;
    settled(&stage, "y", "InvalidSpec").await;
    let second = uid(&stage, "second").await;
    stage.repo.remove("x/second.yaml");
    stage.push(&[("y/second.yaml", &config_map("second", "2"))]);
    let held = |found: &Value| ready_condition(found).2.contains("/y (its render failed)");
    stage.until(("lockstep.dev/v1alpha1", "Application", "x"), held).await;
    assert_eq!(uid(&stage, "second").await, second);
    let source = json!({"git": {"url": stage.repo.url(), "revision": "main", "path": "y"}});
    stage.change("y", json!({"spec": {"sources": [source], "ignore": null}})).await;
    let sha = stage.repo.head();
    stage.ready("y", &sha).await;
    settled(&stage, "x", "Ready").await;
    assert_eq!((uid(&stage, "moving").await, uid(&stage, "second").await), (before, second));
}

/// Applications `x` and `y` on directories of the same name, each with an object of its own; `moving`, `second` and `going` are x's.
async fn both(name: &str) -> Option<Scenario> {
    let stage = scenario(name).await?;
    let sha = stage.push(&[
        ("x/own.yaml", &config_map("x-own", "1")),
        ("x/moving.yaml", &config_map("moving", "1")),
        ("x/second.yaml", &config_map("second", "1")),
        ("x/going.yaml", &config_map("going", "1")),
        ("y/own.yaml", &config_map("y-own", "1")),
    ]);
    for app in ["x", "y"] {
        let source: Value = json!([{"git": {"url": stage.repo.url(), "revision": "main", "path": app}}]);
        stage.application(app, json!({"sources": source})).await;
        stage.ready(app, &sha).await;
    }
    Some(stage)
}
