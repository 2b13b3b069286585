//! Stage after stage, the steps of one side by side.

use std::sync::Arc;

use cluster::{Catalog, Index, Priority, Writer};
use futures::StreamExt;
use lockstep_core::Key;
use plan::{Action, Plan, Stage, Step, Why};

use crate::outcome::{Done, Outcome};
use crate::step;

/// Steps of one stage that are under way at once. The limiter below decides how many requests are; this only bounds memory.
const SIDE_BY_SIDE: usize = 256;

/// What executing needs.
#[derive(Clone)]
pub struct Executor {
    /// Where writes go.
    pub writer: Writer,
    /// Where the answers of our own writes go at once.
    pub index: Index,
    /// What the server serves, as of this plan.
    pub catalog: Arc<Catalog>,
    /// The field manager: the installation's name.
    pub manager: Arc<str>,
    /// The installation's key, for the digests of records.
    pub key: Key,
}

/// Says whether a plan has become obsolete.
pub trait Fence: Sync {
    /// Whether the plan must stop before its next step.
    fn is_raised(&self) -> bool;
}

/// Executes a plan. Never fails as a whole: `tell` hears what came of each step as soon as it is known, in no particular order. Returns
/// whether every step was taken; a raised fence leaves some out, of which nothing is told.
pub async fn execute(
    executor: &Executor,
    plan: &Plan,
    fence: &dyn Fence,
    tell: &mut (dyn FnMut(Outcome) + Send),
) -> bool {
    let mut complete = true;
    for stage in &plan.stages {
        complete &= run(executor, stage, fence, tell).await;
    }
    complete
}

async fn run(
    executor: &Executor,
    stage: &Stage,
    fence: &dyn Fence,
    tell: &mut (dyn FnMut(Outcome) + Send),
) -> bool {
    // Collected first: a closure that borrows would keep the whole future from being sent between threads.
    let started: Vec<_> = stage.steps.iter().map(|step| unless_raised(fence, executor, step)).collect();
    let mut outcomes = futures::stream::iter(started).buffer_unordered(SIDE_BY_SIDE);
    let mut complete = true;
    while let Some(outcome) = outcomes.next().await {
        match outcome {
            Some(outcome) => tell(outcome),
            None => complete = false,
        }
    }
    complete
}

async fn unless_raised(fence: &dyn Fence, executor: &Executor, step: &Step) -> Option<Outcome> {
    match fence.is_raised() {
        true => None,
        false => Some(take(executor, step).await),
    }
}

async fn take(executor: &Executor, step: &Step) -> Outcome {
    let key = &step.key;
    let result = match &step.action {
        Action::Apply(apply) => {
            let priority = if matches!(apply.why, Why::Heal(_)) { Priority::Heal } else { Priority::Sync };
            step::apply(executor, priority, key, apply).await
        }
        Action::Recreate(recreate) => step::recreate(executor, key, recreate).await,
        Action::Prune(prune) => step::delete(executor, key, prune).await,
        Action::Record(record) => Ok(Done::Recorded(record.clone())),
        Action::Abandon(_) | Action::Forget => Ok(Done::Dropped),
    };
    Outcome { key: key.clone(), result }
}
