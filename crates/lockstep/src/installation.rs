//! Which installation of Lockstep a command looks into.

use std::sync::Arc;

use cluster::Connection;
use controller::{InspectError, InspectSettings, Inspection, Inspector};
use lockstep_core::Selection;

use crate::applications::Applications;
use crate::argument;
use crate::command::controller::{proxy, state};
use crate::diagnostics::{self, File};
use crate::terminal::Terminal;

/// Arguments of commands that plan as the controller does.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Installation {
    /// The name of the installation.
    #[arg(long, env = "LOCKSTEP_INSTANCE", default_value = "lockstep", value_name = "NAME", value_parser = argument::instance)]
    pub(crate) instance: Arc<str>,
    /// The controller's namespace; else lockstep-system, or wherever the installation is found.
    #[arg(long, env = "LOCKSTEP_CONTROLLER_NAMESPACE", value_name = "NAME")]
    pub(crate) controller_namespace: Option<Arc<str>>,
}

impl Installation {
    /// Reads what has to be known of the installation.
    pub(crate) async fn inspector(&self, connection: &Connection) -> anyhow::Result<Inspector> {
        let settings = InspectSettings {
            instance: self.instance.clone(),
            namespace: self.controller_namespace.clone(),
            // Apart from a controller's on the same machine: two processes must not clean up after each other.
            state: state(None, "cli")?,
            adopted_managers: diff::ADOPTABLE.iter().map(|manager| Arc::from(*manager)).collect(),
            proxy: proxy(),
        };
        Ok(Inspector::open(connection, settings).await?)
    }

    /// Looks at an Application as the controller would, and tells what is wrong, or odd, with its spec and in its files.
    pub(crate) async fn inspect(
        &self,
        here: &Applications,
        name: &str,
        terminal: &mut Terminal,
    ) -> anyhow::Result<(Inspector, Inspection)> {
        let inspector = self.look_into(here, name).await?;
        let inspected = inspector.inspect(&here.key(name)).await;
        let inspection = inspected.map_err(|error| with_findings(error, terminal))?;
        tell(&inspection, terminal)?;
        Ok((inspector, inspection))
    }

    /// The same as if a sync of these objects had been asked for.
    pub(crate) async fn inspect_sync(
        &self,
        here: &Applications,
        (name, only): (&str, Selection),
        terminal: &mut Terminal,
    ) -> anyhow::Result<Inspection> {
        let inspector = self.look_into(here, name).await?;
        let inspected = inspector.inspect_sync(&here.key(name), only).await;
        let inspection = inspected.map_err(|error| with_findings(error, terminal))?;
        tell(&inspection, terminal)?;
        Ok(inspection)
    }

    async fn look_into(&self, here: &Applications, name: &str) -> anyhow::Result<Inspector> {
        // Whether it exists is asked first: that needs the least rights.
        here.get(name).await?;
        self.inspector(&here.connection).await
    }
}

/// Tells the findings that an error brings, and returns the error.
pub(crate) fn with_findings(error: InspectError, terminal: &mut Terminal) -> anyhow::Error {
    if let InspectError::Spec(findings) = &error {
        // Where standard error cannot be written there is nobody left to tell.
        let _ = diagnostics::tell(findings, |_| None, terminal);
    }
    error.into()
}

/// Tells what is wrong, or odd, in the files of an Application.
fn tell(inspection: &Inspection, terminal: &mut Terminal) -> anyhow::Result<()> {
    let open = |file: &str| Some(File { path: file.to_owned(), text: inspection.files.get(file)?.clone() });
    diagnostics::tell(&inspection.findings, open, terminal)
}
