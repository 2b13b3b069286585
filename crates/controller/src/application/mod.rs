//! The reconcile of an Application: a typed pipeline, one file a step.
//!
//! Each step takes the proof of the one before: only a linted plan can be applied, and status is computed from what was
//! applied. Nothing in here waits for the world: what is not there yet ends the run, and its arrival starts another.

mod apply;
mod assess;
mod checkpoint;
mod claim;
mod deletion;
mod depend;
mod dereference;
mod farewell;
mod fetch;
mod gone;
mod halt;
mod hook_log;
mod lint;
mod observe;
mod operation;
mod plan;
mod render;
mod report;
mod restore;
mod standing;
mod state;
mod task;
mod tell;
mod validate;
mod wait;
mod workload;

pub(crate) use depend::{placed, why_expression, why_live, why_status};
pub(crate) use render::Outcome;
pub(crate) use standing::vanished;
pub(crate) use state::{AppState, Inputs, RenderFailure};
pub use task::CatalogScopes;
pub(crate) use task::Task;

use crate::context::Context;
use crate::queue::Job;
use halt::Halt;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The Application was told where it stands.
    Reported,
    /// Something has to come first; it will mark the Application.
    Waiting,
    /// There is no such Application any more.
    Gone,
}

/// Reconciles one Application.
pub(crate) async fn reconcile(context: &Context, job: &Job) -> End {
    match run(context, job).await {
        Ok(()) => End::Reported,
        Err(Halt::Waiting) => End::Waiting,
        Err(Halt::Gone) => End::Gone,
        Err(Halt::Refused(refused)) => report::refused(context, *refused).await,
    }
}

async fn run(context: &Context, job: &Job) -> Result<(), Halt> {
    let found = dereference::dereference(context, job).await?;
    if found.is_deleting() {
        return deletion::delete(context, found, &job.fence).await;
    }
    let valid = validate::validate(context, found).await?;
    let fetched = fetch::fetch(context, valid)?;
    let rendered = render::render(context, fetched).await?;
    let observed = observe::observe(context, rendered).await?;
    let planned = plan::plan(context, observed).await;
    let linted = lint::lint(planned);
    let applied = apply::apply(context, linted, &job.fence).await;
    report::report(context, applied).await;
    Ok(())
}
