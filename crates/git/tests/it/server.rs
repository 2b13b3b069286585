//! A web server that knows nothing but how to run `git http-backend`, and how to misbehave.

use std::io::{BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How to answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {
    /// The only `Authorization` to let in.
    pub(crate) authorization: Option<String>,
    /// Where to send every request for references instead.
    pub(crate) redirect: Option<String>,
    /// Pretend to know protocol 0 only.
    pub(crate) is_old: bool,
    /// Answer everything with this status, type and text.
    pub(crate) fixed: Option<(u16, &'static str, &'static str)>,
    /// Close the connection after so many bytes of a pack.
    pub(crate) cut: Option<usize>,
    /// Never answer a request for a pack.
    pub(crate) stall: bool,
    /// Close each connection after its answer, without saying so.
    pub(crate) hang_up: bool,
    /// Close each connection when its second request has come, without an answer.
    pub(crate) hang_up_late: bool,
}

/// A request, as far as tests ask about it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) line: String,
    pub(crate) authorization: Option<String>,
    pub(crate) body: String,
}

#[derive(Default)]
struct State {
    root: PathBuf,
    rules: Mutex<Rules>,
    seen: Mutex<Vec<Seen>>,
    connections: AtomicUsize,
}

/// Runs for as long as the process does; tests are short.
pub(crate) struct Server {
    address: SocketAddr,
    scheme: &'static str,
    state: Arc<State>,
}

type Wrap = Arc<dyn Fn(TcpStream) -> Box<dyn Stream> + Send + Sync>;

/// A connection, encrypted or not.
pub(crate) trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

impl Server {
    pub(crate) fn start(root: &Path) -> Self {
        Self::start_with(root, "http", Arc::new(|stream| Box::new(stream)))
    }

    /// Starts with a certificate, and gives the PEM of the authority that signed it.
    pub(crate) fn start_tls(root: &Path) -> (Self, String) {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate =
            rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
        let chain = vec![certificate.der().clone()];
        let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let config = Arc::new(config);
        let wrap = move |stream| -> Box<dyn Stream> {
            let connection = rustls::ServerConnection::new(config.clone()).unwrap();
            Box::new(rustls::StreamOwned::new(connection, stream))
        };
        (Self::start_with(root, "https", Arc::new(wrap)), certificate.pem())
    }

    fn start_with(root: &Path, scheme: &'static str, wrap: Wrap) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State { root: root.to_owned(), ..State::default() });
        let shared = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                shared.connections.fetch_add(1, Ordering::Relaxed);
                let (state, wrap) = (shared.clone(), wrap.clone());
                std::thread::spawn(move || {
                    let _ = stream.set_nodelay(true);
                    let raw = stream.try_clone().unwrap();
                    serve(wrap(stream), raw, &state)
                });
            }
        });
        Self { address, scheme, state }
    }

    /// The address of the repository.
    pub(crate) fn url(&self) -> String {
        format!("{}://localhost:{}/.git", self.scheme, self.address.port())
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn set(&self, rules: Rules) {
        *self.state.rules.lock().unwrap() = rules;
    }

    /// The requests since the last call.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.state.seen.lock().unwrap())
    }

    pub(crate) fn connections(&self) -> usize {
        self.state.connections.load(Ordering::Relaxed)
    }
}

