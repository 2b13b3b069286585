//! Objects as bytes, with as much of their metadata as decisions need before anybody parses the rest.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use lockstep_core::{Gvk, LiveObject, OWNER_ANNOTATION, ObjectKey, OwnerRef, Timestamp, Value, from_json};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A string that borrows from the input unless it holds escapes.
#[derive(Deserialize, Default, Debug)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

/// The head of an object, borrowed from its bytes.
#[derive(Deserialize)]
pub(crate) struct Head<'a> {
    #[serde(borrow)]
    pub(crate) metadata: HeadMeta<'a>,
    /// Read only for pods.
    #[serde(borrow, default)]
    pub(crate) status: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct HeadMeta<'a> {
    #[serde(borrow)]
    pub(crate) name: Text<'a>,
    #[serde(borrow)]
    pub(crate) namespace: Text<'a>,
    #[serde(borrow)]
    pub(crate) uid: Text<'a>,
    #[serde(borrow)]
    pub(crate) resource_version: Text<'a>,
    pub(crate) generation: Option<i64>,
    #[serde(borrow)]
    deletion_timestamp: Option<Text<'a>>,
    #[serde(borrow)]
    owner_references: Option<Vec<HeadOwner<'a>>>,
    #[serde(borrow)]
    annotations: Option<Annotations<'a>>,
}

#[derive(Deserialize)]
struct HeadOwner<'a> {
    #[serde(borrow)]
    uid: Text<'a>,
    #[serde(borrow)]
    kind: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(default)]
    controller: Option<bool>,
}

/// The two annotations that matter here; all others are skipped.
#[derive(Default)]
struct Annotations<'a> {
    owner: Option<Text<'a>>,
    initial_events_end: bool,
}

impl<'de: 'a, 'a> Deserialize<'de> for Annotations<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pick;
        impl<'de> Visitor<'de> for Pick {
            type Value = Annotations<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("annotations")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut found = Annotations::default();
                while let Some(Text(key)) = map.next_key::<Text<'de>>()? {
                    match &*key {
                        OWNER_ANNOTATION => found.owner = Some(map.next_value()?),
                        "k8s.io/initial-events-end" => {
                            found.initial_events_end = &*map.next_value::<Text<'de>>()?.0 == "true";
                        }
                        _ => _ = map.next_value::<IgnoredAny>()?,
                    }
                }
                Ok(found)
            }
        }
        deserializer.deserialize_map(Pick)
    }
}

impl<'a> Head<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    pub(crate) fn name(&self) -> &str {
        &self.metadata.name.0
    }

    pub(crate) fn namespace(&self) -> &str {
        &self.metadata.namespace.0
    }

    pub(crate) fn resource_version(&self) -> &str {
        &self.metadata.resource_version.0
    }

    pub(crate) fn deleting_since(&self) -> Option<Timestamp> {
        self.metadata.deletion_timestamp.as_ref().and_then(|text| Timestamp::parse(&text.0))
    }

    pub(crate) fn owner_annotation(&self) -> Option<&str> {
        self.metadata.annotations.as_ref()?.owner.as_ref().map(|text| &*text.0)
    }

    pub(crate) fn ends_initial_events(&self) -> bool {
        self.metadata.annotations.as_ref().is_some_and(|annotations| annotations.initial_events_end)
    }

    pub(crate) fn owners(&self) -> Box<[OwnerRef]> {
        let owners = self.metadata.owner_references.as_deref().unwrap_or_default();
        let read = |owner: &HeadOwner<'_>| OwnerRef {
            uid: (&*owner.uid.0).into(),
            kind: (&*owner.kind.0).into(),
            name: (&*owner.name.0).into(),
            controller: owner.controller.unwrap_or(false),
        };
        owners.iter().map(read).collect()
    }

    /// What is kept of a pod; `None` where the status cannot be read.
    pub(crate) fn pod(&self) -> Option<PodState> {
        let status: PodStatus<'_> = serde_json::from_str(self.status?.get()).ok()?;
        let conditions = status.conditions.unwrap_or_default();
        let is_ready =
            |condition: &PodCondition<'_>| &*condition.kind.0 == "Ready" && &*condition.status.0 == "True";
        let unscheduled = |condition: &PodCondition<'_>| {
            let holds = &*condition.kind.0 == "PodScheduled" && &*condition.status.0 == "False";
            condition.reason.as_ref().filter(|_| holds).map(|reason| Arc::from(&*reason.0))
        };
        let containers =
            status.init_container_statuses.into_iter().chain(status.container_statuses).flatten();
        let reason = |container: ContainerStatus<'_>| Some(Arc::from(&*container.state?.waiting?.reason?.0));
        Some(PodState {
            phase: (&*status.phase.0).into(),
            ready: conditions.iter().any(is_ready),
            waiting: conditions.iter().filter_map(unscheduled).chain(containers.filter_map(reason)).collect(),
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PodStatus<'a> {
    #[serde(borrow, default)]
    phase: Text<'a>,
    #[serde(borrow)]
    conditions: Option<Vec<PodCondition<'a>>>,
    #[serde(borrow)]
    container_statuses: Option<Vec<ContainerStatus<'a>>>,
    #[serde(borrow)]
    init_container_statuses: Option<Vec<ContainerStatus<'a>>>,
}

#[derive(Deserialize)]
struct PodCondition<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    status: Text<'a>,
    #[serde(borrow)]
    reason: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct ContainerStatus<'a> {
    #[serde(borrow)]
    state: Option<ContainerState<'a>>,
}

#[derive(Deserialize)]
struct ContainerState<'a> {
    #[serde(borrow)]
    waiting: Option<Waiting<'a>>,
}

