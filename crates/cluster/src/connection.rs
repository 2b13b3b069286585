//! One API server under one identity: requests go out, answers come back classified and counted.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH, RETRY_AFTER, WARNING};
use http::{HeaderMap, Method, Request, Response};
use http_body_util::BodyExt as _;
use kube::client::Body;
use lockstep_core::{Gvk, ObjectKey};
use parking_lot::{Mutex, RwLock};
use tokio::time::Instant;

use crate::connector::{self, ConnectError, ConnectOptions, Target, WATCHES_PER_LANE, WatchLane};
use crate::error::{ApiError, Asked, classify};
use crate::raw::RawObject;
use crate::requests::{RequestKey, Requests, Verb};
use crate::resource::{Resource, ResourceScope};
use crate::silence::{Hearing, Silence};
use crate::stream::{self, Selector};

/// The API server itself gives up on a request after 60 seconds.
const DEADLINE: Duration = Duration::from_secs(65);

/// So much of a log is read; what is cut off is its end.
const LOG_BYTES: usize = 262_144;

/// Credentials are made anew at most this often after a 401.
const RENEWAL_PAUSE: Duration = Duration::from_secs(30);

/// A connection; clones share it.
#[derive(Clone)]
pub struct Connection(Arc<Inner>);

struct Inner {
    client: RwLock<kube::Client>,
    target: Option<Target>,
    renewed: tokio::sync::Mutex<Option<Instant>>,
    server: Arc<str>,
    namespace: Arc<str>,
    requests: Requests,
    lanes: Mutex<Vec<usize>>,
    hearing: Hearing,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("server", &self.0.server).finish_non_exhaustive()
    }
}

impl Connection {
    /// Reads the configuration and prepares the client. No request is made yet, but a credential plugin may run.
    pub async fn open(options: &ConnectOptions) -> Result<Self, ConnectError> {
        let target = connector::resolve(options).await?;
        let client = built(&target).await?;
        let server = target.config.cluster_url.to_string().trim_end_matches('/').into();
        Ok(Self::assemble(client, server, Some(target)))
    }

    /// A connection over any client, for instance an API server inside the process.
    pub fn over(client: kube::Client, server: &str) -> Self {
        Self::assemble(client, server.into(), None)
    }

    fn assemble(client: kube::Client, server: Arc<str>, target: Option<Target>) -> Self {
        let namespace = client.default_namespace().into();
        let client = RwLock::new(client);
        let (renewed, requests, lanes, hearing) = Default::default();
        Self(Arc::new(Inner { client, target, renewed, server, namespace, requests, lanes, hearing }))
    }

    /// The server's URL, without credentials.
    pub fn server(&self) -> &str {
        &self.0.server
    }

    /// The kubeconfig's context; `None` inside a pod.
    pub fn context(&self) -> Option<&str> {
        self.0.target.as_ref()?.context.as_deref()
    }

    /// The namespace of the context or of the pod, else `default`.
    pub fn default_namespace(&self) -> &str {
        &self.0.namespace
    }

    /// The count of requests so far.
    pub fn requests(&self) -> &Requests {
        &self.0.requests
    }

    /// Whether, and since when, nothing has come from the server. One request that failed is enough: ask for something small
    /// ([`Connection::version`]) to be sure.
    pub fn silence(&self) -> Option<Silence> {
        self.0.hearing.silence()
    }

    /// Changes whenever the server works again after it did not.
    pub(crate) fn outages(&self) -> tokio::sync::watch::Receiver<u64> {
        self.0.hearing.ends()
    }

    /// Something that failed for a while works again.
    pub(crate) fn recovered(&self) {
        self.0.hearing.end_outage();
    }

    /// A connection to the server broke off.
    pub(crate) fn broke(&self, error: &ApiError) {
        self.0.hearing.unanswered(Instant::now(), error);
    }

    /// The server's version, for example `v1.37.2`.
    pub async fn version(&self) -> Result<String, ApiError> {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Version {
            git_version: String,
        }
        let answer = self.fetch(&Call::new(Verb::Get, "/version".to_owned())).await?;
        let version: Version = serde_json::from_slice(&answer.body).map_err(|_| malformed())?;
        Ok(version.git_version)
    }

