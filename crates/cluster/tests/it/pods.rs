//! What is told of the pods below an object that somebody is interested in.

use std::time::Duration;

use lockstep_cluster::{Change, Index, LiveEvent, Namespaces, Subscriber, Want, WatchScope};
use lockstep_core::{Gvk, ObjectKey};

use crate::fake::{Fake, OpenWatch};

fn resource(group: &str, plural: &str, kind: &str) -> String {
    format!(
        r#"{{"resource":"{plural}","responseKind":{{"group":"{group}","version":"v1","kind":"{kind}"}},"scope":"Namespaced","singularResource":"{}","verbs":["get","list","watch"]}}"#,
        kind.to_lowercase()
    )
}

fn discovered(group: &str, resources: &[String]) -> String {
    format!(
        r#"{{"kind":"APIGroupDiscoveryList","apiVersion":"apidiscovery.k8s.io/v2","items":[{{"metadata":{{"name":"{group}"}},"versions":[{{"version":"v1","freshness":"Current","resources":[{}]}}]}}]}}"#,
        resources.join(",")
    )
}

fn web() -> ObjectKey {
    ObjectKey::new("apps", "Deployment", "n", "web")
}

/// Deployment `web` is tracked; ReplicaSets and pods are not.
struct Stage {
    index: Index,
    events: Subscriber,
    deployments: OpenWatch,
    replica_sets: OpenWatch,
    pods: OpenWatch,
    _wants: Vec<Want>,
    _fake: Fake,
}

impl Stage {
    async fn set() -> Self {
        let mut fake = Fake::new();
        fake.clear("GET /api");
        fake.clear("GET /apis");
        fake.on("GET /api", 200, &discovered("", &[resource("", "pods", "Pod")]));
        let apps =
            [resource("apps", "deployments", "Deployment"), resource("apps", "replicasets", "ReplicaSet")];
        fake.on("GET /apis", 200, &discovered("apps", &apps));
        let (index, _) = fake.index().await;
        index.track(&web());
        let events = index.subscribe();
        let mut wants = vec![];
        let mut open = vec![];
        for (group, kind) in [("apps", "Deployment"), ("apps", "ReplicaSet"), ("", "Pod")] {
            let gvk = Gvk::new(group, "v1", kind);
            wants.push(index.want(&WatchScope { gvk, namespaces: Namespaces::All }));
            open.push(fake.watch().await);
        }
        let [deployments, replica_sets, pods] = <[OpenWatch; 3]>::try_from(open).ok().unwrap();
        Self { index, events, deployments, replica_sets, pods, _wants: wants, _fake: fake }
    }

    /// With the Deployment and its ReplicaSet known, and nothing left to be told.
    async fn ready() -> Self {
        let stage = Self::set().await;
        stage.deployments.list(&[&object("Deployment", "web", "", "")], 9);
        stage.replica_sets.list(&[&object("ReplicaSet", "web-1", "Deployment/web", "")], 9);
        stage.pods.list(&[], 9);
        stage.told().await;
        stage
    }

    /// The objects that were told of, each once.
    async fn told(&self) -> Vec<String> {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let mut told = vec![];
        while let Some(event) = self.events.try_next() {
            if let LiveEvent::Object { key, change, .. } = event {
                assert_eq!(change, Change::Applied);
                told.push(key.to_string());
            }
        }
        told
    }

    fn waiting(&self) -> Vec<String> {
        let pods = self.index.waiting_pods(&Gvk::new("apps", "v1", "Deployment"), &web());
        let mut words: Vec<String> = pods
            .into_iter()
            .map(|pod| format!("{} {}", pod.key.name, pod.pod.unwrap().waiting.join(" ")))
            .collect();
        words.sort();
        words
    }
}

/// `owner` is `Kind/name` of the controller; `status` is what is in the braces.
fn object(kind: &str, name: &str, owner: &str, status: &str) -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static VERSION: AtomicU32 = AtomicU32::new(10);
    let version = VERSION.fetch_add(1, Ordering::Relaxed);
    let owners = owner.split_once('/').map(|(kind, name)| {
        format!(r#","ownerReferences":[{{"kind":"{kind}","name":"{name}","uid":"{kind}-{name}","controller":true}}]"#)
    });
    let owners = owners.unwrap_or_default();
    format!(
        r#"{{"metadata":{{"name":"{name}","namespace":"n","uid":"{kind}-{name}","resourceVersion":"{version}"{owners}}},"status":{{{status}}}}}"#
    )
}

