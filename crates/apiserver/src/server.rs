//! Connections: TLS, HTTP/1.1 and HTTP/2.

use std::net::SocketAddr;
use std::sync::Arc;

use apistore::User;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use runtime::Shutdown;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::api::Api;
use crate::audit::AuditLog;
use crate::authentication::{Authentication, of_certificate};
use crate::metrics::Metrics;
use crate::pki::{Authority, Credentials, PkiError};
use crate::route::Router;

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address cannot be had.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// There is no certificate.
    #[error("cannot serve TLS")]
    Pki(#[from] PkiError),
}

/// Who may come, and where it is written down what they do.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// Who is known by a token.
    pub authentication: Authentication,
    /// Where writes are written down; nowhere for `None`.
    pub audit: Option<AuditLog>,
}

/// An API that listens.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    tls: TlsAcceptor,
    router: Arc<Router>,
}

/// How long a client may take for the handshake.
const HANDSHAKE: std::time::Duration = std::time::Duration::from_secs(10);

impl Server {
    /// Takes an address; port 0 is any free one. From here on clients can connect; they are answered when it is
    /// [run](Server::run).
    ///
    /// # Errors
    /// When the address is taken, or a certificate cannot be made.
    pub async fn bind(
        api: Arc<Api>,
        authority: &Authority,
        access: Access,
        address: SocketAddr,
    ) -> Result<Self, ServerError> {
        let listen = |source| ServerError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let host = address.ip().to_string();
        let names =
            ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "127.0.0.1", &host];
        let tls = TlsAcceptor::from(Arc::new(tls(authority, &authority.server(&names)?)?));
        api.introduce(&access.authentication);
        let (address_text, metrics) = (address.to_string(), Metrics::default());
        let router = Arc::new(Router { api, access, address: address_text, metrics });
        Ok(Self { listener, address, tls, router })
    }

    /// The address with its real port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where clients find it.
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Serves until the wish to end; then open requests are answered and watches are cut.
    pub async fn run(self, shutdown: Shutdown) {
        let graceful = GracefulShutdown::new();
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                // One that has ended is forgotten.
                Some(_) = connections.join_next() => continue,
                () = shutdown.requested() => break,
            };
            match accepted {
                Ok((stream, _)) => {
                    let (tls, router) = (self.tls.clone(), self.router.clone());
                    let watcher = graceful.watcher();
                    connections.spawn(connection(stream, tls, router, watcher));
                }
                // Out of file descriptors, or gone before it was accepted: others may be luckier soon.
                Err(error) => {
                    tracing::debug!(%error, "a connection was not accepted");
                    tokio::time::sleep(std::time::Duration::from_millis(10)).await;
                }
            }
        }
        drop(self.listener);
        // Watches do not end by themselves.
        let _ = tokio::time::timeout(std::time::Duration::from_millis(200), graceful.shutdown()).await;
        connections.shutdown().await;
    }
}

async fn connection(
    stream: TcpStream,
    tls: TlsAcceptor,
    router: Arc<Router>,
    watcher: hyper_util::server::graceful::Watcher,
) {
    // Answers are small and waited for.
    let _ = stream.set_nodelay(true);
    let Ok(Some(stream)) = tokio::time::timeout(HANDSHAKE, handshake(stream, &tls)).await else { return };
    let (_, session) = stream.get_ref();
    let certificate = session.peer_certificates().and_then(|chain| of_certificate(chain.first()?));
    let user: Arc<Option<User>> = Arc::new(certificate);
    let service = service_fn(move |request| {
        let (router, user) = (router.clone(), user.clone());
        async move { router.answer(request, user.as_ref().as_ref()).await }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http2().max_concurrent_streams(1_000);
    let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection ended");
    }
}

/// What Go's server tells who does not speak TLS.
const PLAIN: &[u8] = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";

async fn handshake(mut stream: TcpStream, tls: &TlsAcceptor) -> Option<TlsStream<TcpStream>> {
    let mut first = [0; 5];
    stream.peek(&mut first).await.ok()?;
    if [b"GET /", b"HEAD ", b"POST ", b"PUT /", b"OPTIO"].contains(&&first) {
        stream.write_all(PLAIN).await.ok()?;
        // What is unread when a socket is closed takes what was written with it.
        stream.shutdown().await.ok()?;
        while stream.read(&mut [0; 1024]).await.is_ok_and(|read| read > 0) {}
        return None;
    }
    tls.accept(stream).await.ok()
}

fn tls(authority: &Authority, credentials: &Credentials) -> Result<ServerConfig, PkiError> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.certificate().as_bytes())?)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .allow_unauthenticated()
        .build()?;
    let chain = vec![CertificateDer::from_pem_slice(credentials.certificate.as_bytes())?];
    let key = PrivateKeyDer::from_pem_slice(credentials.key.expose().as_bytes())?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
