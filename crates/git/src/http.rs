//! HTTP for git: blocking calls over one small runtime, connections kept between them.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{HOST, HeaderValue, PROXY_AUTHORIZATION};
use http::uri::PathAndQuery;
use http::{Request, Response, StatusCode, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use parking_lot::Mutex;
use tokio::runtime::{Builder, Runtime};

use crate::body::{Body, guarded};
use crate::connect::{Connector, connector, split_proxy};
use crate::failure::Failure;
use crate::line::Line;
use crate::pool::{Pool, Route, Way};
use crate::{Access, Error, Limits, Result, auth};

/// Connectors kept; they differ by scheme, authorities and proxy only, never by repository.
const CONNECTORS: usize = 64;

/// The HTTP side of all mirrors: share one, so that repositories on one host share its connections.
///
/// Its calls block on a thread of their own runtime; they must not be made from an async worker.
pub struct Http {
    pool: Pool,
    connectors: Mutex<BTreeMap<Way, Connector>>,
    /// Taken when dropped, since a runtime must not be dropped by waiting inside another one.
    runtime: Option<Runtime>,
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
        Ok(Self { pool: Pool::default(), connectors: Mutex::default(), runtime: Some(runtime) })
    }

    fn runtime(&self) -> Result<&Runtime> {
        self.runtime.as_ref().ok_or(Error::Cancelled)
    }

    fn connector(&self, way: &Way, limit: Duration) -> Result<Connector> {
        if let Some(connector) = self.connectors.lock().get(way) {
            return Ok(connector.clone());
        }
        let connector = connector(way, limit)?;
        let mut connectors = self.connectors.lock();
        if connectors.len() >= CONNECTORS {
            connectors.clear();
        }
        Ok(connectors.entry(way.clone()).or_insert(connector).clone())
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
        let target = request.uri().clone();
        let route = Route::of(&target, self.access)?;
        let request = self.addressed(request, &route)?;
        let kept = self.kept(&route)?.map(|line| self.exchange(line, request.clone()));
        let (line, answer) = match kept {
            // The server may have closed it just now. Git's requests change nothing, so ask again on a fresh one.
            None | Some(Err(Error::Unavailable(_))) => {
                self.exchange(self.connect(&route, target)?, request)?
            }
            Some(other) => other?,
        };
        let (head, incoming) = answer.into_parts();
        let body = Body {
            call: self,
            route,
            incoming,
            line: Some(line),
            failure: Failure::default(),
            chunk: Bytes::new(),
            total: 0,
        };
        Ok(Response::from_parts(head, body))
    }

    /// Waits on the runtime, no longer than `limit`.
    pub(crate) fn wait<T>(self, future: impl Future<Output = Result<T>>, limit: Duration) -> Result<T> {
        self.http.runtime()?.block_on(guarded(future, limit, self.until, self.cancel))
    }

    /// Keeps a connection whose answer was read to its end.
    pub(crate) fn keep(self, route: Route, mut line: Line) {
        if self.http.runtime().is_ok_and(|runtime| runtime.block_on(line.is_free())) {
            self.http.pool.put(route, line);
        }
    }

    fn kept(self, route: &Route) -> Result<Option<Line>> {
        let runtime = self.http.runtime()?;
        while let Some(mut line) = self.http.pool.take(route) {
            if runtime.block_on(line.is_free()) {
                return Ok(Some(line));
            }
        }
        Ok(None)
    }

    fn connect(self, route: &Route, target: Uri) -> Result<Line> {
        let connector = self.http.connector(&route.way, self.limits.connect)?;
        // A name, an address that may have to be tried after another, a tunnel, and TLS.
        self.wait(
            async move { Line::new(connector.connect(target).await?).await },
            self.limits.connect + self.limits.stall,
        )
    }

    fn exchange(self, mut line: Line, request: Request<Full<Bytes>>) -> Result<(Line, Response<Incoming>)> {
        let answer = self.wait(line.exchange(request), self.limits.stall)?;
        Ok((line, answer))
    }

    /// Names the host, and the way in the form that the other end reads: a proxy that reads plain requests is asked for
    /// whole addresses and wants to know who asks; through a tunnel it was told already.
    fn addressed(self, mut request: Request<Full<Bytes>>, route: &Route) -> Result<Request<Full<Bytes>>> {
        let host = HeaderValue::from_str(&route.host).map_err(|_| Error::malformed_url())?;
        request.headers_mut().insert(HOST, host);
        match self.access.proxy.as_ref().filter(|_| !route.way.is_tls) {
            Some(proxy) => {
                if let (Some(user_info), _) = split_proxy(proxy.expose())? {
                    let value = auth::proxy_authorization(user_info)?;
                    request.headers_mut().insert(PROXY_AUTHORIZATION, value);
                }
            }
            None => {
                let path = request.uri().path_and_query().map_or("/", PathAndQuery::as_str);
                *request.uri_mut() = path.parse().map_err(|_| Error::malformed_url())?;
            }
        }
        Ok(request)
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
