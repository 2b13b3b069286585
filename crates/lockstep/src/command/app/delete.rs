//! `lockstep app delete`

use std::time::Duration;

use lockstep_core::{Map, Value};

use super::qualified;
use super::wait::{self, End, Judgement};
use crate::applications::Place;
use crate::argument;
use crate::exit::Exit;
use crate::terminal::Terminal;

/// Arguments of `lockstep app delete`.
#[derive(Debug, clap::Args)]
pub(crate) struct Delete {
    #[command(flatten)]
    place: Place,
    /// The name of the Application.
    name: String,
    /// Leave its objects in the cluster.
    #[arg(long)]
    orphan: bool,
    /// Wait until it is gone, and its objects with it.
    #[arg(short, long)]
    wait: bool,
    /// How long to wait at most.
    #[arg(long, default_value = "5m", value_parser = argument::duration)]
    timeout: Duration,
}

impl Delete {
    pub(crate) async fn run(self, terminal: &mut Terminal) -> anyhow::Result<Exit> {
        let here = self.place.open().await?;
        if self.orphan {
            let mut patch = Value::map(Map::new());
            patch.set(&["spec", "deletion"], "Orphan".into());
            here.patch(&self.name, &patch).await?;
        }
        here.delete(&self.name).await?;
        if !self.wait {
            writeln!(terminal.out, "{} deletion asked for", qualified(&self.name))?;
            return Ok(Exit::Success);
        }
        let judge = |application: Option<&Value>| match application {
            None => Judgement::Done(()),
            Some(_) => Judgement::Not("the controller has not let it go; is it running?".to_owned()),
        };
        match wait::until(&here, &self.name, self.timeout, judge).await? {
            End::Done(()) => {
                writeln!(terminal.out, "{} deleted", qualified(&self.name))?;
                Ok(Exit::Success)
            }
            End::TimedOut(seen) => {
                let after = self.timeout.as_secs();
                writeln!(terminal.err, "{} is still there after {after}s: {seen}", self.name)?;
                Ok(Exit::No)
            }
        }
    }
}
