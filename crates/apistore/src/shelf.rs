//! The objects of one resource, and what happened to them.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use crate::entry::Entry;

/// The objects of one resource by their key: `namespace/name`, or the name alone. The order of keys is that of lists.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shelf {
    objects: BTreeMap<Arc<str>, Arc<Entry>>,
    history: VecDeque<Past>,
    /// How large the objects of the history are together.
    bytes: usize,
    /// Up to which version of the state changes are no longer in the history.
    forgotten: u64,
}

/// How large the objects of a history are at most: a change of an object of a megabyte a second must not fill the memory.
const MOST_BYTES: usize = 64 << 20;

/// One change.
#[derive(Clone, Debug)]
pub(crate) struct Past {
    pub(crate) revision: u64,
    pub(crate) key: Arc<str>,
    pub(crate) before: Option<Arc<Entry>>,
    /// The object; what was deleted as it last was, in the version of its deletion.
    pub(crate) now: Arc<Entry>,
    pub(crate) deleted: bool,
}

/// The key of an object.
pub(crate) fn key(namespace: &str, name: &str) -> Arc<str> {
    match namespace {
        "" => name.into(),
        namespace => format!("{namespace}/{name}").into(),
    }
}

/// Namespace and name of a key.
pub(crate) fn split(key: &str) -> (&str, &str) {
    key.split_once('/').unwrap_or(("", key))
}

impl Shelf {
    /// What is known of the past begins here.
    pub(crate) fn since(revision: u64) -> Self {
        Self { forgotten: revision, ..Self::default() }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Arc<Entry>> {
        self.objects.get(key)
    }

    pub(crate) fn len(&self) -> usize {
        self.objects.len()
    }

    /// What begins with a prefix, in order.
    pub(crate) fn range<'s>(
        &'s self,
        prefix: &'s str,
    ) -> impl Iterator<Item = (&'s Arc<str>, &'s Arc<Entry>)> {
        self.range_from(prefix, prefix)
    }

