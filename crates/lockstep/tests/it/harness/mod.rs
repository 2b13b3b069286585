//! The stage of an end-to-end test with this package's binary; all of it is in [`xtask`].
use std::path::Path;

pub(crate) use xtask::{Scenario, ScenarioOptions};

/// A scenario whose controller looks at its repository only when told to; `None`: skipped.
pub(crate) async fn scenario(name: &str) -> Option<Scenario> {
    scenario_with(name, ScenarioOptions::default()).await
}

/// The same with other options.
#[allow(dead_code, reason = "used by the tests that need a poll or a flag")]
pub(crate) async fn scenario_with(name: &str, options: ScenarioOptions) -> Option<Scenario> {
    Scenario::start(Path::new(env!("CARGO_BIN_EXE_lockstep")), name, options).await
}
