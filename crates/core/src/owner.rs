//! The annotation that says which Application an object belongs to.

use std::fmt;
use std::sync::Arc;

use crate::application::AppKey;
use crate::key::ObjectKey;

/// The annotation's name.
pub const OWNER_ANNOTATION: &str = "lockstep.dev/owner";

/// The annotation's value: `<instance>:<namespace>/<application>:<group>/<kind>:<namespace>/<name>`.
///
/// It holds only for the object that it names: Deployments copy their annotations to their ReplicaSets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner {
    /// The installation, which is also the field manager.
    pub instance: Arc<str>,
    /// The Application.
    pub app: AppKey,
    /// The object that the annotation was written for.
    pub object: ObjectKey,
}

impl Owner {
    /// From its three parts.
    pub fn new(instance: &str, app: &AppKey, object: &ObjectKey) -> Self {
        Self { instance: instance.into(), app: app.clone(), object: object.clone() }
    }

    /// Parses what `Display` writes.
    pub fn parse(text: &str) -> Option<Self> {
        let (instance, rest) = text.split_once(':')?;
        let (app, object) = rest.split_once(':')?;
        let (namespace, name) = app.split_once('/')?;
        let complete = !instance.is_empty() && !namespace.is_empty() && !name.is_empty();
        complete.then_some(())?;
        Some(Self::new(instance, &AppKey::new(namespace, name), &ObjectKey::parse_reference(object)?))
    }

    /// Parses the annotation of an object and keeps it only if it was written for that object.
    pub fn of(object: &ObjectKey, annotation: &str) -> Option<Self> {
        Self::parse(annotation).filter(|owner| owner.object == *object)
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.instance, self.app, self.object.to_reference())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_parse_what_they_print_and_hold_for_their_object_only() {
        let app = AppKey::new("team", "shop");
        let web = ObjectKey::new("apps", "Deployment", "shop", "web");
        let text = Owner::new("lockstep", &app, &web).to_string();
        assert_eq!(text, "lockstep:team/shop:apps/Deployment:shop/web");
        assert_eq!(Owner::of(&web, &text).map(|owner| owner.app), Some(app));
        assert_eq!(Owner::of(&ObjectKey::new("apps", "ReplicaSet", "shop", "web-1"), &text), None);
    }

    #[test]
    fn names_with_colons_are_read_back() {
        let role = ObjectKey::new("rbac.authorization.k8s.io", "ClusterRole", "", "system:x:y");
        let text = Owner::new("i", &AppKey::new("n", "a"), &role).to_string();
        assert_eq!(Owner::of(&role, &text).map(|owner| owner.object), Some(role));
        for text in ["", "i", "i:n/a", "i:n/a:x", ":n/a:g/K:/x", "i:/a:g/K:/x"] {
            assert_eq!(Owner::parse(text), None, "{text}");
        }
    }
}
