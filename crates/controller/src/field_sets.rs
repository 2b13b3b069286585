//! Field sets that many records share: a thousand Deployments of one shape have one set of fields.

use std::collections::HashMap;

use lockstep_core::{Digest, Key, ObjectRecord, Value};
use parking_lot::Mutex;

/// Sets that are kept before those that no record holds any more are dropped.
const ROOM: usize = 256;

/// One copy of each field set.
#[derive(Default)]
pub(crate) struct FieldSets(Mutex<Pool>);

#[derive(Default)]
struct Pool {
    sets: HashMap<Digest, Value>,
    /// Look for unused ones at this many.
    full: usize,
}

impl FieldSets {
    /// Makes a record share its field sets with equal ones.
    pub(crate) fn share(&self, key: &Key, record: &mut ObjectRecord) {
        let mut pool = self.0.lock();
        for set in [&mut record.fields, &mut record.presence] {
            pool.share(key.digest(set), set);
        }
    }
}

impl Pool {
    fn share(&mut self, digest: Digest, set: &mut Value) {
        *set = self.sets.entry(digest).or_insert_with(|| set.clone()).clone();
        if self.sets.len() > self.full.max(ROOM) {
            self.sets.retain(|_, set| is_used(set));
            self.full = 2 * self.sets.len();
        }
    }
}

/// Whether anyone but the pool holds a set.
fn is_used(set: &Value) -> bool {
    match set {
        Value::Map(entries) => std::sync::Arc::strong_count(entries) > 1,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use lockstep_core::{CommitId, Gvk, from_json};

    use super::*;

    fn record(field: &str) -> ObjectRecord {
        let key = Key::new([1; 32]);
        ObjectRecord {
            gvk: Gvk::new("", "v1", "ConfigMap"),
            uid: "u".into(),
            rendered: key.digest(&Value::Null),
            fields: from_json(format!(r#"{{"f:data":{{"f:{field}":{{}}}}}}"#).as_bytes()).unwrap(),
            presence: Value::map(lockstep_core::Map::new()),
            live: key.digest(&Value::Null),
            commit: CommitId::parse(&"a".repeat(40)).unwrap(),
        }
    }

    fn place(record: &ObjectRecord) -> *const lockstep_core::Map {
        match &record.fields {
            Value::Map(entries) => Arc::as_ptr(entries),
            _ => std::ptr::null(),
        }
    }

    #[test]
    fn equal_sets_are_one_and_others_are_not() {
        let (sets, key) = (FieldSets::default(), Key::new([1; 32]));
        let [mut a, mut b, mut c] = ["x", "x", "y"].map(record);
        for record in [&mut a, &mut b, &mut c] {
            sets.share(&key, record);
        }
        assert_eq!(place(&a), place(&b));
        assert_ne!(place(&a), place(&c));
        assert_eq!(c.fields, record("y").fields);
    }

    #[test]
    fn sets_that_nobody_holds_are_dropped() {
        let (sets, key) = (FieldSets::default(), Key::new([1; 32]));
        let mut kept = record("kept");
        sets.share(&key, &mut kept);
        (0..2 * ROOM).for_each(|n| sets.share(&key, &mut record(&n.to_string())));
        let pool = sets.0.lock();
        assert!(pool.sets.len() <= ROOM + 1);
        assert!(pool.sets.values().any(|set| *set == kept.fields));
    }
}
