//! The end of an Application: its objects first, then its record, then its finalizer.

use std::sync::Arc;

use ::plan::{Deletion, Request};
use api::PRUNE_FINALIZER;
use bytes::Bytes;
use cluster::{ApiError, Patch};
use lockstep_core::{
    Application, Budget, DeletionPolicy, Destination, Propagation, Retry, RunStage, SyncMode, SyncPolicy,
    Value, to_json,
};

use super::apply;
use super::dereference::Found;
use super::farewell::{self, Hooks};
use super::halt::{Halt, Why};
use super::hook_log;
use super::observe::{self, Observed};
use super::plan;
use super::render::{Outcome, Rendered};
use super::standing::Lines;
use super::validate::Valid;
use super::wait;
use crate::context::{Context, followed};
use crate::queue::{Cause, Fence};

/// What a suspended Application is told that waits for its end.
const SUSPENDED: &str = "it is suspended, so that its objects stay: `lockstep app resume` has them deleted, `spec.deletion: Orphan` lets it go without them";

/// How an Application goes all the same.
const ORPHAN: &str = "`spec.deletion: Orphan` lets it go without them, and without its objects";
/// What is said where a hook holds the deletion up.
const FAILED: &str = "a hook of its deletion failed: `lockstep app sync` tries it again at once, a commit that mends it is taken up";

/// Deletes what is left, and lets the Application go once its objects are gone from the API.
pub(crate) async fn delete(context: &Context, found: Found, fence: &Fence) -> Result<(), Halt> {
    if !api::has_finalizer(&found.resource, PRUNE_FINALIZER) {
        // Others hold it; nothing of it is ours any more.
        return Ok(());
    }
    let app = Arc::new(application(&found));
    let mut valid = Valid { found, app };
    let hooks = farewell::hooks(context, &mut valid).await?;
    let found = &valid.found;
    let mut concerned = context.claims.set_desired(&found.key, Default::default());
    let repositories = followed(&found.resource).into_iter().map(|(repository, _)| repository).collect();
    concerned.extend(context.claims.set_leaving(&found.key, repositories));
    concerned.iter().for_each(|other| context.mark(other, Cause::Resume));
    let dependants = context.dependencies.dependants(&found.key);
    if !dependants.is_empty() {
        // What depends on it goes first; each of them that is gone starts this again.
        let line =
            |app: &lockstep_core::AppKey| format!("application {app} depends on it and has to go first");
        let lines = dependants.iter().map(line).collect();
        return Err(Halt::refused(valid.found, Why::Deleting(lines, None)));
    }
    let last = match hooks {
        Hooks::None => None,
        Hooks::Known(last) => Some(last),
        Hooks::Unknown(reason) => {
            let told = vec![format!(
                "its hooks of PreDelete and PostDelete cannot be told ({reason}), and {ORPHAN}"
            )];
            return Err(Halt::refused(valid.found, Why::Deleting(told, None)));
        }
    };
    let outcome = Outcome::Unavailable("the Application is being deleted".into(), last);
    let rendered = Rendered { valid, outcome, unreachable: None };
    let mut observed = observe::observe(context, rendered).await?;
    let deletion = decide(context, &mut observed);
    if !deletion.plan.is_empty() {
        apply::execute(context, &mut observed, &deletion.plan, fence).await;
    }
    let Deletion { plan, mut report, done } = decide(context, &mut observed);
    hook_log::add(context, &observed, &mut report).await;
    if let Some(at) = report.wake {
        context.wake(&plan.app, at);
    }
    if !done {
        wait::hold(context, &plan.app, &report);
        if !plan.is_empty() {
            context.mark(&plan.app, Cause::Resume);
        }
        tracing::info!(app = %plan.app, left = report.entries.len(), "Deleting");
        let Valid { found, app } = observed.rendered.valid;
        // Nothing is deleted while it is suspended, not even this: that has to be told.
        let mut left = match app.suspend {
            true => vec![SUSPENDED.to_owned()],
            false => Lines::of(&report, &context.clock).outstanding(),
        };
        if left.is_empty() {
            left.push("its objects are gone".to_owned());
        }
        if report.run.as_ref().is_some_and(|run| run.stage == RunStage::Failed) {
            left.insert(0, format!("{FAILED}, {ORPHAN}"));
        }
        return Err(Halt::refused(found, Why::Deleting(left, report.run)));
    }
    let mut found = observed.rendered.valid.found;
    if let Err(error) = let_go(context, &mut found).await {
        tracing::warn!(app = %found.key, %error, "The Application could not be let go");
        context.retry(&found.key);
    }
    Ok(())
}

async fn let_go(context: &Context, found: &mut Found) -> Result<(), ApiError> {
    found.state.recorded.remove(&context.cluster.writer).await?;
    let finalizers =
        found.resource.at(&["metadata", "finalizers"]).and_then(Value::as_list).unwrap_or_default();
    let left = finalizers.iter().filter(|finalizer| finalizer.as_str() != Some(PRUNE_FINALIZER)).cloned();
    let mut patch = Value::default();
    patch.set(&["metadata", "finalizers"], Value::list(left.collect()));
    let version = found.resource.str_at(&["metadata", "resourceVersion"]).unwrap_or_default();
    patch.set(&["metadata", "resourceVersion"], version.into());
    match context.patch_application(&found.key, "", Patch::Merge(Bytes::from(to_json(&patch)))).await {
        Ok(_) | Err(ApiError::NotFound) => Ok(()),
        Err(error) => Err(error),
    }
}

fn decide(context: &Context, observed: &mut Observed) -> Deletion {
    let request =
        Request { sync: observed.rendered.valid.found.requests.sync.is_some(), ..Request::default() };
    plan::with_input(context, observed, &request, ::plan::plan_deletion)
}

/// The Application, or where its spec is refused what its deletion needs to know of it. An `Orphan` is honoured in any case.
fn application(found: &Found) -> Application {
    if let (Some(app), _) = api::application(&found.resource) {
        return app;
    }
    let orphan = found.resource.str_at(&["spec", "deletion"]) == Some("Orphan");
    Application {
        key: found.key.clone(),
        uid: found.resource.str_at(&["metadata", "uid"]).unwrap_or_default().into(),
        generation: found.generation(),
        project: api::DEFAULT_PROJECT.into(),
        suspend: false,
        sources: Vec::new(),
        destination: Destination { namespace: None },
        sync: SyncPolicy {
            mode: SyncMode::Automatic,
            prune: true,
            self_heal: false,
            allow_empty: false,
            budget: Budget::Default,
            propagation: Propagation::Background,
            retry: Retry::default(),
            timeout: None,
            replace: false,
            force: false,
            create_namespace: None,
        },
        depends_on: Vec::new(),
        deletion: if orphan { DeletionPolicy::Orphan } else { DeletionPolicy::Prune },
        history: 0,
    }
}