    /// Reads one object from the server.
    pub async fn get(&self, resource: &Resource, key: &ObjectKey) -> Result<RawObject, ApiError> {
        let call = Call::new(Verb::Get, resource.object_path(key)).on(resource, Some(&key.namespace));
        RawObject::parse(&self.fetch(&call).await?.body).ok_or_else(malformed)
    }

    /// Reads the last lines that a container of a pod wrote; of a container that was started again, those of its last run.
    pub async fn log(&self, pod: &ObjectKey, container: &str, lines: usize) -> Result<String, ApiError> {
        let resource = Resource::new(Gvk::new("", "v1", "Pod"), "pods", ResourceScope::Namespaced);
        let path = resource.object_path(pod);
        // Names of containers are DNS labels: nothing in them has to be escaped.
        let path = format!("{path}/log?container={container}&tailLines={lines}&limitBytes={LOG_BYTES}");
        let mut call = Call::new(Verb::Get, path).on(&resource, Some(&pod.namespace));
        call.accept = "text/plain, */*";
        let answer = self.fetch(&call).await?;
        let mut text = String::from_utf8_lossy(&answer.body).into_owned();
        if answer.body.len() >= LOG_BYTES {
            // Half a line may be half a secret, which nobody would know as one.
            text.truncate(text.rfind('\n').unwrap_or(0));
        }
        Ok(text)
    }

    /// Reads all objects of a kind, or those of one namespace, page by page.
    pub async fn list(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        selector: &Selector,
    ) -> Result<Vec<RawObject>, ApiError> {
        stream::list_all(self, resource, namespace, selector).await
    }

    /// Sends a request and reads the whole answer.
    pub(crate) async fn fetch(&self, call: &Call<'_>) -> Result<Answer, ApiError> {
        let started = Instant::now();
        let result = tokio::time::timeout(DEADLINE, self.exchange(call))
            .await
            .unwrap_or_else(|_| Err(self.timeout(started)));
        self.count(call, result.as_ref().map_or_else(code_of, |answer| answer.code), started);
        result
    }

    /// Sends a request whose answer is a stream.
    pub(crate) async fn open_stream(&self, call: &Call<'_>) -> Result<Body, ApiError> {
        let started = Instant::now();
        let sent = tokio::time::timeout(DEADLINE, self.send(call))
            .await
            .unwrap_or_else(|_| Err(self.timeout(started)));
        let result = match sent {
            Ok(response) if response.status().is_success() => Ok(response.into_body()),
            Ok(response) => Err(self.failed(call, response).await),
            Err(error) => Err(error),
        };
        self.count(call, result.as_ref().map_or_else(code_of, |_| 200), started);
        result
    }

    async fn exchange(&self, call: &Call<'_>) -> Result<Answer, ApiError> {
        let response = self.send(call).await?;
        if !(response.status().is_success() || response.status() == http::StatusCode::NOT_MODIFIED) {
            return Err(self.failed(call, response).await);
        }
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map_err(|error| ApiError::unavailable(&error))?.to_bytes();
        let warnings = warnings(&parts.headers);
        Ok(Answer { code: parts.status.as_u16(), body, warnings, etag: parts.headers.get(ETAG).cloned() })
    }

    /// Sends, and sends once more with renewed credentials if they were not accepted.
    async fn send(&self, call: &Call<'_>) -> Result<Response<Body>, ApiError> {
        let response = self.send_once(call).await?;
        match response.status() == http::StatusCode::UNAUTHORIZED && self.renew().await {
            true => self.send_once(call).await,
            false => Ok(response),
        }
    }

    async fn send_once(&self, call: &Call<'_>) -> Result<Response<Body>, ApiError> {
        let request = call.request().map_err(|error| ApiError::unavailable(&error))?;
        let client = self.0.client.read().clone();
        let made = Instant::now();
        let result = client.send(request).await.map_err(|error| ApiError::unavailable(&error));
        match &result {
            Ok(_) => self.0.hearing.answered(),
            Err(error) => self.0.hearing.unanswered(made, error),
        }
        result
    }

    fn timeout(&self, made: Instant) -> ApiError {
        let error = ApiError::Unavailable { message: "no answer within 65 seconds".into() };
        self.0.hearing.unanswered(made, &error);
        error
    }

