//! Objects that were applied and never recorded.
use serde_json::{Value, json};
use xtask::{Cluster, SOON, Scenario, eventually};

use crate::harness::{config_map, scenario, value};

const ADMISSION: &str = "admissionregistration.k8s.io/v1";

/// Records are refused from now on, in the controller's namespace. Returns the name of the policy that does it.
async fn refuse_records(stage: &Scenario) -> String {
    let (name, rest) = (Cluster::unique("no-records"), stage.cluster.rest());
    let kind = "object.metadata.?labels['lockstep.dev/type'].orValue('') != 'record'";
    rest.create(&json!({
        "apiVersion": ADMISSION, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name},
        "spec": {
            "matchConstraints": {"resourceRules": [{
                "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["secrets"],
            }]},
            "failurePolicy": "Fail", "validations": [{"expression": kind, "message": "no records"}],
        },
    }))
    .await
    .expect("policy");
    rest.create(&json!({
        "apiVersion": ADMISSION, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": name},
        "spec": {"policyName": name, "validationActions": ["Deny"], "matchResources": {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": stage.own}},
        }},
    }))
    .await
    .expect("binding");
    let probe: Value = json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": "probe", "namespace": stage.own, "labels": {"lockstep.dev/type": "record"}},
    });
    eventually(SOON, || async {
        if rest.create(&probe).await.is_err() {
            return Ok(());
        }
        let path = xtask::Resource::of("v1", "Secret").object(&stage.own, "probe");
        rest.delete(&path).await.map_err(|error| error.to_string())?;
        Err("the policy is not in force".to_owned())
    })
    .await;
    name
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_applied_and_could_not_be_recorded_is_pruned_when_it_leaves_git() {
    let Some(stage) = scenario("leftover").await else { return };
    let policy = refuse_records(&stage).await;
    let account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: left}\n";
    stage.push(&[("app/a.yaml", &config_map("a", "1")), ("app/left.yaml", account)]);
    stage.application("shop", json!({})).await;
    stage.until(("v1", "ServiceAccount", "left"), |_| true).await;
    stage.repo.remove("app/left.yaml");
    let sha = stage.push(&[("app/a.yaml", &config_map("a", "2"))]);
    stage.until(("v1", "ConfigMap", "a"), |live| live["data"]["value"] == "2").await;
    for kind in ["ValidatingAdmissionPolicyBinding", "ValidatingAdmissionPolicy"] {
        let path = stage.path(ADMISSION, kind, &policy);
        stage.cluster.rest().delete(&path).await.expect("delete");
    }
    stage.until_gone("v1", "ServiceAccount", "left").await;
    stage.ready("shop", &sha).await;
    assert_eq!(value(&stage, "a").await, "2");
}
