//! The hooks of a deletion, from the sources: as they are now where that can be told, else as they were rendered last.

use std::sync::Arc;

use lockstep_core::{Commit, DeletionPolicy, RunStage};

use super::fetch;
use super::halt::Halt;
use super::render::{self, Outcome};
use super::state::{Inputs, Rendering};
use super::validate::Valid;
use crate::context::Context;
use crate::repositories::{Look, Wanted};

/// What is known of the hooks of a deletion.
pub(super) enum Hooks {
    /// There are none to run.
    None,
    /// They are among these objects.
    Known(Arc<Rendering>),
    /// There are some, and they cannot be told.
    Unknown(Arc<str>),
}

/// Looks for the hooks of a deletion. Sources are needed for that only where the status says that there are some: an Application
/// without them goes without its repository.
pub(super) async fn hooks(context: &Context, valid: &mut Valid) -> Result<Hooks, Halt> {
    let in_memory = valid.found.state.rendering.as_ref().is_some_and(|last| last.set.has_deletion_hooks());
    let told = !valid.found.told.deletion_hooks.is_empty();
    let stays = valid.app.deletion == DeletionPolicy::Orphan || valid.app.suspend;
    if stays || !(in_memory || told) {
        context.hub.leave(&valid.found.key);
        return Ok(Hooks::None);
    }
    let over = valid
        .found
        .told
        .run
        .as_ref()
        .is_some_and(|run| run.target.starts_with(::plan::DELETION) && run.stage == RunStage::Succeeded);
    if over && let Some(last) = &valid.found.state.rendering {
        return Ok(Hooks::Known(last.clone()));
    }
    let unknown = match newest(context, valid).await? {
        Ok(()) => Arc::from("nothing was rendered"),
        Err(reason) => reason,
    };
    Ok(match &valid.found.state.rendering {
        Some(last) => Hooks::Known(last.clone()),
        None => Hooks::Unknown(unknown),
    })
}

/// Renders the newest commits, so that one which mends a hook is taken up. What cannot be rendered leaves what was.
async fn newest(context: &Context, valid: &mut Valid) -> Result<Result<(), Arc<str>>, Halt> {
    let wanted = fetch::wanted(context, valid);
    if wanted.is_empty() {
        return Ok(Err("the spec is refused".into()));
    }
    let mut commits = Vec::with_capacity(wanted.len());
    for look in context.hub.look(&valid.found.key, &wanted, false) {
        match look {
            Look::Found { commit, .. } => commits.push(commit),
            Look::Waiting if valid.found.state.rendering.is_none() => return Err(Halt::Waiting),
            Look::Waiting => return Ok(Ok(())),
            Look::Failed(reason) => return Ok(Err(reason)),
        }
    }
    Ok(take_up(context, valid, &wanted, commits).await)
}

async fn take_up(
    context: &Context,
    valid: &mut Valid,
    wanted: &[Wanted],
    commits: Vec<Commit>,
) -> Result<(), Arc<str>> {
    let ids: Vec<_> = commits.iter().map(|commit| commit.id.clone()).collect();
    let known = |rendering: &Arc<Rendering>| rendering.inputs.commits == ids;
    if let Some(last) = valid.found.state.rendering.clone().filter(known) {
        render::announce(context, &valid.found.key, (wanted, &commits), &Outcome::Ready(last));
        return Ok(());
    }
    let inputs = Inputs { generation: valid.found.generation(), commits: ids };
    let made = render::work(context, valid, wanted.to_vec(), commits.clone(), inputs).await;
    let made = made.inspect_err(|_| context.retry(&valid.found.key))?;
    let outcome = Outcome::of(made.clone(), None);
    render::announce(context, &valid.found.key, (wanted, &commits), &outcome);
    match made {
        Ok(rendering) => {
            valid.found.state.rendering = Some(rendering);
            Ok(())
        }
        Err(_) => Err("the newest commit cannot be rendered".into()),
    }
}
