//! A controller for the demo, in this process.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Context;
use cluster::Connection;
use controller::{Controller, Settings};
use runtime::{Metrics, Readiness, Shutdown};

use super::NAME;
use crate::command::controller::state;

/// A controller that looks after the demo's namespace only.
pub(super) struct Running {
    stop: Shutdown,
    controller: tokio::task::JoinHandle<()>,
}

impl Running {
    pub(super) async fn start(connection: &Connection) -> anyhow::Result<Self> {
        let stop = Shutdown::new();
        let metrics = Metrics::new(env!("CARGO_PKG_VERSION"));
        let readiness = Readiness::waiting_for("the API server");
        let started = Controller::start(connection, settings()?, metrics, readiness).await;
        let controller = started.context("cannot start the controller")?;
        let controller = tokio::spawn(controller.run(stop.clone()));
        Ok(Self { stop, controller })
    }

    pub(super) async fn stop(self) -> anyhow::Result<()> {
        self.stop.request();
        Ok(self.controller.await?)
    }
}

fn settings() -> anyhow::Result<Settings> {
    Ok(Settings {
        instance: NAME.into(),
        namespace: NAME.into(),
        namespaces: BTreeSet::from([NAME.into()]),
        state: state(None, NAME)?,
        poll: Duration::from_secs(1),
        adopted_managers: Vec::new(),
        proxy: None,
    })
}
