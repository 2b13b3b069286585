//! A real control plane in one process, and its state directory.
mod audit;
mod binary;
mod pki;

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::oneshot;

pub(crate) use audit::LOG as AUDIT_LOG;
pub use audit::Write;
pub(crate) use pki::{TOKENS, tokens};

use crate::workspace::Workspace;

/// Why there is no control plane.
#[derive(Debug)]
pub enum KubeoneError {
    /// It is not built yet, and there is no Go toolchain to build it with.
    NoGo,
    /// Anything else.
    Other(anyhow::Error),
}

impl std::fmt::Display for KubeoneError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoGo => f.write_str("no Go toolchain to build the control plane with"),
            Self::Other(error) => write!(f, "{error:#}"),
        }
    }
}

impl std::error::Error for KubeoneError {}

impl From<anyhow::Error> for KubeoneError {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}

/// How long the processes live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// They end with this process, however it ends.
    WithParent,
    /// They stay until [`Kubeone::down`].
    Detached,
}

/// How a control plane is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// How long it lives.
    pub lifetime: Lifetime,
    /// Whether its writes are written down.
    pub audit: Audit,
}

/// Whether the API server writes down who wrote what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audit {
    /// It does not: what is measured must not pay for it.
    Off,
    /// Every write, in a log beside the kubeconfig; read it with [`Write::in_namespaces`].
    Writes,
}

/// A running control plane with nodes.
#[derive(Debug)]
pub struct Kubeone {
    dir: PathBuf,
    child: Child,
    lifetime: Lifetime,
    /// Ends the kubelet that runs in this process when it is dropped.
    kubelet: Option<oneshot::Sender<()>>,
}

/// Marks a directory as ours: only such a one is ever emptied.
const MARKER: &str = ".lockstep-kubeone";
const LOG: &str = "kubeone.log";
const NODES: usize = 3;
const READY_WITHIN: Duration = Duration::from_secs(90);

impl Kubeone {
    /// Starts a fresh control plane in `dir` on free ports, with three nodes and a fake kubelet, and waits
    /// until it serves.
    ///
    /// # Errors
    /// [`KubeoneError::NoGo`] where it must be built and cannot be; else what went wrong, with the end of the log.
    pub fn start(workspace: &Workspace, dir: &Path, options: Options) -> Result<Self, KubeoneError> {
        let binary = binary::ensure_built(workspace)?;
        let mut kubeone = prepare(dir).and_then(|port| launch(Command::new(&binary), dir, port, options))?;
        kubeone.wait_until_ready()?;
        kubeone.start_kubelet()?;
        Ok(kubeone)
    }

    /// The same without nodes, kubelet, controllers and audit log: what its API server answers depends on the requests alone.
    ///
    /// # Errors
    /// As [`Kubeone::start`].
    pub(crate) fn without_controllers(workspace: &Workspace, dir: &Path) -> Result<Self, KubeoneError> {
        let binary = binary::ensure_built(workspace)?;
        let options = Options { lifetime: Lifetime::WithParent, audit: Audit::Off };
        let mut command = Command::new(binary);
        command.arg("--controllers=");
        let mut kubeone = prepare(dir).and_then(|port| launch(command, dir, port, options))?;
        kubeone.wait_until_ready()?;
        Ok(kubeone)
    }

    /// The administrator's kubeconfig, with its credentials inside.
    pub fn kubeconfig(&self) -> PathBuf {
        kubeconfig(&self.dir)
    }

    /// The process id of the control plane.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether a detached control plane runs in `dir`; then its kubeconfig.
    pub fn running(dir: &Path) -> Option<PathBuf> {
        recorded(dir, "kubeone").map(|_| kubeconfig(dir))
    }

