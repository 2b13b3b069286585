//! One embedded cluster.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use apiserver::{Access, Api, Authority, Credentials, PkiError, Server, ServerError, TokenKey};
use apistore::{Settings, Store};
use lockstep_core::Value;
use runtime::{Clock, Shutdown};
use workloads::Workloads;

use crate::announce::announce;
use crate::dir::{Claim, DirError, StateDir, random};
use crate::disk::{Closing, Writer};

/// What is chosen about an embedded cluster.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it is kept; nowhere, and so in memory, for `None`.
    pub dir: Option<StateDir>,
    /// Where it listens; port 0 is any free one.
    pub listen: SocketAddr,
}

/// Why there is no embedded cluster.
#[derive(Debug, thiserror::Error)]
pub enum DevClusterError {
    /// Its folder.
    #[error(transparent)]
    Dir(#[from] DirError),
    /// Its API server.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// Its state cannot be written any more; the log says why.
    #[error("the cluster's state cannot be kept any more")]
    Lost,
    /// Its certificates.
    #[error("no certificates for the cluster")]
    Pki(#[from] PkiError),
}

/// A cluster that listens.
pub struct DevCluster {
    api: Arc<Api>,
    server: Server,
    workloads: Workloads,
    authority: Authority,
    admin: Credentials,
    closing: Option<Closing>,
    /// Held until the last of it has ended.
    claim: Option<Claim>,
}

/// How many changes a watch may lag behind.
const HISTORY: usize = 20_000;
/// How far the revision jumps at a start: a client may have seen changes that were not on disk when the process died, and must not
/// meet their numbers again with another meaning.
const LEAP: u64 = 1 << 20;

impl DevCluster {
    /// Makes a cluster ready: its state is read, its port is taken. It serves when it is [run](DevCluster::run).
    ///
    /// # Errors
    /// When the folder, the state in it, the certificates or the port cannot be had.
    pub async fn start(options: Options) -> Result<Self, DevClusterError> {
        Self::open_to(Access::default(), options).await
    }

    /// The same, open to others than its administrator, or with its writes written down.
    ///
    /// # Errors
    /// As [`DevCluster::start`].
    pub async fn open_to(access: Access, options: Options) -> Result<Self, DevClusterError> {
        // First of all: two that start at once must not both make keys.
        let claim = options.dir.as_ref().map(StateDir::claim).transpose()?;
        let (authority, (api, closing)) = match &options.dir {
            Some(dir) => (dir.authority()?, kept(dir)?),
            None => (Authority::generate()?, (in_memory()?, None)),
        };
        let admin = authority.user("lockstep-admin", "system:masters")?;
        let server = Server::bind(api.clone(), &authority, access, options.listen).await?;
        announce(&api, &authority, server.address()).await;
        let signing = api.clone();
        let workloads = Workloads::signing(authority.certificate(), move |claims| signing.sign(claims));
        Ok(Self { api, server, workloads, authority, admin, closing, claim })
    }

    /// The kubeconfig of its administrator.
    pub fn kubeconfig(&self) -> Value {
        self.authority.kubeconfig(&self.server.url(), &self.admin)
    }

    /// Where clients find it.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Its API, for who asks from within this process.
    pub fn api(&self) -> Arc<Api> {
        self.api.clone()
    }

    /// Serves, and lets controllers, nodes and pods work, until the wish to end.
    ///
    /// # Errors
    /// When its state cannot be kept any more: what nobody would find again after a restart must not be shown to anyone.
    pub async fn run(mut self, shutdown: Shutdown) -> Result<(), DevClusterError> {
        let work = work(self.api, self.workloads, shutdown.clone());
        let lost = async {
            match &mut self.closing {
                Some(closing) => closing.lost().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // What it has answered last was kept before that.
            biased;
            _ = async { tokio::join!(self.server.run(shutdown), work) } => {}
            () = lost => return Err(DevClusterError::Lost),
        }
        if let Some(closing) = self.closing {
            closing.close().await;
        }
        drop(self.claim);
        Ok(())
    }
}

/// Lets everything that happens by itself happen: after every change, and when the time of something has come.
async fn work(api: Arc<Api>, mut workloads: Workloads, shutdown: Shutdown) {
    let mut changes = api.changes();
    loop {
        // Marked before, so that a change meanwhile is not slept over.
        changes.borrow_and_update();
        let (next, kept) = api.reduce(|store, now| workloads.tick(store, now));
        // Controllers are no faster than the disk either. Where it fails, the cluster ends.
        if !kept.wait().await {
            return;
        }
        let pause = async {
            match next {
                Some(time) => tokio::time::sleep(time.saturating_sub(api.now()).max(BREATH)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = pause => {}
            changed = changes.changed() => if changed.is_err() { return },
            () = shutdown.requested() => return,
        }
    }
}

/// The least pause between two rounds that time alone asks for.
const BREATH: Duration = Duration::from_millis(1);

fn settings() -> Result<Settings, DirError> {
    let seed = u64::from_le_bytes(random()?);
    Ok(Settings { seed, history: HISTORY })
}

fn in_memory() -> Result<Arc<Api>, DirError> {
    let store = Store::new(settings()?, Clock::system().since_epoch());
    Ok(Api::in_memory(store, TokenKey::new(random()?)))
}

fn kept(dir: &StateDir) -> Result<(Arc<Api>, Option<Closing>), DirError> {
    let disk = dir.disk()?;
    let (settings, now) = (settings()?, Clock::system().since_epoch());
    let entries = disk.read().map_err(|source| dir.state_error(source))?;
    let store = match disk.revision().map_err(|source| dir.state_error(source))? {
        0 => Store::new(settings, now),
        revision => Store::restore(settings, entries, revision + LEAP, now)
            .map_err(|source| dir.unreadable(source))?,
    };
    let (writer, closing) = Writer::start(disk).map_err(|source| dir.state_error(source))?;
    Ok((Api::kept(store, dir.token_key()?, writer), Some(closing)))
}
