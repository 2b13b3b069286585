//! Pods.

use crate::check;

#[track_caller]
fn pod(spec: &str, status: &str, expected: &str) {
    check(("", "Pod"), &format!(r#"{{"spec":{{{spec}}},"status":{{{status}}}}}"#), expected);
}

const TASK: &str = r#""restartPolicy":"Never""#;

#[test]
fn pending() {
    pod("", "", "Progressing: pending");
    pod(
        "",
        r#""phase":"Pending","conditions":[{"type":"PodScheduled","status":"False","reason":"Unschedulable","message":"0/3 nodes are available"}]"#,
        "Progressing: Unschedulable: 0/3 nodes are available",
    );
    pod(
        "",
        r#""phase":"Pending","containerStatuses":[{"name":"web","state":{"waiting":{"reason":"ContainerCreating"}}}]"#,
        "Progressing: ContainerCreating",
    );
}

#[test]
fn containers_that_do_not_come_up() {
    pod(
        "",
        r#""phase":"Running","containerStatuses":[{"name":"web","state":{"waiting":{"reason":"CrashLoopBackOff","message":"back-off 5m0s restarting failed container"}}}]"#,
        "Degraded: CrashLoopBackOff: back-off 5m0s restarting failed container",
    );
    for reason in ["ErrImagePull", "ImagePullBackOff", "CreateContainerConfigError"] {
        let status = format!(
            r#""phase":"Pending","initContainerStatuses":[{{"name":"init","state":{{"waiting":{{"reason":"{reason}"}}}}}}]"#
        );
        pod("", &status, &format!("Degraded: {reason}"));
        pod(TASK, &status, &format!("Progressing: {reason}"));
    }
    pod(
        "",
        r#""phase":"Running","containerStatuses":[{"name":"web","ready":false,"state":{"running":{}},"lastState":{"terminated":{"exitCode":137,"reason":"OOMKilled"}}}]"#,
        "Degraded: container web ended with exit code 137 (OOMKilled)",
    );
}

#[test]
fn running() {
    pod("", r#""phase":"Running","conditions":[{"type":"Ready","status":"True"}]"#, "Healthy");
    pod(
        "",
        r#""phase":"Running","conditions":[{"type":"Ready","status":"False"}],
           "containerStatuses":[{"name":"a","ready":true,"state":{"running":{}}},{"name":"b","ready":false,"state":{"running":{}}}]"#,
        "Progressing: container b is not ready",
    );
    pod(
        TASK,
        r#""phase":"Running","conditions":[{"type":"Ready","status":"True"}]"#,
        "Progressing: running to its end",
    );
}

#[test]
fn ended() {
    pod(TASK, r#""phase":"Succeeded""#, "Healthy");
    pod(TASK, r#""phase":"Failed","message":"evicted for memory""#, "Degraded: evicted for memory");
    pod(
        TASK,
        r#""phase":"Failed","containerStatuses":[{"name":"job","state":{"terminated":{"exitCode":2,"reason":"Error","message":"a\nno such table\n"}}}]"#,
        "Degraded: container job ended with exit code 2: no such table",
    );
    pod(TASK, r#""phase":"Failed""#, "Degraded: failed");
    pod("", r#""phase":"Unknown""#, "Unknown: its node does not answer");
}
