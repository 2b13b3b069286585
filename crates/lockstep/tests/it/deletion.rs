//! The end of an Application.
use serde_json::json;
use xtask::{SOON, Scenario, eventually, text};

use crate::harness::{config_map, scenario, uid};

const APPLICATION: (&str, &str, &str) = ("lockstep.dev/v1alpha1", "Application", "shop");

#[tokio::test(flavor = "multi_thread")]
async fn objects_go_first_and_one_with_a_finalizer_of_its_own_holds_the_application() {
    let Some(mut stage) = scenario("deletion").await else { return };
    let held = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: held, finalizers: [example.com/hold]}\n";
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n";
    let sha = stage.push(&[
        ("app/a.yaml", &config_map("a", "1")),
        ("app/held.yaml", held),
        ("app/web.yaml", service),
    ]);
    stage.application("shop", json!({})).await;
    stage.ready("shop", &sha).await;
    assert_eq!(records(&stage).await.len(), 1);
    delete(&stage).await;
    stage.until_gone("v1", "ConfigMap", "a").await;
    stage.until_gone("v1", "Service", "web").await;
    let held = ("v1", "ConfigMap", "held");
    stage.until(held, |live| live["metadata"].get("deletionTimestamp").is_some()).await;
    let shop = stage.get("shop").await;
    assert_eq!(shop["metadata"]["finalizers"], json!(["lockstep.dev/prune"]));
    assert_eq!(records(&stage).await.len(), 1, "the record is needed until the end");
    let message = stage.not_ready("shop", "Deleting").await;
    assert!(message.contains("ConfigMap/held") && !message.contains("ConfigMap/a"), "{message}");
    // One that cannot go holds nobody else up, not even at a start.
    stage.controller.restart().expect("restart");
    stage.controller.wait_ready(SOON).expect("ready beside a deletion that is held");
    let path = stage.path("v1", "ConfigMap", "held");
    let release = json!({"metadata": {"finalizers": null}});
    stage.cluster.rest().merge(&path, &release, "somebody").await.expect("release");
    stage.until_gone(APPLICATION.0, APPLICATION.1, APPLICATION.2).await;
    stage.until_gone("v1", "ConfigMap", "held").await;
    assert_eq!(records(&stage).await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn deletion_orphan_leaves_everything_where_it_is() {
    let Some(stage) = scenario("orphan").await else { return };
    let sha = stage.push(&[("app/a.yaml", &config_map("a", "1"))]);
    stage.application("shop", json!({"deletion": "Orphan"})).await;
    stage.ready("shop", &sha).await;
    let before = uid(&stage, "a").await;
    delete(&stage).await;
    stage.until_gone(APPLICATION.0, APPLICATION.1, APPLICATION.2).await;
    let live = stage.find("v1", "ConfigMap", "a").await.expect("orphaned");
    assert_eq!(text(&live, "/metadata/uid"), before);
    assert_eq!(live["metadata"].get("deletionTimestamp"), None);
    eventually(SOON, || async {
        let left = records(&stage).await;
        if left.is_empty() { Ok(()) } else { Err(format!("records are left: {left:?}")) }
    })
    .await;
    // Made again, it takes the object over again.
    stage.application("shop", json!({})).await;
    stage.ready("shop", &sha).await;
    assert_eq!(uid(&stage, "a").await, before);
    delete(&stage).await;
    stage.until_gone("v1", "ConfigMap", "a").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_marked_disabled_outlives_its_application() {
    let Some(stage) = scenario("outlives").await else { return };
    let kept = crate::harness::marked("kept", "1", "disabled");
    let sha = stage.push(&[("app/a.yaml", &config_map("a", "1")), ("app/kept.yaml", &kept)]);
    stage.application("shop", json!({})).await;
    stage.ready("shop", &sha).await;
    delete(&stage).await;
    stage.until_gone(APPLICATION.0, APPLICATION.1, APPLICATION.2).await;
    assert!(uid(&stage, "a").await.is_empty());
    assert!(!uid(&stage, "kept").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_an_application_is_its_own_approval_and_survives_a_restart() {
    let Some(mut stage) = scenario("approval").await else { return };
    let many: Vec<String> = (0..15).map(|index| config_map(&format!("m{index}"), "1")).collect();
    let claim = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\n\
                 spec: {accessModes: [ReadWriteOnce], storageClassName: none, resources: {requests: {storage: 1Gi}}}\n";
    stage.push(&[("app/many.yaml", &many.join("---\n")), ("app/data.yaml", claim)]);
    stage.application("shop", json!({"sync": {"deletionBudget": 0}})).await;
    stage.until(("v1", "PersistentVolumeClaim", "data"), |_| true).await;
    stage.until(("v1", "ConfigMap", "m14"), |_| true).await;
    stage.controller.terminate(SOON).expect("graceful stop");
    delete(&stage).await;
    // The repository is away: a deletion does not need it.
    stage.repo.server().set_availability(xtask::Availability::Unavailable);
    stage.controller.restart().expect("restart");
    stage.until_gone(APPLICATION.0, APPLICATION.1, APPLICATION.2).await;
    stage.until_gone("v1", "PersistentVolumeClaim", "data").await;
    assert!(uid(&stage, "m0").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_suspended_says_so_and_goes_once_it_is_resumed() {
    let Some(stage) = scenario("suspended").await else { return };
    let sha = stage.push(&[("app/a.yaml", &config_map("a", "1"))]);
    stage.application("shop", json!({})).await;
    stage.ready("shop", &sha).await;
    stage.change("shop", json!({"spec": {"suspend": true}})).await;
    stage.not_ready("shop", "Suspended").await;
    delete(&stage).await;
    let message = stage.not_ready("shop", "Deleting").await;
    assert!(message.contains("lockstep app resume") && message.contains("Orphan"), "{message}");
    assert!(!uid(&stage, "a").await.is_empty());
    stage.change("shop", json!({"spec": {"suspend": false}})).await;
    stage.until_gone(APPLICATION.0, APPLICATION.1, APPLICATION.2).await;
    assert!(uid(&stage, "a").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_goes_with_the_applications_and_objects_in_it() {
    let Some(stage) = scenario("whole").await else { return };
    let web = crate::harness::deployment("web", "web", 2, "{}");
    let sha = stage.push(&[("app/a.yaml", &config_map("a", "1")), ("app/web.yaml", &web)]);
    stage.application("shop", json!({})).await;
    stage.ready("shop", &sha).await;
    let path = stage.path("v1", "Namespace", &stage.namespace);
    stage.cluster.rest().delete(&path).await.expect("delete");
    stage.until_gone("v1", "Namespace", &stage.namespace).await;
    assert_eq!(records(&stage).await.len(), 0);
}

async fn delete(stage: &Scenario) {
    let (api, kind, name) = APPLICATION;
    stage.cluster.rest().delete(&stage.path(api, kind, name)).await.expect("delete");
}

/// The names of the controller's records.
async fn records(stage: &Scenario) -> Vec<String> {
    let path = format!("/api/v1/namespaces/{}/secrets", stage.own);
    let (secrets, _) = stage.cluster.rest().list(&path).await.expect("list");
    let names = secrets.iter().map(|secret| text(secret, "/metadata/name").to_owned());
    names.filter(|name| name.contains("record")).collect()
}
