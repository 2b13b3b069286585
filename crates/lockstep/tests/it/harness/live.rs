//! What many tests ask of, and do to, live objects.
use serde_json::{Value, json};
use xtask::{Scenario, Write, condition, text};

/// The uid of a live ConfigMap of the scenario, empty where there is none.
pub(crate) async fn uid(stage: &Scenario, name: &str) -> String {
    let live = stage.find("v1", "ConfigMap", name).await.unwrap_or_default();
    text(&live, "/metadata/uid").to_owned()
}

/// `data.value` of a live ConfigMap, empty where there is none.
pub(crate) async fn value(stage: &Scenario, name: &str) -> String {
    let live = stage.find("v1", "ConfigMap", name).await.unwrap_or_default();
    text(&live, "/data/value").to_owned()
}

/// Someone else changes `data.value` of a ConfigMap.
pub(crate) async fn drift(stage: &Scenario, name: &str) {
    let patch = json!({"data": {"value": "drifted"}});
    let path = stage.path("v1", "ConfigMap", name);
    stage.cluster.rest().merge(&path, &patch, "somebody").await.expect("drift");
}

/// Someone else changes `data.value` of a ConfigMap, and the controller puts it back: proof that it is at work and has decided
/// about the whole Application since.
pub(crate) async fn heal(stage: &Scenario, name: &str, wanted: &str) {
    drift(stage, name).await;
    stage.until(("v1", "ConfigMap", name), |live| text(live, "/data/value") == wanted).await;
}

/// Status, reason and message of condition Ready.
pub(crate) fn ready_condition(application: &Value) -> (String, String, String) {
    let ready = condition(application, "Ready").cloned().unwrap_or_default();
    let part = |pointer| text(&ready, pointer).to_owned();
    (part("/status"), part("/reason"), part("/message"))
}

/// Waits until the controller has told an Application where it stands as of its newest spec.
pub(crate) async fn settled(stage: &Scenario, application: &str, reason: &str) -> Value {
    let wanted = |found: &Value| {
        found.pointer("/status/observedGeneration") == found.pointer("/metadata/generation")
            && ready_condition(found).1 == reason
    };
    stage.until(("lockstep.dev/v1alpha1", "Application", application), wanted).await
}

/// The controller's own writes to an object of the scenario, oldest first.
pub(crate) fn ours(stage: &Scenario, resource: &str, name: &str) -> Vec<Write> {
    let mut writes = stage.writes();
    writes.retain(|write| write.agent == "lockstep" && write.resource == resource && write.name == name);
    writes
}