    async fn failed(&self, call: &Call<'_>, response: Response<Body>) -> ApiError {
        let code = response.status().as_u16();
        let header = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        match response.into_body().collect().await {
            Ok(body) => classify(&call.asked(), code, header, &body.to_bytes()),
            Err(error) => ApiError::unavailable(&error),
        }
    }

    /// After a 401: plugins that hand out certificates, and certificate files, have no expiry that the client would see.
    async fn renew(&self) -> bool {
        let Some(target) = &self.0.target else { return false };
        let mut renewed = self.0.renewed.lock().await;
        if renewed.is_some_and(|at| at.elapsed() < RENEWAL_PAUSE) {
            return true;
        }
        *renewed = Some(Instant::now());
        match built(target).await {
            Ok(client) => *self.0.client.write() = client,
            Err(error) => tracing::warn!(%error, "The credentials cannot be renewed"),
        }
        true
    }

    fn count(&self, call: &Call<'_>, code: u16, started: Instant) {
        let (group, kind) = (call.group.clone(), call.kind.clone());
        let key = RequestKey { verb: call.verb, group, kind, code, dry_run: call.dry_run };
        self.0.requests.record(key, started.elapsed());
    }

    /// A place for one watch on one of the connections kept for watches.
    pub(crate) fn lane(&self) -> Lane {
        let mut lanes = self.0.lanes.lock();
        let at = lanes.iter().position(|used| *used < WATCHES_PER_LANE).unwrap_or(lanes.len());
        match lanes.get_mut(at) {
            Some(used) => *used += 1,
            None => lanes.push(1),
        }
        Lane { connection: self.clone(), at }
    }
}

/// Held by a watch for as long as it lives.
pub(crate) struct Lane {
    connection: Connection,
    pub(crate) at: usize,
}

impl Drop for Lane {
    fn drop(&mut self) {
        if let Some(used) = self.connection.0.lanes.lock().get_mut(self.at) {
            *used -= 1;
        }
    }
}

async fn built(target: &Target) -> Result<kube::Client, ConnectError> {
    let config = target.config.clone();
    // The client spawns its worker when it is made, so the blocking thread needs the runtime's context, which it has.
    let built = tokio::task::spawn_blocking(move || connector::client(&config)).await;
    built.unwrap_or(Err(ConnectError::Malformed("credential plugin")))
}

pub(crate) fn malformed() -> ApiError {
    ApiError::Unavailable { message: "the answer is not what was asked for".into() }
}

/// The metric label of an error: the code that it was classified from, 0 for none.
fn code_of(error: &ApiError) -> u16 {
    match error {
        ApiError::NotFound | ApiError::NotServed | ApiError::NamespaceMissing => 404,
        ApiError::NamespaceTerminating | ApiError::Forbidden { .. } => 403,
        ApiError::AlreadyExists | ApiError::Conflict { .. } | ApiError::Stale | ApiError::Gone => 409,
        ApiError::Invalid { .. } => 422,
        ApiError::BadRequest { .. } => 400,
        ApiError::Unsupported => 405,
        ApiError::Unauthorized => 401,
        ApiError::TooManyRequests { .. } => 429,
        ApiError::Expired => 410,
        ApiError::ServerError { code, .. } => *code,
        ApiError::Unavailable { .. } => 0,
    }
}

fn warnings(headers: &HeaderMap) -> Vec<Arc<str>> {
    let texts = headers.get_all(WARNING).iter().filter_map(|value| value.to_str().ok());
    // The form is `299 - "text"`, with quotes and backslashes inside escaped.
    texts.filter_map(|text| Some(unescaped(text.split_once('"')?.1.strip_suffix('"')?))).collect()
}

fn unescaped(text: &str) -> Arc<str> {
    let mut chars = text.chars();
    let next = || match chars.next() {
        Some('\\') => chars.next(),
        other => other,
    };
    std::iter::from_fn(next).collect::<String>().into()
}

/// An answer that is a success, or 304.
pub(crate) struct Answer {
    pub(crate) code: u16,
    pub(crate) body: Bytes,
    pub(crate) warnings: Vec<Arc<str>>,
    pub(crate) etag: Option<HeaderValue>,
}

