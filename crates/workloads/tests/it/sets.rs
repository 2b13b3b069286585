//! StatefulSets, DaemonSets, Jobs, CronJobs, claims and owners over time.

use std::time::Duration;

use apistore::{Method, Request};
use lockstep_core::Value;

use crate::cluster::{Cluster, deployment, value};

const PODS: &str = "/api/v1/namespaces/default/pods";
const JOB: &str = "/apis/batch/v1/namespaces/default/jobs/j";

fn stateful_set(replicas: i64, image: &str, spec: &[(&str, Value)]) -> Value {
    let mut set = deployment("w", replicas, image, &[]);
    set.set(&["kind"], "StatefulSet".into());
    set.set(&["spec", "serviceName"], "w".into());
    spec.iter().for_each(|(key, value)| set.set(&["spec", key], value.clone()));
    set
}

fn images(cluster: &mut Cluster) -> Vec<String> {
    let pods = cluster.list(PODS);
    let image = |pod: &Value| {
        pod.at(&["spec", "containers"]).unwrap().as_list().unwrap()[0].str_at(&["image"]).unwrap().to_owned()
    };
    pods.iter().map(|pod| format!("{} {}", pod.str_at(&["metadata", "name"]).unwrap(), image(pod))).collect()
}

#[test]
fn a_stateful_set_goes_one_by_one() {
    let mut cluster = Cluster::new();
    let mut slow = stateful_set(3, "img:1", &[]);
    slow.set(
        &["spec", "template", "metadata", "annotations", "cluster.lockstep.dev/ready-after"],
        "5s".into(),
    );
    cluster.apply("default", &slow);
    cluster.pass(Duration::from_secs(2));
    assert_eq!(cluster.names(PODS), ["w-0"]);
    cluster.pass(Duration::from_secs(5));
    assert_eq!(cluster.names(PODS), ["w-0", "w-1"]);
    cluster.pass(Duration::from_secs(20));
    assert_eq!(cluster.names(PODS), ["w-0", "w-1", "w-2"]);
    slow.set(&["spec", "replicas"], 1.into());
    cluster.apply("default", &slow);
    cluster.settle();
    assert_eq!(cluster.names(PODS), ["w-0"]);
    cluster.rests();
}

