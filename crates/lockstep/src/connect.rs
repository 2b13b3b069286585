//! How commands reach a cluster.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use cluster::{ConnectOptions, Connection};

/// Which cluster.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Connect {
    /// The kubeconfig to use; else that of KUBECONFIG, the pod's own account, or ~/.kube/config.
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig; else its current one.
    #[arg(long, value_name = "NAME")]
    pub(crate) context: Option<String>,
}

impl Connect {
    /// Opens the connection.
    pub(crate) async fn open(&self) -> anyhow::Result<Connection> {
        let options = ConnectOptions {
            kubeconfig: self.kubeconfig.clone(),
            env_kubeconfig: environment("KUBECONFIG"),
            context: self.context.clone(),
            impersonate: None,
            user_agent: concat!("lockstep/", env!("CARGO_PKG_VERSION")).to_owned(),
        };
        Connection::open(&options).await.context("cannot connect to a cluster")
    }
}

/// A variable of the environment; empty ones count as absent.
#[allow(clippy::disallowed_methods)] // the binary is where the environment is read
pub(crate) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Runs a command's future on a new runtime.
pub(crate) fn block_on<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start")?.block_on(future)
}
