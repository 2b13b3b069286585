//! From a kubeconfig, or the pod's own credentials, to an HTTP/2 client with its identity.

use std::path::PathBuf;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use base64::Engine as _;
use futures::future::{MapErr, TryFutureExt as _};
use http::{HeaderValue, Request, Uri};
use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::client::legacy::{Client as HttpClient, ResponseFuture};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use kube::Config;
use kube::client::{Body, ClientBuilder, ConfigExt};
use kube::config::{KubeConfigOptions, Kubeconfig};
use parking_lot::Mutex;
use tower_service::Service;

/// Connections beside those for watches: one for writes, which saturates any server (measured), and one for reads, so that
/// no write waits behind the pages of a list.
const REQUEST_LANES: usize = 2;

/// Watches on one connection. API servers allow 100 streams a connection by default; what is over waits for ever.
pub(crate) const WATCHES_PER_LANE: usize = 64;

/// Whom to act as.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Impersonate {
    /// The user name, for example `system:serviceaccount:team:deployer`.
    pub user: String,
    /// The groups, none by default: they do not follow from the user name.
    pub groups: Vec<String>,
}

/// Where the cluster is and who asks.
#[derive(Clone, Debug, Default)]
pub struct ConnectOptions {
    /// `--kubeconfig`: this file and nothing else.
    pub kubeconfig: Option<PathBuf>,
    /// The value of the variable KUBECONFIG: a list of files that are merged.
    pub env_kubeconfig: Option<String>,
    /// A context of the kubeconfig other than its current one.
    pub context: Option<String>,
    /// Another identity than the credentials' own.
    pub impersonate: Option<Impersonate>,
    /// The `User-Agent` header.
    pub user_agent: String,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The kubeconfig cannot be read, or names a context, cluster or file that is not there.
    #[error("the kubeconfig cannot be used")]
    Kubeconfig(#[source] Box<kube::config::KubeconfigError>),
    /// `KUBERNETES_SERVICE_HOST` is set but the pod's token or certificate is missing.
    #[error("the pod's credentials cannot be read")]
    Pod(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The credentials, certificates or the proxy cannot be used.
    #[error("the credentials cannot be used")]
    Credentials(#[source] Box<kube::Error>),
    /// The proxy's scheme is not http or https.
    #[error("the proxy's URL must begin with http:// or https://")]
    Proxy,
    /// A name that cannot stand in a header or in TLS.
    #[error("not a valid {0}")]
    Malformed(&'static str),
}

impl From<kube::Error> for ConnectError {
    fn from(error: kube::Error) -> Self {
        Self::Credentials(Box::new(error))
    }
}

impl From<kube::config::KubeconfigError> for ConnectError {
    fn from(error: kube::config::KubeconfigError) -> Self {
        Self::Kubeconfig(Box::new(error))
    }
}

/// What the options led to.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) config: Config,
    pub(crate) context: Option<Arc<str>>,
}

/// Reads the configuration: `--kubeconfig`, KUBECONFIG, the pod, `~/.kube/config`.
pub(crate) async fn resolve(options: &ConnectOptions) -> Result<Target, ConnectError> {
    let kubeconfig = match (&options.kubeconfig, &options.env_kubeconfig) {
        (Some(path), _) => Kubeconfig::read_from(path)?,
        (None, Some(list)) if !list.is_empty() => merged(list)?,
        // A context can only be one of a kubeconfig.
        _ if options.context.is_none() => match Config::incluster() {
            Ok(config) => return Ok(Target { config: finished(config, options)?, context: None }),
            Err(kube::config::InClusterError::ReadEnvironmentVariable(_)) => Kubeconfig::read()?,
            Err(error) => return Err(ConnectError::Pod(Box::new(error))),
        },
        _ => Kubeconfig::read()?,
    };
    let context = options.context.clone().or_else(|| kubeconfig.current_context.clone());
    let choice = KubeConfigOptions { context: context.clone(), ..Default::default() };
    let config = Config::from_custom_kubeconfig(kubeconfig, &choice).await?;
    Ok(Target { config: finished(config, options)?, context: context.map(Arc::from) })
}

fn merged(list: &str) -> Result<Kubeconfig, ConnectError> {
    let paths = std::env::split_paths(list).filter(|path| !path.as_os_str().is_empty());
    let merge = |all: Kubeconfig, path| all.merge(Kubeconfig::read_from(path)?);
    Ok(paths.into_iter().try_fold(Kubeconfig::default(), merge)?)
}

fn finished(mut config: Config, options: &ConnectOptions) -> Result<Config, ConnectError> {
    if let Some(identity) = &options.impersonate {
        config.auth_info.impersonate = Some(identity.user.clone());
        config.auth_info.impersonate_groups = Some(identity.groups.clone());
    }
    let agent =
        HeaderValue::from_str(&options.user_agent).map_err(|_| ConnectError::Malformed("user agent"))?;
    config.headers.push((http::header::USER_AGENT, agent));
    Ok(config)
}

/// Builds the client. Credential plugins run here, so it blocks.
pub(crate) fn client(config: &Config) -> Result<kube::Client, ConnectError> {
    // Where another crate of the process brings a second provider, rustls refuses to choose; the first to say wins.
    _ = rustls::crypto::ring::default_provider().install_default();
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_keepalive(Some(Duration::from_secs(30)));
    http.set_connect_timeout(config.connect_timeout);
    match &config.proxy_url {
        None => assemble(config, secured(config, http)?),
        Some(proxy) => match proxy.scheme_str() {
            Some("http") => assemble(config, secured(config, tunnel(proxy, http)?)?),
            Some("https") => {
                let to_proxy = config.rustls_https_connector_with_connector(http)?;
                assemble(config, secured(config, tunnel(proxy, to_proxy)?)?)
            }
            _ => Err(ConnectError::Proxy),
        },
    }
}

fn tunnel<C>(proxy: &Uri, connector: C) -> Result<Tunnel<C>, ConnectError> {
    let tunnel = Tunnel::new(proxy.clone(), connector);
    let user = proxy.authority().and_then(|authority| authority.as_str().rsplit_once('@'));
    let Some((user, _)) = user else { return Ok(tunnel) };
    let plain = unescaped(user);
    let value = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(plain));
    let header = HeaderValue::from_str(&value).map_err(|_| ConnectError::Malformed("proxy user"))?;
    Ok(tunnel.with_auth(header))
}

/// User information of a URL is percent-encoded, what it stands for in a header is not.
fn unescaped(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let hex = tail.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        let byte = hex.filter(|pair| *first == b'%' && !pair.starts_with('+'));
        match byte.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                rest = &tail[2..];
            }
            None => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    out
}

fn secured<H>(config: &Config, connector: H) -> Result<HttpsConnector<H>, ConnectError> {
    let builder =
        HttpsConnectorBuilder::new().with_tls_config(config.rustls_client_config()?).https_or_http();
    let builder = match &config.tls_server_name {
        None => builder,
        Some(name) => {
            let name = name.clone().try_into().map_err(|_| ConnectError::Malformed("TLS server name"))?;
            builder.with_server_name_resolver(FixedServerNameResolver::new(name))
        }
    };
    Ok(builder.enable_all_versions().wrap_connector(connector))
}

fn assemble<C>(config: &Config, connector: C) -> Result<kube::Client, ConnectError>
where
    C: Connect + Clone + Send + Sync + 'static,
{
    let pool = Pool { connector, lanes: Arc::default() };
    let builder =
        ClientBuilder::new(pool, config.default_namespace.clone()).with_layer(&config.extra_headers_layer()?);
    Ok(match config.auth_layer()? {
        Some(auth) => builder.with_layer(&auth).with_layer(&config.base_uri_layer()).build(),
        None => builder.with_layer(&config.base_uri_layer()).build(),
    })
}

/// What the authentication layer of kube wants errors to be.
type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A request extension: which of the connections for watches to use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WatchLane(pub(crate) usize);

/// HTTP clients with one HTTP/2 connection each.
#[derive(Clone)]
struct Pool<C> {
    connector: C,
    lanes: Arc<Mutex<Vec<HttpClient<C, Body>>>>,
}

impl<C: Connect + Clone + Send + Sync + 'static> Pool<C> {
    fn lane(&self, request: &Request<Body>) -> HttpClient<C, Body> {
        let lane = match request.extensions().get::<WatchLane>() {
            Some(WatchLane(lane)) => REQUEST_LANES + lane,
            None => usize::from(request.method() == http::Method::GET),
        };
        let mut lanes = self.lanes.lock();
        while lanes.len() <= lane {
            lanes.push(http_client(self.connector.clone()));
        }
        lanes[lane].clone()
    }
}