/// A request before it is sent.
pub(crate) struct Call<'a> {
    pub(crate) verb: Verb,
    /// Path and query.
    pub(crate) path: String,
    pub(crate) group: Arc<str>,
    pub(crate) kind: Arc<str>,
    pub(crate) namespace: Option<&'a str>,
    pub(crate) body: Bytes,
    pub(crate) content_type: &'static str,
    pub(crate) accept: &'static str,
    pub(crate) etag: Option<HeaderValue>,
    pub(crate) dry_run: bool,
    pub(crate) uid_only: bool,
    pub(crate) lane: Option<usize>,
}

impl<'a> Call<'a> {
    pub(crate) fn new(verb: Verb, path: String) -> Self {
        Self {
            verb,
            path,
            group: Arc::default(),
            kind: Arc::default(),
            namespace: None,
            body: Bytes::new(),
            content_type: "application/json",
            accept: "application/json",
            etag: None,
            dry_run: false,
            uid_only: false,
            lane: None,
        }
    }

    pub(crate) fn on(mut self, resource: &Resource, namespace: Option<&'a str>) -> Self {
        self.group = resource.gvk.api.group.clone();
        self.kind = resource.gvk.kind.clone();
        self.namespace = namespace.filter(|name| resource.namespaced() && !name.is_empty());
        self
    }

    fn asked(&self) -> Asked<'_> {
        let secret = self.group.is_empty() && &*self.kind == "Secret";
        Asked { verb: self.verb, secret, namespace: self.namespace, uid_only: self.uid_only }
    }

    fn method(&self) -> Method {
        match self.verb {
            Verb::Get | Verb::List | Verb::Watch => Method::GET,
            Verb::Create => Method::POST,
            Verb::Update => Method::PUT,
            Verb::Patch | Verb::Apply => Method::PATCH,
            Verb::Delete | Verb::DeleteCollection => Method::DELETE,
        }
    }

    fn request(&self) -> Result<Request<Body>, http::Error> {
        let mut request =
            Request::builder().method(self.method()).uri(&self.path).header(ACCEPT, self.accept);
        if !self.body.is_empty() {
            request = request.header(CONTENT_TYPE, self.content_type);
        }
        if let Some(etag) = &self.etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        if let Some(lane) = self.lane {
            request = request.extension(WatchLane(lane));
        }
        request.body(Body::from(self.body.clone()))
    }

    pub(crate) fn watch_asked(&self) -> Asked<'_> {
        self.asked()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection() -> Connection {
        let service = tower::service_fn(async |_: Request<Body>| {
            Ok::<_, std::convert::Infallible>(Response::new(Body::empty()))
        });
        Connection::over(kube::Client::new(service, "default"), "https://x")
    }

    #[tokio::test]
    async fn silence_begins_with_the_first_request_without_an_answer_and_any_answer_ends_it() {
        let results = Arc::new(Mutex::new(vec![Some(500), None, None]));
        let service = tower::service_fn(move |_: Request<Body>| {
            let next = results.lock().pop().flatten();
            let answer = || Response::builder().status(next.unwrap_or_default()).body(Body::empty());
            std::future::ready(if next.is_some() {
                answer().map_err(|e| e.to_string())
            } else {
                Err("cut".to_owned())
            })
        });
        let connection = Connection::over(kube::Client::new(service, "default"), "https://x");
        assert_eq!(connection.silence(), None);
        assert!(connection.version().await.is_err());
        let first = connection.silence().unwrap();
        assert!(connection.version().await.is_err());
        assert_eq!(connection.silence().unwrap().since, first.since);
        assert!(connection.version().await.is_err(), "500");
        assert_eq!(connection.silence(), None);
    }

    #[tokio::test]
    async fn watches_share_connections_up_to_a_number_and_give_their_places_back() {
        let connection = connection();
        let mut lanes: Vec<Lane> = (0..WATCHES_PER_LANE + 1).map(|_| connection.lane()).collect();
        assert_eq!((lanes[0].at, lanes[WATCHES_PER_LANE].at), (0, 1));
        lanes.remove(3);
        assert_eq!(connection.lane().at, 0);
    }

    #[test]
    fn warnings_lose_their_wrapping() {
        let mut headers = HeaderMap::new();
        headers.append(WARNING, HeaderValue::from_static("299 - \"unknown field \\\"spec.x\\\"\""));
        headers.append(WARNING, HeaderValue::from_static("no quotes"));
        assert_eq!(warnings(&headers), [Arc::from("unknown field \"spec.x\"")]);
    }
}
