//! HTTP for git: blocking calls over one small runtime, connections kept between them.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use parking_lot::Mutex;
use tokio::runtime::{Builder, Runtime};

use crate::body::{Body, guarded};
use crate::connect::{Dial, connector, split_proxy};
use crate::failure::Failure;
use crate::{Access, Error, Limits, Result, auth, trust};

/// How long an idle connection is kept: longer than the usual time between two polls.
const IDLE: Duration = Duration::from_secs(90);
/// Clients kept; they differ by scheme, authorities and proxy only, never by repository.
const CLIENTS: usize = 64;

type HyperClient = Client<HttpsConnector<Dial>, Full<Bytes>>;
type Key = (String, Option<String>, Option<lockstep_core::Secret<String>>);

/// The HTTP side of all mirrors: share one, so that repositories on one host share its connections.
///
/// Its calls block on a thread of their own runtime; they must not be made from an async worker.
pub struct Http {
    /// Taken when dropped, since a runtime must not be dropped by waiting inside another one.
    runtime: Option<Runtime>,
    clients: Mutex<BTreeMap<Key, HyperClient>>,
}

impl std::fmt::Debug for Http {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Http")
    }
}

/// Everything that one exchange needs beside its request.
#[derive(Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) http: &'a Http,
    pub(crate) access: &'a Access,
    pub(crate) limits: &'a Limits,
    pub(crate) cancel: &'a AtomicBool,
    /// When it must be over.
    pub(crate) until: Instant,
}

impl Http {
    /// Starts the runtime, one thread.
    pub fn new() -> Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("git-http")
            .enable_io()
            .enable_time()
            .build()
            .map_err(Error::unavailable)?;
        Ok(Self { runtime: Some(runtime), clients: Mutex::default() })
    }

    fn runtime(&self) -> Result<&Runtime> {
        self.runtime.as_ref().ok_or(Error::Cancelled)
    }

    fn client(&self, call: Call<'_>, scheme: &str) -> Result<HyperClient> {
        let key = (scheme.to_owned(), call.access.ca_pem.clone(), call.access.proxy.clone());
        if let Some(client) = self.clients.lock().get(&key) {
            return Ok(client.clone());
        }
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(connector(call.access, scheme, call.limits.connect)?);
        let mut clients = self.clients.lock();
        if clients.len() >= CLIENTS {
            clients.clear();
        }
        Ok(clients.entry(key).or_insert(client).clone())
    }
}

impl Drop for Http {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl<'a> Call<'a> {
    /// Sends a request and waits for the head of the answer, whatever its status.
    pub(crate) fn send(self, request: Request<Full<Bytes>>) -> Result<Response<Body<'a>>> {
        let scheme = request.uri().scheme_str().unwrap_or("http").to_owned();
        let request = self.through_proxy(request, &scheme)?;
        let client = self.http.client(self, &scheme)?;
        let runtime = self.http.runtime()?;
        let limit = self.limits.connect + self.limits.stall;
        let send = |request| {
            let answer = async { client.request(request).await.map_err(classify) };
            runtime.block_on(guarded(answer, limit, self.until, self.cancel))
        };
        // A kept connection may have been closed by the server just now. Git's requests change nothing, so ask again.
        let response = match send(request.clone()) {
            Err((Error::Unavailable(_), Stage::Exchange)) => send(request),
            other => other,
        };
        let (head, incoming) = response.map_err(|(error, _)| error)?.into_parts();
        let body = Body {
            runtime: runtime.handle().clone(),
            incoming,
            limits: self.limits,
            cancel: self.cancel,
            until: self.until,
            failure: Failure::default(),
            chunk: Bytes::new(),
            total: 0,
        };
        Ok(Response::from_parts(head, body))
    }

    /// A proxy that reads a plain request wants to know who asks; through a tunnel it was told already.
    fn through_proxy(self, mut request: Request<Full<Bytes>>, scheme: &str) -> Result<Request<Full<Bytes>>> {
        if let Some(proxy) = self.access.proxy.as_ref().filter(|_| scheme == "http")
            && let (Some(user_info), _) = split_proxy(proxy.expose())?
        {
            let value = auth::proxy_authorization(user_info)?;
            request.headers_mut().insert(http::header::PROXY_AUTHORIZATION, value);
        }
        Ok(request)
    }
}

/// How far a request got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Connect,
    Exchange,
}

impl From<Error> for (Error, Stage) {
    fn from(error: Error) -> Self {
        (error, Stage::Connect)
    }
}

fn classify(error: hyper_util::client::legacy::Error) -> (Error, Stage) {
    let stage = if error.is_connect() { Stage::Connect } else { Stage::Exchange };
    match trust::is_untrusted(&error) {
        true => (Error::Untrusted(Box::new(error)), Stage::Connect),
        false => (Error::unavailable(error), stage),
    }
}

/// What an unsuccessful status means to a caller.
pub(crate) fn check_status(status: StatusCode) -> Result<()> {
    match status.as_u16() {
        200 => Ok(()),
        code @ (401 | 403 | 407) => Err(Error::Denied { status: code }),
        404 | 410 => Err(Error::RepositoryNotFound),
        408 | 425 | 429 | 500..=599 => Err(Error::unavailable(format!("HTTP {status}"))),
        _ => Err(Error::Protocol(format!("HTTP {status}"))),
    }
}
