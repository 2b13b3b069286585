//! Another writer that keeps taking a field back.
use std::time::{Duration, Instant};

use serde_json::json;
use xtask::{SOON, Scenario, condition, eventually, text};

use crate::harness::{config_map, ours, scenario, value};

#[tokio::test(flavor = "multi_thread")]
async fn a_rival_is_named_and_healing_slows_down() {
    let Some(stage) = scenario("fight").await else { return };
    let sha = stage.push(&[("app/a.yaml", &config_map("a", "1"))]);
    stage.application("shop", json!({})).await;
    stage.ready("shop", &sha).await;
    let rival = rival(&stage);
    let application = ("lockstep.dev/v1alpha1", "Application", "shop");
    let found = stage.until(application, |found| condition(found, "Fighting").is_some()).await;
    let fighting = condition(&found, "Fighting").expect("it fights");
    let message = text(fighting, "/message");
    assert_eq!(text(fighting, "/status"), "True");
    for part in ["rival", "data", "ConfigMap/a"] {
        assert!(message.contains(part), "{part} is not in: {message}");
    }
    // The next heal waits five seconds, and then comes.
    let (heals, since) = (ours(&stage, "configmaps", "a").len(), Instant::now());
    eventually(SOON, || async {
        let now = ours(&stage, "configmaps", "a").len();
        if now > heals { Ok(()) } else { Err(format!("{now} writes")) }
    })
    .await;
    assert!(since.elapsed() > Duration::from_secs(3), "healed again after {:?}", since.elapsed());
    rival.abort();
    // A new commit does not wait for the end of the fight.
    stage.push(&[("app/a.yaml", &config_map("a", "2"))]);
    stage.until(("v1", "ConfigMap", "a"), |live| text(live, "/data/value") == "2").await;
    assert_eq!(value(&stage, "a").await, "2");
}

/// Sets the value as soon as it is another one, until it is aborted.
fn rival(stage: &Scenario) -> tokio::task::JoinHandle<()> {
    let (rest, path) = (stage.cluster.rest().clone(), stage.path("v1", "ConfigMap", "a"));
    tokio::spawn(async move {
        loop {
            let live = rest.get(&path).await.unwrap_or_default();
            if text(&live, "/data/value") != "rival" {
                let patch = json!({"data": {"value": "rival"}});
                rest.merge(&path, &patch, "rival").await.expect("a write of the rival");
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
}
