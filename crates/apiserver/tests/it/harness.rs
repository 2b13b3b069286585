//! A server, and a client that knows nothing of it: TLS and HTTP/1.1 by hand.

use std::sync::Arc;
use std::time::Duration;

use apistore::{Method, Request, Settings, Store, User};
use lockstep_apiserver::{
    Access, Api, AuditLog, Authentication, Authority, Credentials, Server, TokenKey, TokenUser,
};
use lockstep_core::{Secret, Value, from_json};
use runtime::{Clock, Shutdown};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A server that serves until it is dropped.
pub(crate) struct Served {
    pub(crate) api: Arc<Api>,
    pub(crate) authority: Authority,
    pub(crate) shutdown: Shutdown,
    pub(crate) running: tokio::task::JoinHandle<()>,
    admin: Credentials,
    pub(crate) address: std::net::SocketAddr,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.shutdown.request();
    }
}

pub(crate) async fn serve() -> Served {
    serve_with(None).await
}

pub(crate) async fn serve_with(audit: Option<AuditLog>) -> Served {
    let store = Store::new(Settings { seed: 1, history: 10_000 }, Clock::system().since_epoch());
    let api = Api::in_memory(store, TokenKey::new([7; 64]));
    let authority = Authority::generate().unwrap();
    let admin = authority.user("admin", "system:masters").unwrap();
    let token = |token: &str, user: User| TokenUser { token: Secret::new(token.to_owned()), user };
    let tokens =
        vec![token("t-admin", User::of("ann", &["system:masters"])), token("t-eve", User::of("eve", &[]))];
    let access = Access { authentication: Authentication { tokens }, audit };
    let server = Server::bind(api.clone(), &authority, access, "127.0.0.1:0".parse().unwrap()).await.unwrap();
    let (address, shutdown) = (server.address(), Shutdown::new());
    let running = tokio::spawn(server.run(shutdown.clone()));
    Served { api, authority, shutdown, running, admin, address }
}

/// An answer that was read to its end.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) code: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        from_json(self.body.as_bytes()).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    /// Asserts the code and the reason of a `Status`.
    pub(crate) fn refused(&self, code: u16, reason: &str) -> String {
        assert_eq!(self.code, code, "{}", self.body);
        let status = self.json();
        assert_eq!(status.str_at(&["kind"]), Some("Status"));
        assert_eq!(status.str_at(&["reason"]), Some(reason), "{}", self.body);
        status.str_at(&["message"]).unwrap_or_default().to_owned()
    }
}

/// One request to be sent.
pub(crate) struct Ask<'a> {
    served: &'a Served,
    method: &'a str,
    path: String,
    headers: Vec<(&'a str, String)>,
    body: Vec<u8>,
    certificate: bool,
}

impl Served {
    /// As the administrator, by certificate.
    pub(crate) fn ask<'a>(&'a self, method: &'a str, path: impl Into<String>) -> Ask<'a> {
        let (headers, body) = (Vec::new(), Vec::new());
        Ask { served: self, method, path: path.into(), headers, body, certificate: true }
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.ask("GET", path).send().await
    }

    /// Writes without a connection.
    pub(crate) async fn put_config_map(&self, name: &str) {
        let path = "/api/v1/namespaces/default/configmaps";
        let body = format!(r#"{{"metadata":{{"name":"{name}"}}}}"#);
        let request = Request::system(Method::Post, path).body("application/json", body.into_bytes());
        assert_eq!(self.api.call(&request).await.code, 201);
    }

    async fn connect(&self, user: Option<&Credentials>) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.authority.certificate().as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_root_certificates(roots);
        let config = match user {
            None => config.with_no_client_auth(),
            Some(user) => {
                let chain = vec![CertificateDer::from_pem_slice(user.certificate.as_bytes()).unwrap()];
                let key = PrivateKeyDer::from_pem_slice(user.key.expose().as_bytes()).unwrap();
                config.with_client_auth_cert(chain, key).unwrap()
            }
        };
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from("kubernetes.default.svc").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }

    /// With a certificate of one's own.
    pub(crate) async fn get_as(&self, user: &Credentials, path: &str) -> std::io::Result<Reply> {
        let mut stream = self.connect(Some(user)).await?;
        stream.write_all(&self.ask("GET", path).text()).await?;
        read(stream).await
    }
}

impl Ask<'_> {
    #[must_use]
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    #[must_use]
    pub(crate) fn body(mut self, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header("content-type", media_type)
    }

    /// Without a certificate.
    #[must_use]
    pub(crate) fn nameless(mut self) -> Self {
        self.certificate = false;
        self
    }

    fn text(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\nhost: kubernetes\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("connection: close\r\ncontent-length: {}\r\n\r\n", self.body.len()));
        [head.as_bytes(), &self.body].concat()
    }

    async fn open(&self) -> TlsStream<TcpStream> {
        let user = self.certificate.then_some(&self.served.admin);
        let mut stream = self.served.connect(user).await.unwrap();
        // A server that refuses a body does not read all of it.
        let _ = stream.write_all(&self.text()).await;
        stream
    }

    pub(crate) async fn send(self) -> Reply {
        self.try_send().await.unwrap()
    }

    /// The same; an error is a connection that broke before the answer.
    pub(crate) async fn try_send(self) -> std::io::Result<Reply> {
        let answer = tokio::time::timeout(Duration::from_secs(20), async { read(self.open().await).await });
        answer.await.expect("an answer, or an end")
    }

    /// A watch: its head is read, its lines come one by one.
    pub(crate) async fn watch(self) -> Lines {
        let mut lines = Lines(BufReader::new(self.open().await));
        let mut line = String::from("head");
        while !line.trim().is_empty() {
            line.clear();
            lines.0.read_line(&mut line).await.unwrap();
        }
        lines
    }
}

/// The lines of a watch that goes on.
pub(crate) struct Lines(BufReader<TlsStream<TcpStream>>);

impl Lines {
    /// The next event; `None` when the server has ended the watch.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        loop {
            let mut line = String::new();
            let read = tokio::time::timeout(Duration::from_secs(20), self.0.read_line(&mut line));
            match read.await.expect("an event").unwrap_or(0) {
                0 => return None,
                _ if line.starts_with('{') => return Some(from_json(line.as_bytes()).unwrap()),
                _ if line.trim() == "0" => return None,
                _ => {}
            }
        }
    }
}

async fn read(mut stream: TlsStream<TcpStream>) -> std::io::Result<Reply> {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes).await {
        Err(error) if bytes.is_empty() => return Err(error),
        // Servers seldom say goodbye in TLS.
        _ => {}
    }
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n").ok_or(std::io::ErrorKind::UnexpectedEof)?;
    let code = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
    let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    let body = if chunked { unchunked(body) } else { body.to_owned() };
    Ok(Reply { code, head: head.to_owned(), body })
}

fn unchunked(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap_or(0);
        let Some(chunk) = rest.get(..size).filter(|_| size > 0) else { break };
        whole.push_str(chunk);
        body = rest[size..].trim_start_matches("\r\n");
    }
    whole
}
