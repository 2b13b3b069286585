//! The control plane of a test run, shared by all of its tests.
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::json;

use crate::kubeone::{TOKENS, Write};
use crate::rest::Rest;
use crate::workspace::Workspace;

const KUBECONFIG: &str = "LOCKSTEP_TEST_KUBECONFIG";
const SKIP: &str = "LOCKSTEP_TEST_SKIP_E2E";

/// A connection of one test to the shared control plane.
#[derive(Clone)]
pub struct Cluster {
    rest: Rest,
    kubeconfig: PathBuf,
}

impl Cluster {
    /// Connects to the control plane that `cargo xtask test` started, or says that the test is skipped.
    ///
    /// # Panics
    /// In CI, where nothing may be skipped that was not left out on purpose; and when the control plane is
    /// named but not there.
    pub async fn get() -> Option<Self> {
        let Some(kubeconfig) = std::env::var_os(KUBECONFIG).filter(|value| !value.is_empty()) else {
            let on_purpose = std::env::var_os(SKIP).is_some();
            assert!(on_purpose || !Workspace::in_ci(), "no {KUBECONFIG}: run `cargo xtask test`");
            eprintln!("skipped: no {KUBECONFIG}");
            return None;
        };
        let cluster = Self::connect(Path::new(&kubeconfig)).await;
        Some(cluster.expect("the control plane of the test run"))
    }

    /// Connects to a control plane.
    ///
    /// # Errors
    /// When the kubeconfig is unusable.
    pub async fn connect(kubeconfig: &Path) -> Result<Self> {
        Ok(Self { rest: Rest::from_kubeconfig(kubeconfig).await?, kubeconfig: kubeconfig.to_path_buf() })
    }

    /// The administrator's client.
    pub fn rest(&self) -> &Rest {
        &self.rest
    }

    /// Whether every write is in its log. A real API server does not log one whose client was killed while it was under way.
    pub fn logs_all(&self) -> bool {
        std::fs::read_to_string(&self.kubeconfig).is_ok_and(|text| !text.contains("kubeone"))
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// A name that no other test of this run, or of one before it on the same control plane, has.
    pub fn unique(prefix: &str) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        format!("{prefix}-{}-{next}", std::process::id())
    }

    /// Makes a namespace under a unique name.
    ///
    /// # Panics
    /// When the API server refuses.
    pub async fn namespace(&self, prefix: &str) -> String {
        let name = Self::unique(prefix);
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        self.rest.create(&namespace).await.expect("namespace");
        name
    }

    /// Every write that the API server let through in some namespaces, oldest first; dry runs are left out.
    ///
    /// # Panics
    /// When the control plane keeps no log of writes.
    pub fn writes(&self, namespaces: &[&str]) -> Vec<Write> {
        let mut writes =
            Write::in_namespaces(&self.kubeconfig, namespaces).expect("a control plane of `cargo xtask`");
        writes.retain(|write| !write.dry_run && (200..300).contains(&write.code));
        writes
    }

    /// How many requests the API server has answered by verb and resource, from everyone.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn requests(&self, verb: &str, resource: &str) -> Result<f64> {
        let text = self.rest.text("/metrics").await.context("/metrics of the API server")?;
        let metrics = crate::Metrics::parse(&text);
        Ok(metrics.sum("apiserver_request_total", &[("verb", verb), ("resource", resource)]))
    }

    /// The credentials of `user` in the control plane's token file: `token-admin`, or `nobody`, whom no role binds.
    ///
    /// # Panics
    /// When there is no such user.
    pub fn token(&self, user: &str) -> String {
        let file = self.kubeconfig.with_file_name(TOKENS);
        let text = std::fs::read_to_string(file).expect("tokens.csv");
        let line =
            text.lines().find(|line| line.split(',').nth(1) == Some(user)).expect("a user of tokens.csv");
        line.split(',').next().unwrap_or_default().to_owned()
    }
}

/// Asks until the answer is `Ok`, and returns it.
///
/// # Panics
/// With the last answer when the time is over.
pub async fn eventually<T, F, P>(within: Duration, probe: F) -> T
where
    F: Fn() -> P,
    P: Future<Output = Result<T, String>>,
{
    let start = Instant::now();
    loop {
        match probe().await {
            Ok(answer) => return answer,
            Err(last) => assert!(start.elapsed() < within, "not within {within:?}: {last}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
