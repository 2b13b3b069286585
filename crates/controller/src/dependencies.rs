//! Which Application depends on which, and on which other objects; and how far each of them is.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use lockstep_core::{AppKey, ObjectKey, Value};
use parking_lot::RwLock;

/// How far an Application is, as those see it that depend on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    /// The generation of its spec that this speaks of.
    pub(crate) generation: i64,
    /// Why it is not ready; `None`: it is.
    pub(crate) unready: Option<String>,
}

#[derive(Default)]
struct Inner {
    /// The Applications that an Application's spec names.
    named: BTreeMap<AppKey, BTreeSet<AppKey>>,
    /// The other way round.
    dependants: HashMap<AppKey, BTreeSet<AppKey>>,
    /// The other objects that Applications depend on.
    watched: HashMap<AppKey, BTreeSet<ObjectKey>>,
    watchers: HashMap<ObjectKey, BTreeSet<AppKey>>,
    /// Applications that are refused because they depend on themselves.
    cyclic: BTreeSet<AppKey>,
    progress: HashMap<AppKey, Progress>,
}

/// The dependencies of all Applications.
#[derive(Default)]
pub(crate) struct Dependencies(RwLock<Inner>);

impl Dependencies {
    /// Takes in which Applications the spec of `app` names, or (none) that it is gone. Returns those that may be concerned.
    pub(crate) fn set(&self, app: &AppKey, named: BTreeSet<AppKey>) -> BTreeSet<AppKey> {
        let mut inner = self.0.write();
        let before = match named.is_empty() {
            true => inner.named.remove(app).unwrap_or_default(),
            false => inner.named.insert(app.clone(), named.clone()).unwrap_or_default(),
        };
        if before == named {
            return BTreeSet::new();
        }
        let left: BTreeSet<AppKey> = before.difference(&named).cloned().collect();
        for other in &left {
            drop_from(&mut inner.dependants, other, app);
        }
        for other in named {
            inner.dependants.entry(other).or_default().insert(app.clone());
        }
        // A cycle may be broken, whoever else is in it; and who is being deleted may have waited for this one.
        left.union(&inner.cyclic).cloned().collect()
    }

    /// An Application is gone. Returns those that may be concerned.
    pub(crate) fn remove(&self, app: &AppKey) -> BTreeSet<AppKey> {
        let concerned = self.set(app, BTreeSet::new());
        self.watch(app, BTreeSet::new());
        let mut inner = self.0.write();
        inner.progress.remove(app);
        inner.cyclic.remove(app);
        concerned
    }

    /// The objects that `app` depends on, from now on.
    pub(crate) fn watch(&self, app: &AppKey, objects: BTreeSet<ObjectKey>) {
        let mut inner = self.0.write();
        let before = match objects.is_empty() {
            true => inner.watched.remove(app).unwrap_or_default(),
            false => inner.watched.insert(app.clone(), objects.clone()).unwrap_or_default(),
        };
        for key in before.difference(&objects) {
            drop_from(&mut inner.watchers, key, app);
        }
        for key in objects {
            inner.watchers.entry(key).or_default().insert(app.clone());
        }
    }

    /// The Applications that depend on an object.
    pub(crate) fn watchers(&self, key: &ObjectKey) -> BTreeSet<AppKey> {
        self.0.read().watchers.get(key).cloned().unwrap_or_default()
    }

    /// The Applications that depend on `app`, apart from those that it depends on itself.
    pub(crate) fn dependants(&self, app: &AppKey) -> Vec<AppKey> {
        let inner = self.0.read();
        let all = inner.dependants.get(app).into_iter().flatten();
        all.filter(|other| inner.path(app, other).is_none()).cloned().collect()
    }

    /// The way from `app` back to itself, if there is one.
    pub(crate) fn cycle(&self, app: &AppKey) -> Option<Vec<AppKey>> {
        self.0.read().path(app, app)
    }