struct Request {
    line: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    fn read(reader: &mut impl std::io::BufRead) -> Option<Self> {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
        let mut headers = Vec::new();
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).ok()?;
            match header.trim().split_once(':') {
                Some((name, value)) => headers.push((name.to_lowercase(), value.trim().to_owned())),
                None => break,
            }
        }
        let mut request = Self { line: line.trim().to_owned(), headers, body: Vec::new() };
        let length = request.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
        request.body.resize(length, 0);
        reader.read_exact(&mut request.body).ok()?;
        Some(request)
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// `raw` is the same connection as `stream`, below any encryption.
fn serve(stream: Box<dyn Stream>, raw: TcpStream, state: &State) {
    let mut stream = BufReader::new(stream);
    let mut is_first = true;
    while let Some(request) = Request::read(&mut stream) {
        if !std::mem::take(&mut is_first) && state.rules.lock().unwrap().hang_up_late {
            return;
        }
        state.seen.lock().unwrap().push(Seen {
            line: request.line.clone(),
            authorization: request.header("authorization").map(str::to_owned),
            body: String::from_utf8_lossy(&request.body).into_owned(),
        });
        if let Some(target) = request.line.strip_prefix("CONNECT ") {
            let target = TcpStream::connect(target.split(' ').next().unwrap()).unwrap();
            return tunnel(raw, target);
        }
        let rules = state.rules.lock().unwrap().clone();
        let is_pack = String::from_utf8_lossy(&request.body).contains("want ");
        if rules.stall && is_pack {
            // Until the client has had enough.
            let _ = std::io::copy(&mut stream, &mut std::io::sink());
            return;
        }
        let answer = answer(&request, &rules, &state.root);
        let cut = rules.cut.filter(|_| is_pack).map_or(answer.len(), |cut| cut.min(answer.len()));
        let written = stream.get_mut().write_all(&answer[..cut]).and_then(|()| stream.get_mut().flush());
        if written.is_err() || cut < answer.len() || rules.hang_up {
            return;
        }
    }
}

/// Carries bytes both ways, as a proxy does for https, until either end has no more to say.
fn tunnel(mut client: TcpStream, mut target: TcpStream) {
    let _ = client.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
    let (mut from, mut to) = (client.try_clone().unwrap(), target.try_clone().unwrap());
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
    let _ = std::io::copy(&mut target, &mut client);
    let _ = client.shutdown(Shutdown::Both);
}

fn answer(request: &Request, rules: &Rules, root: &Path) -> Vec<u8> {
    if let Some((status, kind, text)) = rules.fixed {
        return respond(status, &format!("Content-Type: {kind}\r\n"), text.as_bytes());
    }
    if rules
        .authorization
        .as_deref()
        .is_some_and(|expected| request.header("authorization") != Some(expected))
    {
        return respond(401, "WWW-Authenticate: Basic realm=\"git\"\r\n", b"");
    }
    if let Some(target) = rules.redirect.as_ref().filter(|_| request.line.contains("/info/refs")) {
        let location = format!("Location: {target}/info/refs?service=git-upload-pack\r\n");
        return respond(302, &location, b"");
    }
    run_backend(request, rules, root)
}

#[allow(clippy::disallowed_methods, reason = "the server under test is the real git")]
fn run_backend(request: &Request, rules: &Rules, root: &Path) -> Vec<u8> {
    let mut words = request.line.split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    // A proxy is asked for whole addresses.
    let target = target.strip_prefix("http://").map_or(target, |rest| &rest[rest.find('/').unwrap()..]);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut command = Command::new("git");
    command
        .arg("http-backend")
        .env_clear()
        .env("PATH", option_env!("PATH").unwrap_or("/usr/bin:/bin"))
        .env("GIT_PROJECT_ROOT", root)
        .envs([("GIT_HTTP_EXPORT_ALL", "1"), ("PATH_INFO", path), ("QUERY_STRING", query)])
        .envs([("REQUEST_METHOD", method), ("REMOTE_ADDR", "127.0.0.1"), ("GIT_CONFIG_NOSYSTEM", "1")])
        .env("CONTENT_TYPE", request.header("content-type").unwrap_or(""))
        .env("CONTENT_LENGTH", request.body.len().to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    if let Some(version) = request.header("git-protocol").filter(|_| !rules.is_old) {
        command.env("GIT_PROTOCOL", version);
    }
    let mut child = command.spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(&request.body);
    let output = child.wait_with_output().unwrap().stdout;
    let border = output.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&output[..border + 2]).into_owned();
    let status = head.lines().find_map(|line| line.strip_prefix("Status: ")?.get(..3)?.parse().ok());
    respond(status.unwrap_or(200), &head, &output[border + 4..])
}

fn respond(status: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut answer =
        format!("HTTP/1.1 {status} x\r\n{headers}Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    answer.extend_from_slice(body);
    answer
}
