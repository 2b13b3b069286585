//! Fields that cannot be changed on a live object.
use serde_json::json;
use xtask::text;

use crate::harness::{deployment, scenario};

#[tokio::test(flavor = "multi_thread")]
async fn a_deployments_selector_changes_only_where_recreation_is_allowed() {
    let Some(stage) = scenario("selector").await else { return };
    let allowed = "{lockstep.dev/prune: allowed}";
    check(
        stage,
        ("apps/v1", "Deployment"),
        [
            deployment("it", "one", 0, "{}"),
            deployment("it", "two", 0, "{}"),
            deployment("it", "two", 0, allowed),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jobs_template_changes_only_where_recreation_is_allowed() {
    let Some(stage) = scenario("template").await else { return };
    let job = |image: &str, annotations: &str| {
        format!(
            "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: it, annotations: {annotations}}}\n\
             spec:\n  template:\n    spec: {{restartPolicy: Never, containers: [{{name: c, image: {image}}}]}}\n"
        )
    };
    let allowed = "{lockstep.dev/prune: allowed}";
    check(stage, ("batch/v1", "Job"), [job("a", "{}"), job("b", "{}"), job("b", allowed)]).await;
}

/// The object as first made, with a forbidden change, and with that change and the permission.
async fn check(stage: xtask::Scenario, (api, kind): (&str, &str), versions: [String; 3]) {
    let [first, forbidden, allowed] = versions;
    let other = |value| crate::harness::config_map("other", value);
    let sha = stage.push(&[("app/it.yaml", &first), ("app/other.yaml", &other("1"))]);
    stage.application("shop", json!({})).await;
    stage.ready("shop", &sha).await;
    let uid = async || {
        let live = stage.find(api, kind, "it").await.expect("live");
        text(&live, "/metadata/uid").to_owned()
    };
    let before = uid().await;
    stage.push(&[("app/it.yaml", &forbidden), ("app/other.yaml", &other("2"))]);
    let message = stage.not_ready("shop", "SyncFailed").await;
    assert!(message.contains(&format!("{kind}/it")) && message.contains("immutable"), "{message}");
    assert!(message.contains("lockstep.dev/prune: allowed"), "no hint in: {message}");
    stage.until(("v1", "ConfigMap", "other"), |live| text(live, "/data/value") == "2").await;
    assert_eq!(uid().await, before);
    let sha = stage.push(&[("app/it.yaml", &allowed)]);
    stage.ready("shop", &sha).await;
    assert_ne!(uid().await, before, "recreated");
}
