//! The embedded cluster, whole.
#![allow(clippy::unwrap_used, clippy::panic)] // a test ends where anything is not as it should be

use std::sync::Arc;
use std::time::Duration;

use apiserver::Api;
use apistore::{Body, Method, Request};
use lockstep_core::{Value, from_json};
use lockstep_devcluster::{DevCluster, DevClusterError, Options, StateDir};
use runtime::Shutdown;

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

/// A cluster that serves until it is [stopped](Running::stop).
struct Running {
    api: Arc<Api>,
    kubeconfig: Value,
    shutdown: Shutdown,
    task: tokio::task::JoinHandle<Result<(), DevClusterError>>,
}

impl Running {
    async fn start(dir: Option<StateDir>) -> Self {
        let options = Options { dir, listen: "127.0.0.1:0".parse().unwrap() };
        let cluster = DevCluster::start(options).await.unwrap();
        let (api, kubeconfig, shutdown) = (cluster.api(), cluster.kubeconfig(), Shutdown::new());
        let task = tokio::spawn(cluster.run(shutdown.clone()));
        Self { api, kubeconfig, shutdown, task }
    }

    async fn stop(self) {
        self.shutdown.request();
        self.task.await.unwrap().unwrap();
    }

    async fn ask(&self, method: Method, path: &str, body: &str) -> (u16, Value) {
        let request = Request::system(method, path).body("application/json", body.as_bytes());
        let response = self.api.call(&request).await;
        let value = match response.body {
            Body::Object(object) => from_json(&object).unwrap(),
            Body::List(list) => from_json(&list.json()).unwrap(),
            _ => Value::Null,
        };
        (response.code, value)
    }

    /// Waits until what is at a path is as wanted.
    async fn until(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..1_000 {
            let (_, found) = self.ask(Method::Get, path, "").await;
            if wanted(&found) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let (_, found) = self.ask(Method::Get, path, "").await;
        panic!("{path} is {}", String::from_utf8_lossy(&lockstep_core::to_json(&found)))
    }
}

fn map(name: &str) -> String {
    format!(r#"{{"metadata":{{"name":"{name}"}},"data":{{"k":"v"}}}}"#)
}

fn deployment(name: &str, replicas: u32) -> String {
    format!(
        r#"{{"metadata":{{"name":"{name}"}},"spec":{{"replicas":{replicas},"selector":{{"matchLabels":{{"app":"{name}"}}}},
        "template":{{"metadata":{{"labels":{{"app":"{name}"}}}},"spec":{{"containers":[{{"name":"c","image":"i"}}]}}}}}}}}"#
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_kept_is_there_at_the_next_start() {
    let place = tempfile::tempdir().unwrap();
    let dir = StateDir::create(place.path()).unwrap();
    let first = Running::start(Some(dir.clone())).await;
    let (code, made) = first.ask(Method::Post, MAPS, &map("a")).await;
    assert_eq!(code, 201);
    assert_eq!(first.ask(Method::Post, MAPS, &map("b")).await.0, 201);
    assert_eq!(first.ask(Method::Delete, &format!("{MAPS}/b"), "").await.0, 200);
    let authority = |running: &Running| running.kubeconfig.get("clusters").cloned().unwrap();
    let before = authority(&first);
    first.stop().await;

    let second = Running::start(Some(dir)).await;
    let (code, kept) = second.ask(Method::Get, &format!("{MAPS}/a"), "").await;
    assert_eq!((code, kept), (200, made.clone()));
    assert_eq!(second.ask(Method::Get, &format!("{MAPS}/b"), "").await.0, 404);
    // Clients know it again; a version is never used a second time, a uid neither.
    let certificate = |clusters: &Value| {
        let cluster = clusters.as_list().unwrap()[0].get("cluster").unwrap();
        cluster.get("certificate-authority-data").cloned().unwrap()
    };
    assert_eq!(certificate(&authority(&second)), certificate(&before));
    let (_, later) = second.ask(Method::Post, MAPS, &map("c")).await;
    let version =
        |object: &Value| object.str_at(&["metadata", "resourceVersion"]).unwrap().parse::<u64>().unwrap();
    assert!(version(&later) > version(&made));
    assert_ne!(later.at(&["metadata", "uid"]), made.at(&["metadata", "uid"]));
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn controllers_go_on_where_they_were() {
    let place = tempfile::tempdir().unwrap();
    let dir = StateDir::create(place.path()).unwrap();
    let path = "/apis/apps/v1/namespaces/default/deployments";
    let ready = |count: i64| move |found: &Value| found.int_at(&["status", "readyReplicas"]) == Some(count);
    let first = Running::start(Some(dir.clone())).await;
    assert_eq!(first.ask(Method::Post, path, &deployment("web", 2)).await.0, 201);
    first.until(&format!("{path}/web"), ready(2)).await;
    let pods = "/api/v1/namespaces/default/pods";
    let names = |list: &Value| -> Vec<String> {
        let items = list.get("items").and_then(Value::as_list).unwrap().iter();
        items.filter_map(|pod| pod.str_at(&["metadata", "name"]).map(str::to_owned)).collect()
    };
    let before = names(&first.ask(Method::Get, pods, "").await.1);
    first.stop().await;

    let second = Running::start(Some(dir)).await;
    assert_eq!(names(&second.ask(Method::Get, pods, "").await.1), before, "a start replaces no pod");
    let scale = r#"{"spec":{"replicas":3}}"#;
    let request = Request::system(Method::Patch, format!("{path}/web"));
    let request = request.body("application/merge-patch+json", scale.as_bytes());
    assert_eq!(second.api.call(&request).await.code, 200);
    second.until(&format!("{path}/web"), ready(3)).await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_live_in_one_process_and_know_nothing_of_each_other() {
    let (one, other) = tokio::join!(Running::start(None), Running::start(None));
    assert_eq!(one.ask(Method::Post, MAPS, &map("a")).await.0, 201);
    assert_eq!(other.ask(Method::Get, &format!("{MAPS}/a"), "").await.0, 404);
    assert_ne!(one.kubeconfig.get("clusters"), other.kubeconfig.get("clusters"));
    one.until("/api/v1/namespaces/default/configmaps/kube-root-ca.crt", |found| found.get("data").is_some())
        .await;
    one.stop().await;
    assert_eq!(other.ask(Method::Post, MAPS, &map("b")).await.0, 201);
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_is_of_one_cluster_at_a_time_and_can_be_forgotten() {
    let place = tempfile::tempdir().unwrap();
    let dir = StateDir::create(&place.path().join("cluster")).unwrap();
    let running = Running::start(Some(dir.clone())).await;
    let options = Options { dir: Some(dir.clone()), listen: "127.0.0.1:0".parse().unwrap() };
    assert!(DevCluster::start(options).await.is_err());
    assert!(dir.reset().is_err(), "it runs");
    running.stop().await;
    let key = place.path().join("cluster").join("token.key");
    std::fs::write(&key, "cut").unwrap();
    let options = Options { dir: Some(dir.clone()), listen: "127.0.0.1:0".parse().unwrap() };
    let damaged = DevCluster::start(options).await.err().map(|error| error.to_string());
    assert_eq!(damaged, Some(format!("{} is damaged", key.display())));
    dir.reset().unwrap();
    assert!(!place.path().join("cluster").exists());
}
