//! Which application an object says that it belongs to.

use lockstep_core::{AppKey, LiveObject, OWNER_ANNOTATION, ObjectKey, Owner};

/// The value of [`OWNER_ANNOTATION`] for one object.
pub fn owner_annotation(instance: &str, app: &AppKey, key: &ObjectKey) -> String {
    Owner::new(instance, app, key).to_string()
}

/// The owner of a live object. An annotation that names another object was copied, as Deployments copy theirs to their
/// ReplicaSets, and says nothing.
pub fn owner_of(live: &LiveObject) -> Option<Owner> {
    Owner::of(&live.key, live.annotation(OWNER_ANNOTATION)?)
}