    /// The same, from a key on that is not before the prefix.
    pub(crate) fn range_from<'s>(
        &'s self,
        prefix: &'s str,
        from: &'s str,
    ) -> impl Iterator<Item = (&'s Arc<str>, &'s Arc<Entry>)> {
        let from = (Bound::Included(from.max(prefix)), Bound::Unbounded);
        self.objects.range::<str, _>(from).take_while(move |(key, _)| key.starts_with(prefix))
    }

    pub(crate) fn put(&mut self, key: Arc<str>, entry: Arc<Entry>, limit: usize) {
        let before = self.objects.insert(key.clone(), entry.clone());
        let revision = entry.revision;
        self.remember(Past { revision, key, before, now: entry, deleted: false }, limit);
    }

    /// Takes an object away; `last` is what is told of it.
    pub(crate) fn remove(&mut self, key: &Arc<str>, last: Arc<Entry>, limit: usize) {
        let before = self.objects.remove(key);
        let revision = last.revision;
        self.remember(Past { revision, key: key.clone(), before, now: last, deleted: true }, limit);
    }

    /// Puts what was kept on disk; it is not told to watches.
    pub(crate) fn restore(&mut self, key: Arc<str>, entry: Arc<Entry>) {
        self.objects.insert(key, entry);
    }

    fn remember(&mut self, past: Past, limit: usize) {
        self.bytes += past.now.object.len();
        self.history.push_back(past);
        while self.history.len() > limit || self.bytes > MOST_BYTES {
            let Some(past) = self.history.pop_front() else { return };
            self.bytes -= past.now.object.len();
            self.forgotten = past.revision;
        }
    }

    /// The oldest version after which all is known.
    pub(crate) fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// What happened after a version; `None` where that is not known any more.
    pub(crate) fn after(&self, revision: u64) -> Option<impl Iterator<Item = &Past>> {
        if revision < self.forgotten {
            return None;
        }
        let from = self.history.partition_point(|past| past.revision <= revision);
        Some(self.history.range(from..))
    }

    /// What begins with a prefix as it was in a version; `None` where that is not known any more.
    pub(crate) fn at(&self, revision: u64, prefix: &str) -> Option<BTreeMap<Arc<str>, Arc<Entry>>> {
        let mut objects: BTreeMap<Arc<str>, Arc<Entry>> =
            self.range(prefix).map(|(key, entry)| (key.clone(), entry.clone())).collect();
        let pasts: Vec<&Past> = self.after(revision)?.collect();
        for past in pasts.into_iter().rev().filter(|past| past.key.starts_with(prefix)) {
            match &past.before {
                Some(before) => objects.insert(past.key.clone(), before.clone()),
                None => objects.remove(&past.key),
            };
        }
        Some(objects)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_core::from_json;

    fn entry(text: &str, revision: u64) -> Arc<Entry> {
        let object = from_json(format!(r#"{{"metadata":{{}},"x":"{text}"}}"#).as_bytes()).unwrap();
        Arc::new(Entry::write(object, revision))
    }

    fn shelf() -> Shelf {
        let mut shelf = Shelf::default();
        shelf.put("a/x".into(), entry("1", 1), 3);
        shelf.put("a/y".into(), entry("2", 2), 3);
        shelf.put("a/x".into(), entry("3", 3), 3);
        shelf.remove(&"a/y".into(), entry("2", 4), 3);
        shelf
    }

    #[test]
    fn the_past_can_be_seen_as_far_as_it_is_remembered() {
        let shelf = shelf();
        let keys = |revision| {
            let objects = shelf.at(revision, "a/")?;
            Some(objects.iter().map(|(key, entry)| format!("{key}@{}", entry.revision)).collect::<Vec<_>>())
        };
        assert_eq!(keys(4).unwrap(), ["a/x@3"]);
        assert_eq!(keys(3).unwrap(), ["a/x@3", "a/y@2"]);
        assert_eq!(keys(2).unwrap(), ["a/x@1", "a/y@2"]);
        assert_eq!(keys(1).unwrap(), ["a/x@1"]);
        assert_eq!(keys(0), None, "the first change is forgotten");
    }

    #[test]
    fn the_past_has_a_size() {
        let mut shelf = Shelf::default();
        let large = entry(&"x".repeat(1 << 20), 1);
        for revision in 1..=100 {
            let entry = Entry { revision, ..Entry::of(&large.value(), revision) };
            shelf.put("a/x".into(), Arc::new(entry), 1000);
        }
        assert_eq!((shelf.history.len(), shelf.forgotten()), (63, 37));
        assert!(shelf.bytes <= MOST_BYTES);
        assert!(shelf.after(36).is_none() && shelf.after(37).is_some());
    }

    #[test]
    fn changes_come_in_their_order() {
        let shelf = shelf();
        let after: Vec<_> = shelf.after(2).unwrap().map(|past| (past.revision, past.deleted)).collect();
        assert_eq!(after, [(3, false), (4, true)]);
        assert!(shelf.after(0).is_none());
    }

    #[test]
    fn keys_are_in_the_order_of_the_server() {
        let mut shelf = Shelf::default();
        for name in ["a/x", "a-b/x", "ab/x"] {
            shelf.put(name.into(), entry("", 1), 9);
        }
        let keys: Vec<_> = shelf.range("").map(|(key, _)| &**key).collect();
        assert_eq!(keys, ["a-b/x", "a/x", "ab/x"]);
        let from = |prefix, from| shelf.range_from(prefix, from).map(|(key, _)| &**key).collect::<Vec<_>>();
        assert_eq!(from("", "a/x"), ["a/x", "ab/x"]);
        assert_eq!(from("a/", ""), ["a/x"]);
        assert_eq!(from("a/", "a/x\0"), [""; 0]);
        assert_eq!(split("a/x"), ("a", "x"));
        assert_eq!(split("x"), ("", "x"));
    }
}
