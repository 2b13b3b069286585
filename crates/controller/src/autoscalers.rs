//! Which workloads a live HorizontalPodAutoscaler scales.

use std::collections::HashMap;

use lockstep_core::{ObjectKey, Value};
use parking_lot::RwLock;

#[derive(Default)]
struct Inner {
    targets: HashMap<ObjectKey, ObjectKey>,
    counts: HashMap<ObjectKey, usize>,
}

/// The targets of all live autoscalers.
#[derive(Default)]
pub(crate) struct Autoscalers(RwLock<Inner>);

impl Autoscalers {
    /// Whether some autoscaler targets an object.
    pub(crate) fn targets(&self, key: &ObjectKey) -> bool {
        self.0.read().counts.contains_key(key)
    }

    /// Takes in an autoscaler, or that it is gone. Returns the objects whose answer changed.
    pub(crate) fn set(&self, autoscaler: &ObjectKey, object: Option<&Value>) -> Vec<ObjectKey> {
        let target = object.and_then(|object| target_of(&autoscaler.namespace, object));
        let mut inner = self.0.write();
        let before = match &target {
            Some(target) => inner.targets.insert(autoscaler.clone(), target.clone()),
            None => inner.targets.remove(autoscaler),
        };
        if before == target {
            return Vec::new();
        }
        let mut changed = Vec::new();
        if let Some(gained) = target {
            let count = inner.counts.entry(gained.clone()).or_default();
            *count += 1;
            changed.extend((*count == 1).then_some(gained));
        }
        if let Some(lost) = before {
            let count = inner.counts.entry(lost.clone()).or_default();
            *count = count.saturating_sub(1);
            if *count == 0 {
                inner.counts.remove(&lost);
                changed.push(lost);
            }
        }
        changed
    }
}

fn target_of(namespace: &str, object: &Value) -> Option<ObjectKey> {
    let target = object.at(&["spec", "scaleTargetRef"])?;
    let version = target.str_at(&["apiVersion"]).unwrap_or_default();
    let group = version.split_once('/').map_or("", |(group, _)| group);
    Some(ObjectKey::new(group, target.str_at(&["kind"])?, namespace, target.str_at(&["name"])?))
}

#[cfg(test)]
mod tests {
    use lockstep_core::from_json;

    use super::*;

    fn autoscaler(name: &str) -> Value {
        let target = format!(r#"{{"apiVersion":"apps/v1","kind":"Deployment","name":"{name}"}}"#);
        from_json(format!(r#"{{"spec":{{"scaleTargetRef":{target}}}}}"#).as_bytes()).unwrap()
    }

    #[test]
    fn targets_come_and_go_with_the_last_autoscaler() {
        let all = Autoscalers::default();
        let key = |name| ObjectKey::new("autoscaling", "HorizontalPodAutoscaler", "n", name);
        let web = ObjectKey::new("apps", "Deployment", "n", "web");
        let api = ObjectKey::new("apps", "Deployment", "n", "api");
        assert_eq!(all.set(&key("a"), Some(&autoscaler("web"))), std::slice::from_ref(&web));
        assert!(all.set(&key("a"), Some(&autoscaler("web"))).is_empty());
        assert!(all.set(&key("b"), Some(&autoscaler("web"))).is_empty());
        assert_eq!(all.set(&key("a"), Some(&autoscaler("api"))), std::slice::from_ref(&api));
        assert!(all.targets(&web) && all.targets(&api));
        assert_eq!(all.set(&key("b"), None), std::slice::from_ref(&web));
        assert!(!all.targets(&web));
    }
}
