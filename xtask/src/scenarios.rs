//! `cargo xtask scenarios`: the schedules of many seeds.
use anyhow::Result;

use crate::suite::succeeds;
use crate::workspace::Workspace;

/// So many seeds take longer than a release build.
const MANY: u64 = 2_000;

/// Plays the schedules of `seeds` seeds from `from` on. `true`: all of them end as they must.
///
/// # Errors
/// When they cannot be built or run.
pub(crate) fn run(workspace: &Workspace, seeds: u64, from: u64) -> Result<bool> {
    let mut command = workspace.cargo(&["run", "--quiet", "--package", "lockstep-scenarios"]);
    if seeds > MANY {
        command.arg("--release");
    }
    command.args(["--", "seeds", "--seeds", &seeds.to_string(), "--from", &from.to_string()]);
    succeeds(&mut command)
}
