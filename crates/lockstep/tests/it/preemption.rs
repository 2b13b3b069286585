//! The newest revision comes first, whatever the one before is stuck in.
use serde_json::json;

use crate::harness::witness::until_written;
use crate::harness::{config_map, deployment, scenario, value};

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_commit_ends_a_plan_that_is_being_worked_off() {
    let Some(stage) = scenario("preemption").await else { return };
    let count = 600;
    let all = |value: &str| {
        let items: Vec<String> = (0..count).map(|index| config_map(&format!("m{index:03}"), value)).collect();
        items.join("---\n")
    };
    // Both commits are there before the first is applied, so that the second comes while that is under way.
    stage.push(&[("app/all.yaml", &all("1"))]);
    let sha = stage.repo.branch("next").write("app/all.yaml", &all("2")).commit("next");
    stage.application("shop", json!({})).await;
    stage.until(("v1", "ConfigMap", "m000"), |_| true).await;
    stage.repo.git(&["update-ref", "refs/heads/main", &sha]);
    stage.refresh();
    stage.ready("shop", &sha).await;
    assert_eq!(value(&stage, &format!("m{:03}", count - 1)).await, "2");
    let writes = stage.writes();
    let writes =
        writes.iter().filter(|write| write.agent == "lockstep" && write.resource == "configmaps").count();
    assert!(writes < 2 * count, "the first plan was worked off to its end: {writes} writes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_mends_one_that_keeps_failing_or_never_becomes_healthy() {
    let Some(stage) = scenario("mends").await else { return };
    let sick = deployment("web", "web", 1, "{}").replace(
        "metadata: {labels: {app: web}}",
        "metadata: {labels: {app: web}, annotations: {cluster.lockstep.dev/crash: '1'}}",
    );
    let invalid = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 0}]}\n";
    stage.push(&[
        ("app/web.yaml", &sick),
        ("app/service.yaml", invalid),
        ("app/a.yaml", &config_map("a", "1")),
    ]);
    stage.application("shop", json!({})).await;
    let message = stage.not_ready("shop", "SyncFailed").await;
    assert!(message.contains("Service/web"), "{message}");
    let half = stage.push(&[("app/service.yaml", &invalid.replace("port: 0", "port: 80"))]);
    stage.until(("v1", "Service", "web"), |_| true).await;
    stage
        .until(("lockstep.dev/v1alpha1", "Application", "shop"), |found| {
            xtask::text(found, "/status/sync/state") == "Synced"
                && xtask::text(found, "/status/sync/revision") == half
        })
        .await;
    let sha = stage.push(&[("app/web.yaml", &sick.replace("crash: '1'", "crash: '0'"))]);
    stage.ready("shop", &sha).await;
    // What is in sync is not written again.
    until_written(&stage, "configmaps", "a", 1).await;
}
