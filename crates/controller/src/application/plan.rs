//! From what was observed to what is to be done. Decided in `plan`; here its questions are gathered, and dry runs are asked
//! where it wants some.

use ::apply::Executor;
use ::plan::{DryRun, DryRunResult, Input, Live, LiveSet, Memo, Plan, Report, Request};
use futures::StreamExt;
use lockstep_core::{AppKey, ObjectKey};

use super::depend;
use super::observe::Observed;
use super::state::AppState;
use crate::context::Context;

/// Dry runs that are asked for at the same time; they cost the API server nearly as much as writes.
const SIDE_BY_SIDE: usize = 16;

/// An Application with a plan.
pub(crate) struct Planned {
    /// What it was made from.
    pub(crate) observed: Observed,
    /// What is to be done.
    pub(crate) plan: Plan,
    /// Why, and why not.
    pub(crate) report: Report,
}

/// Plans, and plans again once dry runs have told what only the API server knows.
pub(crate) async fn plan(context: &Context, mut observed: Observed) -> Planned {
    let (plan, report) = decide(context, &mut observed);
    if report.dry_runs.is_empty() {
        return Planned { observed, plan, report };
    }
    let app = observed.rendered.valid.found.key.clone();
    let results = ask(context, &app, &report.dry_runs).await;
    observed.rendered.valid.found.state.history.dry_runs.extend(results);
    let (plan, report) = decide(context, &mut observed);
    Planned { observed, plan, report }
}

/// One call of the pure function.
pub(crate) fn decide(context: &Context, observed: &mut Observed) -> (Plan, Report) {
    let requests = &observed.rendered.valid.found.requests;
    let approved = requests.approve.as_deref().and_then(lockstep_core::Digest::parse);
    let (only, abort) = (requests.only.clone(), requests.abort.is_some());
    let request = Request { sync: requests.sync.is_some(), only, abort, approved };
    with_input(context, observed, &request, ::plan::plan)
}

/// Gathers everything that a decision rests on and hands it to the pure function that decides.
pub(super) fn with_input<T>(
    context: &Context,
    observed: &mut Observed,
    request: &Request,
    decide: impl FnOnce(&Input<'_>, &mut Memo) -> T,
) -> T {
    let Observed { rendered, owned } = observed;
    let world = World(context);
    let unready = depend::unready(context, &rendered.valid.app);
    let AppState { recorded, memo, history, .. } = &mut *rendered.valid.found.state;
    let input = Input {
        app: &rendered.valid.app,
        instance: &context.settings.instance,
        key: &context.key,
        adopted_managers: &context.settings.adopted_managers(),
        desired: rendered.outcome.desired(),
        revisions: rendered.outcome.rendering().map(|last| &last.revisions[..]).unwrap_or_default(),
        record: recorded.record(),
        owned,
        live: &context.cluster,
        kinds: &context.cluster,
        claims: &world,
        request,
        unready: &unready,
        history,
        run: rendered.valid.found.told.run.as_ref(),
        now: context.clock.millis(),
        today: context.clock.now(),
    };
    decide(&input, memo)
}

async fn ask(context: &Context, app: &AppKey, questions: &[DryRun]) -> Vec<(ObjectKey, DryRunResult)> {
    let executor = context.executor();
    let all: Vec<_> = questions.iter().map(|question| ask_one(context, &executor, app, question)).collect();
    futures::stream::iter(all).buffer_unordered(SIDE_BY_SIDE).filter_map(std::future::ready).collect().await
}

async fn ask_one(
    context: &Context,
    executor: &Executor,
    app: &AppKey,
    question: &DryRun,
) -> Option<(ObjectKey, DryRunResult)> {
    let key = question.desired.key.clone();
    let Live::Present(live) = context.cluster.get(&key, &question.desired.gvk) else { return None };
    match ::apply::dry_run(executor, question, Some(&live)).await {
        Ok((result, _)) => Some((key, result)),
        Err(failed) => {
            tracing::warn!(%app, object = %key, error = failed.message, "A dry run gave no answer");
            None
        }
    }
}

/// What other Applications want, as plan asks for it.
struct World<'a>(&'a Context);

impl ::plan::Claims for World<'_> {
    fn claims(&self, key: &ObjectKey, except: &AppKey) -> Vec<::plan::Claim> {
        self.0.claims.wishes(key, except)
    }

    fn unrendered(&self, app: &AppKey) -> Vec<::plan::Unrendered> {
        self.0.claims.unrendered(app)
    }
}
