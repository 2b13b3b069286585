//! From sources to commits. Nothing is fetched here: the repositories' own schedule does that.

use api::Asker;
use git::RevisionSpec;
use lockstep_core::{Commit, Source};
use std::sync::Arc;

use super::halt::Halt;
use super::state::Looked;
use super::validate::Valid;
use crate::context::Context;
use crate::queue::Cause;
use crate::repositories::{Look, Wanted};

/// An Application with a commit for each of its sources.
pub(crate) struct Fetched {
    /// The Application.
    pub(crate) valid: Valid,
    /// What it wants, one a source.
    pub(crate) wanted: Vec<Wanted>,
    /// The commits to render, one a source. `None` where a revision cannot be found: what was rendered last is kept.
    pub(crate) commits: Option<Vec<Commit>>,
    /// Why a source could not be read at its last attempt.
    pub(crate) unreachable: Option<Arc<str>>,
}

/// What an Application wants, one a source.
pub(super) fn wanted(context: &Context, valid: &Valid) -> Vec<Wanted> {
    valid.app.sources.iter().map(|source| want(context, valid, source)).collect()
}

/// Looks up what is known of the sources' revisions.
pub(crate) fn fetch(context: &Context, mut valid: Valid) -> Result<Fetched, Halt> {
    let wanted = wanted(context, &valid);
    let repositories = wanted.iter().map(|want| want.url.identity()).collect();
    let released = context.claims.set_repositories(&valid.found.key, repositories);
    released.iter().for_each(|other| context.mark(other, Cause::Resume));
    let looked = Looked {
        generation: valid.found.generation(),
        refresh: valid.found.requests.refresh.clone().or(valid.found.told.handled.refresh.clone()),
    };
    // At start what a first fetch brings is fresh; after a change only what is read from then on.
    let afresh = valid.found.state.looked.as_ref().is_some_and(|before| *before != looked)
        || (valid.found.state.looked.is_none() && context.is_started());
    let looks = context.hub.look(&valid.found.key, &wanted, afresh);
    valid.found.state.looked = Some(looked);
    let mut unreachable = None;
    let mut commits = Vec::with_capacity(looks.len());
    for look in looks {
        match look {
            Look::Waiting => return Err(Halt::Waiting),
            Look::Found { commit, unreachable: reason } => {
                unreachable = unreachable.or(reason);
                commits.push(commit);
            }
            Look::Failed(reason) => unreachable = unreachable.or(Some(reason)),
        }
    }
    let commits = (commits.len() == wanted.len()).then_some(commits);
    Ok(Fetched { valid, wanted, commits, unreachable })
}

fn want(context: &Context, valid: &Valid, source: &Source) -> Wanted {
    let url = source.git.url.clone();
    let asker = Asker {
        namespace: &valid.found.key.namespace,
        project: &valid.app.project,
        controller: &context.settings.namespace,
    };
    let access = context.store.access(&url, asker, context.settings.proxy.as_ref());
    Wanted { url, access, spec: RevisionSpec::new(&source.git.revision) }
}
