//! Hooks around the deletion of an Application.
use serde_json::json;
use xtask::{Scenario, text};

use crate::harness::witness::{APPLICATION, SHOP, deployed, restart};
use crate::harness::{config_map, ready_condition};
use crate::hooks::{BAD, GOOD, STUCK, job, stage_of};

async fn delete(stage: &Scenario) {
    stage.cluster.rest().delete(&stage.path(APPLICATION.0, APPLICATION.1, SHOP)).await.expect("delete");
}

/// The controller's writes to Jobs and ConfigMaps: what was made is named, what was deleted has a minus.
fn course(stage: &Scenario) -> Vec<String> {
    let writes = stage
        .writes()
        .into_iter()
        .filter(|write| write.agent == "lockstep" && ["jobs", "configmaps"].contains(&&*write.resource));
    let sign = |verb: &str| if verb == "delete" { "-" } else { "" };
    writes.map(|write| format!("{}{}", sign(&write.verb), write.name)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn hooks_run_before_the_objects_go_and_after_over_a_restart() {
    let before = job("before", "helm.sh/hook: pre-delete", GOOD);
    let after = job("after", "lockstep.dev/hook: PostDelete", GOOD);
    let files =
        [("app/before.yaml", &*before), ("app/after.yaml", &after), ("app/a.yaml", &config_map("a", "1"))];
    let Some(mut stage) = deployed("farewell", &files, json!({})).await else { return };
    assert!(stage.find("batch/v1", "Job", "before").await.is_none(), "no sync runs them");
    let found = stage.get(SHOP).await;
    assert_eq!(found.pointer("/status/deletionHooks"), Some(&json!(["Job/after", "Job/before"])));
    restart(&mut stage);
    delete(&stage).await;
    stage.until_gone(APPLICATION.0, APPLICATION.1, SHOP).await;
    stage.until_gone("batch/v1", "Job", "after").await;
    assert_eq!(course(&stage), ["a", "before", "-before", "-a", "after", "-after"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_fails_holds_the_deletion_says_so_and_is_mended_by_a_commit() {
    let hook = |how| job("before", "lockstep.dev/hook: PreDelete", how);
    let files = [("app/before.yaml", &*hook(BAD)), ("app/a.yaml", &config_map("a", "1"))];
    let retry = json!({"sync": {"retry": {"limit": 0}}});
    let Some(stage) = deployed("farewell-fails", &files, retry).await else { return };
    delete(&stage).await;
    let found = stage.until(APPLICATION, |found| stage_of(found) == "Failed").await;
    let (_, reason, message) = ready_condition(&found);
    assert_eq!(reason, "Deleting");
    for part in ["a hook of its deletion failed", "1 object: waits", "Job/before failed", "Orphan"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert!(stage.find("v1", "ConfigMap", "a").await.is_some());
    stage.push(&[("app/before.yaml", &hook(GOOD))]);
    stage.until_gone(APPLICATION.0, APPLICATION.1, SHOP).await;
    assert!(stage.find("v1", "ConfigMap", "a").await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_hangs_lets_go_of_an_application_that_becomes_an_orphan() {
    let files = [
        ("app/before.yaml", &*job("before", "lockstep.dev/hook: PreDelete", STUCK)),
        ("app/a.yaml", &config_map("a", "1")),
    ];
    let Some(stage) = deployed("farewell-hangs", &files, json!({})).await else { return };
    delete(&stage).await;
    stage.until(("batch/v1", "Job", "before"), |_| true).await;
    let found = stage.until(APPLICATION, |found| ready_condition(found).2.contains("Job/before")).await;
    assert_eq!(text(&found, "/status/run/stage"), "Running");
    stage.change(SHOP, json!({"spec": {"deletion": "Orphan"}})).await;
    stage.until_gone(APPLICATION.0, APPLICATION.1, SHOP).await;
    assert!(stage.find("v1", "ConfigMap", "a").await.is_some());
}
