//! The stage itself: what every other test stands on.
use serde_json::json;

use crate::harness::scenario;

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_becomes_live_and_the_api_server_saw_who_wrote_it() {
    let Some(stage) = scenario("stage").await else { return };
    let manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {colour: blue}\n";
    let sha = stage.push(&[("app/settings.yaml", manifest)]);
    stage.application("shop", json!({})).await;
    stage.ready("shop", &sha).await;
    let live = stage.find("v1", "ConfigMap", "settings").await.expect("live");
    assert_eq!(live["data"]["colour"], "blue");
    let writes = stage.writes();
    let ours = writes.iter().filter(|write| write.resource == "configmaps" && write.name == "settings");
    assert_eq!(ours.map(|write| write.agent.as_str()).collect::<Vec<_>>(), ["lockstep"]);
    let metrics = stage.controller.metrics().expect("metrics");
    assert!(metrics.sum("lockstep_reconciles_total", &[]) >= 1.0);
}
