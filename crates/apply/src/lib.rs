//! Executes a [`Plan`](plan::Plan) step by step and tells what came of each step. It makes no choice: what to do about a
//! refusal, and whether to try again, is for the next plan.
//!
//! A step that fails ends neither its stage nor the plan. A raised fence (a newer revision or spec) ends the plan before its
//! next step.

mod dry_run;
mod execute;
mod outcome;
mod refusal;
mod step;

pub use dry_run::dry_run;
pub use execute::{Executor, Fence, execute};
pub use outcome::{Done, Failed, Outcome};
