//! The control plane and its kubelet do what the end-to-end tests rely on.
use std::time::Duration;

use serde_json::{Value, json};
use xtask::{Cluster, eventually, is_not_found};

const SOON: Duration = Duration::from_secs(20);

fn deployment(namespace: &str, name: &str, annotations: &Value) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": 2, "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}, "annotations": annotations},
                "spec": {"containers": [{"name": "c", "image": "example.com/c:1"}]},
            },
        },
    })
}

async fn ready_replicas(cluster: &Cluster, namespace: &str, name: &str) -> Result<u64, String> {
    let path = format!("/apis/apps/v1/namespaces/{namespace}/deployments/{name}");
    let found = cluster.rest().get(&path).await.map_err(|error| error.to_string())?;
    Ok(found["status"]["readyReplicas"].as_u64().unwrap_or(0))
}

#[tokio::test]
async fn pods_become_ready_as_annotated_and_go_when_deleted() {
    let Some(cluster) = Cluster::get().await else { return };
    let namespace = cluster.namespace("kubelet").await;
    for (name, annotations) in [("works", json!({})), ("crashes", json!({"cluster.lockstep.dev/crash": "1"}))]
    {
        cluster.rest().create(&deployment(&namespace, name, &annotations)).await.expect("create");
    }
    eventually(SOON, || async {
        match ready_replicas(&cluster, &namespace, "works").await? {
            2 => Ok(()),
            other => Err(format!("{other} of 2 ready")),
        }
    })
    .await;
    let pods = format!("/api/v1/namespaces/{namespace}/pods?labelSelector=app%3D");
    let crashing = eventually(SOON, || async {
        let (pods, _) = cluster.rest().list(&format!("{pods}crashes")).await.map_err(|e| e.to_string())?;
        let reason = "/status/containerStatuses/0/state/waiting/reason";
        let looping = |pod: &&Value| pod.pointer(reason).is_some_and(|reason| reason == "CrashLoopBackOff");
        match pods.iter().filter(looping).count() {
            2 => Ok(pods.len()),
            other => Err(format!("{other} of 2 crash")),
        }
    })
    .await;
    assert_eq!(crashing, 2);
    assert_eq!(ready_replicas(&cluster, &namespace, "crashes").await, Ok(0));
    let path = format!("/apis/apps/v1/namespaces/{namespace}/deployments/works");
    cluster.rest().delete(&path).await.expect("delete");
    eventually(SOON, || async {
        let (pods, _) = cluster.rest().list(&format!("{pods}works")).await.map_err(|e| e.to_string())?;
        if pods.is_empty() { Ok(()) } else { Err(format!("{} pods left", pods.len())) }
    })
    .await;
}

#[tokio::test]
async fn writes_are_told_by_namespace_and_dry_runs_are_not_writes() {
    let Some(cluster) = Cluster::get().await else { return };
    let (ours, other) = (cluster.namespace("audit").await, cluster.namespace("audit").await);
    let map = |namespace: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": namespace}, "data": {"k": "v"}});
    cluster.rest().apply(&map(&ours), "tester").await.expect("apply");
    cluster.rest().apply(&map(&other), "tester").await.expect("apply");
    let path = format!("/api/v1/namespaces/{ours}/configmaps/a");
    let patch = json!({"data": {"k": "w"}});
    cluster.rest().merge(&path, &patch, "someone").await.expect("merge");
    let dry = cluster.rest().send(http::Method::DELETE, &format!("{path}?dryRun=All"), None).await;
    dry.expect("dry run");
    // The cluster's own controllers put a ServiceAccount and a ConfigMap into every namespace.
    let mut writes = cluster.writes(&[&ours]);
    writes.retain(|write| write.name == "a");
    let verbs: Vec<&str> = writes.iter().map(|write| write.verb.as_str()).collect();
    assert_eq!(verbs, ["patch", "patch"]);
    assert!(writes.iter().all(|write| write.resource == "configmaps" && write.namespace == ours));
}

#[tokio::test]
async fn an_object_that_is_not_there_is_told_apart() {
    let Some(cluster) = Cluster::get().await else { return };
    let nowhere = "/api/v1/namespaces/default/configmaps/nowhere";
    assert!(is_not_found(&cluster.rest().get(nowhere).await.expect_err("none")));
    assert_eq!(cluster.rest().find(nowhere).await.expect("find"), None);
    cluster.rest().delete(nowhere).await.expect("nothing to delete");
    assert!(cluster.requests("GET", "configmaps").await.expect("metrics") > 0.0);
    assert_ne!(cluster.token("nobody"), cluster.token("token-admin"));
}