fn waits(reason: &str) -> String {
    format!(r#""phase":"Pending","containerStatuses":[{{"state":{{"waiting":{{"reason":"{reason}"}}}}}}]"#)
}

const PENDING: &str = r#""phase":"Pending""#;
const RUNNING: &str = r#""phase":"Running","conditions":[{"type":"Ready","status":"True"}]"#;
const UNREADY: &str = r#""phase":"Running","conditions":[{"type":"Ready","status":"False"}]"#;
const NOBODY: [&str; 0] = [];

#[tokio::test(start_paused = true)]
async fn what_a_pod_waits_for_is_told_of_the_tracked_object_above_it() {
    let stage = Stage::ready().await;
    let pod = |status: &str| object("Pod", "web-1-x", "ReplicaSet/web-1", status);
    for (status, told, waiting) in [
        (PENDING, &NOBODY[..], &NOBODY[..]),
        (&waits("ErrImagePull"), &["Deployment/web"], &["web-1-x ErrImagePull"]),
        (&waits("ErrImagePull"), &[], &["web-1-x ErrImagePull"]),
        (&waits("ImagePullBackOff"), &["Deployment/web"], &["web-1-x ImagePullBackOff"]),
        (UNREADY, &["Deployment/web"], &[]),
        (UNREADY, &[], &[]),
        (RUNNING, &["Deployment/web"], &[]),
        (RUNNING, &[], &[]),
    ] {
        stage.pods.send("MODIFIED", &pod(status));
        assert_eq!(stage.told().await, told, "{status}");
        assert_eq!(stage.waiting(), waiting, "{status}");
    }
    assert_eq!(stage.index.size().bodies, 1, "the Deployment's alone");
}

#[tokio::test(start_paused = true)]
async fn pods_that_go_wait_for_nothing_any_more() {
    let stage = Stage::ready().await;
    for going in ["MODIFIED", "DELETED"] {
        let pod = object("Pod", "web-1-x", "ReplicaSet/web-1", &waits("CrashLoopBackOff"));
        stage.pods.send("ADDED", &pod);
        assert_eq!(stage.told().await, ["Deployment/web"], "{going}");
        let end = object("Pod", "web-1-x", "ReplicaSet/web-1", &waits("CrashLoopBackOff"));
        let end = end.replace(r#""uid":"Pod"#, r#""deletionTimestamp":"2026-11-24T06:50:00Z","uid":"Pod"#);
        stage.pods.send(going, &end);
        assert_eq!(stage.told().await, ["Deployment/web"], "{going}");
        assert_eq!(stage.waiting(), NOBODY, "{going}");
        stage.pods.send("DELETED", &object("Pod", "web-1-x", "", ""));
        assert_eq!(stage.told().await, NOBODY, "it said nothing any more");
    }
}

#[tokio::test(start_paused = true)]
async fn other_pods_are_told_to_nobody() {
    let stage = Stage::ready().await;
    stage.replica_sets.send("ADDED", &object("ReplicaSet", "stray", "Deployment/foreign", ""));
    let mut strangers = vec![];
    for (name, owner) in
        [("bare", ""), ("a", "ReplicaSet/stray"), ("b", "ReplicaSet/unknown"), ("c", "Job/x")]
    {
        strangers.push(object("Pod", name, owner, &waits("CrashLoopBackOff")));
    }
    // It names the ReplicaSet, but is not controlled by it.
    let second = object("Pod", "d", "ReplicaSet/web-1", &waits("CrashLoopBackOff"));
    strangers.push(second.replace(r#","controller":true"#, ""));
    // The ReplicaSet that it names is another of the same name.
    let other = object("Pod", "e", "ReplicaSet/web-1", &waits("CrashLoopBackOff"));
    strangers.push(other.replace(r#""uid":"ReplicaSet-web-1""#, r#""uid":"older""#));
    strangers.iter().for_each(|pod| stage.pods.send("ADDED", pod));
    assert_eq!(stage.told().await, NOBODY);
    assert_eq!(stage.waiting(), NOBODY);
}

#[tokio::test(start_paused = true)]
async fn the_order_in_which_the_lists_come_does_not_matter() {
    let pod = |name: &str, status: &str| object("Pod", name, "ReplicaSet/web-1", status);
    let stage = Stage::set().await;
    stage.pods.list(&[&pod("x", &waits("ImagePullBackOff")), &pod("y", RUNNING)], 9);
    assert_eq!(stage.told().await, NOBODY, "nobody knows whose they are");
    stage.deployments.list(&[&object("Deployment", "web", "", "")], 9);
    assert_eq!(stage.told().await, ["Deployment/web"]);
    assert_eq!(stage.waiting(), NOBODY);
    stage.replica_sets.list(&[&object("ReplicaSet", "web-1", "Deployment/web", "")], 9);
    assert_eq!(stage.told().await, ["Deployment/web"]);
    assert_eq!(stage.waiting(), ["x ImagePullBackOff"]);
}

#[tokio::test(start_paused = true)]
async fn replica_sets_and_pods_that_are_well_from_the_start_are_no_news() {
    let stage = Stage::ready().await;
    stage.replica_sets.send("ADDED", &object("ReplicaSet", "web-2", "Deployment/web", ""));
    stage.replica_sets.send("MODIFIED", &object("ReplicaSet", "web-2", "Deployment/web", r#""replicas":1"#));
    stage.pods.send("ADDED", &object("Pod", "y", "ReplicaSet/web-2", RUNNING));
    assert_eq!(stage.told().await, NOBODY);
}

#[tokio::test(start_paused = true)]
async fn the_nearest_object_of_interest_is_told_of() {
    let stage = Stage::ready().await;
    stage.index.track(&ObjectKey::new("apps", "ReplicaSet", "n", "web-1"));
    stage.pods.send("ADDED", &object("Pod", "x", "ReplicaSet/web-1", &waits("CrashLoopBackOff")));
    assert_eq!(stage.told().await, ["ReplicaSet/web-1"]);
}

#[tokio::test(start_paused = true)]
async fn controllers_in_a_circle_end() {
    let stage = Stage::ready().await;
    stage.replica_sets.send("ADDED", &object("ReplicaSet", "a", "ReplicaSet/b", ""));
    stage.replica_sets.send("ADDED", &object("ReplicaSet", "b", "ReplicaSet/a", ""));
    stage.pods.send("ADDED", &object("Pod", "x", "ReplicaSet/a", &waits("CrashLoopBackOff")));
    assert_eq!(stage.told().await, NOBODY);
}
