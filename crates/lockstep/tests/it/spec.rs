//! What an Application's spec says that is not, or not yet, acted on.
use serde_json::{Value, json};
use xtask::Scenario;

use crate::harness::{config_map, heal, ready_condition, scenario, settled, value};

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_application_does_nothing_and_resuming_looks_afresh() {
    let Some(stage) = scenario("suspend").await else { return };
    let sha = stage.push(&[("app/a.yaml", &config_map("a", "1"))]);
    let other = json!({"sources": source(&stage, "other")});
    stage.application("shop", json!({})).await;
    stage.ready("shop", &sha).await;
    stage.change("shop", json!({"spec": {"suspend": true}})).await;
    settled(&stage, "shop", "Suspended").await;
    crate::harness::drift(&stage, "a").await;
    // Another Application on the same repository goes on; the suspended one has had the same news.
    let sha = stage.push(&[("app/a.yaml", &config_map("a", "2")), ("other/b.yaml", &config_map("b", "1"))]);
    stage.application("other", other).await;
    stage.ready("other", &sha).await;
    heal(&stage, "b", "1").await;
    assert_eq!(value(&stage, "a").await, "drifted");
    // Nobody tells of this commit.
    stage.repo.write("app/a.yaml", &config_map("a", "3"));
    let sha = stage.repo.commit("unannounced");
    stage.change("shop", json!({"spec": {"suspend": false}})).await;
    stage.ready("shop", &sha).await;
    assert_eq!(value(&stage, "a").await, "3");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_is_not_built_is_refused_by_its_path() {
    let Some(stage) = scenario("not-built").await else { return };
    let sha = stage.push(&[("app/a.yaml", &config_map("a", "1"))]);
    let git = json!({"url": stage.repo.url(), "revision": "main", "path": "app"});
    let cases = [
        ("spec.ignore", json!({"ignore": [{"kind": "Deployment", "jsonPointers": ["/spec/replicas"]}]})),
        ("spec.sync.pin", json!({"sync": {"pin": {"revision": "abc"}}})),
        ("spec.sources[0].kustomize", json!({"sources": [{"git": git, "kustomize": {}}]})),
        ("spec.sources[0].helm", json!({"sources": [{"git": git, "helm": {"releaseName": "x"}}]})),
        ("spec.sources[0].oci", json!({"sources": [{"oci": {"url": "oci://r/shop", "revision": "1.x"}}]})),
        ("spec.sources[0].verify", json!({"sources": [{"git": git, "verify": {"signatures": "required"}}]})),
        ("spec.destination.cluster", json!({"destination": {"cluster": "far"}})),
    ];
    for (index, (_, changes)) in cases.iter().enumerate() {
        stage.application(&format!("app-{index}"), changes.clone()).await;
    }
    for (index, (path, _)) in cases.iter().enumerate() {
        let message = stage.not_ready(&format!("app-{index}"), "InvalidSpec").await;
        assert!(message.contains(path), "{path} is not in: {message}");
    }
    assert_eq!(value(&stage, "a").await, "", "nothing was done");
    stage.change("app-0", json!({"spec": {"ignore": null}})).await;
    stage.ready("app-0", &sha).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_later_leaves_live_objects_as_they_are() {
    let Some(stage) = scenario("refused-later").await else { return };
    let sha = stage.push(&[("app/a.yaml", &config_map("a", "1"))]);
    stage.application("shop", json!({})).await;
    stage.ready("shop", &sha).await;
    stage.change("shop", json!({"spec": {"sync": {"pin": {"revision": "abc"}}}})).await;
    settled(&stage, "shop", "InvalidSpec").await;
    assert_eq!(value(&stage, "a").await, "1");
    // Deleting it still works.
    let path = stage.path("lockstep.dev/v1alpha1", "Application", "shop");
    stage.cluster.rest().delete(&path).await.expect("delete");
    stage.until_gone("v1", "ConfigMap", "a").await;
    stage.until_gone("lockstep.dev/v1alpha1", "Application", "shop").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_must_exist_and_have_no_limits_that_are_not_enforced() {
    let Some(stage) = scenario("project").await else { return };
    let sha = stage.push(&[("app/a.yaml", &config_map("a", "1"))]);
    let project = stage.namespace.clone();
    stage.application("shop", json!({"project": project})).await;
    let message = stage.not_ready("shop", "ProjectNotFound").await;
    assert!(message.contains(&project), "{message}");
    let object = json!({
        "apiVersion": "lockstep.dev/v1alpha1", "kind": "Project", "metadata": {"name": project},
        "spec": {"destinations": [{"namespace": "elsewhere"}]},
    });
    stage.cluster.rest().create(&object).await.expect("project");
    let message = stage.not_ready("shop", "ProjectBlocked").await;
    assert!(message.contains("spec.destinations"), "{message}");
    assert_eq!(value(&stage, "a").await, "");
    let path = stage.path("lockstep.dev/v1alpha1", "Project", &project);
    let rest = stage.cluster.rest();
    rest.merge(&path, &json!({"spec": {"destinations": null}}), "somebody").await.expect("no limits");
    stage.ready("shop", &sha).await;
    // A limit that comes later blocks from then on.
    rest.merge(&path, &json!({"spec": {"kinds": {}}}), "somebody").await.expect("limits");
    let message = stage.not_ready("shop", "ProjectBlocked").await;
    assert!(message.contains("spec.kinds"), "{message}");
    assert_eq!(ready_condition(&stage.get("shop").await).0, "False");
    rest.delete(&path).await.expect("delete");
}

fn source(stage: &Scenario, path: &str) -> Value {
    json!([{"git": {"url": stage.repo.url(), "revision": "main", "path": path}}])
}
