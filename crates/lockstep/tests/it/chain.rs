//! A definition, an operator that acts on it, an instance of it, and what needs that: each in a wave of its own.
use serde_json::json;
use xtask::text;

use crate::harness::scenario;
use crate::harness::witness::SHOP;
use crate::waves::{WELL, faring, in_wave};

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_waits_for_its_operator_and_the_rest_for_what_that_makes_of_it() {
    let Some(stage) = scenario("chain").await else { return };
    let group = format!("{}.example.com", stage.namespace);
    let definition = format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n\
         metadata: {{name: databases.{group}, annotations: {{lockstep.dev/prune: allowed, lockstep.dev/wave: '-2'}}}}\nspec:\n  \
         group: {group}\n  scope: Namespaced\n  names: {{kind: Database, plural: databases}}\n  versions:\n  - name: v1\n    \
         served: true\n    storage: true\n    subresources: {{status: {{}}}}\n    schema:\n      openAPIV3Schema:\n        \
         type: object\n        x-kubernetes-preserve-unknown-fields: true\n"
    );
    let operator = faring(WELL).replace("annotations: {}}", "annotations: {lockstep.dev/wave: '-1'}}");
    let api = format!("{group}/v1");
    // What an operator that has not looked at it yet would leave: it is on its way.
    let instance =
        format!("apiVersion: {api}\nkind: Database\nmetadata: {{name: main}}\nspec: {{size: 1}}\n");
    let sha = stage.push(&[
        ("app/d.yaml", &definition),
        ("app/c.yaml", &operator),
        ("app/b.yaml", &instance),
        ("app/a.yaml", &in_wave("app", "1", 1)),
    ]);
    stage.application(SHOP, json!({})).await;
    let found = stage.ready(SHOP, &sha).await;
    assert_eq!(text(&found, "/status/operation/phase"), "Succeeded");
    let resources = ["customresourcedefinitions", "deployments", "databases", "configmaps"];
    let order = |stage: &xtask::Scenario| -> Vec<String> {
        let writes = stage.writes().into_iter().filter(|write| write.agent == "lockstep");
        writes.map(|write| write.resource).filter(|of| resources.contains(&&**of)).collect()
    };
    // The definition is in no namespace, and its write in no log of one.
    assert_eq!(order(&stage), ["deployments", "databases", "configmaps"]);
    // The operator says that the instance fails: what needs it is not touched.
    let path = stage.path(&api, "Database", "main");
    let status = |ready: &str| {
        json!({"status": {"conditions": [{"type": "Ready", "status": ready, "reason": "Told",
                                          "message": "as told", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}})
    };
    stage
        .cluster
        .rest()
        .merge(&format!("{path}/status"), &status("False"), "operator")
        .await
        .expect("status");
    stage.push(&[("app/a.yaml", &in_wave("app", "2", 1))]);
    let held = |found: &serde_json::Value| {
        let (_, _, message) = crate::harness::ready_condition(found);
        message.contains("waits for wave 0: Database.") && message.contains("/main is Progressing")
    };
    stage.until(("lockstep.dev/v1alpha1", "Application", SHOP), held).await;
    stage.cluster.rest().merge(&format!("{path}/status"), &status("True"), "operator").await.expect("status");
    stage.until(("v1", "ConfigMap", "app"), |live| text(live, "/data/value") == "2").await;
}
