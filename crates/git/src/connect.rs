//! Connections, straight or through a proxy.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;

use crate::pool::Way;
use crate::{Error, Result, auth, trust};

type Tcp = TokioIo<TcpStream>;
/// A connection below HTTP.
pub(crate) type Io = MaybeHttpsStream<Tcp>;
type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Makes the TCP connection below HTTP or TLS.
#[derive(Clone)]
pub(crate) enum Dial {
    /// To the host itself.
    Straight(HttpConnector),
    /// To a proxy: a tunnel for https, the proxy's own requests for http.
    Proxied(Box<Proxied>),
}

/// A proxy and the two ways to use it.
#[derive(Clone)]
pub(crate) struct Proxied {
    connector: HttpConnector,
    tunnel: Tunnel<HttpConnector>,
    address: Uri,
}

/// Makes connections, encrypted or not, with one set of authorities and through one proxy.
#[derive(Clone)]
pub(crate) struct Connector(HttpsConnector<Dial>);

impl Connector {
    /// Connects to the server of an address.
    pub(crate) async fn connect(mut self, target: Uri) -> Result<Io> {
        self.0.call(target).await.map_err(|error| match trust::is_untrusted(&*error) {
            true => Error::Untrusted(error),
            false => Error::unavailable(error),
        })
    }
}

/// A connector whose connections are made within `limit` or not at all.
pub(crate) fn connector(way: &Way, limit: Duration) -> Result<Connector> {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(limit));
    connector.set_keepalive(Some(Duration::from_secs(30)));
    // A request that nobody confirms to have got, on a connection that a router has long forgotten.
    #[cfg(target_os = "linux")]
    connector.set_tcp_user_timeout(Some(limit));
    let dial = match &way.proxy {
        None => Dial::Straight(connector),
        Some(proxy) => proxied(connector, proxy.expose())?,
    };
    let config = trust::config(way)?;
    let builder = hyper_rustls::HttpsConnectorBuilder::new().with_tls_config(config);
    Ok(Connector(builder.https_or_http().enable_http1().wrap_connector(dial)))
}

fn proxied(connector: HttpConnector, address: &str) -> Result<Dial> {
    let (user_info, proxy) = split_proxy(address)?;
    let tunnel = Tunnel::new(proxy.clone(), connector.clone());
    let tunnel = match user_info {
        Some(user_info) => tunnel.with_auth(auth::proxy_authorization(user_info)?),
        None => tunnel,
    };
    Ok(Dial::Proxied(Box::new(Proxied { connector, tunnel, address: proxy })))
}

/// A proxy's user info and its address without.
pub(crate) fn split_proxy(address: &str) -> Result<(Option<&str>, Uri)> {
    let unusable = || Error::InvalidAccess("the proxy must be of the form http://host:port");
    let rest = match address.split_once("://") {
        Some(("http", rest)) => rest,
        Some(_) => return Err(unusable()),
        None => address,
    };
    let rest = rest.trim_end_matches('/');
    let (user_info, host) = rest.rsplit_once('@').map_or((None, rest), |(user, host)| (Some(user), host));
    let uri: Uri = format!("http://{host}/").parse().map_err(|_| unusable())?;
    match uri.host() {
        Some(host) if !host.is_empty() => Ok((user_info, uri)),
        _ => Err(unusable()),
    }
}

impl Service<Uri> for Dial {
    type Response = Tcp;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = std::result::Result<Tcp, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<std::result::Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let mut dial = self.clone();
        Box::pin(async move {
            Ok(match &mut dial {
                Self::Straight(connector) => connector.call(target).await?,
                Self::Proxied(proxy) if target.scheme_str() == Some("https") => {
                    proxy.tunnel.call(target).await?
                }
                Self::Proxied(proxy) => proxy.connector.call(proxy.address.clone()).await?,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_addresses_with_or_without_user_info() {
        for (text, expected) in [
            ("http://proxy:3128", Some("http://proxy:3128/")),
            ("http://me:p@ss@proxy:3128/", Some("me:p@ss http://proxy:3128/")),
            ("proxy:3128", Some("http://proxy:3128/")),
            ("[::1]:3128", Some("http://[::1]:3128/")),
            ("http://me:p/ss@[::1]:3128", Some("me:p/ss http://[::1]:3128/")),
            ("http://::1:3128", None),
            ("https://proxy:3128", None),
            ("socks5://proxy", None),
            ("", None),
        ] {
            let found = split_proxy(text).ok().map(|(user, uri)| {
                [user.unwrap_or("").to_owned(), uri.to_string()].join(" ").trim().to_owned()
            });
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }
}