fn http_client<C: Connect + Clone>(connector: C) -> HttpClient<C, Body> {
    HttpClient::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        // A peer that vanished without a word is noticed within 45 seconds, watches included.
        .http2_keep_alive_interval(Some(Duration::from_secs(30)))
        .http2_keep_alive_timeout(Duration::from_secs(15))
        .http2_initial_stream_window_size(Some(4 << 20))
        .http2_initial_connection_window_size(Some(16 << 20))
        .build(connector)
}

impl<C: Connect + Clone + Send + Sync + 'static> Service<Request<Body>> for Pool<C> {
    type Response = http::Response<hyper::body::Incoming>;
    type Error = BoxError;
    type Future = MapErr<ResponseFuture, fn(hyper_util::client::legacy::Error) -> BoxError>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        self.lane(&request).request(request).map_err(Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_information_is_decoded() {
        for (from, to) in
            [("user:pa%40ss%3A", "user:pa@ss:"), ("u:p%+A", "u:p%+A"), ("u:%", "u:%"), ("u:%4", "u:%4")]
        {
            assert_eq!(unescaped(from), to.as_bytes(), "{from}");
        }
    }

    fn kubeconfig(dir: &std::path::Path, name: &str, server: &str) -> PathBuf {
        let path = dir.join(name);
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: {name}\nclusters: [{{name: {name}, cluster: {{server: '{server}'}}}}]\n\
             users: [{{name: {name}, user: {{token: t}}}}]\ncontexts: [{{name: {name}, context: {{cluster: {name}, user: {name}, namespace: ns-{name}}}}}]\n"
        );
        std::fs::write(&path, text).unwrap();
        path
    }

    #[tokio::test]
    async fn the_flag_goes_before_the_variable_and_contexts_are_found_in_merged_files() {
        let dir = std::env::temp_dir().join(format!("lockstep-connector-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let (a, b) = (kubeconfig(&dir, "a", "https://a.example"), kubeconfig(&dir, "b", "https://b.example"));
        let list = format!("{}:{}", a.display(), b.display());
        let resolved = |kubeconfig: Option<PathBuf>, context: Option<&str>| {
            let options = ConnectOptions {
                kubeconfig,
                env_kubeconfig: Some(list.clone()),
                context: context.map(str::to_owned),
                impersonate: None,
                user_agent: "t".into(),
            };
            async move { resolve(&options).await.unwrap() }
        };
        assert_eq!(resolved(Some(b), None).await.config.cluster_url.host(), Some("b.example"));
        let first = resolved(None, None).await;
        assert_eq!(first.config.default_namespace, "ns-a");
        assert_eq!(first.context.as_deref(), Some("a"));
        assert_eq!(resolved(None, Some("b")).await.config.cluster_url.host(), Some("b.example"));
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
