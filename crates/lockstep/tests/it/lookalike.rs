//! Live objects that look different from what Git has, and are not: no false drift.
use serde_json::{Value, json};
use xtask::{Cluster, SOON, Scenario, eventually};

use crate::harness::witness::{
    APPLICATION, Object, SHOP, deployed, looked_at, meddle, restart, until_written, workload,
};
use crate::harness::{heal, scenario};

/// One write made each of these objects (plural and name), and no look at it since found anything to write: neither
/// those that the watches led to nor that of a new controller.
async fn in_sync(stage: &mut Scenario, objects: &[(&str, &str)]) {
    restart(stage);
    for (resource, name) in objects {
        until_written(stage, resource, name, 1).await;
    }
    let metrics = stage.controller.metrics().expect("metrics");
    let heals = metrics.by("lockstep_heals_total", "result");
    assert!(heals.values().all(|heals| *heals < 0.5), "{heals:?}");
    assert_eq!(stage.get(SHOP).await["status"]["sync"]["state"], "Synced");
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_resources_with_a_child_of_somebody_else() {
    let (web, other) = (workload("web", "", "resources: {}, "), workload("other", "", ""));
    let files = [("app/web.yaml", &*web), ("app/other.yaml", &other)];
    let Some(mut stage) = deployed("empty-resources", &files, json!({})).await else { return };
    // Applied, as a tool that owns just this field would: under the same container, by its key.
    let limits = json!({"name": "main", "resources": {"limits": {"cpu": "250m"}}});
    let theirs = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": stage.namespace},
        "spec": {"template": {"spec": {"containers": [limits]}}},
    });
    stage.cluster.rest().apply(&theirs, "vertical-autoscaler").await.expect("limits");
    looked_at(&stage, ("apps/v1", "Deployment", "other")).await;
    let live = stage.find("apps/v1", "Deployment", "web").await.expect("live");
    let container = &live["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["resources"]["limits"]["cpu"], "250m");
    restart(&mut stage);
    until_written(&stage, "deployments", "web", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn quantities_that_the_server_spells_otherwise() {
    let container =
        "resources: {requests: {cpu: 0.5, memory: 1024Mi}, limits: {cpu: '1000m', memory: 2.5e9}}, ";
    let web = workload("web", "replicas: 0, ", container);
    let Some(mut stage) = deployed("quantities", &[("app/web.yaml", &web)], json!({})).await else { return };
    let live = stage.find("apps/v1", "Deployment", "web").await.expect("live");
    let resources = &live["spec"]["template"]["spec"]["containers"][0]["resources"];
    assert_eq!(resources["requests"]["cpu"], "500m", "the server is expected to change it: {resources}");
    in_sync(&mut stage, &[("deployments", "web")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn string_data_of_a_secret() {
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: login}\n\
         stringData: {password: hunter2}\ndata: {user: YWRh}\n";
    let Some(mut stage) = deployed("string-data", &[("app/login.yaml", secret)], json!({})).await else {
        return;
    };
    in_sync(&mut stage, &[("secrets", "login")]).await;
    let login: Object<'_> = ("v1", "Secret", "login");
    // Its entries are Git's as those of data are.
    meddle(&stage, login, json!({"data": {"password": "b3RoZXI="}})).await;
    stage
        .until(login, |live| live["data"]["password"] == "aHVudGVyMg==" && live["data"]["user"] == "YWRh")
        .await;
    assert!(!stage.controller.log().contains("hunter2") && !stage.controller.log().contains("aHVudGVyMg"));
}

#[tokio::test(flavor = "multi_thread")]
async fn autoscalers_of_both_versions() {
    let target =
        |name: &str| format!("scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: {name}}}");
    let (old, new) = (target("old"), target("new"));
    let v1 = format!(
        "apiVersion: autoscaling/v1\nkind: HorizontalPodAutoscaler\nmetadata: {{name: old}}\n\
         spec: {{{old}, minReplicas: 1, maxReplicas: 3, targetCPUUtilizationPercentage: 60}}\n"
    );
    let v2 = format!(
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {{name: new}}\nspec:\n  {new}\n  \
         maxReplicas: 4\n  metrics:\n  - {{type: Resource, resource: {{name: memory, target: {{type: Utilization, \
         averageUtilization: 70}}}}}}\n  - {{type: Resource, resource: {{name: cpu, target: {{type: AverageValue, \
         averageValue: 0.5}}}}}}\n"
    );
    let (web_old, web_new) = (workload("old", "", ""), workload("new", "", ""));
    let files =
        [("app/v1.yaml", &*v1), ("app/v2.yaml", &v2), ("app/old.yaml", &web_old), ("app/new.yaml", &web_new)];
    let Some(mut stage) = deployed("autoscalers", &files, json!({})).await else { return };
    // The autoscaler's controller writes a status; whatever it has written by now is in what a new controller reads.
    in_sync(&mut stage, &[("horizontalpodautoscalers", "old"), ("horizontalpodautoscalers", "new")]).await;
    for (version, name, field) in
        [("autoscaling/v1", "old", "/spec/maxReplicas"), ("autoscaling/v2", "new", "/spec/maxReplicas")]
    {
        let object: Object<'_> = (version, "HorizontalPodAutoscaler", name);
        let before = stage.find(object.0, object.1, object.2).await.expect("live");
        meddle(&stage, object, json!({"spec": {"maxReplicas": 9}})).await;
        stage.until(object, |live| live.pointer(field) == before.pointer(field)).await;
    }
}

/// A policy that changes every ConfigMap of the namespace when it is written.
fn policy(name: &str, expression: &str) -> Value {
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicy", "metadata": {"name": name},
        "spec": {
            "matchConstraints": {"resourceRules": [{
                "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["configmaps"],
            }]},
            "failurePolicy": "Fail", "reinvocationPolicy": "Never",
            "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}}],
        },
    })
}

fn binding(name: &str, namespace: &str) -> Value {
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {"policyName": name, "matchResources": {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        }},
    })
}

