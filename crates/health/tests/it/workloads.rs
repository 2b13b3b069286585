//! Deployments, StatefulSets, DaemonSets, ReplicaSets, Jobs.

use crate::check;

const DEPLOYMENT: (&str, &str) = ("apps", "Deployment");
const STATEFUL_SET: (&str, &str) = ("apps", "StatefulSet");
const DAEMON_SET: (&str, &str) = ("apps", "DaemonSet");
const REPLICA_SET: (&str, &str) = ("apps", "ReplicaSet");
const JOB: (&str, &str) = ("batch", "Job");

const UNSEEN: &str = "Progressing: its controller has not seen the newest change yet";

fn deployment(spec: &str, status: &str) -> String {
    format!(r#"{{"metadata":{{"generation":2}},"spec":{{{spec}}},"status":{{{status}}}}}"#)
}

#[test]
fn deployments() {
    let available = r#""conditions":[{"type":"Available","status":"True"}]"#;
    for (spec, status, expected) in [
        (r#""replicas":3"#, "", UNSEEN),
        (r#""replicas":3"#, r#""observedGeneration":1,"updatedReplicas":3,"availableReplicas":3"#, UNSEEN),
        (r#""replicas":3,"paused":true"#, "", "Suspended: paused"),
        (
            r#""replicas":3"#,
            r#""observedGeneration":2,"replicas":3,"updatedReplicas":1"#,
            "Progressing: 1 of 3 replicas updated",
        ),
        (
            r#""replicas":3"#,
            r#""observedGeneration":2,"replicas":4,"updatedReplicas":3,"availableReplicas":3"#,
            "Progressing: 1 old replica still there",
        ),
        (
            r#""replicas":3"#,
            r#""observedGeneration":2,"replicas":3,"updatedReplicas":3,"availableReplicas":1"#,
            "Progressing: 1 of 3 replicas available",
        ),
        (
            r#""replicas":1"#,
            r#""observedGeneration":2,"replicas":1,"updatedReplicas":1,
               "conditions":[{"type":"ReplicaFailure","status":"True","reason":"FailedCreate","message":"exceeded quota"}]"#,
            "Progressing: 0 of 1 replica available (FailedCreate: exceeded quota)",
        ),
        (
            r#""replicas":3"#,
            r#""observedGeneration":2,"replicas":3,"updatedReplicas":1,"conditions":
               [{"type":"Progressing","status":"False","reason":"ProgressDeadlineExceeded","message":"has timed out progressing."}]"#,
            "Degraded: ProgressDeadlineExceeded: has timed out progressing.",
        ),
        (
            "",
            r#""observedGeneration":2,"replicas":1,"updatedReplicas":1,"availableReplicas":1,
               "conditions":[{"type":"Available","status":"False","reason":"MinimumReplicasUnavailable"}]"#,
            "Progressing: MinimumReplicasUnavailable",
        ),
        (r#""replicas":0"#, r#""observedGeneration":2"#, "Progressing: its availability is not known yet"),
    ] {
        check(DEPLOYMENT, &deployment(spec, status), expected);
    }
    check(
        DEPLOYMENT,
        &deployment(r#""replicas":0"#, &format!(r#""observedGeneration":2,{available}"#)),
        "Healthy",
    );
    check(
        DEPLOYMENT,
        &deployment(
            r#""replicas":3"#,
            &format!(
                r#""observedGeneration":3,"replicas":3,"updatedReplicas":3,"availableReplicas":3,{available}"#
            ),
        ),
        "Healthy",
    );
}

#[test]
fn a_kind_of_another_group_is_not_a_deployment() {
    check(("example.com", "Deployment"), &deployment(r#""replicas":3"#, ""), "Healthy");
}

#[test]
fn stateful_sets() {
    for (spec, status, expected) in [
        ("", "", UNSEEN),
        (
            r#""replicas":3"#,
            r#""observedGeneration":2,"replicas":3,"readyReplicas":2"#,
            "Progressing: 2 of 3 replicas ready",
        ),
        (
            r#""replicas":2"#,
            r#""observedGeneration":2,"replicas":3,"readyReplicas":3"#,
            "Progressing: 1 old replica still there",
        ),
        (
            r#""replicas":3"#,
            r#""observedGeneration":2,"replicas":3,"readyReplicas":3,"updatedReplicas":1,"currentRevision":"a","updateRevision":"b""#,
            "Progressing: 1 of 3 replicas updated",
        ),
        (
            r#""replicas":3,"updateStrategy":{"type":"OnDelete"}"#,
            r#""observedGeneration":2,"replicas":3,"readyReplicas":3,"updatedReplicas":1,"currentRevision":"a","updateRevision":"b""#,
            "Healthy",
        ),
        (
            r#""replicas":3,"updateStrategy":{"rollingUpdate":{"partition":1}}"#,
            r#""observedGeneration":2,"replicas":3,"readyReplicas":3,"updatedReplicas":1,"currentRevision":"a","updateRevision":"b""#,
            "Progressing: 1 of 2 replicas updated",
        ),
        (
            r#""replicas":3,"updateStrategy":{"rollingUpdate":{"partition":1}}"#,
            r#""observedGeneration":2,"replicas":3,"readyReplicas":3,"updatedReplicas":2,"currentRevision":"a","updateRevision":"b""#,
            "Healthy",
        ),
        (
            r#""replicas":3"#,
            r#""observedGeneration":2,"replicas":3,"readyReplicas":3,"updatedReplicas":3,"currentRevision":"b","updateRevision":"b""#,
            "Healthy",
        ),
    ] {
        check(STATEFUL_SET, &deployment(spec, status), expected);
    }
}

#[test]
fn daemon_sets() {
    for (spec, status, expected) in [
        ("", "", UNSEEN),
        (
            "",
            r#""observedGeneration":2,"desiredNumberScheduled":3,"updatedNumberScheduled":1,"numberAvailable":3"#,
            "Progressing: 1 of 3 pods updated",
        ),
        (
            "",
            r#""observedGeneration":2,"desiredNumberScheduled":1,"updatedNumberScheduled":1"#,
            "Progressing: 0 of 1 pod available",
        ),
        (
            r#""updateStrategy":{"type":"OnDelete"}"#,
            r#""observedGeneration":2,"desiredNumberScheduled":3,"updatedNumberScheduled":1,"numberAvailable":3"#,
            "Healthy",
        ),
        ("", r#""observedGeneration":2"#, "Healthy"),
    ] {
        check(DAEMON_SET, &deployment(spec, status), expected);
    }
}

#[test]
fn replica_sets() {
    for (status, expected) in [
        ("", UNSEEN),
        (r#""observedGeneration":2,"replicas":1"#, "Progressing: 0 of 1 replica available"),
        (
            r#""observedGeneration":2,"replicas":2,"availableReplicas":2"#,
            "Progressing: 1 old replica still there",
        ),
        (
            r#""observedGeneration":2,"conditions":[{"type":"ReplicaFailure","status":"True","reason":"FailedCreate","message":"no"}]"#,
            "Degraded: FailedCreate: no",
        ),
        (r#""observedGeneration":2,"replicas":1,"availableReplicas":1"#, "Healthy"),
    ] {
        check(REPLICA_SET, &deployment("", status), expected);
    }
}

#[test]
fn jobs() {
    for (spec, status, expected) in [
        ("", "", "Progressing: 0 of 1 completed"),
        (r#""completions":3"#, r#""succeeded":1,"failed":2"#, "Progressing: 1 of 3 completed, 2 failed"),
        (r#""suspend":true"#, "", "Suspended: suspended"),
        ("", r#""conditions":[{"type":"Suspended","status":"True"}]"#, "Suspended: suspended"),
        ("", r#""conditions":[{"type":"Complete","status":"True"}]"#, "Healthy"),
        (
            "",
            r#""conditions":[{"type":"Failed","status":"True","reason":"BackoffLimitExceeded","message":"Job has reached the limit"}]"#,
            "Degraded: BackoffLimitExceeded: Job has reached the limit",
        ),
        ("", r#""conditions":[{"type":"Failed","status":"False"}]"#, "Progressing: 0 of 1 completed"),
    ] {
        check(JOB, &deployment(spec, status), expected);
    }
}
