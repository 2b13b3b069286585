//! Deployments, their ReplicaSets and pods over time.

use std::time::Duration;

use lockstep_core::Value;

use crate::cluster::{Cluster, deployment};

const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/default/deployments/w";
const SETS: &str = "/apis/apps/v1/namespaces/default/replicasets";
const PODS: &str = "/api/v1/namespaces/default/pods";

#[test]
fn pods_are_ready_within_50_ms() {
    let mut cluster = Cluster::new();
    cluster.apply("default", &deployment("w", 2, "img:1", &[]));
    cluster.pass(Duration::from_millis(50));
    assert_eq!(cluster.get(DEPLOYMENT).int_at(&["status", "availableReplicas"]), Some(2));
    cluster.settle();
    cluster.rests();
}

/// `Available`, `Progressing` and how many replicas are available.
fn state(cluster: &mut Cluster) -> String {
    let object = cluster.get(DEPLOYMENT);
    let conditions = object.at(&["status", "conditions"]).and_then(Value::as_list).unwrap_or_default();
    let reason = |kind: &str| {
        let found = conditions.iter().find(|one| one.str_at(&["type"]) == Some(kind));
        found.and_then(|one| one.str_at(&["reason"])).unwrap_or("-").to_owned()
    };
    let number = object.int_at(&["status", "availableReplicas"]).unwrap_or(0);
    format!("{} {} {number}", reason("Available"), reason("Progressing"))
}

#[test]
fn rollouts_end_as_their_pods_do() {
    let check = |annotations: &[(&str, &str)], image: &str, seconds: u64, want: &str| {
        let mut cluster = Cluster::new();
        cluster.apply("default", &deployment("w", 2, image, annotations));
        cluster.pass(Duration::from_secs(seconds));
        assert_eq!(state(&mut cluster), want, "{annotations:?} {image}");
        cluster.rests();
    };
    check(&[], "img:1", 1, "MinimumReplicasAvailable NewReplicaSetAvailable 2");
    check(&[("ready-after", "5s")], "img:1", 2, "MinimumReplicasUnavailable ReplicaSetUpdated 0");
    check(&[("ready-after", "5s")], "img:1", 8, "MinimumReplicasAvailable NewReplicaSetAvailable 2");
    check(&[("ready-after", "never")], "img:1", 700, "MinimumReplicasUnavailable ProgressDeadlineExceeded 0");
    check(&[("crash", "1")], "img:1", 60, "MinimumReplicasUnavailable ReplicaSetUpdated 0");
    check(&[("pull", "fail")], "img:1", 60, "MinimumReplicasUnavailable ReplicaSetUpdated 0");
    check(&[], "does-not-exist:1", 60, "MinimumReplicasUnavailable ReplicaSetUpdated 0");
    check(
        &[("crash", "1"), ("crash-times", "2")],
        "img:1",
        60,
        "MinimumReplicasAvailable NewReplicaSetAvailable 2",
    );
}

#[test]
fn a_rollback_takes_the_old_set_up_again() {
    let mut cluster = Cluster::new();
    for image in ["img:1", "img:2", "img:1"] {
        cluster.apply("default", &deployment("w", 3, image, &[]));
        cluster.settle();
    }
    let object = cluster.get(DEPLOYMENT);
    assert_eq!(object.str_at(&["metadata", "annotations", "deployment.kubernetes.io/revision"]), Some("3"));
    let sets = cluster.list(SETS);
    let of = |set: &Value, key: &str| {
        let key = format!("deployment.kubernetes.io/{key}");
        set.str_at(&["metadata", "annotations", &key]).unwrap_or("-").to_owned()
    };
    let mut told: Vec<String> = sets
        .iter()
        .map(|set| {
            let replicas = set.int_at(&["spec", "replicas"]).unwrap();
            format!("{} {} {replicas}", of(set, "revision"), of(set, "revision-history"))
        })
        .collect();
    told.sort();
    assert_eq!(told, ["2 - 0", "3 1 3"]);
    assert_eq!(cluster.names(PODS).len(), 3);
    cluster.rests();
}

#[test]
fn what_a_deployment_owns_goes_with_it_or_stays() {
    let check = |policy: &str, sets: usize, pods: usize| {
        let mut cluster = Cluster::new();
        cluster.apply("default", &deployment("w", 2, "img:1", &[]));
        cluster.settle();
        assert_eq!(cluster.delete(DEPLOYMENT, policy), 200);
        cluster.settle();
        assert_eq!((cluster.names(SETS).len(), cluster.names(PODS).len()), (sets, pods), "{policy}");
        assert!(cluster.names("/apis/apps/v1/namespaces/default/deployments").is_empty(), "{policy}");
        cluster.rests();
    };
    check("Background", 0, 0);
    check("Foreground", 0, 0);
    check("Orphan", 1, 2);
}

#[test]
fn orphans_are_taken_over_by_a_deployment_of_the_same_template() {
    let mut cluster = Cluster::new();
    cluster.apply("default", &deployment("w", 2, "img:1", &[]));
    cluster.settle();
    let before = cluster.names(PODS);
    cluster.delete(DEPLOYMENT, "Orphan");
    cluster.settle();
    cluster.apply("default", &deployment("w", 2, "img:1", &[]));
    cluster.settle();
    assert_eq!(cluster.names(PODS), before);
    assert_eq!(state(&mut cluster), "MinimumReplicasAvailable NewReplicaSetAvailable 2");
}

#[test]
fn a_namespace_goes_with_all_that_is_in_it() {
    let mut cluster = Cluster::new();
    cluster.namespace("team");
    cluster.apply("team", &deployment("w", 2, "img:1", &[("stop-after", "5s")]));
    cluster.settle();
    cluster.delete("/api/v1/namespaces/team", "Background");
    cluster.pass(Duration::from_secs(1));
    let left = cluster.get("/api/v1/namespaces/team");
    assert_eq!(left.str_at(&["status", "phase"]), Some("Terminating"));
    let conditions = left.at(&["status", "conditions"]).and_then(Value::as_list).unwrap();
    let remaining =
        conditions.iter().find(|one| one.str_at(&["type"]) == Some("NamespaceContentRemaining")).unwrap();
    assert_eq!(
        remaining.str_at(&["message"]),
        Some("Some resources are remaining: pods. has 2 resource instances")
    );
    cluster.pass(Duration::from_secs(6));
    assert!(!cluster.names("/api/v1/namespaces").contains(&"team".to_owned()));
    assert!(cluster.names("/api/v1/pods").is_empty());
    cluster.rests();
}
