//! Services, claims, definitions, namespaces and the conventions of everything else.

use crate::check;

#[test]
fn what_is_being_deleted_is_progressing_whatever_its_kind() {
    for kind in [("apps", "Deployment"), ("", "ConfigMap"), ("example.com", "Widget")] {
        check(
            kind,
            r#"{"metadata":{"deletionTimestamp":"2026-01-01T00:00:00Z"},"status":{"conditions":[{"type":"Ready","status":"True"}]}}"#,
            "Progressing: being deleted",
        );
    }
}

#[test]
fn services() {
    let service = ("", "Service");
    check(service, r#"{"spec":{"type":"ClusterIP"}}"#, "Healthy");
    check(
        service,
        r#"{"spec":{"type":"LoadBalancer"},"status":{"loadBalancer":{}}}"#,
        "Progressing: waits for a load balancer address",
    );
    check(
        service,
        r#"{"spec":{"type":"LoadBalancer"},"status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.1"}]}}}"#,
        "Healthy",
    );
}

#[test]
fn claims() {
    for (phase, expected) in [
        ("Bound", "Healthy"),
        ("Pending", "Progressing: waits for a volume"),
        ("Lost", "Degraded: its volume is lost"),
        ("Odd", "Unknown: phase Odd"),
    ] {
        check(("", "PersistentVolumeClaim"), &format!(r#"{{"status":{{"phase":"{phase}"}}}}"#), expected);
    }
}

#[test]
fn namespaces() {
    check(("", "Namespace"), r#"{"status":{"phase":"Active"}}"#, "Healthy");
    check(("", "Namespace"), r#"{"status":{"phase":"Terminating"}}"#, "Progressing: being deleted");
    check(
        ("", "Namespace"),
        r#"{"status":{"phase":"Terminating","conditions":[{"type":"NamespaceFinalizersRemaining","status":"True","reason":"SomeFinalizersRemain","message":"x in 1 resource instances"}]}}"#,
        "Progressing: SomeFinalizersRemain: x in 1 resource instances",
    );
}

#[test]
fn definitions() {
    let conditions = |text: &str| format!(r#"{{"status":{{"conditions":[{text}]}}}}"#);
    for (text, expected) in [
        ("", "Progressing: being installed"),
        (r#"{"type":"Established","status":"False","reason":"Installing"}"#, "Progressing: being installed"),
        (r#"{"type":"Established","status":"False","reason":"NotAccepted"}"#, "Degraded: NotAccepted"),
        (
            r#"{"type":"Established","status":"True"},{"type":"NamesAccepted","status":"False","reason":"KindConflict","message":"taken"}"#,
            "Degraded: KindConflict: taken",
        ),
        (r#"{"type":"NamesAccepted","status":"True"},{"type":"Established","status":"True"}"#, "Healthy"),
    ] {
        check(("apiextensions.k8s.io", "CustomResourceDefinition"), &conditions(text), expected);
    }
}

#[test]
fn everything_else_by_convention() {
    let widget = |status: &str| format!(r#"{{"metadata":{{"generation":2}},"status":{{{status}}}}}"#);
    let ready =
        |status: &str| format!(r#"{{"type":"Ready","status":"{status}","reason":"Why","message":"so"}}"#);
    for (status, expected) in [
        (String::new(), "Healthy"),
        (r#""observedGeneration":2"#.into(), "Healthy"),
        (
            r#""observedGeneration":1"#.into(),
            "Progressing: its controller has not seen the newest change yet",
        ),
        (format!(r#""conditions":[{}]"#, ready("True")), "Healthy"),
        (format!(r#""conditions":[{}]"#, ready("False")), "Progressing: Why: so"),
        (format!(r#""conditions":[{}]"#, ready("Unknown")), "Progressing: Why: so"),
        (
            format!(
                r#""conditions":[{},{{"type":"Stalled","status":"True","reason":"Bad"}}]"#,
                ready("False")
            ),
            "Degraded: Bad",
        ),
        (
            format!(
                r#""conditions":[{},{{"type":"Reconciling","status":"True","reason":"Busy"}}]"#,
                ready("True")
            ),
            "Progressing: Busy",
        ),
        (
            r#""conditions":[{"type":"Ready","status":"True","observedGeneration":1}]"#.into(),
            "Progressing: its controller has not seen the newest change yet",
        ),
    ] {
        check(("example.com", "Widget"), &widget(&status), expected);
    }
    check(("", "ConfigMap"), "{}", "Healthy");
}
