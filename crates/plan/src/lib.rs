//! The heart of the house: what Git wants, what the cluster has and what was recorded, to a [`Plan`] and a [`Report`].
//!
//! [`plan`] and [`plan_deletion`] are total, synchronous functions. They read no clock and no cluster: time, look-ups and the
//! results of earlier attempts come in with the [`Input`]. `apply` executes a Plan and makes no choice of its own.
//!
//! The [`Memo`] belongs to one Application and may be dropped at any time: it saves work and, within one process, remembers which
//! deletions an approval covered while they are carried out.
//!
//! Every object that is desired, recorded or owned has one [`Entry`] in the Report, whether or not the Plan has a [`Step`] for it.

mod budget;
mod compare;
mod decide;
mod deletion;
mod dependency;
mod desired;
mod failure;
mod fight;
mod gate;
mod hooks;
mod input;
mod live;
mod memo;
mod order;
mod outline;
mod report;
mod scene;
mod stage;
mod step;
mod subject;
mod summary;
mod unwanted;
mod wanted;
mod words;

pub use decide::plan;
pub use deletion::{Deletion, plan_deletion};
pub use dependency::Unready;
pub use desired::{DELETION, Desired, DesiredSet, HookObject};
pub use failure::{Attempt, Failure, Refusal};
pub use fight::Fight;
pub use gate::{Gate, Obstacle};
pub use hooks::{hook_object, hook_objects};
pub use input::{DryRunOutcome, DryRunResult, History, Input, Millis, Request};
pub use live::{Claim, Claims, Glance, Kinds, Live, LiveSet, NamespaceState, Serving, Standing, Unrendered};
pub use memo::Memo;
pub use outline::{Item, Outline, Section};
pub use report::{
    Because, Block, Change, Drift, DryRun, Entry, KeptBecause, Reason, Report, SyncState, Verdict,
};
pub use step::{Action, Apply, Handover, Ownership, Plan, Prune, Recreate, Rewrite, Seen, Stage, Step, Why};