/// Puts a policy in force for the scenario's namespace and returns its name.
async fn enforce(stage: &Scenario, expression: &str) -> String {
    let name = Cluster::unique("policy");
    let rest = stage.cluster.rest();
    rest.create(&policy(&name, expression)).await.expect("policy");
    rest.create(&binding(&name, &stage.namespace)).await.expect("binding");
    let probe = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "probe", "namespace": stage.namespace},
        "data": {"value": "untouched"},
    });
    let path = stage.path("v1", "ConfigMap", "probe");
    eventually(SOON, || async {
        rest.delete(&path).await.map_err(|error| error.to_string())?;
        let made = rest.create(&probe).await.map_err(|error| error.to_string())?;
        let touched = made["data"] != probe["data"];
        touched.then_some(()).ok_or_else(|| format!("the policy is not in force: {made:#}"))
    })
    .await;
    name
}

/// The Application is Ready although the policy rewrites what is applied, at the cost of one write, and what it wrote stands.
async fn tolerated(name: &str, expression: &str, want: Value) {
    let Some(mut stage) = scenario(name).await else { return };
    let policy = enforce(&stage, expression).await;
    let settings = crate::harness::config_map("settings", "blue");
    let sentinel = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: sentinel, labels: {sentinel: here}}\n";
    let sha = stage.push(&[("app/settings.yaml", &settings), ("app/sentinel.yaml", sentinel)]);
    stage.application(SHOP, json!({})).await;
    stage.ready(SHOP, &sha).await;
    looked_at(&stage, ("v1", "ConfigMap", "sentinel")).await;
    restart(&mut stage);
    until_written(&stage, "configmaps", "settings", 1).await;
    let live = stage.find("v1", "ConfigMap", "settings").await.expect("live");
    assert_eq!(live["data"], want);
    assert_eq!(
        stage.find(APPLICATION.0, APPLICATION.1, SHOP).await.expect("app")["status"]["sync"]["state"],
        "Synced"
    );
    for kind in ["MutatingAdmissionPolicyBinding", "MutatingAdmissionPolicy"] {
        let path = stage.path("admissionregistration.k8s.io/v1", kind, &policy);
        stage.cluster.rest().delete(&path).await.expect("delete");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_adds_a_field() {
    let expression = "Object{data: {'added': 'by-policy'}}";
    tolerated("policy-adds", expression, json!({"value": "blue", "added": "by-policy"})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_sets_a_field_of_gits_otherwise() {
    tolerated("policy-sets", "Object{data: {'value': 'red'}}", json!({"value": "red"})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_write_under_a_policy_is_still_healed() {
    let Some(stage) = scenario("policy-heal").await else { return };
    enforce(&stage, "Object{data: {'added': 'by-policy'}}").await;
    let sha = stage.push(&[("app/a.yaml", &crate::harness::config_map("a", "1"))]);
    stage.application(SHOP, json!({})).await;
    stage.ready(SHOP, &sha).await;
    heal(&stage, "a", "1").await;
}