    /// Stops what [`Lifetime::Detached`] left in `dir`, and removes its state. `false`: there was nothing.
    ///
    /// # Errors
    /// When a process does not end or the state cannot be removed.
    pub fn down(dir: &Path) -> Result<bool> {
        if !dir.join(MARKER).is_file() {
            return Ok(false);
        }
        for name in ["kubelet", "kubeone"] {
            if let Some(pid) = recorded(dir, name) {
                end(pid, dir)?;
            }
        }
        fs::remove_dir_all(dir).with_context(|| dir.display().to_string())?;
        Ok(true)
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + READY_WITHIN;
        let log = self.dir.join(LOG);
        loop {
            let text = fs::read_to_string(&log).unwrap_or_default();
            if text.contains("kubeone: all started") {
                return Ok(());
            }
            let ended = self.child.try_wait()?;
            if ended.is_some() || Instant::now() > deadline {
                let lines: Vec<&str> = text.lines().collect();
                let end = lines[lines.len().saturating_sub(15)..].join("\n");
                bail!("kubeone did not become ready ({ended:?}); the end of {}:\n{end}", log.display());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// In process where it may end with us, else as a process of its own.
    fn start_kubelet(&mut self) -> Result<()> {
        let kubeconfig = self.kubeconfig();
        if self.lifetime == Lifetime::Detached {
            let child = Command::new(std::env::current_exe()?)
                .args(["kubelet", "--nodes", &NODES.to_string(), "--kubeconfig"])
                .arg(&kubeconfig)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(File::create(self.dir.join("kubelet.log"))?)
                .process_group(0)
                .spawn()
                .context("start of the kubelet")?;
            fs::write(self.dir.join("kubelet.pid"), child.id().to_string())?;
            return block_on(async move {
                let rest = crate::Rest::from_kubeconfig(&kubeconfig).await?;
                crate::register_nodes(&rest, NODES).await
            });
        }
        let (registered, wait) = std::sync::mpsc::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        self.kubelet = Some(stop);
        let serve = async move {
            let rest = crate::Rest::from_kubeconfig(&kubeconfig).await?;
            crate::register_nodes(&rest, NODES).await?;
            let _ = registered.send(());
            tokio::select! {
                ended = crate::run_kubelet(rest, NODES) => ended.map(drop),
                _ = stopped => Ok(()),
            }
        };
        std::thread::Builder::new().name("kubelet".into()).spawn(move || {
            if let Err(error) = block_on(serve) {
                eprintln!("kubelet: {error:#}");
            }
        })?;
        wait.recv_timeout(READY_WITHIN).map_err(|_| anyhow!("the kubelet did not register its nodes"))
    }
}

impl Drop for Kubeone {
    fn drop(&mut self) {
        if self.lifetime == Lifetime::WithParent {
            self.kubelet = None;
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// A fresh state directory with keys for a free port, which is returned.
fn prepare(dir: &Path) -> Result<u16> {
    let occupied = fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some());
    if occupied && !dir.join(MARKER).is_file() {
        bail!("{} is not empty and not a control plane's directory", dir.display());
    }
    if occupied {
        fs::remove_dir_all(dir)?;
    }
    fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
    fs::write(dir.join(MARKER), "")?;
    let [port] = free_ports()?;
    pki::write(dir, port)?;
    Ok(port)
}

fn launch(mut command: Command, dir: &Path, port: u16, options: Options) -> Result<Kubeone> {
    let [etcd, peer] = free_ports()?;
    command
        .args(["--port", &port.to_string(), "--etcd-port", &etcd.to_string()])
        .args(["--etcd-peer-port", &peer.to_string(), "--no-fsync", "--dir"])
        .arg(dir)
        .stdout(Stdio::null())
        .stderr(File::create(dir.join(LOG))?)
        .process_group(0);
    match options.lifetime {
        // Its standard input closes when we die, whatever kills us.
        Lifetime::WithParent => command.arg("--exit-with-stdin").stdin(Stdio::piped()),
        Lifetime::Detached => command.stdin(Stdio::null()),
    };
    if options.audit == Audit::Writes {
        command.arg("--").args(audit::prepare(dir)?);
    }
    let child = command.spawn().context("start of kubeone")?;
    fs::write(dir.join("kubeone.pid"), child.id().to_string())?;
    Ok(Kubeone { dir: dir.to_path_buf(), child, lifetime: options.lifetime, kubelet: None })
}

/// Ports on loopback that were free a moment ago, all different.
fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let listeners = (0..N).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<Vec<_>, _>>()?;
    let mut ports = [0; N];
    for (port, listener) in ports.iter_mut().zip(&listeners) {
        *port = listener.local_addr()?.port();
    }
    Ok(ports)
}

fn kubeconfig(dir: &Path) -> PathBuf {
    dir.join("admin.kubeconfig")
}

/// The live process whose id `NAME.pid` holds. Ids are used again: its arguments must name the directory.
fn recorded(dir: &Path, name: &str) -> Option<Pid> {
    let pid: i32 = fs::read_to_string(dir.join(format!("{name}.pid"))).ok()?.trim().parse().ok()?;
    Pid::from_raw(pid).filter(|pid| runs_for(*pid, dir))
}

fn runs_for(pid: Pid, dir: &Path) -> bool {
    let arguments = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).unwrap_or_default();
    String::from_utf8_lossy(&arguments).contains(&*dir.to_string_lossy())
}

fn end(pid: Pid, dir: &Path) -> Result<()> {
    for signal in [Signal::TERM, Signal::KILL] {
        // A process that is gone already is what we want.
        let _ = kill_process(pid, signal);
        let deadline = Instant::now() + Duration::from_secs(5);
        while Instant::now() < deadline {
            if !runs_for(pid, dir) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    bail!("process {} does not end", pid.as_raw_nonzero())
}

fn block_on<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(future)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_of_someone_else_is_never_emptied() {
        let dir = tempfile::tempdir().expect("temporary directory");
        fs::write(dir.path().join("thesis.txt"), "years of work").expect("write");
        assert!(prepare(dir.path()).is_err());
        assert!(!Kubeone::down(dir.path()).expect("nothing to do"));
        assert!(dir.path().join("thesis.txt").is_file());
    }

    #[test]
    fn a_pid_file_of_another_process_counts_for_nothing() {
        let dir = tempfile::tempdir().expect("temporary directory");
        fs::write(dir.path().join("kubeone.pid"), "1").expect("write");
        assert_eq!(recorded(dir.path(), "kubeone"), None);
    }

    #[test]
    fn ports_differ() {
        let [a, b, c] = free_ports().expect("ports");
        assert!(a != b && b != c && a != c);
    }
}
