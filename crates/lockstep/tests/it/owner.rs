//! The owner annotation, where it is and where it only seems to be.
use serde_json::json;
use xtask::{SOON, eventually, text};

use crate::harness::{deployment, heal, scenario};

#[tokio::test(flavor = "multi_thread")]
async fn an_annotation_that_was_copied_to_a_replica_set_makes_it_nobodys() {
    let Some(stage) = scenario("copied").await else { return };
    let (web, a) = (deployment("web", "web", 1, "{}"), crate::harness::config_map("a", "1"));
    let sha = stage.push(&[("app/web.yaml", &web), ("app/a.yaml", &a)]);
    stage.application("shop", json!({})).await;
    let shop = stage.ready("shop", &sha).await;
    assert_eq!(shop["status"]["summary"]["objects"]["total"], 2);
    let collection = format!("/apis/apps/v1/namespaces/{}/replicasets", stage.namespace);
    let sets = async || stage.cluster.rest().list(&collection).await.expect("list").0;
    let copied = "/metadata/annotations/lockstep.dev~1owner";
    let before = eventually(SOON, || async {
        let found = sets().await;
        match &found[..] {
            [one] if !text(one, copied).is_empty() => Ok(text(one, "/metadata/uid").to_owned()),
            _ => Err(format!("{} replica sets", found.len())),
        }
    })
    .await;
    // Plans that prune, and plans that heal, leave it alone.
    stage.repo.remove("app/a.yaml");
    let sha = stage.push(&[("app/b.yaml", &crate::harness::config_map("b", "1"))]);
    stage.ready("shop", &sha).await;
    heal(&stage, "b", "1").await;
    let after = sets().await;
    assert_eq!(after.len(), 1);
    assert_eq!(text(&after[0], "/metadata/uid"), before);
    let writes = stage.writes();
    assert!(
        !writes.iter().any(|write| write.agent == "lockstep" && write.resource.starts_with("replicasets"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_of_another_installation_is_left_alone() {
    let Some(stage) = scenario("installation").await else { return };
    let owner = format!("elsewhere:team/shop:/ConfigMap:{}/a", stage.namespace);
    let theirs = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "data": {"value": "theirs"},
        "metadata": {"name": "a", "namespace": stage.namespace, "annotations": {"lockstep.dev/owner": owner}},
    });
    stage.cluster.rest().create(&theirs).await.expect("create");
    let sha = stage.push(&[
        ("app/a.yaml", &crate::harness::config_map("a", "ours")),
        ("app/b.yaml", &crate::harness::config_map("b", "1")),
    ]);
    stage.application("shop", json!({})).await;
    let message = stage.not_ready("shop", "Conflict").await;
    assert!(message.contains("ConfigMap/a") && message.contains("team/shop"), "{message}");
    heal(&stage, "b", "1").await;
    assert_eq!(crate::harness::value(&stage, "a").await, "theirs");
    // Removed by the other one: free to take.
    let path = stage.path("v1", "ConfigMap", "a");
    stage.cluster.rest().delete(&path).await.expect("delete");
    stage.ready("shop", &sha).await;
    assert_eq!(crate::harness::value(&stage, "a").await, "ours");
}
