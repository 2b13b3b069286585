//! Applications whose run ended because something has to come first, by what that is.

use std::collections::{BTreeSet, HashMap, HashSet};
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
    /// `app` waits for `what`. Call it before looking whether it is there already. Returns whether nobody waited for it before.
    pub(crate) fn wait(&self, what: &K, app: &AppKey) -> bool {
        let mut waiting = self.0.lock();
        let apps = waiting.entry(what.clone()).or_default();
        let first = apps.is_empty();
        apps.insert(app.clone());
        first
    }

    /// `app` waits for each that has a part which is missing; a part of one may be there before another. Returns whether it waits at all.
    pub(crate) fn wait_for_missing<P>(
        &self,
        parts: &[(K, P)],
        app: &AppKey,
        is_missing: impl Fn(&(K, P)) -> bool,
    ) -> bool {
        parts.iter().for_each(|(what, _)| _ = self.wait(what, app));
        let missing: HashSet<&K> =
            parts.iter().filter(|part| is_missing(part)).map(|(what, _)| what).collect();
        parts.iter().filter(|(what, _)| !missing.contains(what)).for_each(|(what, _)| self.stop(what, app));
        !missing.is_empty()
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
        assert!(waiters.wait(&"x", &app) && !waiters.wait(&"x", &app));
        waiters.wait(&"y", &app);
        waiters.stop(&"y", &app);
        assert_eq!(waiters.arrived(&"x"), BTreeSet::from([app]));
        assert!(waiters.arrived(&"x").is_empty());
        assert!(waiters.arrived(&"y").is_empty());
    }

    #[test]
    fn one_part_that_is_there_does_not_end_the_wait_for_another() {
        let app = AppKey::new("n", "a");
        for (missing, waits) in [(&["1"][..], true), (&["2"], true), (&["1", "2"], true), (&[], false)] {
            let waiters = Waiters::default();
            let parts = [("x", "1"), ("x", "2"), ("y", "3")];
            assert_eq!(waiters.wait_for_missing(&parts, &app, |(_, part)| missing.contains(part)), waits);
            assert_eq!(!waiters.arrived(&"x").is_empty(), waits, "{missing:?}");
            assert!(waiters.arrived(&"y").is_empty());
        }
    }
}
