//! What a write does to an object and to its managers, on checked values.

use std::collections::BTreeMap;
use std::sync::Arc;

use lockstep_core::Value;

use crate::compare::Comparison;
use crate::conflict::{ApplyError, Conflict, ConvertError};
use crate::definitions::Schema;
use crate::field_set::FieldSet;
use crate::managers::{Manager, Managers, Owned};
use crate::typed::{Duplicates, Typed};

/// The other versions of one kind of object.
pub trait Convert {
    /// The schema of the kind in a version; `None` where there is none (any more).
    fn schema(&self, api_version: &str) -> Option<Schema>;

    /// The object in another version, with its `apiVersion`.
    fn convert(&self, object: &Value, api_version: &str) -> Result<Value, ConvertError>;
}

/// Fields that a kind does not let be set by one of its endpoints (`status` by the main one, all else by `/status`), by
/// version. Nobody comes to own them there.
pub type IgnoredFields = BTreeMap<Arc<str>, FieldSet>;

/// Whether an apply takes fields from their owners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Force {
    /// It is refused with the conflicts.
    No,
    /// It takes them.
    Yes,
}

pub(crate) struct Ownership<'a> {
    pub(crate) convert: &'a dyn Convert,
    pub(crate) ignored: &'a IgnoredFields,
}

/// A write as the managers see it.
pub(crate) struct Change<'a> {
    pub(crate) live: &'a Typed,
    pub(crate) version: &'a Arc<str>,
}

type Result<T, E = ApplyError> = std::result::Result<T, E>;

