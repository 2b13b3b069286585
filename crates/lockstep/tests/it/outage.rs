//! A repository that is away: nothing is deleted, and what was known keeps being defended.
use serde_json::json;
use xtask::{Availability, SOON, Scenario, text};

use crate::harness::witness::until_written;
use crate::harness::{config_map, drift, heal, ready_condition, scenario, settled, uid, value};

#[tokio::test(flavor = "multi_thread")]
async fn while_the_repository_is_away_drift_is_healed_and_nothing_is_deleted() {
    let Some(stage) = two_objects("outage").await else { return };
    for away in [Availability::Unavailable, Availability::HangsUp] {
        stage.repo.server().set_availability(away);
        stage.refresh();
        let message = stage.not_ready("shop", "SourceUnavailable").await;
        assert!(!message.is_empty(), "{away:?}");
        heal(&stage, "a", "1").await;
        assert!(!uid(&stage, "b").await.is_empty(), "{away:?}");
        stage.repo.server().set_availability(Availability::Up);
        stage.refresh();
        let head = stage.repo.head();
        stage.ready("shop", &head).await;
    }
    stage.repo.remove("app/b.yaml");
    let sha = stage.push(&[]);
    stage.ready("shop", &sha).await;
    stage.until_gone("v1", "ConfigMap", "b").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_fetch_is_tried_again_without_being_told() {
    let Some(stage) = two_objects("comeback").await else { return };
    stage.repo.server().set_availability(Availability::Unavailable);
    let sha = stage.push(&[("app/a.yaml", &config_map("a", "2"))]);
    stage.not_ready("shop", "SourceUnavailable").await;
    stage.repo.server().set_availability(Availability::Up);
    stage.ready("shop", &sha).await;
    assert_eq!(value(&stage, "a").await, "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_the_disk_cache_tells_what_to_defend() {
    let Some(mut stage) = two_objects("cached").await else { return };
    stage.controller.terminate(SOON).expect("graceful stop");
    drift(&stage, "a").await;
    stage.repo.server().set_availability(Availability::Unavailable);
    stage.controller.restart().expect("restart");
    stage.until(("v1", "ConfigMap", "a"), |live| text(live, "/data/value") == "1").await;
    stage.not_ready("shop", "SourceUnavailable").await;
    stage.controller.wait_ready(SOON).expect("ready without the repository");
    // It was in sync: what made it is all.
    until_written(&stage, "configmaps", "b", 1).await;
    stage.repo.server().set_availability(Availability::Up);
    stage.refresh();
    let head = stage.repo.head();
    stage.ready("shop", &head).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_repository_and_cache_nothing_is_written_or_deleted() {
    let Some(mut stage) = two_objects("uncached").await else { return };
    let head = stage.repo.head();
    stage.controller.terminate(SOON).expect("graceful stop");
    stage.lose_cache();
    drift(&stage, "a").await;
    stage.repo.server().set_availability(Availability::Unavailable);
    stage.controller.restart().expect("restart");
    stage.controller.wait_ready(SOON).expect("ready without the repository");
    let shop = settled(&stage, "shop", "SourceUnavailable").await;
    assert_eq!(ready_condition(&shop).0, "False");
    assert_eq!(text(&shop, "/status/sync/revision"), head, "what is live is still known");
    assert_eq!(value(&stage, "a").await, "drifted");
    assert!(!uid(&stage, "b").await.is_empty());
    for name in ["a", "b"] {
        until_written(&stage, "configmaps", name, 1).await;
    }
    stage.repo.server().set_availability(Availability::Up);
    stage.refresh();
    stage.ready("shop", &head).await;
    assert_eq!(value(&stage, "a").await, "1");
}

/// The Application `shop` with ConfigMaps `a` and `b`, Ready.
async fn two_objects(name: &str) -> Option<Scenario> {
    let stage = scenario(name).await?;
    let sha = stage.push(&[("app/a.yaml", &config_map("a", "1")), ("app/b.yaml", &config_map("b", "1"))]);
    stage.application("shop", json!({})).await;
    stage.ready("shop", &sha).await;
    Some(stage)
}
