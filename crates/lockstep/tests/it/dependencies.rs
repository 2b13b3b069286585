//! Applications that wait for each other, and for other objects.
use serde_json::{Value, json};
use xtask::Scenario;

use crate::harness::witness::{restart, told, written};
use crate::harness::{config_map, heal, ready_condition, scenario, settled, value};
use crate::waves::{NO_IMAGE, WELL, faring};

const API: &str = "lockstep.dev/v1alpha1";

/// An Application of a folder of its own, after others.
async fn application(stage: &Scenario, name: &str, after: &[&str]) {
    let depends_on: Vec<Value> =
        after.iter().map(|name| json!({"kind": "Application", "name": name})).collect();
    let source = json!({"git": {"url": stage.repo.url(), "path": name}});
    stage.application(name, json!({"sources": [source], "dependsOn": depends_on})).await;
}

async fn delete(stage: &Scenario, name: &str) {
    stage.cluster.rest().delete(&stage.path(API, "Application", name)).await.expect("delete");
}

/// Waits until Ready tells this of an Application.
async fn says(stage: &Scenario, name: &str, words: &str) -> String {
    let found =
        stage.until((API, "Application", name), |found| ready_condition(found).2.contains(words)).await;
    ready_condition(&found).2
}

/// The ConfigMaps in the order in which they were written, or deleted.
fn maps(stage: &Scenario, verb: &str) -> Vec<String> {
    let all = written(stage).into_iter();
    let maps = all.filter(|(of, resource, _)| of == verb && resource == "configmaps");
    maps.map(|(_, _, name)| name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn three_applications_start_one_after_the_other_and_go_the_other_way_round() {
    let Some(mut stage) = scenario("depends").await else { return };
    let sha = stage.push(&[
        ("db/web.yaml", &faring(NO_IMAGE)),
        ("db/a.yaml", &config_map("db", "1")),
        ("shop/a.yaml", &config_map("shop", "1")),
        ("front/a.yaml", &config_map("front", "1")),
    ]);
    application(&stage, "front", &["shop"]).await;
    application(&stage, "shop", &["db"]).await;
    says(&stage, "shop", "1 object: waits for Application.lockstep.dev/db in").await;
    application(&stage, "db", &[]).await;
    says(&stage, "shop", "which is not ready (Progressing)").await;
    let message = says(&stage, "front", "waits for Application.lockstep.dev/shop").await;
    assert!(message.contains("which is not ready (Syncing)"), "{message}");
    assert_eq!(maps(&stage, "patch"), ["db"]);
    let why = told(&stage, &["why", "shop", "cm/shop"]);
    assert!(
        why.contains("waits for Application.lockstep.dev/db") && why.contains("would create it"),
        "{why}"
    );
    let get = stage.cli(&["app", "get", "shop"]);
    assert!(
        String::from_utf8_lossy(&get.stdout).contains("waits for Application.lockstep.dev/db"),
        "{get:?}"
    );
    restart(&mut stage);
    assert_eq!(maps(&stage, "patch"), ["db"]);
    // Its health lets them go, one after the other.
    stage.push(&[("db/web.yaml", &faring(WELL))]);
    stage.ready("front", &sha).await;
    assert_eq!(maps(&stage, "patch"), ["db", "shop", "front"]);
    // The other way round.
    delete(&stage, "db").await;
    says(&stage, "db", "/shop depends on it and has to go first").await;
    delete(&stage, "shop").await;
    says(&stage, "shop", "/front depends on it and has to go first").await;
    assert!(maps(&stage, "delete").is_empty());
    delete(&stage, "front").await;
    stage.until_gone(API, "Application", "db").await;
    assert_eq!(maps(&stage, "delete"), ["front", "shop", "db"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_for_both_reaches_the_dependant_only_after_what_it_depends_on() {
    let Some(stage) = scenario("depends-commit").await else { return };
    let push = |value: &str, how: &str| {
        stage.push(&[
            ("db/web.yaml", &faring(how)),
            ("db/a.yaml", &config_map("db", value)),
            ("shop/a.yaml", &config_map("shop", value)),
            ("shop/kept.yaml", &config_map("kept", "1")),
        ])
    };
    let sha = push("1", WELL);
    application(&stage, "db", &[]).await;
    application(&stage, "shop", &["db"]).await;
    stage.ready("shop", &sha).await;
    for round in 2..8 {
        let sha = push(&round.to_string(), WELL);
        stage.ready("shop", &sha).await;
    }
    let mut written = maps(&stage, "patch");
    written.retain(|name| name != "kept");
    assert_eq!(written, ["db", "shop"].repeat(7));
    // One that is not well holds the next revision, and neither what is there nor its healing.
    push("8", NO_IMAGE);
    says(&stage, "shop", "waits for Application.lockstep.dev/db").await;
    heal(&stage, "kept", "1").await;
    assert_eq!(value(&stage, "shop").await, "7");
    let sha = push("9", WELL);
    stage.ready("shop", &sha).await;
    assert_eq!(value(&stage, "shop").await, "9");
}

#[tokio::test(flavor = "multi_thread")]
async fn any_object_can_be_waited_for_by_its_health_or_by_an_expression() {
    let Some(stage) = scenario("depends-object").await else { return };
    let sha = stage.push(&[("app/a.yaml", &config_map("a", "1"))]);
    let depends_on = json!([
        {"apiVersion": "v1", "kind": "ConfigMap", "name": "gate", "ready": "self.data.open == 'yes'"},
        {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
    ]);
    stage.application("shop", json!({"dependsOn": depends_on})).await;
    let message = says(&stage, "shop", "waits for ConfigMap/gate").await;
    assert!(message.contains("which does not exist, and for Deployment/web"), "{message}");
    let rest = stage.cluster.rest();
    let metadata = json!({"name": "gate", "namespace": stage.namespace});
    let gate = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"open": "no"}});
    rest.create(&gate).await.expect("gate");
    says(&stage, "shop", "which is not ready by self.data.open == 'yes'").await;
    rest.create(&healthy(&stage.namespace)).await.expect("web");
    let message = says(&stage, "shop", "waits for ConfigMap/gate").await;
    assert!(stage.find("v1", "ConfigMap", "a").await.is_none(), "{message}");
    let open = json!({"data": {"open": "yes"}});
    rest.merge(&stage.path("v1", "ConfigMap", "gate"), &open, "somebody").await.expect("open");
    stage.ready("shop", &sha).await;
}

/// A Deployment that becomes healthy.
fn healthy(namespace: &str) -> Value {
    let labels = json!({"app": "web"});
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": namespace}, "spec": {
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels, "annotations": {"cluster.lockstep.dev/ready-after": "0s"}},
                     "spec": {"containers": [{"name": "c", "image": "i"}]}}}})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cycle_is_refused_for_each_of_its_members_until_it_is_broken() {
    let Some(stage) = scenario("depends-cycle").await else { return };
    let sha = stage.push(&[
        ("a/a.yaml", &config_map("a", "1")),
        ("b/a.yaml", &config_map("b", "1")),
        ("c/a.yaml", &config_map("c", "1")),
    ]);
    application(&stage, "a", &[]).await;
    stage.ready("a", &sha).await;
    application(&stage, "b", &["a"]).await;
    application(&stage, "c", &["b"]).await;
    stage.ready("c", &sha).await;
    stage.change("a", json!({"spec": {"dependsOn": [{"kind": "Application", "name": "c"}]}})).await;
    for (name, way) in [("a", ["a", "c", "b", "a"]), ("b", ["b", "a", "c", "b"]), ("c", ["c", "b", "a", "c"])]
    {
        let found = settled(&stage, name, "InvalidSpec").await;
        let way = way.map(|name| format!("{}/{name}", stage.namespace)).join(" -> ");
        let message = ready_condition(&found).2;
        assert!(message.contains(&format!("it depends on itself: {way}")), "{message}");
    }
    stage.change("a", json!({"spec": {"dependsOn": []}})).await;
    for name in ["a", "b", "c"] {
        stage.ready(name, &sha).await;
    }
    // Those of a cycle hold nobody who is to go.
    stage.change("a", json!({"spec": {"dependsOn": [{"kind": "Application", "name": "c"}]}})).await;
    settled(&stage, "c", "InvalidSpec").await;
    for name in ["a", "b", "c"] {
        delete(&stage, name).await;
    }
    for name in ["a", "b", "c"] {
        stage.until_gone(API, "Application", name).await;
    }
}
