//! The stage of an end-to-end test with this package's binary; all of it is in [`xtask`].
mod live;
mod manifest;
pub(crate) mod witness;

use std::path::Path;

pub(crate) use live::{drift, heal, ours, ready_condition, settled, uid, value};
pub(crate) use manifest::{annotated, config_map, deployment, marked};
pub(crate) use xtask::{Scenario, ScenarioOptions};

/// A scenario whose controller looks at its repository only when told to; `None`: skipped.
pub(crate) async fn scenario(name: &str) -> Option<Scenario> {
    scenario_with(name, ScenarioOptions::default()).await
}

/// The same with other options.
pub(crate) async fn scenario_with(name: &str, options: ScenarioOptions) -> Option<Scenario> {
    Scenario::start(Path::new(env!("CARGO_BIN_EXE_lockstep")), name, options).await
}
