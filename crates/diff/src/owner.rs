//! Which application an object says that it belongs to.

use std::sync::Arc;

use lockstep_core::{AppKey, LiveObject, ObjectKey};

/// The annotation that names the owner of an object.
pub const OWNER_ANNOTATION: &str = "lockstep.dev/owner";

/// An installation and one of its applications.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The instance, which is also the name of its field manager.
    pub instance: Arc<str>,
    /// The application.
    pub app: AppKey,
}

/// The value of [`OWNER_ANNOTATION`] for one object: `<instance>:<ns>/<app>:<group>/<kind>:<ns>/<name>`.
pub fn owner_annotation(instance: &str, app: &AppKey, key: &ObjectKey) -> String {
    format!("{instance}:{app}:{}", key.to_reference())
}

/// The owner of a live object. An annotation that names another object was copied, as Deployments copy theirs to their
/// ReplicaSets, and says nothing.
pub fn owner_of(live: &LiveObject) -> Option<Owner> {
    let mut parts = live.annotation(OWNER_ANNOTATION)?.splitn(3, ':');
    let (instance, app, object) = (parts.next()?, parts.next()?, parts.next()?);
    let (namespace, name) = app.split_once('/')?;
    let complete = [instance, namespace, name].iter().all(|part| !part.is_empty());
    let valid = complete && ObjectKey::parse_reference(object).as_ref() == Some(&live.key);
    valid.then(|| Owner { instance: instance.into(), app: AppKey::new(namespace, name) })
}
