//! Another writer that keeps taking a field back.
use std::time::Duration;

use serde_json::json;
use xtask::{SOON, Scenario, condition, eventually, text};

use crate::harness::{config_map, scenario, value};

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
    // The first heals follow at once, the next one waits five seconds, and then comes.
    let heals = healed(&stage.controller.log()).len();
    let times = eventually(SOON, || async {
        let times = healed(&stage.controller.log());
        if times.len() > heals { Ok(times) } else { Err(format!("healed at {times:?}")) }
    })
    .await;
    let pauses: Vec<f64> = times.windows(2).map(|pair| (pair[1] - pair[0]).rem_euclid(86_400.0)).collect();
    let longest = pauses.iter().copied().fold(0.0, f64::max);
    assert!(longest > 4.0, "healed after {pauses:?} seconds");
    rival.abort();
    // A new commit does not wait for the end of the fight.
    stage.push(&[("app/a.yaml", &config_map("a", "2"))]);
    stage.until(("v1", "ConfigMap", "a"), |live| text(live, "/data/value") == "2").await;
    assert_eq!(value(&stage, "a").await, "2");
}

/// When the object was healed, in seconds since midnight, as the log has it.
fn healed(log: &str) -> Vec<f64> {
    let lines = log.lines().filter(|line| line.contains("Healed") && line.contains("ConfigMap/a"));
    let time = |line: &str| {
        let (_, clock) = line.split_once('T')?;
        let parts = clock.split_once('Z')?.0.split(':').map(str::parse);
        parts
            .collect::<Result<Vec<f64>, _>>()
            .ok()
            .map(|parts| parts[0] * 3600.0 + parts[1] * 60.0 + parts[2])
    };
    lines.filter_map(time).collect()
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