impl Ownership<'_> {
    /// Lays `config` over the live object for `manager`, takes away what it applied before and nobody else owns, and moves
    /// the fields between the managers. The object is `None` where it stays as it is.
    pub(crate) fn apply(
        &self,
        change: &Change<'_>,
        config: &Typed,
        managers: &mut Managers,
        (manager, force): (&Manager, Force),
    ) -> Result<Option<Typed>> {
        self.reconcile(change.live, managers)?;
        let merged = change.live.merge(config);
        let last = managers.0.get(manager).cloned();
        let fields = self.counted(change.version, config.field_set());
        let time = last.as_ref().and_then(|last| last.time);
        managers.0.insert(manager.clone(), Owned { fields, api_version: change.version.clone(), time });
        let new = match last.filter(|last| !last.fields.is_empty()) {
            None => merged,
            Some(last) => self
                .prune(merged, managers, (&last, change.version))
                .map_err(prefix("failed to prune fields"))?,
        };
        self.transfer(change, &new, managers, (Some(manager), force))?;
        Ok((change.live.value != new.value).then_some(new))
    }

    /// Moves the fields that differ between the live and the new object to the writer: they are taken from all managers,
    /// and the answer is what the writer now owns of them.
    pub(crate) fn update(
        &self,
        change: &Change<'_>,
        new: &Typed,
        managers: &mut Managers,
    ) -> Result<FieldSet> {
        self.reconcile(change.live, managers)?;
        let found = self.transfer(change, new, managers, (None, Force::Yes))?;
        Ok(self.counted(change.version, found.modified.union(&found.added)))
    }

    fn counted(&self, version: &Arc<str>, fields: FieldSet) -> FieldSet {
        match self.ignored.get(version) {
            Some(ignored) => fields.without_subtrees(ignored),
            None => fields,
        }
    }

    /// Takes what changed from its owners, `except` one; unforced, that they own it is an error.
    fn transfer(
        &self,
        change: &Change<'_>,
        new: &Typed,
        managers: &mut Managers,
        (except, force): (Option<&Manager>, Force),
    ) -> Result<Comparison> {
        let mut comparisons: BTreeMap<Arc<str>, Option<Comparison>> = BTreeMap::new();
        let own = self.without_ignored(change.version, change.live.compare(new));
        comparisons.insert(change.version.clone(), Some(own.clone()));
        for owned in managers.0.iter().filter(|(manager, _)| Some(*manager) != except).map(|(_, owned)| owned)
        {
            if !comparisons.contains_key(&owned.api_version) {
                let found = self.compare_in(&owned.api_version, change.live, new)?;
                comparisons.insert(owned.api_version.clone(), found);
            }
        }
        let found = |owned: &Owned| comparisons.get(&owned.api_version).and_then(Option::as_ref);
        managers.0.retain(|manager, owned| Some(manager) == except || found(owned).is_some());
        let mut conflicts = Vec::new();
        for (manager, owned) in managers.0.iter_mut().filter(|(manager, _)| Some(*manager) != except) {
            let Some(found) = found(owned) else { continue };
            let taken = owned.fields.intersection(&found.modified.union(&found.added));
            let conflict = |path| Conflict { manager: manager.clone(), path };
            conflicts.extend(taken.paths().into_iter().map(conflict));
            owned.fields = owned.fields.difference(&taken).difference(&found.removed);
        }
        if force == Force::No && !conflicts.is_empty() {
            return Err(ApplyError::Conflicts(conflicts));
        }
        managers.0.retain(|_, owned| !owned.fields.is_empty());
        Ok(own)
    }

    fn without_ignored(&self, version: &str, found: Comparison) -> Comparison {
        match self.ignored.get(version) {
            Some(ignored) => found.without(ignored),
            None => found,
        }
    }

    /// What changed, in another version; `None` where that is not served any more.
    fn compare_in(&self, version: &Arc<str>, live: &Typed, new: &Typed) -> Result<Option<Comparison>> {
        let Some(live) = self.at(live, version).map_err(prefix("failed to convert old object"))? else {
            return Ok(None);
        };
        let Some(new) = self.at(new, version).map_err(prefix("failed to convert new object"))? else {
            return Ok(None);
        };
        Ok(Some(self.without_ignored(version, live.compare(&new))))
    }

    /// An object in a version; `None` where that is not served any more.
    fn at(&self, object: &Typed, version: &str) -> Result<Option<Typed>, ConvertError> {
        if object.value.str_at(&["apiVersion"]) == Some(version) {
            return Ok(Some(object.clone()));
        }
        let converted = match self.convert.convert(&object.value, version) {
            Err(ConvertError::MissingVersion) => return Ok(None),
            other => other?,
        };
        let Some(schema) = self.convert.schema(version) else { return Ok(None) };
        // Duplicates are refused here also in live objects, as the server has it.
        schema.typed(converted, Duplicates::Refused).map(Some).map_err(ConvertError::Type)
    }

    /// Brings the sets to today's schemas, and forgets managers of versions that are gone.
    fn reconcile(&self, live: &Typed, managers: &mut Managers) -> Result<()> {
        let mut schemas: BTreeMap<Arc<str>, Option<Schema>> = BTreeMap::new();
        for owned in managers.0.values() {
            if !schemas.contains_key(&owned.api_version) {
                let object = self.at(live, &owned.api_version).map_err(prefix(""))?;
                schemas.insert(owned.api_version.clone(), object.map(|object| object.schema));
            }
        }
        managers.0.retain(|_, owned| match schemas.get(&owned.api_version) {
            Some(Some(schema)) => {
                owned.fields = schema.reconcile(&owned.fields);
                true
            }
            _ => false,
        });
        Ok(())
    }

    /// Takes from the merged object what its manager applied last time and does not apply now, unless others own it.
    fn prune(
        &self,
        merged: Typed,
        managers: &Managers,
        (last, version): (&Owned, &Arc<str>),
    ) -> Result<Typed, ConvertError> {
        let Some(merged_then) = self.at(&merged, &last.api_version)? else { return Ok(merged) };
        let schema = &merged_then.schema;
        let pruned = merged_then.remove(&schema.with_named_fields(&last.fields));
        let pruned = self.keep_owned(&merged_then, pruned, managers, &last.api_version)?;
        let pruned = self.keep_dangling(&merged_then, pruned, last)?;
        Ok(self.at(&pruned, version)?.unwrap_or(pruned))
    }

    /// Puts back what any manager owns, version by version; first in the version in which was pruned, so that nothing is
    /// missing which a conversion needs.
    fn keep_owned(
        &self,
        merged: &Typed,
        pruned: Typed,
        managers: &Managers,
        first: &Arc<str>,
    ) -> Result<Typed, ConvertError> {
        let mut by_version: BTreeMap<&Arc<str>, FieldSet> = BTreeMap::new();
        for owned in managers.0.values() {
            let fields = by_version.entry(&owned.api_version).or_default();
            *fields = fields.union(&owned.fields);
        }
        let mut order: Vec<_> = by_version.into_iter().collect();
        order.sort_by_key(|(version, _)| *version != first);
        let (mut merged, mut pruned) = (merged.clone(), pruned);
        for (version, owned) in order {
            let Some(merged_there) = self.at(&merged, version)? else { continue };
            merged = merged_there;
            let Some(pruned_there) = self.at(&pruned, version)? else { continue };
            let schema = &merged.schema;
            let kept =
                schema.with_named_fields(&pruned_there.field_set()).union(&schema.with_named_fields(&owned));
            pruned = merged.remove(&schema.with_named_fields(&merged.field_set()).difference(&kept));
        }
        Ok(pruned)
    }

    /// Puts back what nobody owned before: it was lost with an item or a struct around it.
    fn keep_dangling(&self, merged: &Typed, pruned: Typed, last: &Owned) -> Result<Typed, ConvertError> {
        let Some(pruned) = self.at(&pruned, &last.api_version)? else { return Ok(merged.clone()) };
        let named = |fields: &FieldSet| merged.schema.with_named_fields(fields);
        let lost = named(&merged.field_set()).difference(&named(&pruned.field_set()));
        Ok(merged.remove(&lost.intersection(&named(&last.fields))))
    }
}

/// What the server says before the text of a failed conversion.
fn prefix(text: &'static str) -> impl Fn(ConvertError) -> ApplyError {
    move |error| match text {
        "" => ApplyError::Failed(error.to_string()),
        text => ApplyError::Failed(format!("{text}: {error}")),
    }
}