    /// Remembers whether `app` is refused because of a cycle. Returns the others that did not know of it yet, or need not wait for it any more.
    pub(crate) fn set_cyclic(&self, app: &AppKey, cycle: Option<&[AppKey]>) -> BTreeSet<AppKey> {
        let mut inner = self.0.write();
        match cycle {
            Some(cycle) => {
                let is_new = inner.cyclic.insert(app.clone());
                let others = cycle.iter().filter(|other| is_new && !inner.cyclic.contains(*other));
                others.cloned().collect()
            }
            None if inner.cyclic.remove(app) => inner.cyclic.clone(),
            None => BTreeSet::new(),
        }
    }

    /// How far an Application is; `None` before its first run.
    pub(crate) fn progress(&self, app: &AppKey) -> Option<Progress> {
        self.0.read().progress.get(app).cloned()
    }

    /// Takes in how far `app` is. Returns whether somebody may have waited for it.
    pub(crate) fn set_progress(&self, app: &AppKey, progress: Progress) -> bool {
        let is_ready = progress.unready.is_none();
        let before = self.0.write().progress.insert(app.clone(), progress.clone());
        is_ready || before.as_ref() != Some(&progress)
    }

    /// `app` has something new to do: whatever it was ready at is not what it is to be.
    pub(crate) fn unsettle(&self, app: &AppKey) {
        if let Some(progress) = self.0.write().progress.get_mut(app) {
            progress.unready = Some("has a new revision to sync".to_owned());
        }
    }
}

impl Inner {
    /// The way from one Application to another, both included, along what they depend on; the shortest.
    fn path(&self, from: &AppKey, to: &AppKey) -> Option<Vec<AppKey>> {
        let mut came: BTreeMap<&AppKey, &AppKey> = BTreeMap::new();
        let mut edge: Vec<&AppKey> = vec![from];
        while !edge.is_empty() {
            let mut next = Vec::new();
            for app in edge {
                for other in self.named.get(app).into_iter().flatten() {
                    if !came.contains_key(other) {
                        came.insert(other, app);
                        next.push(other);
                    }
                }
            }
            if came.contains_key(to) {
                let mut way = vec![to.clone()];
                let mut at = came[to];
                while at != from {
                    way.push(at.clone());
                    at = came[at];
                }
                way.push(from.clone());
                way.reverse();
                return Some(way);
            }
            edge = next;
        }
        None
    }
}

fn drop_from<K: std::hash::Hash + Eq>(map: &mut HashMap<K, BTreeSet<AppKey>>, key: &K, app: &AppKey) {
    if let Some(apps) = map.get_mut(key) {
        apps.remove(app);
        if apps.is_empty() {
            map.remove(key);
        }
    }
}

/// The Applications that a spec names, also where the rest of it is refused.
pub(crate) fn named(app: &AppKey, resource: &Value) -> BTreeSet<AppKey> {
    let all = resource.at(&["spec", "dependsOn"]).and_then(Value::as_list).unwrap_or_default();
    let named = all.iter().filter_map(|dependency| {
        let text = |name| dependency.str_at(&[name]).filter(|text| !text.is_empty());
        let ours = text("apiVersion").is_none_or(|version| version.starts_with("lockstep.dev/"));
        let name = text("name").filter(|_| ours && text("kind") == Some("Application"))?;
        Some(AppKey::new(text("namespace").unwrap_or(&app.namespace), name))
    });
    named.filter(|other| other != app).collect()
}

#[cfg(test)]
mod tests {
    use lockstep_core::from_json;

    use super::*;

    fn app(name: &str) -> AppKey {
        AppKey::new("n", name)
    }

    fn apps(names: &str) -> BTreeSet<AppKey> {
        names.split_whitespace().map(app).collect()
    }

    /// `a: b c` for an Application that names others.
    fn all(lines: &[&str]) -> Dependencies {
        let dependencies = Dependencies::default();
        for line in lines {
            let (name, named) = line.split_once(':').unwrap();
            dependencies.set(&app(name), apps(named));
        }
        dependencies
    }

