//! What the pods of a workload wait for, as its Application tells it.
use std::time::Duration;

use serde_json::{Value, json};
use xtask::text;

use crate::harness::witness::{APPLICATION, SHOP, restart};
use crate::harness::{config_map, deployment, heal, ours, ready_condition, scenario};

const NO_IMAGE: &str = "cluster.lockstep.dev/pull: fail";
const CRASHES: &str = "cluster.lockstep.dev/crash: '1'";
const WELL: &str = "cluster.lockstep.dev/ready-after: 0s";

/// A Deployment of one replica whose pods fare as the simulated kubelet is told.
fn faring(how: &str) -> String {
    let annotated = format!("metadata: {{labels: {{app: web}}, annotations: {{{how}}}}}");
    // Recreated, so that only one pod can be named.
    deployment("web", "web", 1, "{}")
        .replace("replicas: 1", "replicas: 1\n  strategy: {type: Recreate}")
        .replace("metadata: {labels: {app: web}}", &annotated)
}

fn health(application: &Value) -> (&str, &str) {
    (text(application, "/status/health/state"), text(application, "/status/health/reason"))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_cannot_be_pulled_is_named_and_a_commit_mends_it() {
    let Some(stage) = scenario("pods").await else { return };
    stage.push(&[("app/web.yaml", &faring(NO_IMAGE))]);
    stage.application(SHOP, json!({})).await;
    let found = stage.until(APPLICATION, |found| health(found).1.contains("ImagePullBackOff")).await;
    let (state, reason) = health(&found);
    assert_eq!(state, "Progressing", "{reason}");
    assert!(reason.starts_with("Deployment/web: 0 of 1 replica available; pod web-"), "{reason}");
    assert!(reason.ends_with(": ImagePullBackOff"), "{reason}");
    assert!(ready_condition(&found).2.contains(reason), "{:?}", ready_condition(&found));
    // Another trouble of the same workload is told as well.
    stage.push(&[("app/web.yaml", &faring(CRASHES))]);
    stage.until(APPLICATION, |found| health(found).1.contains("CrashLoopBackOff")).await;
    let sha = stage.push(&[("app/web.yaml", &faring(WELL))]);
    let found = stage.ready(SHOP, &sha).await;
    assert_eq!(health(&found), ("Healthy", ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_pods_wait_for_is_not_told_again_after_a_restart() {
    let Some(mut stage) = scenario("pods-restart").await else { return };
    // Degraded is told at once, other than what is on its way: it must not be told without the pods first.
    let late = faring(NO_IMAGE).replace("replicas: 1", "replicas: 1\n  progressDeadlineSeconds: 2");
    stage.push(&[("app/web.yaml", &late), ("app/a.yaml", &config_map("a", "1"))]);
    stage.application(SHOP, json!({})).await;
    let says = |found: &Value| health(found).0 == "Degraded" && health(found).1.contains("ImagePullBackOff");
    let version = |found: &Value| text(found, "/metadata/resourceVersion").to_owned();
    let before = version(&stage.until(APPLICATION, says).await);
    restart(&mut stage);
    heal(&stage, "a", "1").await;
    // Longer than what is under way is kept back.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let after = stage.get(SHOP).await;
    assert_eq!(version(&after), before, "{:#?}", ours(&stage, "applications", SHOP));
}
