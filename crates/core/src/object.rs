//! Objects as Git wants them and as the cluster has them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::digest::Digest;
use crate::key::{Gvk, ObjectKey};
use crate::origin::Origin;
use crate::revision::{CommitId, Timestamp};
use crate::value::Value;

/// One object of a DesiredSet.
#[derive(Clone, Debug)]
pub struct DesiredObject {
    /// Which object.
    pub key: ObjectKey,
    /// In which version it is written.
    pub gvk: Gvk,
    /// The object as it is applied, the owner annotation included.
    pub value: Value,
    /// The keyed digest of `value`.
    pub digest: Digest,
    /// Where it was written.
    pub origin: Origin,
    /// The last commit that changed what it is made of.
    pub commit: CommitId,
}

/// One object of a LiveSet, as its watch, or the answer to our own write, showed it.
///
/// Only what every decision needs is at hand; the object itself is kept as it came and is parsed when it is compared.
#[derive(Clone, Debug)]
pub struct LiveObject {
    /// Which object.
    pub key: ObjectKey,
    /// The version in which it was watched.
    pub gvk: Gvk,
    /// `metadata.uid`.
    pub uid: Arc<str>,
    /// `metadata.resourceVersion`, to be compared for equality only.
    pub resource_version: Arc<str>,
    /// `metadata.generation`, 0 where the kind has none.
    pub generation: i64,
    /// `metadata.deletionTimestamp`: it is on its way out.
    pub deleting_since: Option<Timestamp>,
    /// The whole object, with its managedFields.
    pub value: Value,
}

impl LiveObject {
    /// `metadata.annotations[name]`.
    pub fn annotation(&self, name: &str) -> Option<&str> {
        self.value.str_at(&["metadata", "annotations", name])
    }

    /// `metadata.ownerReferences`.
    pub fn owners(&self) -> Vec<OwnerRef> {
        let refs =
            self.value.at(&["metadata", "ownerReferences"]).and_then(Value::as_list).unwrap_or_default();
        refs.iter().filter_map(OwnerRef::read).collect()
    }

    /// `metadata.managedFields`.
    pub fn managed_entries(&self) -> Vec<ManagedEntry> {
        let entries =
            self.value.at(&["metadata", "managedFields"]).and_then(Value::as_list).unwrap_or_default();
        entries.iter().filter_map(ManagedEntry::read).collect()
    }
}

/// One of `metadata.ownerReferences`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnerRef {
    /// The owner's uid.
    pub uid: Arc<str>,
    /// The owner's kind.
    pub kind: Arc<str>,
    /// The owner's name.
    pub name: Arc<str>,
    /// Whether it is the managing owner.
    pub controller: bool,
}

impl OwnerRef {
    fn read(value: &Value) -> Option<Self> {
        let text = |key| value.str_at(&[key]).map(Arc::from);
        let controller = value.get("controller").and_then(Value::as_bool).unwrap_or(false);
        Some(Self { uid: text("uid")?, kind: text("kind")?, name: text("name")?, controller })
    }
}

/// One of `metadata.managedFields`: which fields one manager set, by which kind of request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagedEntry {
    /// The manager's name.
    pub manager: Arc<str>,
    /// `Apply` or `Update`.
    pub operation: Arc<str>,
    /// The version in which `fields` are written.
    pub api_version: Arc<str>,
    /// `status`, `scale`, or empty.
    pub subresource: Arc<str>,
    /// When the entry last changed.
    pub time: Option<Timestamp>,
    /// FieldsV1 as it came.
    pub fields: Value,
}

impl ManagedEntry {
    fn read(value: &Value) -> Option<Self> {
        let text = |key| Arc::from(value.str_at(&[key]).unwrap_or_default());
        value.as_map()?;
        Some(Self {
            manager: text("manager"),
            operation: text("operation"),
            api_version: text("apiVersion"),
            subresource: text("subresource"),
            time: value.str_at(&["time"]).and_then(Timestamp::parse),
            fields: value.get("fieldsV1").cloned().unwrap_or_else(|| Value::map(BTreeMap::new())),
        })
    }
}
