//! What was applied, per object: the memory that drift and pruning rest on.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::digest::Digest;
use crate::key::{Gvk, ObjectKey};
use crate::revision::CommitId;
use crate::value::Value;

/// What was applied for one object. Digests are keyed with the installation's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectRecord {
    /// Its kind, in the version as applied: FieldsV1 are written in it.
    pub gvk: Gvk,
    /// The uid of the object that was written.
    pub uid: Arc<str>,
    /// The digest of the object as rendered.
    pub rendered: Digest,
    /// The field set of our Apply entry (FieldsV1) as the server returned it.
    pub fields: Value,
    /// The part of `fields` (FieldsV1) whose leaves were rendered as `{}`, `[]` or null, and which is compared only for being
    /// there or not: the server drops some and keeps others. Empty mapping: none.
    pub presence: Value,
    /// The digest of the live values at `fields`.
    pub live: Digest,
    /// The commit that last changed the object.
    pub commit: CommitId,
}

/// What was applied for one Application.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppRecord {
    /// One entry an object.
    pub objects: BTreeMap<ObjectKey, ObjectRecord>,
}
