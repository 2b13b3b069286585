//! What the endpoints of most kinds do not let be set.

use lockstep_core::Value;

use crate::meta::Edit;
use crate::strategy::ResetField;

const fn field(
    version: &'static str,
    subresource: &'static str,
    path: &'static [&'static str],
) -> ResetField {
    ResetField { version, subresource, path }
}

/// The status by the object, the rest by the status.
pub(crate) const V1: &[ResetField] = &[field("v1", "", &["status"]), field("v1", "status", &["spec"])];

/// The same, and the status lets nothing of `metadata` be set either.
pub(crate) const V1_STATUS_ONLY: &[ResetField] = &[V1[0], V1[1], field("v1", "status", &["metadata"])];

/// Neither the request nor who approves it is anybody's but by its own endpoint.
pub(crate) const CERTIFICATE_REQUEST: &[ResetField] = &[
    field("v1", "", &["spec"]),
    field("v1", "", &["status"]),
    field("v1", "status", &["spec"]),
    field("v1", "status", &["status", "conditions"]),
    field("v1", "approval", &["spec"]),
    field("v1", "approval", &["status", "certificate"]),
];

/// The status and the rest, for kinds that are served as `v1` and `v2`.
pub(crate) const V1_AND_V2: &[ResetField] =
    &[V1[0], V1[1], field("v2", "", &["status"]), field("v2", "status", &["spec"])];

/// At the endpoint of the status, all but that stays.
pub(crate) fn keep_all_but_status(object: &mut Value, old: &Value) {
    object.take_from(old, &["spec"]);
    keep_metadata(object, old);
}

/// A status whose writer may set nothing of `metadata` either: labels and the like are taken from `old`.
pub(crate) fn keep_metadata(object: &mut Value, old: &Value) {
    for field in ["labels", "annotations", "finalizers", "ownerReferences", "deletionTimestamp", "generation"]
    {
        object.take_from(old, &["metadata", field]);
    }
}
