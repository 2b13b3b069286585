//! One wave after the other, against a cluster.
use serde_json::{Value, json};
use xtask::text;

use crate::harness::witness::{APPLICATION, SHOP, restart, until_logged, written};
use crate::harness::{annotated, deployment, ready_condition, scenario};

/// A ConfigMap of a wave.
pub(crate) fn in_wave(name: &str, value: &str, wave: i64) -> String {
    annotated(name, value, &format!("lockstep.dev/wave: '{wave}'"))
}

/// A Deployment of wave 0 whose pods fare as told.
pub(crate) fn faring(how: &str) -> String {
    let annotated = format!("metadata: {{labels: {{app: web}}, annotations: {{{how}}}}}");
    deployment("web", "web", 1, "{}").replace("metadata: {labels: {app: web}}", &annotated)
}

pub(crate) const NO_IMAGE: &str = "cluster.lockstep.dev/pull: fail";
pub(crate) const WELL: &str = "cluster.lockstep.dev/ready-after: 0s";

fn waits_for_web(found: &Value) -> bool {
    let (_, reason, message) = ready_condition(found);
    reason == "Syncing" && message.contains("waits for wave 0: Deployment/web is Progressing")
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_waves_are_written_in_order_and_deleted_in_reverse() {
    let Some(stage) = scenario("waves").await else { return };
    let files: Vec<(String, String)> = (0..10)
        .flat_map(|wave| (0..5).map(move |index| (wave, index)))
        .map(|(wave, index)| {
            let name = format!("w{wave}-{index}");
            (format!("app/{name}.yaml"), in_wave(&name, "1", wave - 5))
        })
        .collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (&**path, &**text)).collect();
    let sha = stage.push(&files);
    stage.application(SHOP, json!({})).await;
    let found = stage.ready(SHOP, &sha).await;
    assert_eq!(text(&found, "/status/operation/phase"), "Succeeded");
    assert_eq!(text(&found, "/status/operation/revision"), sha);
    let order = |verb: &str| -> Vec<String> {
        let all = written(&stage).into_iter();
        let maps = all.filter(|(of, resource, _)| of == verb && resource == "configmaps");
        maps.map(|(_, _, name)| name[..2].to_owned()).collect()
    };
    until_logged(|| order("patch").len(), &50).await;
    let written = order("patch");
    assert!(written.is_sorted(), "{written:?}");
    stage.cluster.rest().delete(&stage.path(APPLICATION.0, APPLICATION.1, SHOP)).await.expect("delete");
    stage.until_gone(APPLICATION.0, APPLICATION.1, SHOP).await;
    until_logged(|| order("delete").len(), &50).await;
    let mut deleted = order("delete");
    deleted.reverse();
    assert!(deleted.is_sorted(), "{deleted:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wave_that_is_not_healthy_holds_the_next_over_a_restart_until_a_commit_mends_it() {
    let Some(mut stage) = scenario("waves-held").await else { return };
    stage.push(&[("app/web.yaml", &faring(NO_IMAGE)), ("app/late.yaml", &in_wave("late", "1", 1))]);
    stage.application(SHOP, json!({})).await;
    let found = stage.until(APPLICATION, waits_for_web).await;
    assert_eq!(text(&found, "/status/operation/phase"), "Running");
    assert_eq!(found.pointer("/status/operation/wave"), Some(&json!(0)));
    restart(&mut stage);
    assert!(stage.find("v1", "ConfigMap", "late").await.is_none());
    let after = stage.until(APPLICATION, waits_for_web).await;
    for field in ["plan", "startedAt"] {
        let pointer = format!("/status/operation/{field}");
        assert_eq!(after.pointer(&pointer), found.pointer(&pointer), "{field}");
    }
    let sha = stage.push(&[("app/web.yaml", &faring(WELL))]);
    let found = stage.ready(SHOP, &sha).await;
    assert_eq!(text(&found, "/status/operation/phase"), "Succeeded");
    assert!(stage.find("v1", "ConfigMap", "late").await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wave_that_fails_is_named_and_the_next_one_does_not_start() {
    let Some(stage) = scenario("waves-fail").await else { return };
    let late = faring(NO_IMAGE).replace("replicas: 1", "replicas: 1\n  progressDeadlineSeconds: 2");
    stage.push(&[("app/web.yaml", &late), ("app/late.yaml", &in_wave("late", "1", 1))]);
    stage.application(SHOP, json!({})).await;
    let message = stage.not_ready(SHOP, "SyncFailed").await;
    assert!(message.contains("1 object: waits for wave 0: Deployment/web is Degraded"), "{message}");
    let found = stage.get(SHOP).await;
    assert_eq!(text(&found, "/status/operation/phase"), "Failed");
    assert!(stage.find("v1", "ConfigMap", "late").await.is_none());
}
