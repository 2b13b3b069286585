//! The objects that there is something to say about.

use std::iter::Peekable;
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
        let heads = [
            desired.peek().map(|object| &object.key),
            records.peek().map(|(key, _)| *key),
            owned.peek().map(|(key, _)| key),
        ];
        let key = heads.into_iter().flatten().min()?;
        Some(Subject {
            key,
            desired: take(&mut desired, |object| object.key == *key),
            record: take(&mut records, |(of, _)| *of == key).map(|(_, record)| record),
            owned: take(&mut owned, |(of, _)| of == key).map(|(_, gvk)| gvk),
        })
    })
}

fn take<I: Iterator>(items: &mut Peekable<I>, is_next: impl Fn(&I::Item) -> bool) -> Option<I::Item> {
    items.next_if(is_next)
}
