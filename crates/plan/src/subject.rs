//! The objects that there is something to say about.

use std::cmp::Ordering;
use std::sync::Arc;

use lockstep_core::{AppRecord, DesiredObject, Gvk, ObjectKey, ObjectRecord};

use crate::desired::DesiredSet;

/// One object that is desired, recorded or owned.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) key: &'a ObjectKey,
    pub(crate) desired: Option<&'a Arc<DesiredObject>>,
    pub(crate) record: Option<&'a ObjectRecord>,
    /// The version in which it is watched, where the live object's owner annotation names this Application.
    pub(crate) owned: Option<&'a Gvk>,
}

/// All subjects in order of their keys: three sorted sequences merged, so that each object costs a few comparisons.
pub(crate) fn subjects<'a>(
    set: Option<&'a DesiredSet>,
    record: &'a AppRecord,
    owned: &'a [(ObjectKey, Gvk)],
) -> impl Iterator<Item = Subject<'a>> {
    let mut owned: Vec<&(ObjectKey, Gvk)> = owned.iter().collect();
    if !owned.is_sorted_by(|a, b| a.0 < b.0) {
        owned.sort_by(|a, b| a.0.cmp(&b.0));
        owned.dedup_by(|a, b| a.0 == b.0);
    }
    let mut desired = set.map(DesiredSet::objects).unwrap_or_default().iter().peekable();
    let mut records = record.objects.iter().peekable();
    let mut owned = owned.into_iter().peekable();
    std::iter::from_fn(move || {
        // Keys are long and mostly equal here: each is compared once with the next one of the other sequences.
        let (key, with_record) =
            smaller(desired.peek().map(|object| &object.key), records.peek().map(|(key, _)| *key));
        let (key, with_owned) = smaller(key, owned.peek().map(|(key, _)| key));
        let is_first = with_owned != Ordering::Greater;
        Some(Subject {
            key: key?,
            desired: desired.next_if(|_| is_first && with_record != Ordering::Greater),
            record: records.next_if(|_| is_first && with_record != Ordering::Less).map(|(_, record)| record),
            owned: owned.next_if(|_| with_owned != Ordering::Less).map(|(_, gvk)| gvk),
        })
    })
}

/// The smaller key and how the first compares with the second; what is absent counts as larger than everything.
fn smaller<'a>(a: Option<&'a ObjectKey>, b: Option<&'a ObjectKey>) -> (Option<&'a ObjectKey>, Ordering) {
    match (a, b) {
        (Some(first), Some(second)) => match first.cmp(second) {
            Ordering::Greater => (b, Ordering::Greater),
            order => (a, order),
        },
        (None, Some(_)) => (b, Ordering::Greater),
        (_, None) => (a, Ordering::Less),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desired::DesiredSet;
    use lockstep_core::{CommitId, Digest, Origin, Value};

    fn key(name: char) -> ObjectKey {
        ObjectKey::new("", "ConfigMap", "n", &name.to_string())
    }

    fn commit() -> CommitId {
        CommitId::parse(&"a".repeat(40)).unwrap()
    }

    fn set(names: &str) -> DesiredSet {
        let object = |name| DesiredObject {
            key: key(name),
            gvk: Gvk::new("", "v1", "ConfigMap"),
            value: Value::Null,
            digest: Digest::of(b""),
            origin: Origin::file("a.yaml"),
            commit: commit(),
        };
        DesiredSet::new(commit(), names.chars().map(object))
    }

    fn record(names: &str) -> AppRecord {
        let record = ObjectRecord {
            gvk: Gvk::new("", "v1", "ConfigMap"),
            uid: "u".into(),
            rendered: Digest::of(b""),
            fields: Value::Null,
            presence: Value::Null,
            live: Digest::of(b""),
            commit: commit(),
        };
        AppRecord { objects: names.chars().map(|name| (key(name), record.clone())).collect() }
    }

    /// Each subject as its name and, in capitals, where it is: Desired, Recorded, Owned.
    fn check(desired: &str, recorded: &str, owned: &str, expected: &str) {
        let (set, record) = (set(desired), record(recorded));
        let owned: Vec<(ObjectKey, Gvk)> =
            owned.chars().map(|name| (key(name), Gvk::new("", "v1", "ConfigMap"))).collect();
        let text = subjects(Some(&set), &record, &owned).map(|subject| {
            let marks =
                [subject.desired.map(|_| 'D'), subject.record.map(|_| 'R'), subject.owned.map(|_| 'O')];
            format!("{}{}", subject.key.name, marks.into_iter().flatten().collect::<String>())
        });
        assert_eq!(text.collect::<Vec<_>>().join(" "), expected);
    }

    #[test]
    fn three_sequences_are_merged() {
        check("", "", "", "");
        check("abc", "bcd", "cda", "aDO bDR cDRO dRO");
        check("a", "b", "c", "aD bR cO");
        check("c", "b", "a", "aO bR cD");
        check("", "b", "ab", "aO bRO");
        check("b", "", "ba", "aO bDO");
        check("bab", "", "aa", "aDO bD");
    }
}
