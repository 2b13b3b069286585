//! What controllers want to know of pods, and how they make and rank them.

use std::time::Duration;

use lockstep_core::{Map, Value, to_json};

use crate::condition;
use crate::object::{
    annotation, controlled_by, is_deleting, items, name, namespace, number, object, text, time,
};

/// Whether a pod still counts: it has not ended and is not to go.
pub(crate) fn is_active(pod: &Value) -> bool {
    !is_finished(pod) && !is_deleting(pod)
}

/// Whether all containers of a pod have ended for good.
pub(crate) fn is_finished(pod: &Value) -> bool {
    matches!(text(pod, &["status", "phase"]), "Succeeded" | "Failed")
}

pub(crate) fn is_ready(pod: &Value) -> bool {
    condition::is_true(pod, "Ready")
}

/// Since when a pod is ready.
pub(crate) fn ready_since(pod: &Value) -> Option<Duration> {
    let ready = condition::find(pod, "Ready").filter(|ready| text(ready, &["status"]) == "True")?;
    time(ready, &["lastTransitionTime"])
}

/// When a pod that is ready counts as available.
pub(crate) fn available_at(pod: &Value, min_ready: i64) -> Option<Duration> {
    let since = ready_since(pod)?;
    Some(since + Duration::from_secs(u64::try_from(min_ready).unwrap_or(0)))
}

/// Whether a pod has been ready long enough.
pub(crate) fn is_available(pod: &Value, min_ready: i64, now: Duration) -> bool {
    // A pod that need not wait is available at once: times of objects have no parts of seconds.
    available_at(pod, min_ready).is_some_and(|at| min_ready == 0 || at <= now)
}

/// A pod of a template.
pub(crate) fn from_template(owner: &Value, template: &Value) -> Value {
    let mut pod = object! {"spec": template.get("spec").cloned().unwrap_or_default()};
    pod.set(&["metadata", "namespace"], namespace(owner).into());
    pod.set(&["metadata", "generateName"], format!("{}-", name(owner)).into());
    for key in ["labels", "annotations", "finalizers"] {
        if let Some(value) = template.at(&["metadata", key]) {
            pod.set(&["metadata", key], value.clone());
        }
    }
    pod.set(&["metadata", "ownerReferences"], Value::list(vec![controlled_by(owner)]));
    pod
}

/// The letters of hashes, as k8s.io/apimachinery has them.
const LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// A short name for what a template says. The real one is a hash of Go's print of its types, which no other program can make;
/// this one hashes the JSON, is as stable, and looks the same.
pub(crate) fn hash(template: &Value, collisions: Option<i64>) -> String {
    let mut hash: u32 = 0x811c_9dc5;
    let salt = collisions.map(|count| count.to_string()).unwrap_or_default();
    for byte in to_json(template).into_iter().chain(salt.bytes()) {
        hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }
    let letter = |digit: u8| char::from(LETTERS[usize::from(digit) % LETTERS.len()]);
    hash.to_string().bytes().map(letter).collect()
}

/// A template without the label that only tells it from others.
pub(crate) fn plain_template(template: &Value, label: &str) -> Value {
    let mut plain = template.clone();
    plain.remove(&["metadata", "labels", label]);
    plain
}

/// Whether two templates make the same pods: what is empty is as what is not there.
pub(crate) fn same_template(a: &Value, b: &Value, label: &str) -> bool {
    let plain = |value: &Value| without_empty(&plain_template(value, label));
    plain(a) == plain(b)
}

fn without_empty(value: &Value) -> Value {
    match value {
        Value::Map(map) => {
            let kept = map.iter().map(|(key, value)| (key.clone(), without_empty(value)));
            Value::map(kept.filter(|(_, value)| !value.is_empty_container()).collect::<Map>())
        }
        Value::List(list) => Value::list(list.iter().map(without_empty).collect()),
        other => other.clone(),
    }
}