    fn names(found: impl IntoIterator<Item = AppKey>) -> String {
        found.into_iter().map(|app| app.name.to_string()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_cycle_is_found_from_each_of_its_members_and_from_nobody_else() {
        let dependencies = all(&["a: b", "b: c d", "c: a", "d:", "outside: a"]);
        for (from, expected) in [
            ("a", Some("a b c a")),
            ("b", Some("b c a b")),
            ("c", Some("c a b c")),
            ("d", None),
            ("outside", None),
        ] {
            assert_eq!(dependencies.cycle(&app(from)).map(names).as_deref(), expected, "{from}");
        }
    }

    #[test]
    fn the_members_of_a_cycle_hear_of_it_once_and_of_its_end() {
        let dependencies = all(&["a: b", "b: a"]);
        let cycle = dependencies.cycle(&app("a")).unwrap();
        assert_eq!(names(dependencies.set_cyclic(&app("a"), Some(&cycle))), "b");
        assert_eq!(names(dependencies.set_cyclic(&app("a"), Some(&cycle))), "");
        let cycle = dependencies.cycle(&app("b")).unwrap();
        assert_eq!(names(dependencies.set_cyclic(&app("b"), Some(&cycle))), "");
        assert_eq!(names(dependencies.set(&app("b"), apps(""))), "a b");
        assert_eq!(names(dependencies.set_cyclic(&app("b"), None)), "a");
        assert_eq!(names(dependencies.set_cyclic(&app("b"), None)), "");
    }

    #[test]
    fn who_depends_on_an_application_holds_it_unless_it_holds_them() {
        let dependencies = all(&["web: db cache", "jobs: db", "x: y", "y: x z", "z:"]);
        assert_eq!(names(dependencies.dependants(&app("db"))), "jobs web");
        assert_eq!(names(dependencies.dependants(&app("web"))), "");
        assert_eq!(names(dependencies.dependants(&app("x"))), "", "they hold each other");
        assert_eq!(names(dependencies.dependants(&app("z"))), "y");
        assert_eq!(names(dependencies.remove(&app("web"))), "cache db");
        assert_eq!(names(dependencies.dependants(&app("db"))), "jobs");
    }

    #[test]
    fn what_is_new_is_told_and_what_is_ready_again_and_again() {
        let dependencies = Dependencies::default();
        let progress =
            |unready: Option<&str>| Progress { generation: 1, unready: unready.map(str::to_owned) };
        assert!(dependencies.set_progress(&app("a"), progress(Some("is Syncing"))));
        assert!(!dependencies.set_progress(&app("a"), progress(Some("is Syncing"))));
        assert!(dependencies.set_progress(&app("a"), progress(None)));
        assert!(dependencies.set_progress(&app("a"), progress(None)), "it may have been behind");
        dependencies.unsettle(&app("a"));
        assert!(dependencies.progress(&app("a")).unwrap().unready.is_some());
    }

    #[test]
    fn objects_know_who_depends_on_them() {
        let (dependencies, key) = (Dependencies::default(), ObjectKey::new("", "ConfigMap", "n", "x"));
        dependencies.watch(&app("a"), BTreeSet::from([key.clone()]));
        dependencies.watch(&app("b"), BTreeSet::from([key.clone()]));
        assert_eq!(names(dependencies.watchers(&key)), "a b");
        dependencies.watch(&app("a"), BTreeSet::new());
        dependencies.remove(&app("b"));
        assert_eq!(names(dependencies.watchers(&key)), "");
    }

    #[test]
    fn a_spec_names_applications_of_ours_also_where_the_rest_is_odd() {
        let spec = r#"{"spec":{"sync":1,"dependsOn":[{"kind":"Application","name":"db"},
            {"kind":"Application","name":"db","namespace":"infra","apiVersion":"lockstep.dev/v1alpha1"},
            {"kind":"Application","name":"x","apiVersion":"argoproj.io/v1alpha1"},{"kind":"Job","name":"x","apiVersion":"batch/v1"},
            {"kind":"Application","name":"self"},{"kind":"Application"}]}}"#;
        let found = named(&app("self"), &from_json(spec.as_bytes()).unwrap());
        assert_eq!(found, BTreeSet::from([AppKey::new("infra", "db"), app("db")]));
    }
}
