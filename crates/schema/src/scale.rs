//! Managers of an object as its scale subresource shows them, and back.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use lockstep_core::FieldPath;

use crate::field_set::FieldSet;
use crate::managers::{Manager, Managers, Operation, Owned};

const SCALE_VERSION: &str = "autoscaling/v1";
static SCALE_REPLICAS: LazyLock<FieldPath> = LazyLock::new(|| FieldPath::fields(&["spec", "replicas"]));

/// Where the versions of a kind have their replicas; `None` for a version without the scale subresource. Managers of other
/// versions are forgotten.
pub type ReplicasPaths = BTreeMap<Arc<str>, Option<FieldPath>>;

/// The managers of an object whose scale subresource is written.
#[derive(Clone, Copy, Debug)]
pub struct ScaledManagers<'a> {
    /// The managers of the object.
    pub parent: &'a Managers,
    /// The version of the request.
    pub api_version: &'a str,
    /// Where its replicas are.
    pub replicas: &'a ReplicasPaths,
}

impl ScaledManagers<'_> {
    /// The managers of the Scale: those who own the replicas.
    pub fn of_scale(&self) -> Managers {
        let owns =
            |owned: &Owned| self.path(&owned.api_version).is_some_and(|path| owned.fields.contains(&path.0));
        let owners = self.parent.0.iter().filter(|(_, owned)| owns(owned)).map(|(manager, owned)| {
            let owned =
                Owned { fields: only(&SCALE_REPLICAS), api_version: SCALE_VERSION.into(), time: owned.time };
            (in_scale(manager), owned)
        });
        Managers(owners.collect())
    }

    /// The managers of the object after the Scale's have changed: who lost the replicas there loses them here.
    ///
    /// As the server has it, an updater's entry is cut in two where it keeps the replicas, and the part with them has no
    /// time: the version of the Scale makes another manager of it.
    pub fn of_parent(&self, scale: &Managers) -> Managers {
        let mut left = scale.0.clone();
        let mut managers = BTreeMap::new();
        for (manager, owned) in &self.parent.0 {
            let Some(path) = self.replicas.get(&owned.api_version) else { continue };
            let owned_path = path.as_ref().filter(|path| owned.fields.contains(&path.0));
            let kept = match owned_path {
                Some(path) if left.remove(manager).is_none() => {
                    Owned { fields: owned.fields.difference(&only(path)), ..owned.clone() }
                }
                _ => owned.clone(),
            };
            if !kept.fields.is_empty() {
                managers.insert(manager.clone(), kept);
            }
        }
        let Some(path) = self.path(self.api_version) else { return Managers(managers) };
        left.retain(|_, owned| owned.fields.contains(&SCALE_REPLICAS.0));
        for manager in left.into_keys() {
            let time = self.parent.0.get(&manager).and_then(|owned| owned.time);
            let api_version = self.api_version.into();
            managers.insert(manager, Owned { fields: only(path), api_version, time });
        }
        Managers(managers)
    }

    fn path(&self, version: &str) -> Option<&FieldPath> {
        self.replicas.get(version).and_then(Option::as_ref)
    }
}

fn only(path: &FieldPath) -> FieldSet {
    let mut set = FieldSet::default();
    set.insert(&path.0);
    set
}

/// The manager as the Scale's own `managedFields` name it.
fn in_scale(manager: &Manager) -> Manager {
    let version = if manager.operation == Operation::Update { SCALE_VERSION } else { "" };
    Manager { api_version: version.into(), ..manager.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_core::{from_json, to_json};

    fn managers(entries: &[&str]) -> Managers {
        let json = format!("[{}]", entries.join(","));
        Managers::decode(&from_json(json.as_bytes()).unwrap()).unwrap()
    }

    fn entry(manager: &str, fields: &str, more: &str) -> String {
        let (name, operation) = manager.split_once(' ').unwrap();
        let version = if more.contains("apiVersion") { "" } else { r#""apiVersion":"apps/v1","# };
        format!(
            r#"{{{version}"fieldsType":"FieldsV1","fieldsV1":{fields},"manager":"{name}","operation":"{operation}"{more}}}"#
        )
    }

    fn text(managers: &Managers) -> String {
        managers.encode().map_or_else(String::new, |value| String::from_utf8(to_json(&value)).unwrap())
    }

    fn replicas() -> ReplicasPaths {
        BTreeMap::from([("apps/v1".into(), Some(FieldPath::fields(&["spec", "replicas"])))])
    }

    const BOTH: &str = r#"{"f:metadata":{"f:labels":{}},"f:spec":{"f:replicas":{}}}"#;
    const REPLICAS: &str = r#"{"f:spec":{"f:replicas":{}}}"#;
    const REST: &str = r#"{"f:metadata":{"f:labels":{}}}"#;
    const TIME: &str = r#","time":"2026-01-01T00:00:00Z""#;

    #[test]
    fn the_scale_shows_who_owns_the_replicas() {
        let parent = managers(&[&entry("a Apply", BOTH, TIME), &entry("b Update", REST, "")]);
        let scaled = ScaledManagers { parent: &parent, api_version: "apps/v1", replicas: &replicas() };
        let want = entry("a Apply", REPLICAS, TIME).replace("apps/v1", SCALE_VERSION);
        assert_eq!(text(&scaled.of_scale()), text(&managers(&[&want])));
    }

    #[test]
    fn who_scales_takes_the_replicas() {
        let parent = managers(&[&entry("a Apply", BOTH, TIME), &entry("b Update", REPLICAS, TIME)]);
        let scaled = ScaledManagers { parent: &parent, api_version: "apps/v1", replicas: &replicas() };
        let scaler =
            entry("k Update", REPLICAS, r#","subresource":"scale""#).replace("apps/v1", SCALE_VERSION);
        let after = scaled.of_parent(&managers(&[&scaler]));
        let want = [entry("a Apply", REST, TIME), entry("k Update", REPLICAS, r#","subresource":"scale""#)];
        assert_eq!(text(&after), text(&managers(&[&want[0], &want[1]])));
    }

    #[test]
    fn an_applier_that_keeps_the_replicas_keeps_its_entry() {
        let parent = managers(&[&entry("a Apply", BOTH, TIME)]);
        let scaled = ScaledManagers { parent: &parent, api_version: "apps/v1", replicas: &replicas() };
        assert_eq!(text(&scaled.of_parent(&scaled.of_scale())), text(&parent));
    }

    #[test]
    fn managers_of_unknown_versions_are_forgotten() {
        let parent = managers(&[&entry("a Update", BOTH, r#","apiVersion":"apps/v0""#)]);
        let scaled = ScaledManagers { parent: &parent, api_version: "apps/v1", replicas: &replicas() };
        assert_eq!(text(&scaled.of_scale()), "");
        assert_eq!(text(&scaled.of_parent(&Managers::default())), "");
    }
}
