//! A revision on its way to a commit.

use std::collections::BTreeSet;

use gix::ObjectId;

use crate::objects::Objects;
use crate::refs::Refs;
use crate::resolve::{self, Target};
use crate::{Result, RevisionError, RevisionSpec};

/// A revision and the object that it names.
#[derive(Clone, Debug)]
pub(crate) struct Goal {
    pub(crate) spec: RevisionSpec,
    pub(crate) target: Result<Object, RevisionError>,
}

/// An object on a server or in a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Object {
    /// What to ask for: a commit, or a tag of one.
    pub(crate) want: ObjectId,
    /// The commit, as far as is known: the same as `want` until a tag is followed.
    pub(crate) commit: ObjectId,
    /// Whether a reference points to it. Servers may refuse others.
    pub(crate) is_tip: bool,
}

/// Resolves revisions by references, and short ids by the objects that are here as well.
pub(crate) fn all(refs: &Refs, specs: &[RevisionSpec], objects: Option<&Objects>) -> Vec<Goal> {
    let unique: BTreeSet<&RevisionSpec> = specs.iter().collect();
    unique.into_iter().map(|spec| Goal { spec: spec.clone(), target: target(refs, spec, objects) }).collect()
}

fn target(refs: &Refs, spec: &RevisionSpec, objects: Option<&Objects>) -> Result<Object, RevisionError> {
    match resolve::resolve(refs, spec)? {
        Target::Tip(tip) => Ok(Object { want: tip.id, commit: tip.commit(), is_tip: true }),
        Target::Id(id) => Ok(Object { want: id, commit: id, is_tip: refs.iter().any(|r| r.id == id) }),
        Target::Short(hex) => short(refs, spec, &hex, objects),
    }
}

fn short(
    refs: &Refs,
    spec: &RevisionSpec,
    hex: &str,
    objects: Option<&Objects>,
) -> Result<Object, RevisionError> {
    let tips = refs.iter().filter(|r| r.commit().to_string().starts_with(hex));
    let mut found: BTreeSet<ObjectId> = tips.map(|r| r.commit()).collect();
    found.extend(objects.into_iter().flat_map(|objects| objects.commits_with_prefix(hex)));
    let commit = resolve::pick_short(spec, &found)?;
    let tip = refs.iter().find(|r| r.commit() == commit);
    Ok(Object { want: tip.map_or(commit, |tip| tip.id), commit, is_tip: tip.is_some() })
}

impl Goal {
    /// Whether its commit has to be fetched.
    pub(crate) fn is_missing(&self, objects: &Objects) -> bool {
        self.target.as_ref().is_ok_and(|object| !objects.contains(object.commit))
    }

    /// Follows tags to the commit, and notes where there is none.
    pub(crate) fn peel(&mut self, objects: &Objects) -> Result<()> {
        let Ok(object) = &mut self.target else { return Ok(()) };
        if !objects.contains(object.commit) && !object.is_tip {
            self.target = Err(RevisionError::NotFound { spec: self.spec.clone(), near: Vec::new() });
            return Ok(());
        }
        match objects.peel(object.commit)? {
            Some(commit) => object.commit = commit,
            None => self.target = Err(RevisionError::NotACommit { spec: self.spec.clone() }),
        }
        Ok(())
    }

    /// Whether this is a short id that nothing here begins with.
    pub(crate) fn is_short_and_lost(&self) -> bool {
        matches!(self.target, Err(RevisionError::ShortNotFound { .. }))
    }

    /// Looks for a short id among other commits.
    pub(crate) fn find_short(&mut self, objects: &Objects) {
        let hex = self.spec.short_id().unwrap_or_default();
        let found = objects.commits_with_prefix(&hex).into_iter().collect();
        let commit = resolve::pick_short(&self.spec, &found);
        self.target = commit.map(|commit| Object { want: commit, commit, is_tip: false });
    }

    /// Whether a similar name would help: an id has none.
    pub(crate) fn wants_hint(&self) -> bool {
        let is_name = self.spec.full_id().is_none() && !self.spec.as_str().starts_with("refs/");
        is_name && matches!(self.target, Err(RevisionError::NotFound { .. }))
    }
}
