//! What a real API server (1.37) answered: one file holds the object that was applied, the answer, and what the object looked
//! like after others wrote to it (each from a fresh apply of the same name, so the answer's uid was put in place of theirs, but
//! for `recreated`), as merge patches to the answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use lockstep_core::{
    ApiVersion, CommitId, DesiredObject, Gvk, Key, LiveObject, ObjectKey, ObjectRecord, Origin, Value,
    from_json,
};
use lockstep_diff::record;

pub(crate) const MANAGER: &str = "lockstep";

pub(crate) fn key() -> Key {
    Key::new([9; 32])
}

pub(crate) fn commit() -> CommitId {
    CommitId::parse(&"ab".repeat(20)).unwrap()
}

pub(crate) fn value(json: &str) -> Value {
    from_json(json.as_bytes()).unwrap()
}

pub(crate) struct Scenario {
    pub(crate) desired: DesiredObject,
    pub(crate) applied: LiveObject,
    pub(crate) events: BTreeMap<Arc<str>, LiveObject>,
    pub(crate) whole: Value,
}

impl Scenario {
    pub(crate) fn load(name: &str) -> Self {
        let whole = from_json(Self::text(name).as_bytes()).unwrap();
        let applied = whole.get("applied").unwrap();
        let events = whole.get("events").and_then(Value::as_map).cloned().unwrap_or_default();
        Self {
            desired: desired(whole.get("desired").unwrap().clone()),
            applied: live(applied.clone()),
            events: events
                .into_iter()
                .map(|(name, patch)| (name, live(patched(Some(applied), &patch))))
                .collect(),
            whole: whole.clone(),
        }
    }

    /// The file as it is.
    pub(crate) fn text(name: &str) -> String {
        let path = format!("{}/tests/data/{name}.json", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(path).unwrap()
    }

    pub(crate) fn record(&self) -> ObjectRecord {
        record(&self.desired, &self.applied, MANAGER, &key(), &commit()).unwrap()
    }

    pub(crate) fn event(&self, name: &str) -> &LiveObject {
        &self.events[name]
    }
}

/// A JSON merge patch (RFC 7386).
fn patched(target: Option<&Value>, patch: &Value) -> Value {
    let Some(changes) = patch.as_map() else { return patch.clone() };
    let mut result = target.and_then(Value::as_map).cloned().unwrap_or_default();
    for (name, change) in changes {
        match change {
            Value::Null => drop(result.remove(name)),
            change => {
                let value = patched(result.get(name), change);
                result.insert(name.clone(), value);
            }
        }
    }
    Value::map(result)
}

fn identity(value: &Value) -> (ObjectKey, Gvk) {
    let text = |keys: &[&str]| value.str_at(keys).unwrap_or_default();
    let api = ApiVersion::parse(text(&["apiVersion"])).unwrap();
    let (namespace, name) = (text(&["metadata", "namespace"]), text(&["metadata", "name"]));
    let key = ObjectKey::new(&api.group, text(&["kind"]), namespace, name);
    (key, Gvk { api, kind: text(&["kind"]).into() })
}

pub(crate) fn desired(value: Value) -> DesiredObject {
    let (object, gvk) = identity(&value);
    let digest = key().digest(&value);
    DesiredObject { key: object, gvk, value, digest, origin: Origin::file("x.yaml"), commit: commit() }
}

pub(crate) fn live(value: Value) -> LiveObject {
    let (key, gvk) = identity(&value);
    let text = |field: &str| value.str_at(&["metadata", field]).unwrap_or_default().into();
    let (uid, resource_version) = (text("uid"), text("resourceVersion"));
    let generation = value.int_at(&["metadata", "generation"]).unwrap_or_default();
    LiveObject { key, gvk, uid, resource_version, generation, deleting_since: None, value }
}
