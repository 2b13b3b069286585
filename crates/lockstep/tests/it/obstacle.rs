//! What has to come first, or to go away first, and is waited for without anybody's help.
use std::time::Duration;

use serde_json::json;
use xtask::{condition, text};

use crate::harness::{config_map, scenario, settled, uid, value};

const APPLICATION: (&str, &str, &str) = ("lockstep.dev/v1alpha1", "Application", "shop");

#[tokio::test(flavor = "multi_thread")]
async fn an_object_without_its_namespace_fails_alone_until_somebody_makes_it() {
    let Some(stage) = scenario("homeless").await else { return };
    let name = format!("{}-late", stage.namespace);
    let away = config_map("away", "1").replace("name: away", &format!("name: away, namespace: {name}"));
    let sha = stage.push(&[("app/a.yaml", &config_map("a", "1")), ("app/away.yaml", &away)]);
    stage.application("shop", json!({})).await;
    let message = stage.not_ready("shop", "SyncFailed").await;
    assert!(message.contains("ConfigMap/away") && message.contains("namespace"), "{message}");
    assert_eq!(value(&stage, "a").await, "1");
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    stage.cluster.rest().create(&namespace).await.expect("namespace");
    stage.ready("shop", &sha).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_and_its_contents_come_in_one_commit() {
    let Some(stage) = scenario("contents").await else { return };
    let name = format!("{}-new", stage.namespace);
    let namespace = format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}\n");
    let inside =
        config_map("inside", "1").replace("name: inside", &format!("name: inside, namespace: {name}"));
    let sha = stage.push(&[("app/a.yaml", &inside), ("app/z.yaml", &namespace)]);
    stage.application("shop", json!({})).await;
    stage.ready("shop", &sha).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_is_being_deleted_is_made_again_once_it_is_gone() {
    let Some(stage) = scenario("leaving").await else { return };
    let held = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: held, finalizers: [example.com/hold]}\ndata: {value: one}\n";
    let sha = stage.push(&[("app/held.yaml", held), ("app/a.yaml", &config_map("a", "1"))]);
    stage.application("shop", json!({})).await;
    stage.ready("shop", &sha).await;
    let before = uid(&stage, "held").await;
    let (path, rest) = (stage.path("v1", "ConfigMap", "held"), stage.cluster.rest());
    rest.delete(&path).await.expect("delete");
    // Nothing is applied into an object that is on its way out, and the others do not wait for it.
    let sha = stage.push(&[
        ("app/held.yaml", &held.replace("value: one", "value: two")),
        ("app/a.yaml", &config_map("a", "2")),
    ]);
    stage.until(("v1", "ConfigMap", "a"), |live| text(live, "/data/value") == "2").await;
    stage.until(APPLICATION, |found| text(found, "/status/sync/state") == "Syncing").await;
    assert_eq!((uid(&stage, "held").await, value(&stage, "held").await), (before.clone(), "one".to_owned()));
    rest.merge(&path, &json!({"metadata": {"finalizers": null}}), "somebody").await.expect("release");
    stage.ready("shop", &sha).await;
    assert_eq!(value(&stage, "held").await, "two");
    assert_ne!(uid(&stage, "held").await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn retries_come_to_an_end_that_is_told_and_a_wish_starts_them_afresh() {
    let Some(stage) = scenario("retries").await else { return };
    let service =
        "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80, nodePort: 1}]}\n";
    let sha = stage.push(&[("app/web.yaml", service)]);
    let retry = json!({"limit": 2, "backoff": {"duration": "1s", "factor": 1, "maxDuration": "1h"}});
    stage.application("shop", json!({"sync": {"retry": retry}})).await;
    let found = stage.until(APPLICATION, |found| condition(found, "Stalled").is_some()).await;
    let stalled = text(condition(&found, "Stalled").expect("stalled"), "/message").to_owned();
    assert!(stalled.contains("sync.retry"), "{stalled}");
    let attempts = || -> usize {
        let log = stage.controller.log();
        log.lines().filter(|line| line.contains("A step failed") && line.contains("Service/web")).count()
    };
    let before = attempts();
    assert_eq!(before, 3, "the first attempt and two more");
    stage.change("shop", json!({"metadata": {"annotations": {"lockstep.dev/sync": "now"}}})).await;
    xtask::eventually(Duration::from_secs(20), || async {
        let now = attempts();
        if now > before { Ok(()) } else { Err(format!("{now} attempts")) }
    })
    .await;
    let found = settled(&stage, "shop", "SyncFailed").await;
    assert_ne!(text(&found, "/status/sync/revision"), sha, "it is not live");
}
