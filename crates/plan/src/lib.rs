//! The heart of the house: what Git wants, what the cluster has and what was recorded, to a [`Plan`] and a [`Report`].
//!
//! [`plan`] and [`plan_deletion`] are total, synchronous functions. They read no clock and no cluster: time, look-ups and the
//! results of earlier attempts come in with the [`Input`]. `apply` executes a Plan and makes no choice of its own.
//!
//! ```text
//! plan(input: &Input<'_>, memo: &mut Memo) -> (Plan, Report)
//! plan_deletion(input: &Input<'_>, memo: &mut Memo) -> Deletion      // { plan, report, done: bool }
//! ```
//!
//! The [`Memo`] belongs to one Application and may be dropped at any time: it saves work and, within one process, remembers which
//! deletions an approval covered while they are carried out.
//!
//! Every object that is desired, recorded or owned has one [`Entry`] in the Report, whether or not the Plan has a [`Step`] for it.

mod desired;
mod failure;
mod fight;
mod input;
mod live;
mod report;
mod step;

pub use desired::{Desired, DesiredSet};
pub use failure::{Attempt, Failure, Refusal};
pub use fight::{Fight, Losses};
pub use input::{DryRunOutcome, DryRunResult, History, Input, Millis, Request};
pub use live::{Claim, Claims, Glance, Kinds, Live, LiveSet, NamespaceState, Serving, Standing, Unrendered};
pub use report::{
    Because, Block, Change, Drift, DryRun, Entry, Extra, KeptBecause, Lost, Reason, Report, SyncState, Verdict,
};
pub use step::{Action, Apply, Handover, Ownership, Plan, Prune, Recreate, Rewrite, Seen, Stage, Step, Why};
