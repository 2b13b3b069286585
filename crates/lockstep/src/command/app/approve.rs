//! `lockstep app approve`

use lockstep_core::SyncMode;

use super::qualified;
use super::sync::{annotation, ask};
use crate::applications::Place;
use crate::exit::Exit;
use crate::installation::Installation;
use crate::terminal::Terminal;

/// Arguments of `lockstep app approve`.
#[derive(Debug, clap::Args)]
pub(crate) struct Approve {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    installation: Installation,
    /// The name of the Application.
    name: String,
    /// Do not ask.
    #[arg(short, long)]
    yes: bool,
}

impl Approve {
    pub(crate) async fn run(self, terminal: &mut Terminal) -> anyhow::Result<Exit> {
        let here = self.place.open().await?;
        let (_, inspection) = self.installation.inspect(&here, &self.name, terminal).await?;
        let Some(block) = &inspection.report.block else {
            writeln!(terminal.err, "Nothing of {} waits for an approval.", self.name)?;
            return Ok(Exit::Success);
        };
        let revision = inspection.wanted.first().map(|commit| commit.id.short()).unwrap_or_default();
        let (count, objects) = (block.deletions.len(), block.objects);
        writeln!(terminal.err, "At revision {revision}, {count} of {objects} objects are to be deleted:\n")?;
        for (object, uid) in &block.deletions {
            let namespace = match &*object.namespace {
                "" => String::new(),
                namespace => format!(" in namespace {namespace}"),
            };
            writeln!(terminal.err, "  {object}{namespace} (uid {uid})")?;
        }
        writeln!(terminal.err)?;
        if !self.yes && !terminal.confirm("Delete them?", "--yes")? {
            writeln!(terminal.err, "Nothing was approved.")?;
            return Ok(Exit::No);
        }
        let patch = annotation(api::APPROVE_ANNOTATION, &block.digest.to_string());
        match inspection.application.sync.mode {
            SyncMode::Automatic | SyncMode::Notify => drop(here.patch(&self.name, &patch).await?),
            SyncMode::Manual => ask(&here, &self.name, patch).await?,
        }
        writeln!(terminal.out, "{} approved", qualified(&self.name))?;
        Ok(Exit::Success)
    }
}
