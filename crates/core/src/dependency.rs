//! What has to be ready before an Application is synced.

use std::sync::Arc;

use crate::application::AppKey;
use crate::key::{Gvk, ObjectKey};

/// What has to be ready before an Application is synced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// Its kind, in the version in which it is looked at.
    pub gvk: Gvk,
    /// As said, else the Application's own. Without meaning for kinds that live in no namespace.
    pub namespace: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// A CEL expression over `self` that tells whether it is ready, instead of its health.
    pub ready: Option<Arc<str>>,
}

impl Dependency {
    /// The Application that is meant, if it is one.
    pub fn application(&self) -> Option<AppKey> {
        let is_ours = self.gvk.group_kind().is("lockstep.dev", "Application");
        is_ours.then(|| AppKey { namespace: self.namespace.clone(), name: self.name.clone() })
    }

    /// The object that is meant, of a kind that lives in namespaces.
    pub fn key(&self) -> ObjectKey {
        ObjectKey::new(&self.gvk.api.group, &self.gvk.kind, &self.namespace, &self.name)
    }
}
