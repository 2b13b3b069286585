//! Applications whose run ended because something has to come first, by what that is.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use lockstep_core::AppKey;
use parking_lot::Mutex;

/// Who waits for what. An arrival wakes everyone that waits for it, once.
pub(crate) struct Waiters<K>(Mutex<HashMap<K, BTreeSet<AppKey>>>);

impl<K> Default for Waiters<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash + Clone> Waiters<K> {
    /// `app` waits for `what`. Call it before looking whether it is there already.
    pub(crate) fn wait(&self, what: &K, app: &AppKey) {
        self.0.lock().entry(what.clone()).or_default().insert(app.clone());
    }

    /// `what` arrived.
    pub(crate) fn arrived(&self, what: &K) -> BTreeSet<AppKey> {
        self.0.lock().remove(what).unwrap_or_default()
    }

    /// `app` does not wait for `what` any more.
    pub(crate) fn stop(&self, what: &K, app: &AppKey) {
        let mut waiting = self.0.lock();
        if let Some(apps) = waiting.get_mut(what) {
            apps.remove(app);
            if apps.is_empty() {
                waiting.remove(what);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arrival_wakes_each_waiter_once() {
        let (waiters, app) = (Waiters::default(), AppKey::new("n", "a"));
        waiters.wait(&"x", &app);
        waiters.wait(&"y", &app);
        waiters.stop(&"y", &app);
        assert_eq!(waiters.arrived(&"x"), BTreeSet::from([app]));
        assert!(waiters.arrived(&"x").is_empty());
        assert!(waiters.arrived(&"y").is_empty());
    }
}
