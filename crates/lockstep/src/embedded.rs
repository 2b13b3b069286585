//! An embedded cluster with a controller on it, in this process.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use cluster::Connection;
use controller::{Controller, Settings};
use devcluster::{Claim, DevCluster, DevClusterError, DirError, DiskError, Options, StateDir};
use runtime::{Admin, AdminListener, Metrics, Readiness, Shutdown};

use crate::connect::Connect;
use crate::hint::advised;

/// Where an embedded cluster is, and how its controller works.
pub(crate) struct Start {
    /// Where its kubeconfig and its process are written.
    pub(crate) dir: StateDir,
    /// Whether it is kept there.
    pub(crate) kept: Kept,
    /// Where the API server listens.
    pub(crate) listen: SocketAddr,
    /// Where the controller's admin endpoint listens.
    pub(crate) admin: SocketAddr,
    /// The controller's.
    pub(crate) settings: Settings,
}

/// What becomes of a cluster's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// It is on disk, for the next start.
    OnDisk,
    /// It goes with the process.
    No,
}

/// A cluster and its controller while they run.
pub(crate) struct Embedded {
    connection: Connection,
    admin: SocketAddr,
    stop_controller: Shutdown,
    stop_cluster: Shutdown,
    controller: tokio::task::JoinHandle<()>,
    cluster: tokio::task::JoinHandle<Result<(), DevClusterError>>,
    /// On the folder of a cluster that is not kept there.
    _claim: Option<Claim>,
}

impl Embedded {
    pub(crate) async fn start(start: Start) -> anyhow::Result<Self> {
        // A cluster that is kept takes the claim itself.
        let claim = match start.kept {
            Kept::OnDisk => None,
            Kept::No => Some(start.dir.claim().map_err(|error| told(error.into()))?),
        };
        let hint = "--listen chooses another address; port 0 is any free one";
        let listener = AdminListener::bind(start.admin)
            .await
            .map_err(|error| advised(format!("{:#}", anyhow::Error::from(error)), hint))?;
        let kept = (start.kept == Kept::OnDisk).then(|| start.dir.clone());
        let cluster = DevCluster::start(Options { dir: kept, listen: start.listen }).await.map_err(told)?;
        start.dir.write_kubeconfig(&cluster.kubeconfig())?;
        let (stop_controller, stop_cluster) = (Shutdown::new(), Shutdown::new());
        let cluster = tokio::spawn(cluster.run(stop_cluster.clone()));
        let kubeconfig: Option<PathBuf> = Some(start.dir.kubeconfig());
        let connection = Connect { kubeconfig, context: None }.open().await?;
        let metrics = Metrics::new(env!("CARGO_PKG_VERSION"));
        let readiness = Readiness::waiting_for("the API server");
        let started =
            Controller::start(&connection, start.settings, metrics.clone(), readiness.clone()).await;
        let controller = started.context("cannot start the controller")?;
        let admin_address = listener.address();
        let admin = Admin { metrics, readiness, refresh: Arc::new(controller.refresher()) };
        let stop = stop_controller.clone();
        let controller = tokio::spawn(async move {
            let (served, ()) = tokio::join!(listener.serve(admin, stop.clone()), controller.run(stop));
            if let Err(error) = served {
                tracing::error!(error = &error as &dyn std::error::Error, "The admin endpoint has ended");
            }
        });
        Ok(Self {
            connection,
            admin: admin_address,
            stop_controller,
            stop_cluster,
            controller,
            cluster,
            _claim: claim,
        })
    }

    /// A connection to the cluster, as its administrator.
    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The address of the controller's admin endpoint.
    pub(crate) fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// Returns when a part of it has ended though nobody asked for that: the rest is of no use without it.
    pub(crate) async fn broken(&mut self) -> anyhow::Error {
        let (part, ended) = tokio::select! {
            ended = &mut self.controller => ("controller", ended.map_err(anyhow::Error::new)),
            ended = &mut self.cluster => ("cluster", ended.map_err(anyhow::Error::new).and_then(|ran| ran.map_err(told))),
        };
        match ended {
            Ok(()) => anyhow::anyhow!("the {part} has ended; see the log above"),
            Err(error) => error.context(format!("the {part} has ended")),
        }
    }

    /// Ends the controller, which may still write, and then the cluster.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.stop_controller.request();
        self.controller.await?;
        self.stop_cluster.request();
        self.cluster.await?.map_err(told)
    }
}

/// Why a cluster does not start, with what to do where that is known.
pub(crate) fn told(error: DevClusterError) -> anyhow::Error {
    let hint = match &error {
        DevClusterError::Dir(DirError::InUse { .. } | DirError::State { source: DiskError::InUse, .. }) => {
            "it runs already: lockstep cluster kubeconfig leads to it, lockstep cluster stop ends it"
        }
        DevClusterError::Dir(DirError::State { .. } | DirError::Damaged { .. }) => {
            "lockstep cluster reset forgets what it holds"
        }
        DevClusterError::Server(_) => "--listen chooses another address; port 0 is any free one",
        _ => return error.into(),
    };
    advised(format!("{:#}", anyhow::Error::from(error)), hint)
}
