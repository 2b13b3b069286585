//! How commands reach a cluster.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use cluster::{ConnectError, ConnectOptions, Connection};

use crate::hint::advised;

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
        let opened = Connection::open(&options).await;
        opened
            .map_err(|error| told(error).context(format!("cannot connect to a cluster{}", self.described())))
    }

    /// What was chosen, in words; the rest is told by the cause.
    fn described(&self) -> String {
        let file = self.kubeconfig.as_ref().map(|path| format!(" with the kubeconfig {}", path.display()));
        let file = file.or_else(|| Some(format!(" with KUBECONFIG={}", environment("KUBECONFIG")?)));
        let context = self.context.as_ref().map(|name| format!(" in context {name}"));
        [file, context].into_iter().flatten().collect()
    }
}

/// An error without the lines of a kubeconfig that its parser shows: they may hold a token.
fn told(error: ConnectError) -> anyhow::Error {
    let ConnectError::Kubeconfig(cause) = &error else { return error.into() };
    let cause = cause.to_string();
    let reason = cause.lines().next().unwrap_or_default().trim();
    let hint = "--kubeconfig or KUBECONFIG choose a file, --context one of its contexts; \
                kubectl config get-contexts lists them";
    advised(format!("the kubeconfig cannot be used: {reason}"), hint)
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

#[cfg(test)]
mod tests {
    use crate::exit::Exit;
    use crate::terminal::tests::run;

    #[test]
    fn a_kubeconfig_that_is_no_use_is_named_with_the_reason_and_nothing_of_it_is_shown() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().to_str().unwrap();
        let path = dir.path().join("config");
        let file = path.to_str().unwrap();
        let check = |text: Option<&str>, path: &str, reason: &str| {
            text.iter().for_each(|text| std::fs::write(file, text).unwrap());
            let (exit, out, err) =
                run(&["app", "list", "-o", "json", "--kubeconfig", path, "--context", "far"]);
            assert_eq!((exit, &*out), (Exit::Error, ""));
            let first =
                format!("error: cannot connect to a cluster with the kubeconfig {path} in context far\n");
            assert!(err.starts_with(&first) && err.contains(reason), "{err}");
            assert!(err.contains("= help: --kubeconfig") && !err.contains("hunter2"), "{err}");
        };
        check(None, "/nonexistent/config", "No such file or directory");
        check(None, folder, "Is a directory");
        check(Some("users: [{name: u, user: {token: hunter2}}\n"), file, "YAML");
        check(Some("apiVersion: v1\nkind: Config\nclusters: []\ncontexts: []\n"), file, "context: far");
    }
}
