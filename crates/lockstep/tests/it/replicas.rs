//! `spec.replicas`, which Git, an autoscaler and people at a keyboard all may set.
use futures::StreamExt;
use serde_json::{Value, json};
use xtask::{Resource, Scenario, WatchEvent};

use crate::harness::witness::{Object, SHOP, deployed, looked_at, until_written, workload};

const WEB: Object<'_> = ("apps/v1", "Deployment", "web");
const OTHER: Object<'_> = ("apps/v1", "Deployment", "other");
/// With a range in which every number of these tests lies: without metrics the autoscaler of the control plane then does nothing, at
/// whatever moment it looks.
const AUTOSCALER: &str = "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: web}\n\
     spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, minReplicas: 1, maxReplicas: 9}\n";

/// Scales as `kubectl scale` and an autoscaler do: through the subresource, under the field manager's name.
async fn scale(stage: &Scenario, manager: &str, replicas: u32) {
    let path = format!("{}/scale", stage.path(WEB.0, WEB.1, WEB.2));
    stage
        .cluster
        .rest()
        .merge(&path, &json!({"spec": {"replicas": replicas}}), manager)
        .await
        .expect("scale");
}

async fn replicas(stage: &Scenario) -> Value {
    stage.find(WEB.0, WEB.1, WEB.2).await.expect("web")["spec"]["replicas"].take()
}

/// Every number of replicas that the Deployment has had since a resourceVersion.
async fn had(stage: &Scenario, version: &str) -> Vec<u64> {
    let collection = Resource::of(WEB.0, WEB.1).collection(Some(&stage.namespace));
    let now = stage.find(WEB.0, WEB.1, WEB.2).await.expect("web")["metadata"]["resourceVersion"].take();
    let mut events = stage.cluster.rest().watch(&collection, version).await.expect("watch");
    let mut had = Vec::new();
    while let Some(event) = events.next().await {
        let WatchEvent::Modified(object) = event.expect("watch") else { continue };
        if object["metadata"]["name"] == WEB.2 {
            had.extend(object["spec"]["replicas"].as_u64());
        }
        if object["metadata"]["resourceVersion"] == now {
            break;
        }
    }
    had
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_scales_stays_where_git_names_no_number() {
    for (name, manager) in [("scaled", "kubectl"), ("autoscaled", "kube-controller-manager")] {
        let (web, other) = (workload("web", "", ""), workload("other", "", ""));
        let mut files = vec![("app/web.yaml", &*web), ("app/other.yaml", &other)];
        if manager != "kubectl" {
            files.push(("app/autoscaler.yaml", AUTOSCALER));
        }
        let Some(stage) = deployed(name, &files, json!({})).await else { return };
        scale(&stage, manager, 3).await;
        looked_at(&stage, OTHER).await;
        assert_eq!(replicas(&stage).await, 3, "{manager}");
        until_written(&stage, "deployments", "web", 1).await;
        // A change of something else leaves the number alone as well.
        let sha = stage.push(&[("app/web.yaml", &web.replace("web:1", "web:2"))]);
        stage.ready(SHOP, &sha).await;
        assert_eq!(replicas(&stage).await, 3, "{manager}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_scales_is_healed_where_git_names_a_number() {
    let web = workload("web", "replicas: 2, ", "");
    let Some(stage) = deployed("unscaled", &[("app/web.yaml", &web)], json!({})).await else { return };
    scale(&stage, "kubectl", 4).await;
    stage.until(WEB, |live| live["spec"]["replicas"] == 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_in_git_is_where_an_autoscaler_starts_and_no_more() {
    let (web, other) = (workload("web", "replicas: 3, ", ""), workload("other", "", ""));
    let files = [("app/web.yaml", &*web), ("app/other.yaml", &other), ("app/autoscaler.yaml", AUTOSCALER)];
    let Some(stage) = deployed("handover-new", &files, json!({})).await else { return };
    let first = stage.find(WEB.0, WEB.1, WEB.2).await.expect("web");
    assert_eq!(first["spec"]["replicas"], 3);
    scale(&stage, "kube-controller-manager", 5).await;
    looked_at(&stage, OTHER).await;
    assert_eq!(replicas(&stage).await, 5);
    for image in ["web:2", "web:3"] {
        let sha = stage.push(&[("app/web.yaml", &web.replace("web:1", image))]);
        stage.ready(SHOP, &sha).await;
    }
    let had = had(&stage, first["metadata"]["resourceVersion"].as_str().unwrap_or_default()).await;
    assert!(had.iter().all(|number| [3, 5].contains(number)), "{had:?}");
    assert_eq!(had.last(), Some(&5));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_autoscaler_that_comes_later_is_handed_the_number() {
    let (web, other) = (workload("web", "replicas: 3, ", ""), workload("other", "", ""));
    let files = [("app/web.yaml", &*web), ("app/other.yaml", &other)];
    let Some(stage) = deployed("handover-later", &files, json!({})).await else { return };
    let first = stage.find(WEB.0, WEB.1, WEB.2).await.expect("web");
    let sha = stage.push(&[("app/autoscaler.yaml", AUTOSCALER)]);
    stage.ready(SHOP, &sha).await;
    // Handed over: our entry no longer has it, and somebody else's has.
    stage.until(WEB, |live| holders(live) == ["lockstep-handover"]).await;
    scale(&stage, "kube-controller-manager", 6).await;
    looked_at(&stage, OTHER).await;
    // Git drops the number, and changes something, one after the other: what would reset it if it still were ours.
    for text in [web.replace("replicas: 3, ", ""), web.replace("replicas: 3, ", "").replace("web:1", "web:2")]
    {
        let sha = stage.push(&[("app/web.yaml", &text)]);
        stage.ready(SHOP, &sha).await;
    }
    let had = had(&stage, first["metadata"]["resourceVersion"].as_str().unwrap_or_default()).await;
    assert!(had.iter().all(|number| [3, 6].contains(number)), "{had:?}");
    assert_eq!(had.last(), Some(&6));
}

/// The managers whose entries have `spec.replicas`.
fn holders(live: &Value) -> Vec<&str> {
    let entries = live["metadata"]["managedFields"].as_array().into_iter().flatten();
    let holding = entries.filter(|entry| entry.pointer("/fieldsV1/f:spec/f:replicas").is_some());
    holding.filter_map(|entry| entry["manager"].as_str()).collect()
}
