//! The stage itself: what every other test stands on.
use serde_json::json;

use crate::harness::scenario;
use crate::harness::witness::until_logged;

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_becomes_live_and_the_api_server_saw_who_wrote_it() {
    let Some(stage) = scenario("stage").await else { return };
    let manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {colour: blue}\n";
    let sha = stage.push(&[("app/settings.yaml", manifest)]);
    stage.application("shop", json!({})).await;
    stage.ready("shop", &sha).await;
    let live = stage.find("v1", "ConfigMap", "settings").await.expect("live");
    assert_eq!(live["data"]["colour"], "blue");
    let agents = || -> Vec<String> {
        let writes = stage.writes().into_iter();
        let ours = writes.filter(|write| write.resource == "configmaps" && write.name == "settings");
        ours.map(|write| write.agent).collect()
    };
    until_logged(agents, &vec!["lockstep".to_owned()]).await;
    let metrics = stage.controller.metrics().expect("metrics");
    assert!(metrics.sum("lockstep_reconciles_total", &[]) >= 1.0);
}
