//! What one Application follows in a repository, and what it made of it.

use std::sync::Arc;

use git::RevisionSpec;
use lockstep_core::{Commit, CommitId};
use source::Reads;

use crate::schedule::{Round, Schedule};

/// What an Application last rendered from one source.
#[derive(Clone, Debug)]
struct Rendered {
    commit: Commit,
    look: Rendition,
    /// The newest commit that is known to leave these reads as they are.
    unchanged_at: CommitId,
}

/// What a render read, and what came of it.
#[derive(Clone, Debug)]
pub(crate) struct Rendition {
    /// One for each source that follows the revision.
    pub(crate) reads: Vec<Arc<Reads>>,
    /// What came of it.
    pub(crate) result: RenderResult,
}

/// What came of a render.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RenderResult {
    /// Objects.
    Good,
    /// Errors.
    Refused,
}

/// An Application that uses a repository.
pub(super) struct User {
    /// The fetch that it waits for, or that was the last one that it waited for.
    pub(super) ticket: Round,
    sources: Vec<(RevisionSpec, Option<Rendered>)>,
}

impl Default for User {
    fn default() -> Self {
        Self { ticket: Schedule::first(), sources: Vec::new() }
    }
}

impl User {
    /// Makes these the revisions that it follows. Returns whether nothing is known any more of what it rendered: with others than
    /// before, or where it wants to look `afresh`.
    pub(super) fn follow(&mut self, specs: Vec<RevisionSpec>, afresh: bool) -> bool {
        let reset = afresh || !self.specs().eq(&specs);
        if reset {
            self.sources = specs.into_iter().map(|spec| (spec, None)).collect();
        }
        reset
    }

    pub(super) fn specs(&self) -> impl Iterator<Item = &RevisionSpec> {
        self.sources.iter().map(|(spec, _)| spec)
    }

    pub(super) fn has_unrendered(&self) -> bool {
        self.sources.iter().any(|(_, rendered)| rendered.is_none())
    }

    /// What it last rendered, and of which commit.
    pub(super) fn last(&self, spec: &RevisionSpec) -> Option<(Rendition, CommitId)> {
        self.rendered(spec).map(|rendered| (rendered.look.clone(), rendered.commit.id.clone()))
    }

    pub(super) fn set_rendered(&mut self, spec: &RevisionSpec, commit: &Commit, look: &Rendition) {
        for (_, rendered) in self.sources.iter_mut().filter(|(own, _)| own == spec) {
            // The same as before: what is known of newer commits holds.
            let known = rendered.as_ref().filter(|known| known.commit.id == commit.id);
            let unchanged_at = known.map_or_else(|| commit.id.clone(), |known| known.unchanged_at.clone());
            *rendered = Some(Rendered { commit: commit.clone(), look: look.clone(), unchanged_at });
        }
    }

    /// A newer commit leaves as they are the reads of the one that was rendered.
    pub(super) fn set_unchanged(&mut self, spec: &RevisionSpec, commit: &CommitId) {
        for (_, rendered) in self.sources.iter_mut().filter(|(own, _)| own == spec) {
            if let Some(rendered) = rendered {
                rendered.unchanged_at = commit.clone();
            }
        }
    }

    fn rendered(&self, spec: &RevisionSpec) -> Option<&Rendered> {
        self.sources.iter().find(|(own, _)| own == spec)?.1.as_ref()
    }

    pub(super) fn follows(&self, spec: &RevisionSpec) -> bool {
        self.specs().any(|own| own == spec)
    }

    pub(super) fn knows(&self, spec: &RevisionSpec, commit: &CommitId) -> bool {
        self.rendered(spec).is_some_and(|rendered| rendered.unchanged_at == *commit)
    }

    /// The commit to render: the one rendered already where the newest one changes nothing of what was read.
    pub(super) fn settled(&self, spec: &RevisionSpec, newest: &Commit) -> Commit {
        match self.rendered(spec) {
            Some(rendered) if rendered.unchanged_at == newest.id => rendered.commit.clone(),
            _ => newest.clone(),
        }
    }
}
