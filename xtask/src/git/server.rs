//! Smart HTTP: `git http-backend` behind a small server on loopback.
use std::io::{self, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::http::{Request, Response, read_request};

/// How the server behaves towards everyone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Availability {
    /// It serves.
    Up,
    /// It answers 503 to everything.
    Unavailable,
    /// It hangs up without a word.
    HangsUp,
    /// It takes requests and answers them once that has changed.
    Stalls,
}

/// What a client must present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// User name and password.
    Basic(String, String),
    /// A token.
    Bearer(String),
}

impl Credentials {
    fn header(&self) -> String {
        match self {
            Self::Basic(user, password) => format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))),
            Self::Bearer(token) => format!("Bearer {token}"),
        }
    }
}

/// Serves every repository under a directory for as long as it lives.
#[derive(Debug)]
pub struct GitServer {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    root: PathBuf,
    availability: Mutex<Availability>,
    required: Mutex<Option<Credentials>>,
    listings: AtomicU64,
    fetches: AtomicU64,
    stalled: AtomicU64,
    stopped: AtomicBool,
}

impl GitServer {
    /// Serves `root` on a free port.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn start(root: &Path) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            root: root.to_path_buf(),
            availability: Mutex::new(Availability::Up),
            required: Mutex::new(None),
            listings: AtomicU64::new(0),
            fetches: AtomicU64::new(0),
            stalled: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        thread::Builder::new().name("git-http".into()).spawn(move || accepting.accept(&listener))?;
        Ok(Self { address, shared })
    }

    /// The address of a repository: `http://127.0.0.1:PORT/NAME`.
    pub fn url(&self, name: &str) -> String {
        format!("http://{}/{name}", self.address)
    }

    /// Changes the behaviour, for open connections too.
    pub fn set_availability(&self, availability: Availability) {
        *lock(&self.shared.availability) = availability;
    }

    /// From now on answers 401 to everyone who does not present these; `None` lets everyone in.
    pub fn require(&self, credentials: Option<Credentials>) {
        *lock(&self.shared.required) = credentials;
    }

    /// How many times references were asked for (protocol 2) or advertised (protocol 0 and 1).
    pub fn listings(&self) -> u64 {
        self.shared.listings.load(Ordering::SeqCst)
    }

    /// How many requests asked for objects.
    pub fn fetches(&self) -> u64 {
        self.shared.fetches.load(Ordering::SeqCst)
    }

    /// How many requests have been held up by [`Availability::Stalls`], those that were answered since included.
    pub fn stalled(&self) -> u64 {
        self.shared.stalled.load(Ordering::SeqCst)
    }
}

impl Drop for GitServer {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the listener, so that it sees that it is over.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn accept(self: Arc<Self>, listener: &TcpListener) {
        for stream in listener.incoming() {
            if self.stopped.load(Ordering::SeqCst) {
                return;
            }
            let (Ok(stream), shared) = (stream, Arc::clone(&self)) else { continue };
            // A client that hangs up early is the client's affair.
            thread::spawn(move || shared.serve(stream));
        }
    }

    fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(120)))?;
        let mut input = BufReader::new(stream.try_clone()?);
        while let Some(request) = read_request(&mut input, &mut stream)? {
            let availability = self.wait_while_stalled();
            if availability == Availability::HangsUp || self.stopped.load(Ordering::SeqCst) {
                return Ok(());
            }
            self.answer(&request, availability)?.write(&mut stream)?;
            if request.header("connection").is_some_and(|v| v.eq_ignore_ascii_case("close")) {
                return Ok(());
            }
        }
        Ok(())
    }

    fn wait_while_stalled(&self) -> Availability {
        let now = || *lock(&self.availability);
        if now() == Availability::Stalls {
            self.stalled.fetch_add(1, Ordering::SeqCst);
        }
        while now() == Availability::Stalls && !self.stopped.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(2));
        }
        now()
    }

    fn answer(&self, request: &Request, availability: Availability) -> io::Result<Response> {
        if availability == Availability::Unavailable {
            return Ok(Response::bare("503 Service Unavailable"));
        }
        let required = lock(&self.required).as_ref().map(Credentials::header);
        if required.is_some() && request.header("authorization") != required.as_deref() {
            let mut response = Response::bare("401 Unauthorized");
            response.headers.push(("www-authenticate".into(), "Basic realm=\"git\"".into()));
            return Ok(response);
        }
        self.count(request);
        self.run_backend(request)
    }

    fn count(&self, request: &Request) {
        let posted = request.method == "POST" && request.path.ends_with("/git-upload-pack");
        let version_2 = request.header("git-protocol").is_some_and(|v| v.contains("version=2"));
        let lists = match posted {
            true => contains(&request.body, b"command=ls-refs"),
            false => request.path.ends_with("/info/refs") && !version_2,
        };
        if lists {
            self.listings.fetch_add(1, Ordering::SeqCst);
        } else if posted {
            self.fetches.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn run_backend(&self, request: &Request) -> io::Result<Response> {
        let header = |name| request.header(name).unwrap_or_default();
        let mut child = Command::new("git")
            .arg("http-backend")
            .env("GIT_PROJECT_ROOT", &self.root)
            .env("GIT_HTTP_EXPORT_ALL", "1")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("REQUEST_METHOD", &request.method)
            .env("PATH_INFO", &request.path)
            .env("QUERY_STRING", &request.query)
            .env("CONTENT_TYPE", header("content-type"))
            .env("CONTENT_LENGTH", request.body.len().to_string())
            .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
            .env("GIT_PROTOCOL", header("git-protocol"))
            .env("REMOTE_ADDR", "127.0.0.1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let input = child.stdin.take();
        let output = thread::scope(|scope| {
            // Written beside the reading: neither pipe may fill up while the other waits.
            scope.spawn(|| input.map(|mut input| input.write_all(&request.body)));
            child.wait_with_output()
        })?;
        Ok(Response::from_cgi(&output.stdout))
    }
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|window| window == word)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
