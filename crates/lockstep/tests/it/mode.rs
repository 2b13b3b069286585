//! `spec.sync`: who decides that something is written.
use serde_json::{Value, json};
use xtask::{Scenario, text};

use crate::harness::witness::{APPLICATION, SHOP, deployed, meddle, restart, told, until_logged, written};
use crate::harness::{config_map, drift, heal, scenario, settled, uid, value};

/// The controller's writes to anything but its own bookkeeping: what an Application deploys.
fn deployments(stage: &Scenario) -> Vec<(String, String, String)> {
    let mut writes = written(stage);
    let own = ["applications", "applications/status", "events"];
    writes.retain(|(_, resource, name)| {
        let bookkeeping =
            own.contains(&resource.as_str()) || resource == "secrets" && name.starts_with("e2e-");
        !bookkeeping
    });
    writes
}

/// Waits until the log has so many of them, as [`until_logged`] does.
async fn until_deployments(stage: &Scenario, count: usize) {
    let written = || deployments(stage).iter().map(|(_, _, name)| name.clone()).collect::<Vec<_>>();
    until_logged(written, &vec!["a".to_owned(); count]).await;
}

/// Waits until status says that live is not what this commit has; `live` is the commit that it names as live, if any.
async fn differs(stage: &Scenario, sha: &str, live: Option<&str>) -> String {
    let said = |found: &Value| {
        let (reason, message) = condition_of(found);
        reason == "OutOfSync" && message.contains(&sha[..8])
    };
    let app = stage.until(APPLICATION, said).await;
    assert_eq!(app["status"]["sync"]["state"], "OutOfSync");
    assert_eq!(app["status"]["sync"]["revision"].as_str(), live, "{:#}", app["status"]);
    condition_of(&app).1
}

fn condition_of(application: &Value) -> (String, String) {
    let (_, reason, message) = crate::harness::ready_condition(application);
    (reason, message)
}

#[tokio::test(flavor = "multi_thread")]
async fn notify_writes_nothing_and_tells() {
    let Some(mut stage) = scenario("notify").await else { return };
    let sha = stage.push(&[("app/a.yaml", &config_map("a", "1"))]);
    stage.application(SHOP, json!({"sync": {"mode": "Notify"}})).await;
    let message = differs(&stage, &sha, None).await;
    assert!(message.contains("ConfigMap/a"), "{message}");
    let sha = stage.push(&[("app/b.yaml", &config_map("b", "1"))]);
    let message = differs(&stage, &sha, None).await;
    assert!(message.contains("ConfigMap/b"), "{message}");
    // Not when somebody asks, either.
    stage.change(SHOP, json!({"metadata": {"annotations": {"lockstep.dev/sync": "1"}}})).await;
    restart(&mut stage);
    assert_eq!(deployments(&stage), []);
    assert_eq!(uid(&stage, "a").await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn notify_tells_of_drift_and_leaves_it() {
    let Some(mut stage) = deployed("notify-drift", &[("app/a.yaml", &config_map("a", "1"))], json!({})).await
    else {
        return;
    };
    stage.change(SHOP, json!({"spec": {"sync": {"mode": "Notify"}}})).await;
    settled(&stage, SHOP, "Ready").await;
    until_deployments(&stage, 1).await;
    drift(&stage, "a").await;
    let app = settled(&stage, SHOP, "OutOfSync").await;
    assert!(condition_of(&app).1.contains("ConfigMap/a"), "{app:#}");
    // A field that Git does not have is no drift.
    let patch = json!({"data": {"value": "1", "other": "x"}});
    meddle(&stage, ("v1", "ConfigMap", "a"), patch).await;
    settled(&stage, SHOP, "Ready").await;
    restart(&mut stage);
    until_deployments(&stage, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn manual_waits_for_each_sync() {
    let Some(stage) = scenario("manual").await else { return };
    let first = stage.push(&[("app/a.yaml", &config_map("a", "1"))]);
    stage.application(SHOP, json!({"sync": {"mode": "Manual"}})).await;
    differs(&stage, &first, None).await;
    assert_eq!(deployments(&stage), []);
    stage.change(SHOP, json!({"metadata": {"annotations": {"lockstep.dev/sync": "first"}}})).await;
    stage.ready(SHOP, &first).await;
    assert_eq!(value(&stage, "a").await, "1");

    // What was asked for once is not asked for ever.
    let sha = stage.push(&[("app/a.yaml", &config_map("a", "2"))]);
    differs(&stage, &sha, Some(&first)).await;
    assert_eq!(value(&stage, "a").await, "1");
    stage.change(SHOP, json!({"metadata": {"annotations": {"lockstep.dev/sync": "second"}}})).await;
    stage.ready(SHOP, &sha).await;
    assert_eq!(value(&stage, "a").await, "2");

    // Drift waits as well.
    drift(&stage, "a").await;
    settled(&stage, SHOP, "OutOfSync").await;
    assert_eq!(value(&stage, "a").await, "drifted");
    until_deployments(&stage, 2).await;
    stage.change(SHOP, json!({"metadata": {"annotations": {"lockstep.dev/sync": "third"}}})).await;
    stage.ready(SHOP, &sha).await;
    assert_eq!(value(&stage, "a").await, "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_went_live_late_names_the_commit_that_changed_it() {
    let Some(stage) = scenario("manual-late").await else { return };
    let sync = async |name: &str, sha: &str| {
        stage.change(SHOP, json!({"metadata": {"annotations": {"lockstep.dev/sync": name}}})).await;
        stage.ready(SHOP, sha).await;
    };
    let first = stage.push(&[("app/a.yaml", &config_map("a", "1")), ("app/b.yaml", &config_map("b", "1"))]);
    stage.application(SHOP, json!({"sync": {"mode": "Manual"}})).await;
    differs(&stage, &first, None).await;
    sync("first", &first).await;
    // Seen, and not synced; what comes after it changes something else.
    let second = stage.push(&[("app/a.yaml", &config_map("a", "2"))]);
    differs(&stage, &second, Some(&first)).await;
    let third = stage.push(&[("app/b.yaml", &config_map("b", "3"))]);
    differs(&stage, &third, Some(&first)).await;
    sync("all", &third).await;
    for (object, sha) in [("cm/a", &second), ("cm/b", &third)] {
        let why = told(&stage, &["why", SHOP, object]);
        assert!(why.contains(&format!("commit  {}", &sha[..8])), "{object}, {sha}: {why}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_self_heal_drift_stays_and_commits_go_live() {
    let files = [("app/a.yaml", &*config_map("a", "1")), ("app/b.yaml", &config_map("b", "1"))];
    let Some(stage) = deployed("self-heal", &files, json!({"sync": {"selfHeal": false}})).await else {
        return;
    };
    drift(&stage, "a").await;
    let app = settled(&stage, SHOP, "OutOfSync").await;
    assert!(condition_of(&app).1.contains("ConfigMap/a"), "{app:#}");
    stage.push(&[("app/b.yaml", &config_map("b", "2"))]);
    stage.until(("v1", "ConfigMap", "b"), |live| text(live, "/data/value") == "2").await;
    // Once it may, it heals, and what was left is no longer.
    stage.change(SHOP, json!({"spec": {"sync": {"selfHeal": true}}})).await;
    stage.until(("v1", "ConfigMap", "a"), |live| text(live, "/data/value") == "1").await;
    heal(&stage, "b", "2").await;
}
