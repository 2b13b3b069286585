//! Live objects that carry an Application's name and that it neither wants nor has recorded, as a crash can leave them.

use std::collections::{BTreeMap, HashMap};

use lockstep_core::{AppKey, Gvk, ObjectKey};
use parking_lot::Mutex;

#[derive(Default)]
struct Inner {
    by_app: HashMap<AppKey, BTreeMap<ObjectKey, Gvk>>,
    by_object: HashMap<ObjectKey, AppKey>,
}

/// The leftovers of all Applications.
#[derive(Default)]
pub(crate) struct Owned(Mutex<Inner>);

impl Owned {
    /// An object carries the name of `app`.
    pub(crate) fn set(&self, app: &AppKey, key: &ObjectKey, gvk: &Gvk) {
        self.remove(key);
        let mut inner = self.0.lock();
        inner.by_app.entry(app.clone()).or_default().insert(key.clone(), gvk.clone());
        inner.by_object.insert(key.clone(), app.clone());
    }

    /// An object is gone, or carries nobody's name any more. Returns whose name it carried.
    pub(crate) fn remove(&self, key: &ObjectKey) -> Option<AppKey> {
        let mut inner = self.0.lock();
        let app = inner.by_object.remove(key)?;
        if let Some(objects) = inner.by_app.get_mut(&app) {
            objects.remove(key);
            if objects.is_empty() {
                inner.by_app.remove(&app);
            }
        }
        Some(app)
    }

    /// The leftovers of one Application.
    pub(crate) fn of(&self, app: &AppKey) -> Vec<(ObjectKey, Gvk)> {
        let inner = self.0.lock();
        let objects = inner.by_app.get(app).into_iter().flatten();
        objects.map(|(key, gvk)| (key.clone(), gvk.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_carries_one_name_at_a_time() {
        let (owned, gvk) = (Owned::default(), Gvk::new("", "v1", "ConfigMap"));
        let (x, y) = (AppKey::new("n", "x"), AppKey::new("n", "y"));
        let key = ObjectKey::new("", "ConfigMap", "n", "a");
        owned.set(&x, &key, &gvk);
        owned.set(&y, &key, &gvk);
        assert!(owned.of(&x).is_empty());
        assert_eq!(owned.of(&y), [(key.clone(), gvk)]);
        assert_eq!(owned.remove(&key), Some(y.clone()));
        assert!(owned.of(&y).is_empty());
        assert_eq!(owned.remove(&key), None);
    }
}