#[test]
fn a_partition_keeps_the_first_pods_as_they_are() {
    let mut cluster = Cluster::new();
    let partition = |at: &str| {
        (
            "updateStrategy",
            value(&format!(r#"{{"type":"RollingUpdate","rollingUpdate":{{"partition":{at}}}}}"#)),
        )
    };
    cluster.apply("default", &stateful_set(2, "img:1", &[partition("1")]));
    cluster.settle();
    cluster.apply("default", &stateful_set(2, "img:2", &[partition("1")]));
    cluster.settle();
    assert_eq!(images(&mut cluster), ["w-0 img:1", "w-1 img:2"]);
    // One that is lost comes back as it was.
    cluster.delete(&format!("{PODS}/w-0"), "Background");
    cluster.settle();
    assert_eq!(images(&mut cluster), ["w-0 img:1", "w-1 img:2"]);
    cluster.apply("default", &stateful_set(2, "img:2", &[partition("0")]));
    cluster.settle();
    assert_eq!(images(&mut cluster), ["w-0 img:2", "w-1 img:2"]);
    cluster.rests();
}

#[test]
fn claims_are_bound_and_stay_while_they_are_mounted() {
    const CLAIM: &str = "/api/v1/namespaces/default/persistentvolumeclaims/data-w-0";
    let mut cluster = Cluster::new();
    let templates = value(
        r#"[{"metadata":{"name":"data"},"spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}}}}]"#,
    );
    cluster.apply("default", &stateful_set(1, "img:1", &[("volumeClaimTemplates", templates)]));
    cluster.settle();
    let claim = cluster.get(CLAIM);
    assert_eq!(
        (claim.str_at(&["status", "phase"]), claim.str_at(&["spec", "storageClassName"])),
        (Some("Bound"), Some("standard"))
    );
    assert_eq!(cluster.names(PODS), ["w-0"]);
    assert_eq!(cluster.delete(CLAIM, "Background"), 200);
    cluster.settle();
    assert!(cluster.get(CLAIM).at(&["metadata", "deletionTimestamp"]).is_some());
    cluster.delete("/apis/apps/v1/namespaces/default/statefulsets/w", "Background");
    cluster.settle();
    assert!(cluster.names("/api/v1/namespaces/default/persistentvolumeclaims").is_empty());
    assert!(cluster.names("/api/v1/persistentvolumes").is_empty());
    cluster.rests();
}

#[test]
fn a_claim_that_waits_is_bound_with_its_first_pod() {
    let mut cluster = Cluster::new();
    cluster.apply("", &value(r#"{"apiVersion":"storage.k8s.io/v1","kind":"StorageClass","metadata":{"name":"late"},"provisioner":"lockstep.dev/simulated","volumeBindingMode":"WaitForFirstConsumer"}"#));
    cluster.apply("default", &value(r#"{"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{"name":"c"},"spec":{"storageClassName":"late","accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}}}}"#));
    cluster.settle();
    const CLAIM: &str = "/api/v1/namespaces/default/persistentvolumeclaims/c";
    assert_eq!(cluster.get(CLAIM).str_at(&["status", "phase"]), Some("Pending"));
    cluster.apply("default", &value(r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[{"name":"main","image":"img:1"}],"volumes":[{"name":"v","persistentVolumeClaim":{"claimName":"c"}}]}}"#));
    cluster.settle();
    assert_eq!(cluster.get(CLAIM).str_at(&["status", "phase"]), Some("Bound"));
    assert_eq!(cluster.get(&format!("{PODS}/p")).str_at(&["status", "phase"]), Some("Running"));
    cluster.rests();
}

#[test]
fn a_daemon_set_follows_the_nodes() {
    let mut cluster = Cluster::new();
    let mut set = deployment("w", 1, "img:1", &[]);
    set.set(&["kind"], "DaemonSet".into());
    set.remove(&["spec", "replicas"]);
    cluster.apply("default", &set);
    cluster.settle();
    assert_eq!(cluster.names(PODS).len(), 2);
    cluster.apply("", &value(r#"{"apiVersion":"v1","kind":"Node","metadata":{"name":"third","annotations":{"cluster.lockstep.dev/simulated":"true"}}}"#));
    cluster.settle();
    assert_eq!(cluster.names(PODS).len(), 3);
    set.set(
        &["spec", "template", "spec", "nodeSelector"],
        value(r#"{"kubernetes.io/hostname":"lockstep-1"}"#),
    );
    cluster.apply("default", &set);
    cluster.settle();
    assert_eq!(cluster.names(PODS).len(), 1);
    let status = cluster.get("/apis/apps/v1/namespaces/default/daemonsets/w");
    assert_eq!(status.int_at(&["status", "desiredNumberScheduled"]), Some(1));
    assert_eq!(status.int_at(&["status", "updatedNumberScheduled"]), Some(1));
    cluster.rests();
}

fn job(spec: &str, annotations: &str) -> Value {
    value(&format!(
        r#"{{"apiVersion":"batch/v1","kind":"Job","metadata":{{"name":"j"}},"spec":{{{spec}"template":{{"metadata":{{"annotations":{{{annotations}}}}},
        "spec":{{"restartPolicy":"Never","containers":[{{"name":"main","image":"img:1"}}]}}}}}}}}"#
    ))
}

#[test]
fn jobs_end_as_their_pods_do() {
    let check = |spec: &str, annotations: &str, seconds: u64, want: &str| {
        let mut cluster = Cluster::new();
        cluster.apply("default", &job(spec, annotations));
        cluster.pass(Duration::from_secs(seconds));
        let found = cluster.get(JOB);
        let conditions = found.at(&["status", "conditions"]).and_then(Value::as_list).unwrap_or_default();
        let last = conditions
            .last()
            .map(|one| format!("{} {}", one.str_at(&["type"]).unwrap(), one.str_at(&["reason"]).unwrap()));
        let number = |key: &str| found.int_at(&["status", key]).unwrap_or(0);
        let got = format!(
            "{} {}/{}/{}",
            last.unwrap_or_default(),
            number("succeeded"),
            number("failed"),
            number("active")
        );
        assert_eq!(got, want, "{spec} {annotations}");
        cluster.rests();
    };
    const FAILS: &str = r#""cluster.lockstep.dev/exit-code":"1""#;
    const RUNS: &str = r#""cluster.lockstep.dev/exit-after":"never""#;
    check("", "", 5, "Complete CompletionsReached 1/0/0");
    check(r#""completions":5,"parallelism":2,"#, "", 5, "Complete CompletionsReached 5/0/0");
    check(r#""backoffLimit":0,"#, FAILS, 5, "Failed BackoffLimitExceeded 0/1/0");
    check(r#""backoffLimit":2,"#, FAILS, 25, " 0/2/0");
    check(r#""backoffLimit":2,"#, FAILS, 60, "Failed BackoffLimitExceeded 0/3/0");
    check(r#""activeDeadlineSeconds":10,"#, RUNS, 5, " 0/0/1");
    check(r#""activeDeadlineSeconds":10,"#, RUNS, 15, "Failed DeadlineExceeded 0/1/0");
    check(r#""suspend":true,"#, "", 5, "Suspended JobSuspended 0/0/0");
}

#[test]
fn a_job_that_is_over_goes_when_it_says_so() {
    let mut cluster = Cluster::new();
    cluster.apply("default", &job(r#""ttlSecondsAfterFinished":30,"#, ""));
    cluster.pass(Duration::from_secs(20));
    assert_eq!(cluster.names("/apis/batch/v1/namespaces/default/jobs"), ["j"]);
    cluster.pass(Duration::from_secs(20));
    assert!(cluster.names("/apis/batch/v1/namespaces/default/jobs").is_empty());
    assert!(cluster.names(PODS).is_empty());
    cluster.rests();
}

#[test]
fn cron_jobs_run_by_the_clock() {
    let cron = |policy: &str, annotations: &str| {
        value(&format!(
            r#"{{"apiVersion":"batch/v1","kind":"CronJob","metadata":{{"name":"c"}},"spec":{{"schedule":"*/5 * * * *","concurrencyPolicy":"{policy}",
            "jobTemplate":{{"spec":{{"template":{{"metadata":{{"annotations":{{{annotations}}}}},"spec":{{"restartPolicy":"Never","containers":[{{"name":"main","image":"img:1"}}]}}}}}}}}}}}}"#
        ))
    };
    let check = |policy: &str, annotations: &str, jobs: usize, active: usize| {
        let mut cluster = Cluster::new();
        cluster.apply("default", &cron(policy, annotations));
        cluster.pass(Duration::from_secs(26 * 60));
        let found = cluster.get("/apis/batch/v1/namespaces/default/cronjobs/c");
        let running = found.at(&["status", "active"]).and_then(Value::as_list).map_or(0, <[Value]>::len);
        let all = cluster.names("/apis/batch/v1/namespaces/default/jobs").len();
        assert_eq!((all, running), (jobs, active), "{policy} {annotations}");
        cluster.rests();
    };
    const RUNS: &str = r#""cluster.lockstep.dev/exit-after":"never""#;
    // Three that succeeded are kept.
    check("Allow", "", 3, 0);
    check("Allow", RUNS, 5, 5);
    check("Forbid", RUNS, 1, 1);
    check("Replace", RUNS, 1, 1);
}

#[test]
fn owners_that_never_were_leave_nothing_behind() {
    let mut cluster = Cluster::new();
    let owned = |name: &str, owner: &str| {
        value(&format!(
            r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{name}","ownerReferences":[{owner}]}}}}"#
        ))
    };
    let secret =
        cluster.apply("default", &value(r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"}}"#));
    let uid = secret.str_at(&["metadata", "uid"]).unwrap().to_owned();
    let known = format!(r#"{{"apiVersion":"v1","kind":"Secret","name":"s","uid":"{uid}"}}"#);
    let absent =
        r#"{"apiVersion":"v1","kind":"Secret","name":"x","uid":"6b0b4fd8-0000-4000-8000-000000000000"}"#;
    let strange = r#"{"apiVersion":"no.where/v1","kind":"Thing","name":"x","uid":"6b0b4fd8-0000-4000-8000-000000000001"}"#;
    cluster.apply("default", &owned("of-known", &known));
    cluster.apply("default", &owned("of-absent", absent));
    cluster.apply("default", &owned("of-both", &format!("{known},{absent}")));
    cluster.apply("default", &owned("of-strange", strange));
    cluster.settle();
    let names = |cluster: &mut Cluster| cluster.names("/api/v1/namespaces/default/configmaps");
    assert_eq!(names(&mut cluster), ["kube-root-ca.crt", "of-both", "of-known", "of-strange"]);
    let both = cluster.get("/api/v1/namespaces/default/configmaps/of-both");
    assert_eq!(
        both.at(&["metadata", "ownerReferences"]).and_then(Value::as_list).map(<[Value]>::len),
        Some(1)
    );
    cluster.delete("/api/v1/namespaces/default/secrets/s", "Background");
    cluster.settle();
    assert_eq!(names(&mut cluster), ["kube-root-ca.crt", "of-strange"]);
    // An owner in another namespace is none.
    cluster.namespace("other");
    let secret =
        cluster.apply("other", &value(r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"}}"#));
    let uid = secret.str_at(&["metadata", "uid"]).unwrap().to_owned();
    cluster.apply(
        "default",
        &owned("of-other", &format!(r#"{{"apiVersion":"v1","kind":"Secret","name":"s","uid":"{uid}"}}"#)),
    );
    cluster.settle();
    assert_eq!(names(&mut cluster), ["kube-root-ca.crt", "of-strange"]);
    cluster.rests();
}

#[test]
fn a_foreground_deletion_waits_for_those_that_block_it() {
    let mut cluster = Cluster::new();
    let mut slow = deployment("w", 1, "img:1", &[("stop-after", "5s")]);
    slow.set(&["spec", "template", "spec", "terminationGracePeriodSeconds"], 20.into());
    cluster.apply("default", &slow);
    cluster.settle();
    cluster.delete("/apis/apps/v1/namespaces/default/deployments/w", "Foreground");
    cluster.pass(Duration::from_secs(2));
    assert_eq!(cluster.names("/apis/apps/v1/namespaces/default/deployments"), ["w"]);
    cluster.pass(Duration::from_secs(4));
    assert!(cluster.names("/apis/apps/v1/namespaces/default/deployments").is_empty());
    cluster.rests();
}

#[test]
fn what_every_namespace_holds_comes_back() {
    let mut cluster = Cluster::new();
    let maps = "/api/v1/namespaces/default/configmaps/kube-root-ca.crt";
    assert_eq!(cluster.get(maps).str_at(&["data", "ca.crt"]), Some("PEM"));
    cluster.delete(maps, "Background");
    cluster.send(Request::system(Method::Delete, "/api/v1/namespaces/default/serviceaccounts/default"));
    cluster.settle();
    assert_eq!(cluster.get(maps).str_at(&["data", "ca.crt"]), Some("PEM"));
    assert_eq!(cluster.names("/api/v1/namespaces/default/serviceaccounts"), ["default"]);
    cluster.rests();
}

#[test]
fn roles_gather_the_rules_of_others() {
    let mut cluster = Cluster::new();
    cluster.apply("", &value(r#"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"all"},"aggregationRule":{"clusterRoleSelectors":[{"matchLabels":{"to":"all"}}]},"rules":[]}"#));
    cluster.apply("", &value(r#"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"part","labels":{"to":"all"}},"rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["get"]}]}"#));
    cluster.settle();
    let role = cluster.get("/apis/rbac.authorization.k8s.io/v1/clusterroles/all");
    assert_eq!(
        role.get("rules"),
        Some(&value(r#"[{"apiGroups":[""],"resources":["pods"],"verbs":["get"]}]"#))
    );
    cluster.rests();
}

#[test]
fn quotas_tell_what_is_used() {
    let mut cluster = Cluster::new();
    cluster.apply("default", &value(r#"{"apiVersion":"v1","kind":"ResourceQuota","metadata":{"name":"q"},"spec":{"hard":{"pods":"9","configmaps":"9","count/deployments.apps":"9"}}}"#));
    cluster.apply("default", &deployment("w", 2, "img:1", &[]));
    cluster.settle();
    let quota = cluster.get("/api/v1/namespaces/default/resourcequotas/q");
    let used = quota.at(&["status", "used"]);
    assert_eq!(used, Some(&value(r#"{"pods":"2","configmaps":"1","count/deployments.apps":"1"}"#)));
    cluster.rests();
}

#[test]
fn a_cluster_that_starts_again_goes_on_without_a_write() {
    let mut cluster = Cluster::new();
    cluster.apply("default", &deployment("w", 2, "img:1", &[]));
    cluster.apply("default", &job("", ""));
    cluster.settle();
    cluster.workloads = lockstep_workloads::Workloads::new("PEM");
    cluster.rests();
}

/// A kind of two versions with a webhook between them that is never asked; `served` tells of the one in which objects are stored.
fn two_versions(served: bool) -> Value {
    value(&format!(
        r#"{{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{{"name":"hosts.ex.io"}},
        "spec":{{"group":"ex.io","scope":"Namespaced","names":{{"plural":"hosts","singular":"host","kind":"Host","listKind":"HostList"}},
        "conversion":{{"strategy":"Webhook","webhook":{{"conversionReviewVersions":["v1"],"clientConfig":{{"url":"https://127.0.0.1:1/"}}}}}},
        "versions":[{{"name":"v1","served":true,"storage":false,"schema":{{"openAPIV3Schema":{{"type":"object"}}}}}},
        {{"name":"v1beta1","served":{served},"storage":true,"schema":{{"openAPIV3Schema":{{"type":"object"}}}}}}]}}}}"#
    ))
}

#[test]
fn what_only_a_webhook_could_read_is_not_left_behind() {
    let check = |served_later: bool, gone: bool| {
        let mut cluster = Cluster::new();
        cluster.apply("", &two_versions(true));
        cluster.namespace("a");
        cluster.settle();
        let host = r#"{"apiVersion":"ex.io/v1beta1","kind":"Host","metadata":{"name":"h"}}"#;
        let path = "/apis/ex.io/v1beta1/namespaces/a/hosts";
        cluster.send(Request::system(Method::Post, path).body("application/json", host.as_bytes()));
        if !served_later {
            cluster.apply("", &two_versions(false));
            // Another process has never seen it.
            cluster.workloads = lockstep_workloads::Workloads::new("PEM");
        }
        cluster.settle();
        cluster.delete("/api/v1/namespaces/a", "Background");
        cluster.settle();
        let (code, namespace) = cluster.ask(Request::system(Method::Get, "/api/v1/namespaces/a"));
        assert_eq!(code == 404, gone, "{served_later}");
        if !gone {
            let conditions = namespace.at(&["status", "conditions"]).and_then(Value::as_list).unwrap();
            let failed = conditions
                .iter()
                .find(|one| one.str_at(&["type"]) == Some("NamespaceDeletionContentFailure"));
            assert_eq!(failed.and_then(|one| one.str_at(&["status"])), Some("True"));
        }
    };
    check(true, true);
    check(false, false);
}

#[test]
fn an_autoscaler_without_metrics_says_so_once() {
    let mut cluster = Cluster::new();
    cluster.apply("default", &deployment("w", 2, "img:1", &[]));
    let scaler = r#"{"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscaler","metadata":{"name":"s"},"spec":{"maxReplicas":4,
        "scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"w"}}}"#;
    cluster.apply("default", &value(scaler));
    cluster.settle();
    cluster.apply("default", &deployment("w", 3, "img:1", &[]));
    cluster.settle();
    let events = cluster.list("/api/v1/namespaces/default/events");
    for reason in ["FailedGetResourceMetric", "FailedComputeMetricsReplicas"] {
        let told: Vec<_> = events.iter().filter(|event| event.str_at(&["reason"]) == Some(reason)).collect();
        assert_eq!(told.len(), 1, "{reason}");
        assert_eq!(told[0].int_at(&["count"]), Some(1), "{reason}");
    }
    cluster.rests();
}

#[test]
fn a_pod_whose_claim_is_not_bound_says_so_as_a_scheduler_does() {
    let mut cluster = Cluster::new();
    let pod = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i"}],
        "volumes":[{"name":"v","persistentVolumeClaim":{"claimName":"nope"}}]}}"#;
    cluster.apply("default", &value(pod));
    cluster.settle();
    let events = cluster.list("/api/v1/namespaces/default/events");
    let failed = events.iter().find(|event| event.str_at(&["reason"]) == Some("FailedScheduling")).unwrap();
    assert_eq!(
        failed.str_at(&["message"]),
        Some(
            "0/2 nodes are available: persistentvolumeclaim \"nope\" not found. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling."
        )
    );
}

#[test]
fn a_secret_that_asks_for_a_token_is_filled_and_goes_with_its_account() {
    let mut cluster = Cluster::new();
    cluster.workloads =
        lockstep_workloads::Workloads::signing("PEM", |claims| String::from_utf8(claims.to_vec()).unwrap());
    let account = r#"{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"robot"}}"#;
    cluster.apply("default", &value(account));
    let secret = r#"{"apiVersion":"v1","kind":"Secret","type":"kubernetes.io/service-account-token","metadata":{"name":"t",
        "annotations":{"kubernetes.io/service-account.name":"robot"}}}"#;
    cluster.apply("default", &value(secret));
    cluster.settle();
    let path = "/api/v1/namespaces/default/secrets/t";
    let filled = cluster.get(path);
    assert_eq!(filled.str_at(&["data", "ca.crt"]), Some("UEVN"));
    assert_eq!(filled.str_at(&["data", "namespace"]), Some("ZGVmYXVsdA=="));
    // The claims, as `sign` was given them.
    assert!(filled.str_at(&["data", "token"]).unwrap().starts_with("eyJ"));
    let robot = cluster.get("/api/v1/namespaces/default/serviceaccounts/robot");
    assert_eq!(
        filled.str_at(&["metadata", "annotations", "kubernetes.io/service-account.uid"]),
        robot.str_at(&["metadata", "uid"])
    );
    cluster.rests();
    cluster.delete("/api/v1/namespaces/default/serviceaccounts/robot", "Background");
    cluster.settle();
    assert_eq!(cluster.ask(Request::system(Method::Get, path)).0, 404);
}
