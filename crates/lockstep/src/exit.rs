//! Exit codes, the same for every command. The README documents them.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It did what was asked.
    Success,
    /// The answer is no: `app diff` found differences, `app wait` and `--wait` did not see in time what they waited for.
    No,
    /// It could not: wrong arguments (clap ends with this code too), findings in files, an unreachable cluster.
    Error,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Success => 0,
            Exit::No => 1,
            Exit::Error => 2,
        })
    }
}
