//! Warnings as Kubernetes Events, for those who look with `kubectl describe`.

use std::sync::Arc;

use api::{ConditionType, Reason, Status};
use bytes::Bytes;
use cluster::{ApiError, ApplyOptions, Priority, Resource, ResourceScope, Writer};
use lockstep_core::{Digest, Gvk, ObjectKey, Timestamp, Value, to_json};

use crate::clock::Clock;

/// What a message of an Event may be long (the API server's limit is 1024 bytes).
const LONGEST: usize = 1000;

/// Tells Events. Only warnings, and each only when its reason is a new one: what goes well is in the status.
pub(crate) struct Events {
    writer: Writer,
    reporter: Arc<str>,
    clock: Clock,
}

impl Events {
    pub(crate) fn new(writer: &Writer, reporter: Arc<str>, clock: Clock) -> Self {
        Self { writer: writer.with(Priority::Bulk), reporter, clock }
    }

    /// Tells what went wrong between two statuses of an Application. An Event that cannot be written is only logged.
    pub(crate) async fn tell(&self, application: &Value, before: &Status, after: &Status) {
        for (reason, message) in warnings(before, after) {
            let (key, event) = self.event(application, (&reason, &message));
            let body = Bytes::from(to_json(&event));
            let options = ApplyOptions { manager: self.reporter.clone(), ..ApplyOptions::default() };
            match self.writer.create(&events(), &key, body, &options).await {
                // Another controller, or this one before a restart, has told it of the same state.
                Ok(_) | Err(ApiError::AlreadyExists) => {}
                Err(error) => tracing::debug!(%error, reason, "An Event could not be written"),
            }
        }
    }

    fn event(&self, application: &Value, (reason, message): (&str, &str)) -> (ObjectKey, Value) {
        let text = |path: &[&str]| application.str_at(path).unwrap_or_default();
        let (namespace, name) = (text(&["metadata", "namespace"]), text(&["metadata", "name"]));
        let now: Timestamp = self.clock.now();
        let unique = unique(application, reason);
        let mut event = Value::default();
        let mut set = |path: &[&str], value: Value| event.set(path, value);
        set(&["apiVersion"], "v1".into());
        set(&["kind"], "Event".into());
        set(&["metadata", "namespace"], namespace.into());
        set(&["metadata", "name"], unique.as_str().into());
        set(&["involvedObject", "apiVersion"], api::API_VERSION.into());
        set(&["involvedObject", "kind"], "Application".into());
        set(&["involvedObject", "namespace"], namespace.into());
        set(&["involvedObject", "name"], name.into());
        set(&["involvedObject", "uid"], text(&["metadata", "uid"]).into());
        set(&["involvedObject", "resourceVersion"], text(&["metadata", "resourceVersion"]).into());
        set(&["type"], "Warning".into());
        set(&["reason"], reason.into());
        set(&["message"], shortened(message).into());
        set(&["source", "component"], (*self.reporter).into());
        set(&["reportingComponent"], (*self.reporter).into());
        set(&["firstTimestamp"], now.to_string().into());
        set(&["lastTimestamp"], now.to_string().into());
        set(&["count"], 1.into());
        (ObjectKey::new("", "Event", namespace, &unique), event)
    }
}

/// The name of an Event: one reason that was come to from one state is told once, whoever comes to it.
fn unique(application: &Value, reason: &str) -> String {
    let text = |key| application.str_at(&["metadata", key]).unwrap_or_default();
    let state = format!("{}/{}/{reason}", text("uid"), text("resourceVersion"));
    format!("{}.{}", text("name"), Digest::of(state.as_bytes()).short())
}

fn shortened(message: &str) -> &str {
    let mut end = message.len().min(LONGEST);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    &message[..end]
}

/// The conditions that became, or changed to, something that somebody has to look at.
fn warnings(before: &Status, after: &Status) -> Vec<(String, String)> {
    let wrong = [
        Reason::InvalidSpec,
        Reason::ProjectNotFound,
        Reason::ProjectBlocked,
        Reason::SourceUnavailable,
        Reason::RenderFailed,
        Reason::EmptyRender,
        Reason::Conflict,
        Reason::SyncFailed,
        Reason::Blocked,
        Reason::Degraded,
    ]
    .map(Reason::as_str);
    let mut warnings = Vec::new();
    for kind in [ConditionType::Ready, ConditionType::Fighting] {
        let (old, new) = (before.condition(kind), after.condition(kind));
        let Some(new) = new else { continue };
        let worth = wrong.contains(&new.reason.as_str()) || kind == ConditionType::Fighting;
        if worth && old.is_none_or(|old| old.reason != new.reason) {
            warnings.push((new.reason.clone(), new.message.clone()));
        }
    }
    warnings
}

fn events() -> Resource {
    Resource::new(Gvk::new("", "v1", "Event"), "events", ResourceScope::Namespaced)
}

#[cfg(test)]
mod tests {
    use api::Condition;

    use super::*;

    fn status(reason: &str) -> Status {
        let condition = Condition {
            kind: ConditionType::Ready,
            holds: reason == "Ready",
            reason: reason.to_owned(),
            message: "text".to_owned(),
            since: Timestamp(0),
            observed_generation: 1,
        };
        Status { conditions: vec![condition], ..Status::default() }
    }

    #[test]
    fn a_warning_is_told_once() {
        let none = Status::default();
        let told = |before: &Status, after: &Status| warnings(before, after).len();
        assert_eq!(told(&none, &status("Ready")), 0);
        assert_eq!(told(&none, &status("Progressing")), 0);
        assert_eq!(told(&none, &status("RenderFailed")), 1);
        assert_eq!(told(&status("RenderFailed"), &status("RenderFailed")), 0);
        assert_eq!(told(&status("RenderFailed"), &status("SyncFailed")), 1);
    }

    #[test]
    fn two_who_come_to_the_same_tell_it_under_one_name() {
        let application = |version: &str| {
            let text = format!(r#"{{"metadata":{{"name":"shop","uid":"u","resourceVersion":"{version}"}}}}"#);
            lockstep_core::from_json(text.as_bytes()).unwrap()
        };
        let name = unique(&application("7"), "Blocked");
        assert!(name.starts_with("shop.") && name.len() > 12, "{name}");
        assert_eq!(name, unique(&application("7"), "Blocked"));
        assert_ne!(name, unique(&application("7"), "Conflict"));
        assert_ne!(name, unique(&application("8"), "Blocked"), "again, later");
    }

    #[test]
    fn long_messages_end_at_a_character() {
        assert_eq!(shortened(&"é".repeat(600)).len(), 1000);
        assert_eq!(shortened("short"), "short");
    }
}