/// The order in which pods are taken away: the first goes first. As `ActivePodsWithRanks` of k8s.io/kubernetes.
pub(crate) fn rank(pods: &mut [&Value], now: Duration) {
    let crowd = |pod: &Value| text(pod, &["spec", "nodeName"]).to_owned();
    let mut crowds: std::collections::HashMap<String, i64> = std::collections::HashMap::new();
    pods.iter().filter(|pod| is_ready(pod)).for_each(|pod| *crowds.entry(crowd(pod)).or_default() += 1);
    pods.sort_by_cached_key(|pod| {
        let phase = match text(pod, &["status", "phase"]) {
            "Running" => 2,
            "Pending" | "" => 0,
            _ => 1,
        };
        let cost = annotation(pod, "controller.kubernetes.io/pod-deletion-cost");
        let cost: i64 = cost.and_then(|cost| cost.parse().ok()).unwrap_or(0);
        let age = |time: Option<Duration>| now.saturating_sub(time.unwrap_or(now)).checked_ilog();
        (
            !text(pod, &["spec", "nodeName"]).is_empty(),
            phase,
            is_ready(pod),
            cost,
            -crowds.get(&crowd(pod)).copied().unwrap_or(0),
            age(ready_since(pod)),
            -restarts(pod),
            age(time(pod, &["metadata", "creationTimestamp"])),
            text(pod, &["metadata", "uid"]).to_owned(),
        )
    });
}

/// Ages are compared by their order of magnitude.
trait Magnitude {
    fn checked_ilog(self) -> u32;
}

impl Magnitude for Duration {
    fn checked_ilog(self) -> u32 {
        self.as_secs().checked_ilog2().map_or(0, |log| log + 1)
    }
}

fn restarts(pod: &Value) -> i64 {
    let statuses = items(pod, &["status", "containerStatuses"]);
    statuses.iter().map(|status| number(status, &["restartCount"])).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use lockstep_core::from_json;

    use super::*;

    #[test]
    fn hashes_are_stable_and_differ_by_content_and_collisions() {
        let template = |image: &str| object! {"spec": object! {"image": image}};
        let hash_of = |image: &str, collisions| hash(&template(image), collisions);
        assert_eq!(hash_of("a", None), hash_of("a", None));
        assert_ne!(hash_of("a", None), hash_of("b", None));
        assert_ne!(hash_of("a", None), hash_of("a", Some(1)));
        assert!(hash_of("a", None).bytes().all(|byte| LETTERS.contains(&byte)));
    }

    #[test]
    fn templates_are_compared_without_their_hash_and_without_what_is_empty() {
        let value = |json: &str| from_json(json.as_bytes()).unwrap();
        let a = value(r#"{"metadata":{"labels":{"a":"1","h":"x"}},"spec":{"securityContext":{}}}"#);
        let b = value(r#"{"metadata":{"creationTimestamp":null,"labels":{"a":"1"}},"spec":{}}"#);
        assert!(same_template(&a, &b, "h"));
        assert!(!same_template(&a, &b, "other"));
    }

    #[test]
    fn unready_young_and_cheap_pods_go_first() {
        let now = Duration::from_secs(1000);
        let pod = |name: &str, ready: bool, cost: &str| {
            let status = if ready { "True" } else { "False" };
            value(&format!(
                r#"{{"metadata":{{"name":"{name}","annotations":{{"controller.kubernetes.io/pod-deletion-cost":"{cost}"}}}},
                "spec":{{"nodeName":"n"}},"status":{{"phase":"Running","conditions":[{{"type":"Ready","status":"{status}"}}]}}}}"#
            ))
        };
        fn value(json: &str) -> Value {
            from_json(json.as_bytes()).unwrap()
        }
        let pods = [pod("dear", true, "5"), pod("cheap", true, "-1"), pod("unready", false, "9")];
        let mut order: Vec<&Value> = pods.iter().collect();
        rank(&mut order, now);
        assert_eq!(order.iter().map(|pod| name(pod)).collect::<Vec<_>>(), ["unready", "cheap", "dear"]);
    }
}
