//! `lockstep controller`

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use controller::{Proxy, Settings};
use lockstep_core::Secret;
use runtime::{Admin, AdminListener, LogFormat, Metrics, Readiness, Shutdown};

use crate::argument;
use crate::connect::{Connect, block_on, environment};
use crate::exit::Exit;
use crate::hint::advised;

/// Where a pod finds its own namespace.
const POD_NAMESPACE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// The namespace for records where nobody says another.
const DEFAULT_NAMESPACE: &str = "lockstep-system";

/// Arguments of `lockstep controller`.
#[derive(Debug, Args)]
pub(crate) struct Controller {
    #[command(flatten)]
    connect: Connect,
    /// The name of this installation: its field manager and the first part of owner annotations.
    #[arg(long, default_value = "lockstep", value_parser = argument::instance)]
    instance: Arc<str>,
    /// The namespace for records and controller-wide Secrets; else the pod's, else lockstep-system.
    #[arg(long, value_name = "NAME")]
    namespace: Option<Arc<str>>,
    /// Act only on Applications of these namespaces.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    namespaces: Vec<Arc<str>>,
    /// The directory of the disk cache; else one below the user's cache directory.
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// How often a repository is looked at unasked, for example 60s or 5m.
    #[arg(long, default_value = "60s", value_parser = argument::duration)]
    poll: Duration,
    /// Where to serve /metrics, /healthz, /readyz and POST /v1/refresh, in plain HTTP.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Managers whose fields are taken over at the first apply of an object, in place of the usual ones.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    adopt: Vec<Arc<str>>,
    /// text or json.
    #[arg(long, default_value = "text")]
    log_format: LogFormat,
    /// What to log, for example info or lockstep_controller=debug,info.
    #[arg(long, default_value = "info", value_name = "FILTER")]
    log: String,
}

impl Controller {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        runtime::init_logging(self.log_format, &self.log)?;
        block_on(self.serve())?;
        Ok(Exit::Success)
    }

    async fn serve(self) -> anyhow::Result<()> {
        let listener = AdminListener::bind(self.listen).await?;
        tracing::info!(address = %listener.address(), "Listening");
        let shutdown = Shutdown::on_signals()?;
        let metrics = Metrics::new(env!("CARGO_PKG_VERSION"));
        let readiness = Readiness::waiting_for("the API server");
        let connection = self.connect.open().await?;
        tracing::info!(cluster = connection.server(), context = connection.context(), "Connecting");
        let settings = self.settings()?;
        let started =
            controller::Controller::start(&connection, settings, metrics.clone(), readiness.clone());
        let controller = tokio::select! {
            controller = started => controller?,
            () = shutdown.requested() => return Ok(()),
        };
        let admin = Admin { metrics, readiness, refresh: Arc::new(controller.refresher()) };
        let served = tokio::spawn(listener.serve(admin, shutdown.clone()));
        controller.run(shutdown).await;
        served.await??;
        Ok(())
    }

    fn settings(&self) -> anyhow::Result<Settings> {
        let adopted: Vec<Arc<str>> = match self.adopt.is_empty() {
            true => diff::ADOPTABLE.iter().map(|manager| Arc::from(*manager)).collect(),
            false => self.adopt.clone(),
        };
        Ok(Settings {
            instance: self.instance.clone(),
            namespace: self
                .namespace
                .clone()
                .or_else(pod_namespace)
                .unwrap_or_else(|| DEFAULT_NAMESPACE.into()),
            namespaces: self.namespaces.iter().cloned().collect::<BTreeSet<_>>(),
            state: state(self.state.as_deref(), &self.instance)?,
            poll: self.poll,
            adopted_managers: adopted,
            proxy: proxy(),
        })
    }
}

/// The settings of a controller that has a cluster for itself.
pub(crate) fn default_settings(state: PathBuf, poll: Duration) -> Settings {
    Settings {
        instance: "lockstep".into(),
        namespace: DEFAULT_NAMESPACE.into(),
        namespaces: BTreeSet::new(),
        state,
        poll,
        adopted_managers: diff::ADOPTABLE.iter().map(|manager| Arc::from(*manager)).collect(),
        proxy: proxy(),
    }
}

fn pod_namespace() -> Option<Arc<str>> {
    let text = std::fs::read_to_string(POD_NAMESPACE).ok()?;
    Some(text.trim().into()).filter(|name: &Arc<str>| !name.is_empty())
}

/// The disk cache of an installation.
pub(crate) fn state(asked: Option<&Path>, instance: &str) -> anyhow::Result<PathBuf> {
    if let Some(asked) = asked {
        return Ok(asked.to_owned());
    }
    let cache = environment("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || environment("HOME").map(|home| Path::new(&home).join(".cache"));
    let cache = cache.or_else(home).ok_or_else(|| {
        let hint = "set XDG_CACHE_HOME, or HOME; lockstep controller takes --state DIR";
        advised("there is no directory for the disk cache: neither XDG_CACHE_HOME nor HOME is set", hint)
    })?;
    Ok(cache.join("lockstep").join(instance))
}

/// The proxy of the environment, as curl and Go read it.
pub(crate) fn proxy() -> Option<Proxy> {
    let variable = |name: &str| environment(name).or_else(|| environment(&name.to_uppercase()));
    // Only in lower case: in a CGI process HTTP_PROXY is a request's header.
    let proxy = Proxy {
        http: environment("http_proxy").map(Secret::new),
        https: variable("https_proxy").map(Secret::new),
        except: variable("no_proxy")
            .unwrap_or_default()
            .split(',')
            .map(|host| host.trim().to_owned())
            .collect(),
    };
    (proxy.http.is_some() || proxy.https.is_some()).then_some(proxy)
}
