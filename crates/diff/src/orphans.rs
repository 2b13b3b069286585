//! What goes when an object is adopted.

use lockstep_core::{FieldPath, LiveObject, Value};
use schema::FieldSet;

use crate::adoption::adopted;
use crate::handover::without;
use crate::managed;

/// An object without the fields that go when `live` is adopted: those that only the adopted managers hold, which become ours and
/// which our apply does not name. `None` where there are none.
///
/// `applied` is what a dry run of the apply made of it. That leaves such fields, since it follows no write of managedFields.
/// Tools that create with an Update hold the defaults too: the API server has to be asked what comes back.
pub fn without_orphans(
    live: &LiveObject,
    applied: &Value,
    adoptable: &[&str],
    manager: &str,
) -> Option<Value> {
    let union = |all: FieldSet, set: FieldSet| all.union(&set);
    let taken = adopted(managed::entries(&live.value), adoptable, manager).into_iter();
    let taken = taken.map(|(_, set)| set).fold(FieldSet::default(), union);
    let after = managed::entries(applied);
    let leaving = adopted(after, adoptable, manager);
    let stays = |position: usize| leaving.iter().all(|(leaving, _)| *leaving != position);
    let kept = after.iter().enumerate().filter(|(position, _)| stays(*position));
    let kept = kept.filter_map(|(_, entry)| managed::fields_of(entry)).fold(FieldSet::default(), union);
    let gone = taken.difference(&kept);
    // A mapping or an item is itself a member: it stays as long as something in it does.
    let leaves = gone.leaves().into_iter().filter(|path| kept.at(&path.0).is_none());
    let paths: Vec<FieldPath> = leaves.map(|path| whole(path, &gone, &kept)).collect();
    let rest = paths.iter().fold(applied.clone(), |object, path| without(&object, path));
    (!paths.is_empty()).then_some(rest)
}

/// The highest part of a path that goes as a whole: an item, or a mapping of which nothing is left to anybody.
fn whole(mut path: FieldPath, gone: &FieldSet, kept: &FieldSet) -> FieldPath {
    let goes = |end: &usize| gone.contains(&path.0[..*end]) && kept.at(&path.0[..*end]).is_none();
    if let Some(end) = (1..=path.0.len()).find(goes) {
        path.0.truncate(end);
    }
    path
}
