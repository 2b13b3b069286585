//! Who belongs to whom, by `metadata.ownerReferences`.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use lockstep_core::{Gvk, ObjectKey, OwnerRef};

/// An object in one version.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) gvk: Gvk,
    pub(super) namespace: Arc<str>,
    pub(super) name: Arc<str>,
}

impl Place {
    pub(super) fn key(&self) -> ObjectKey {
        ObjectKey {
            group: self.gvk.api.group.clone(),
            kind: self.gvk.kind.clone(),
            namespace: self.namespace.clone(),
            name: self.name.clone(),
        }
    }
}

/// Children by the uid of their owner.
#[derive(Default)]
pub(super) struct Graph(HashMap<Arc<str>, HashSet<Place>>);

impl Graph {
    pub(super) fn insert(&mut self, child: &Place, owners: &[OwnerRef]) {
        for owner in owners {
            self.0.entry(owner.uid.clone()).or_default().insert(child.clone());
        }
    }

    pub(super) fn remove(&mut self, child: &Place, owners: &[OwnerRef]) {
        for owner in owners {
            let Some(children) = self.0.get_mut(&owner.uid) else { continue };
            children.remove(child);
            if children.is_empty() {
                self.0.remove(&owner.uid);
            }
        }
    }

    pub(super) fn children(&self, uid: &str) -> impl Iterator<Item = &Place> {
        self.0.get(uid).into_iter().flatten()
    }
}
