//! What an Application wants that is not acted on: it is suspended, or its spec or Project is refused.
//!
//! An object may move to it all the same. Nobody else on its repositories may delete that, and nobody may have to wait for as long
//! as it is suspended: so it is rendered like any other, and nothing comes of it but its claims.

use std::collections::HashSet;
use std::sync::Arc;

use lockstep_core::Commit;

use super::dereference::Found;
use super::fetch::{self, Fetched};
use super::render::{self, Outcome};
use super::state::Inputs;
use super::task::Made;
use super::validate::Valid;
use crate::claims::Role;
use crate::context::{Context, followed};
use crate::queue::Cause;

/// Renders what an Application wants that is not acted on. Where that cannot be told, others wait.
pub(super) async fn claim(context: &Context, mut found: Found) {
    context.claims.set_role(&found.key, Role::Idle);
    let Some(app) = api::claimant(&found.resource) else { return hold(context, &mut found) };
    let valid = Valid { found, app: Arc::new(app) };
    // It counts as behind as long as a fetch is outstanding or its revisions cannot be read.
    let Ok(Fetched { mut valid, wanted, commits: Some(commits), .. }) = fetch::fetch(context, valid) else {
        return;
    };
    let Some(made) = made(context, &valid, &wanted, &commits).await else { return };
    let app = &valid.found.key;
    let outcome = Outcome::of(made.clone(), None);
    let claimed = outcome.rendering().map(|rendering| {
        let keys: HashSet<_> = rendering.set.objects().iter().map(|object| object.key.clone()).collect();
        context.claims.set_desired(app, keys)
    });
    render::announce(context, app, (&wanted, &commits), &outcome);
    claimed.unwrap_or_default().iter().for_each(|other| context.mark(other, Cause::Resume));
    valid.found.state.claimed = Some(made);
}

async fn made(
    context: &Context,
    valid: &Valid,
    wanted: &[crate::repositories::Wanted],
    commits: &[Commit],
) -> Option<Made> {
    let inputs = Inputs {
        generation: valid.found.generation(),
        commits: commits.iter().map(|commit| commit.id.clone()).collect(),
    };
    let of = |made: &Made| match made {
        Ok(rendering) => rendering.inputs == inputs,
        Err(refused) => refused.inputs == inputs,
    };
    if let Some(made) = valid.found.state.claimed.as_ref().filter(|made| of(made)) {
        return Some(made.clone());
    }
    match render::work(context, valid, wanted.to_vec(), commits.to_vec(), inputs.clone()).await {
        Ok(made) => Some(made),
        Err(reason) => {
            tracing::warn!(app = %valid.found.key, error = %reason, "The source cannot be read");
            context.retry(&valid.found.key);
            None
        }
    }
}

/// What it wants depends on what is refused in its sources: whatever left others on its repositories may be meant for it.
fn hold(context: &Context, found: &mut Found) {
    let app = &found.key;
    context.hub.leave(app);
    // Coming back looks the revisions up afresh.
    found.state.looked = None;
    let followed = followed(&found.resource);
    let repositories = followed.iter().map(|(repository, _)| repository.clone()).collect();
    let released = context.claims.set_repositories(app, repositories);
    for (repository, revision) in &followed {
        context.claims.set_unreadable(repository, app, revision);
    }
    released.iter().for_each(|other| context.mark(other, Cause::Resume));
}
