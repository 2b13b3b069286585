//! `lockstep up`: an embedded cluster and a controller on it, for daily use.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use devcluster::StateDir;
use runtime::{LogFormat, Shutdown};

use crate::argument;
use crate::command::cluster::Folder;
use crate::command::controller::default_settings;
use crate::connect::block_on;
use crate::embedded::{Embedded, Kept, Start};
use crate::exit::Exit;
use crate::terminal::Terminal;

/// Serve an embedded cluster with a controller on it until Ctrl-C. What it holds is kept for the next time.
#[derive(Debug, clap::Args)]
pub(crate) struct Up {
    #[command(flatten)]
    folder: Folder,
    /// Where the API server listens; port 0 is any free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    cluster_listen: SocketAddr,
    /// Where the controller serves /metrics, /healthz, /readyz and POST /v1/refresh.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// How often a repository is looked at unasked, for example 60s or 5m.
    #[arg(long, default_value = "60s", value_parser = argument::duration)]
    poll: Duration,
    /// What to log, for example info or lockstep_controller=debug,info.
    #[arg(long, default_value = "info", value_name = "FILTER")]
    log: String,
}

impl Up {
    pub(crate) fn run(self, terminal: &mut Terminal) -> anyhow::Result<Exit> {
        runtime::init_logging(LogFormat::Text, &self.log)?;
        block_on(self.serve(terminal))
    }

    async fn serve(self, terminal: &mut Terminal) -> anyhow::Result<Exit> {
        let path = self.folder.path()?;
        let dir = StateDir::create(&path)?;
        let asked = Shutdown::on_signals().context("cannot wait for Ctrl-C")?;
        let settings = default_settings(dir.cache(), self.poll);
        let (kept, listen, admin) = (Kept::OnDisk, self.cluster_listen, self.listen);
        let mut embedded = Embedded::start(Start { dir: dir.clone(), kept, listen, admin, settings }).await?;
        let (url, admin) = (embedded.connection().server().to_owned(), embedded.admin());
        writeln!(terminal.out, "The cluster answers at {url}, its controller at http://{admin}.\n")?;
        writeln!(terminal.out, "    export KUBECONFIG={}\n", dir.kubeconfig().display())?;
        writeln!(terminal.out, "Ctrl-C ends both; what the cluster holds stays in {}.", path.display())?;
        terminal.out.flush()?;
        tokio::select! {
            () = asked.requested() => {}
            error = embedded.broken() => return Err(error),
        }
        embedded.stop().await?;
        Ok(Exit::Success)
    }
}
