//! `lockstep app suspend` and `lockstep app resume`

use lockstep_core::{Map, Value};

use super::qualified;
use crate::applications::Place;
use crate::exit::Exit;
use crate::terminal::Terminal;

/// Arguments of `lockstep app suspend`.
#[derive(Debug, clap::Args)]
pub(crate) struct Suspend {
    #[command(flatten)]
    place: Place,
    /// The names of the Applications.
    #[arg(required = true)]
    names: Vec<String>,
}

/// Arguments of `lockstep app resume`.
#[derive(Debug, clap::Args)]
pub(crate) struct Resume {
    #[command(flatten)]
    place: Place,
    /// The names of the Applications.
    #[arg(required = true)]
    names: Vec<String>,
}

impl Suspend {
    pub(crate) async fn run(self, terminal: &mut Terminal) -> anyhow::Result<Exit> {
        set(&self.place, &self.names, true.into(), "suspended", terminal).await
    }
}

impl Resume {
    pub(crate) async fn run(self, terminal: &mut Terminal) -> anyhow::Result<Exit> {
        set(&self.place, &self.names, Value::Null, "resumed", terminal).await
    }
}

async fn set(
    place: &Place,
    names: &[String],
    value: Value,
    done: &str,
    terminal: &mut Terminal,
) -> anyhow::Result<Exit> {
    let here = place.open().await?;
    let mut patch = Value::map(Map::new());
    patch.set(&["spec", "suspend"], value);
    for name in names {
        here.patch(name, &patch).await?;
        writeln!(terminal.out, "{} {done}", qualified(name))?;
    }
    Ok(Exit::Success)
}
