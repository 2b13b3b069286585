//! `lockstep cluster`: an embedded cluster by itself.

mod detached;
mod running;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use clap::{Args, Subcommand};
use devcluster::{Access, AuditLog, Authentication, DevCluster, DirError, Options, StateDir};
use runtime::{LogFormat, Shutdown};

use crate::connect::{block_on, environment};
use crate::embedded::told;
use crate::exit::Exit;
use crate::hint::advised;
use crate::terminal::Terminal;

/// Start, stop and forget an embedded Kubernetes API with simulated nodes.
#[derive(Debug, Args)]
pub(crate) struct Cluster {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Serve it until Ctrl-C. What it holds is kept for the next start.
    Start(Start),
    /// End the one that runs.
    Stop(Folder),
    /// Print the kubeconfig of the one that runs, once it answers.
    Kubeconfig(Folder),
    /// Forget everything that a stopped one holds.
    Reset(Folder),
}

/// Where a cluster is kept.
#[derive(Debug, Args)]
pub(crate) struct Folder {
    /// Where it is kept; else in the user's state directory.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Folder {
    pub(crate) fn path(&self) -> anyhow::Result<PathBuf> {
        match &self.dir {
            Some(dir) => Ok(std::path::absolute(dir)?),
            None => default_dir(),
        }
    }
}

#[derive(Debug, Args)]
struct Start {
    #[command(flatten)]
    folder: Folder,
    /// Where it listens; port 0 is any free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Serve in the background; end as soon as it answers.
    #[arg(long)]
    detach: bool,
    /// Append a line of JSON to this file for each write that was answered, as kube-apiserver's audit log does.
    #[arg(long, value_name = "FILE")]
    audit_log: Option<PathBuf>,
    /// Further users, one a line: token,user,uid,"group,group".
    #[arg(long, value_name = "FILE")]
    tokens: Option<PathBuf>,
    /// End when standard input does: for who starts it and may be killed.
    #[arg(long, hide = true, conflicts_with = "detach")]
    exit_with_stdin: bool,
}

/// How long a start may take before the user hears of it, and a stop.
const PATIENCE: Duration = Duration::from_secs(20);

impl Cluster {
    pub(crate) fn run(self, terminal: &mut Terminal) -> anyhow::Result<Exit> {
        match self.action {
            Action::Start(start) if start.detach => start.detached(terminal),
            Action::Start(start) => {
                runtime::init_logging(LogFormat::Text, "warn")?;
                block_on(start.serve(terminal))
            }
            Action::Stop(folder) => running::stop(&folder.path()?, terminal),
            Action::Kubeconfig(folder) => block_on(running::kubeconfig(&folder.path()?, terminal)),
            Action::Reset(folder) => reset(&folder.path()?, terminal),
        }
    }
}

impl Start {
    async fn serve(self, terminal: &mut Terminal) -> anyhow::Result<Exit> {
        let path = self.folder.path()?;
        let dir = StateDir::create(&path)?;
        let shutdown = Shutdown::on_signals().context("cannot wait for Ctrl-C")?;
        let options = Options { dir: Some(dir.clone()), listen: self.listen };
        if self.exit_with_stdin {
            end_with_stdin(shutdown.clone())?;
        }
        let cluster = DevCluster::open_to(self.access()?, options).await.map_err(told)?;
        dir.write_kubeconfig(&cluster.kubeconfig())?;
        writeln!(terminal.out, "The cluster answers at {}. In another terminal:\n", cluster.url())?;
        writeln!(
            terminal.out,
            "    export KUBECONFIG={}\n    kubectl get namespaces\n",
            dir.kubeconfig().display()
        )?;
        writeln!(terminal.out, "Ctrl-C ends it; what it holds stays in {}.", path.display())?;
        terminal.out.flush()?;
        cluster.run(shutdown).await.map_err(told)?;
        Ok(Exit::Success)
    }

    fn access(&self) -> anyhow::Result<Access> {
        let mut access = Access::default();
        if let Some(file) = &self.tokens {
            let shown = file.display();
            let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {shown}"))?;
            access.authentication =
                Authentication::from_csv(&text).with_context(|| format!("cannot use {shown}"))?;
        }
        if let Some(file) = &self.audit_log {
            let log = AuditLog::open(file).with_context(|| format!("cannot write {}", file.display()))?;
            access.audit = Some(log);
        }
        Ok(access)
    }

    /// What a process of its own is told, besides the folder.
    fn flags(&self) -> Vec<OsString> {
        let mut flags = vec!["--listen".into(), self.listen.to_string().into()];
        for (flag, file) in [("--audit-log", &self.audit_log), ("--tokens", &self.tokens)] {
            flags.extend(file.iter().flat_map(|file| [flag.into(), file.clone().into_os_string()]));
        }
        flags
    }

    fn detached(self, terminal: &mut Terminal) -> anyhow::Result<Exit> {
        let path = self.folder.path()?;
        let dir = StateDir::create(&path)?;
        if dir.process().is_some() {
            return Err(told(DirError::InUse { path }.into()));
        }
        let mut process = detached::spawn(&dir, &self.flags())?;
        block_on(running::until_it_answers(&path, &mut process, PATIENCE))?;
        writeln!(terminal.out, "The cluster answers. Use it with\n")?;
        writeln!(terminal.out, "    export KUBECONFIG={}\n", dir.kubeconfig().display())?;
        writeln!(terminal.out, "lockstep cluster stop{} ends it.", running::argument(&path))?;
        Ok(Exit::Success)
    }
}

/// Wishes for the end when whoever holds the other end of standard input is gone.
fn end_with_stdin(shutdown: Shutdown) -> anyhow::Result<()> {
    let wait = move || {
        // However it ends, it has ended.
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        shutdown.request();
    };
    std::thread::Builder::new().name("stdin".to_owned()).spawn(wait).context("cannot start a thread")?;
    Ok(())
}

fn reset(path: &Path, terminal: &mut Terminal) -> anyhow::Result<Exit> {
    StateDir::existing(path).reset().map_err(|error| told(error.into()))?;
    if default_dir().is_ok_and(|default| default == path)
        && let Some(parent) = path.parent()
    {
        // It was made for the cluster; if something else is in it, it stays.
        let _ = std::fs::remove_dir(parent);
    }
    writeln!(terminal.out, "Nothing is left of the cluster in {}.", path.display())?;
    Ok(Exit::Success)
}

/// Where a cluster is kept that was given no folder.
fn default_dir() -> anyhow::Result<PathBuf> {
    // The rule of these variables: one that is not absolute is not there.
    let state = environment("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || environment("HOME").map(|home| Path::new(&home).join(".local/state"));
    let state = state.or_else(home).ok_or_else(|| {
        advised(
            "there is no directory for the cluster: neither XDG_STATE_HOME nor HOME is set",
            "give --dir DIR",
        )
    })?;
    Ok(state.join("lockstep/cluster"))
}