#[derive(Deserialize)]
struct Waiting<'a> {
    #[serde(borrow)]
    reason: Option<Text<'a>>,
}

/// What is kept of a pod that no Application desires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodState {
    /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
    pub phase: Arc<str>,
    /// Whether its condition Ready is True.
    pub ready: bool,
    /// Why it or its containers wait: `Unschedulable`, `ContainerCreating`, `ImagePullBackOff`, `CrashLoopBackOff`…
    pub waiting: Vec<Arc<str>>,
}

/// The part of the metadata that is at hand without parsing the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    /// Empty for cluster-scoped kinds.
    pub namespace: Arc<str>,
    /// The object's name.
    pub name: Arc<str>,
    /// The object's uid.
    pub uid: Arc<str>,
    /// The object's resourceVersion.
    pub resource_version: Arc<str>,
    /// 0 where the kind has none.
    pub generation: i64,
    /// When deletion was asked for.
    pub deleting_since: Option<Timestamp>,
}

/// An object as the server sent it.
#[derive(Clone)]
pub struct RawObject {
    /// What is known without parsing.
    pub meta: Meta,
    bytes: Arc<[u8]>,
}

/// Without the bytes: they may be those of a Secret.
impl fmt::Debug for RawObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawObject").field("meta", &self.meta).finish_non_exhaustive()
    }
}

impl RawObject {
    /// Reads the head and keeps the bytes; `None` if it is not an object with metadata.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let head = Head::parse(bytes)?;
        let meta = Meta {
            namespace: head.namespace().into(),
            name: head.name().into(),
            uid: (&*head.metadata.uid.0).into(),
            resource_version: head.resource_version().into(),
            generation: head.metadata.generation.unwrap_or(0),
            deleting_since: head.deleting_since(),
        };
        Some(Self { meta, bytes: bytes.into() })
    }

    pub(crate) fn assembled(meta: Meta, bytes: Arc<[u8]>) -> Self {
        Self { meta, bytes }
    }

    /// The JSON text.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The name of the object, given its kind.
    pub fn key(&self, gvk: &Gvk) -> ObjectKey {
        let (group, kind) = (gvk.api.group.clone(), gvk.kind.clone());
        ObjectKey { group, kind, namespace: self.meta.namespace.clone(), name: self.meta.name.clone() }
    }

    /// The whole object, parsed; items of lists get back the apiVersion and kind that the server leaves out there.
    pub fn live(&self, gvk: &Gvk) -> Option<LiveObject> {
        let mut value = from_json(&self.bytes).ok()?;
        if value.get("kind").is_none() {
            value.set(&["apiVersion"], Value::string(gvk.api.to_string()));
            value.set(&["kind"], Value::String(gvk.kind.clone()));
        }
        Some(LiveObject {
            key: self.key(gvk),
            gvk: gvk.clone(),
            uid: self.meta.uid.clone(),
            resource_version: self.meta.resource_version.clone(),
            generation: self.meta.generation,
            deleting_since: self.meta.deleting_since,
            value,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_hold_what_decisions_need() {
        let text = br#"{"metadata":{"name":"web","namespace":"n","uid":"u","resourceVersion":"7","generation":3,
            "deletionTimestamp":"2026-11-24T06:50:00Z","annotations":{"a":"b\n","lockstep.dev/owner":"i:n/a:/ConfigMap:n/web"},
            "ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"r","uid":"o","controller":true}],
            "creationTimestamp":null},"data":{"x":"y"}}"#;
        let head = Head::parse(text).unwrap();
        assert_eq!((head.name(), head.namespace(), head.resource_version()), ("web", "n", "7"));
        assert_eq!(head.owner_annotation(), Some("i:n/a:/ConfigMap:n/web"));
        assert!(head.deleting_since().is_some() && !head.ends_initial_events());
        assert_eq!(&*head.owners()[0].uid, "o");
        assert!(matches!(head.metadata.name.0, Cow::Borrowed(_)), "names are borrowed");
    }

    #[test]
    fn pods_leave_phase_readiness_and_reasons_to_wait() {
        let text = br#"{"metadata":{"name":"p"},"status":{"phase":"Pending","conditions":[{"type":"Ready","status":"False"}],
            "containerStatuses":[{"state":{"waiting":{"reason":"ImagePullBackOff","message":"m"}}},{"state":{"running":{}}}]}}"#;
        let pod = Head::parse(text).unwrap().pod().unwrap();
        assert_eq!(
            pod,
            PodState { phase: "Pending".into(), ready: false, waiting: vec!["ImagePullBackOff".into()] }
        );
        let text = br#"{"metadata":{"name":"p"},"status":{"phase":"Pending","conditions":[
            {"type":"PodScheduled","status":"False","reason":"Unschedulable"}]}}"#;
        let pod = Head::parse(text).unwrap().pod().unwrap();
        assert_eq!(pod.waiting, [Arc::from("Unschedulable")]);
    }

    #[test]
    fn items_of_lists_get_their_kind_back_and_bytes_stay_out_of_debug() {
        let raw =
            RawObject::parse(br#"{"metadata":{"name":"s","uid":"u"},"data":{"p":"aHVudGVyMg=="}}"#).unwrap();
        let live = raw.live(&Gvk::new("", "v1", "Secret")).unwrap();
        assert_eq!(live.value.str_at(&["apiVersion"]), Some("v1"));
        assert_eq!(live.key, ObjectKey::new("", "Secret", "", "s"));
        assert!(!format!("{raw:?}").contains("aHVudGVyMg"));
        assert!(RawObject::parse(b"[]").is_none());
    }
}
