//! Following one resource: list, then watch, for ever.
//!
//! The list comes as the beginning of the watch where the server can do that (`sendInitialEvents`), else in pages. What
//! ends a watch decides how to go on: its time is up (resume at the last resourceVersion), 410 (list again; the sink
//! compares), no streaming (pages from now on), any other error (back off with jitter).

mod frame;
mod paging;
mod polling;

use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt as _;
use serde_json::value::RawValue;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::connection::{Call, Connection, Lane};
use crate::error::{ApiError, classify_status};
use crate::raw::Head;
use crate::requests::Verb;
use crate::resource::{Resource, encode};

use frame::{Frame, FrameKind, Lines};
pub(crate) use paging::list_all;

/// How long a started list may be silent before it counts as a server that ignores `sendInitialEvents`.
const SILENCE: Duration = Duration::from_secs(15);

/// Over so long the attempts are spread that the end of an outage brings.
const SPREAD: Duration = Duration::from_millis(200);

/// Failures in a row until what was known before counts as unknown.
const PATIENCE: u32 = 3;

/// Which objects of a resource: label and field selectors as the API writes them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    /// For example `lockstep.dev/type=repository`; empty for all.
    pub labels: String,
    /// For example `metadata.name=x`; empty for all.
    pub fields: String,
}

/// Why nothing can be said about a scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The kind has neither the verb watch nor list nor get.
    #[error("the kind cannot be read")]
    Unreadable,
    /// The server's answer.
    #[error(transparent)]
    Request(#[from] ApiError),
}

/// Where a list says to go from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listed {
    /// On with the watch.
    Complete,
    /// The server's clock ran backwards (etcd was restored): what is kept is worth nothing, list again.
    Again,
}

/// What a stream feeds. All calls are synchronous and quick.
pub(crate) trait Sink: Send + Sync + 'static {
    /// A list begins: whatever is not mentioned until [`Sink::end`] is gone.
    fn begin(&self);
    /// An object of the list or a changed one.
    fn applied(&self, head: &Head<'_>, object: &[u8], at: Instant);
    /// An object was deleted.
    fn deleted(&self, head: &Head<'_>, object: &[u8], at: Instant);
    /// The list is complete, as of this resourceVersion.
    fn end(&self, resource_version: &str) -> Listed;
    /// Everything up to this resourceVersion has been seen.
    fn passed(&self, resource_version: &str);
    /// The watch stands again after [`Sink::failing`].
    fn recovered(&self);
    /// Nothing is known any more.
    fn failing(&self, failure: &Failure);
    /// Names to read one by one where the kind cannot be listed.
    fn names(&self) -> Vec<lockstep_core::ObjectKey>;
}

/// What to follow.
pub(crate) struct Source {
    pub(crate) connection: Connection,
    pub(crate) resource: Resource,
    pub(crate) namespace: Option<Arc<str>>,
    pub(crate) selector: Selector,
    pub(crate) accept: &'static str,
    /// Cuts a back-off short.
    pub(crate) kick: Arc<Notify>,
}

pub(crate) const JSON: &str = "application/json";

/// Follows the source for ever. Dropping the future ends it.
pub(crate) async fn follow(source: Source, sink: Arc<dyn Sink>) {
    let verbs = source.resource.verbs;
    let lane = source.connection.lane();
    let rng = fastrand::Rng::new();
    let outages = source.connection.outages();
    let (position, paged, failing, failures) = (None, false, false, 0);
    let mut stream = Stream { source, sink, lane, rng, outages, position, paged, failing, failures };
    match (verbs.has("watch") && verbs.has("list"), verbs.has("list"), verbs.has("get")) {
        (true, ..) => stream.watch_forever().await,
        (_, true, _) => stream.poll_lists().await,
        (.., true) => stream.poll_objects().await,
        _ => stream.sink.failing(&Failure::Unreadable),
    }
}

struct Stream {
    source: Source,
    sink: Arc<dyn Sink>,
    lane: Lane,
    rng: fastrand::Rng,
    /// The ends of outages; one that comes while an attempt is under way counts for the next pause.
    outages: watch::Receiver<u64>,
    /// The resourceVersion to resume from; `None`: list first.
    position: Option<String>,
    /// Streaming lists do not work here.
    paged: bool,
    /// The sink has been told of a failure that is not over.
    failing: bool,
    failures: u32,
}

/// How a watch ended.
#[derive(Debug)]
enum End {
    /// Its time was up, or the server closed it.
    Closed,
    /// It was a list in pages, and is complete.
    Listed,
    /// The position is too old.
    Expired,
    /// The server does not do streaming lists.
    NoStreaming,
    Failed(ApiError),
}

impl Stream {
    async fn watch_forever(&mut self) {
        loop {
            let started = Instant::now();
            self.outages.mark_unchanged();
            let end = match (&self.position, self.paged) {
                (None, true) => self.list_pages().await,
                _ => self.watch().await,
            };
            match end {
                // A watch that is closed at once, again and again, must not become a busy loop.
                End::Closed if started.elapsed() < Duration::from_secs(1) => self.pause(1).await,
                End::Closed | End::Listed => (),
                End::Expired => self.position = None,
                End::NoStreaming => (self.paged, self.position) = (true, None),
                End::Failed(error) => self.failed(error).await,
            }
        }
    }

    async fn failed(&mut self, error: ApiError) {
        self.failures += 1;
        let definite = !error.retryable();
        if definite || self.failures >= PATIENCE {
            self.failing = true;
            self.sink.failing(&Failure::Request(error.clone()));
        }
        if let ApiError::TooManyRequests { retry_after: Some(pause) } = error {
            tokio::time::sleep(pause).await;
        }
        self.pause(self.failures).await;
    }

    /// Waits as long as this many failures in a row deserve, or until somebody knows better: the end of an outage is everybody's.
    async fn pause(&mut self, failures: u32) {
        let delay = backoff(failures, self.rng.f64());
        let kick = self.source.kick.clone();
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = kick.notified() => {}
            // The connection outlives this, and it holds the sender.
            _ = self.outages.changed() => {
                // Those that wake together do not come together.
                let spread = SPREAD.min(delay).mul_f64(self.rng.f64());
                tokio::time::sleep(spread).await;
            }
        }
    }

    fn stands(&mut self) {
        if self.is_over() {
            self.sink.recovered();
        }
    }

    /// It works. Returns whether the sink was told that it does not; then others may work again too.
    fn is_over(&mut self) -> bool {
        self.failures = 0;
        let over = std::mem::take(&mut self.failing);
        if over {
            self.source.connection.recovered();
            self.outages.mark_unchanged();
        }
        over
    }

    /// One watch, from the position or with the list at its beginning, until it ends.
    async fn watch(&mut self) -> End {
        let initial = self.position.is_none();
        let seconds = self.rng.u64(300..600);
        let path = self.watch_path(seconds);
        let mut call = self.call(Verb::Watch, path);
        call.lane = Some(self.lane.at);
        let body = match self.source.connection.open_stream(&call).await {
            Ok(body) => body,
            Err(error) => return self.refused(error, initial),
        };
        match initial {
            true => self.sink.begin(),
            false => self.stands(),
        }
        self.read(body, Duration::from_secs(seconds + 30)).await
    }

    async fn read(&mut self, mut body: kube::client::Body, longest: Duration) -> End {
        let deadline = Instant::now() + longest;
        let mut lines = Lines::default();
        loop {
            let silence = if self.position.is_none() { SILENCE } else { longest };
            let patience = deadline.min(Instant::now() + silence);
            let chunk = match tokio::time::timeout_at(patience, body.frame()).await {
                Err(_) if self.position.is_none() => return End::NoStreaming,
                // The connection's own keep-alive did not notice, and neither has the server closed it in time.
                Err(_) | Ok(None) => return End::Closed,
                Ok(Some(Err(error))) => return self.broken(&error),
                Ok(Some(Ok(frame))) => frame,
            };
            let Ok(data) = chunk.into_data() else { continue };
            let at = Instant::now();
            if let Err(end) = lines.feed(&data, |line| self.frame(line, at)) {
                return end;
            }
        }
    }

    /// A watch that breaks off after its list is resumed at once; before that the list is lost.
    fn broken(&self, error: &kube::Error) -> End {
        let error = ApiError::unavailable(error);
        self.source.connection.broke(&error);
        match self.position.is_some() && self.failures == 0 {
            true => End::Closed,
            false => End::Failed(error),
        }
    }

    fn refused(&self, error: ApiError, initial: bool) -> End {
        match error {
            ApiError::Expired => End::Expired,
            // Servers without the feature call the parameters invalid or unknown.
            ApiError::Invalid { .. } | ApiError::BadRequest { .. } | ApiError::Unsupported if initial => {
                End::NoStreaming
            }
            error => End::Failed(error),
        }
    }

    fn frame(&mut self, line: &[u8], at: Instant) -> Result<(), End> {
        let unreadable = || End::Failed(crate::connection::malformed());
        let frame = Frame::parse(line).ok_or_else(unreadable)?;
        let object = frame.object.get().as_bytes();
        if frame.kind() == FrameKind::Error {
            return Err(self.error_frame(object));
        }
        let head = Head::parse(object).ok_or_else(unreadable)?;
        match frame.kind() {
            FrameKind::Applied => self.sink.applied(&head, object, at),
            FrameKind::Deleted => self.sink.deleted(&head, object, at),
            FrameKind::Bookmark if self.position.is_none() && head.ends_initial_events() => {
                return self.complete(head.resource_version());
            }
            FrameKind::Bookmark if self.position.is_some() => self.sink.passed(head.resource_version()),
            _ => (),
        }
        if let Some(position) = &mut self.position {
            position.replace_range(.., head.resource_version());
        }
        Ok(())
    }

    fn complete(&mut self, resource_version: &str) -> Result<(), End> {
        match self.sink.end(resource_version) {
            Listed::Again => Err(End::Expired),
            Listed::Complete => {
                self.position = Some(resource_version.to_owned());
                self.is_over();
                Ok(())
            }
        }
    }

    fn error_frame(&self, status: &[u8]) -> End {
        let error = classify_status(&self.call(Verb::Watch, String::new()).watch_asked(), status);
        match error {
            ApiError::Expired => End::Expired,
            // Old etcd and old servers say so only inside the stream, and with any code.
            _ if self.position.is_none() => End::NoStreaming,
            error => End::Failed(error),
        }
    }

    async fn list_pages(&mut self) -> End {
        self.sink.begin();
        let (sink, source) = (self.sink.clone(), &self.source);
        let at = Instant::now();
        let collect = |item: &RawValue| {
            let object = item.get().as_bytes();
            let head = Head::parse(object).ok_or_else(crate::connection::malformed)?;
            sink.applied(&head, object, at);
            Ok(())
        };
        let listed = paging::pages(&source.connection, &self.query(), collect).await;
        match listed.map(|resource_version| self.complete(&resource_version)) {
            Ok(Ok(())) => End::Listed,
            Ok(Err(end)) => end,
            Err(ApiError::Expired) => End::Expired,
            Err(error) => End::Failed(error),
        }
    }

    fn call(&self, verb: Verb, path: String) -> Call<'_> {
        let mut call = Call::new(verb, path).on(&self.source.resource, self.source.namespace.as_deref());
        call.accept = self.source.accept;
        call
    }

    fn query(&self) -> paging::Query<'_> {
        let source = &self.source;
        paging::Query {
            resource: &source.resource,
            namespace: source.namespace.as_deref(),
            selector: &source.selector,
            accept: source.accept,
        }
    }

    fn watch_path(&self, seconds: u64) -> String {
        let mut path = self.source.resource.collection_path(self.source.namespace.as_deref());
        path.push_str("?watch=true");
        match &self.position {
            None => path.push_str("&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"),
            Some(position) => {
                path.push_str("&resourceVersion=");
                encode(&mut path, position);
            }
        }
        path.push_str("&allowWatchBookmarks=true&timeoutSeconds=");
        path.push_str(&seconds.to_string());
        paging::select(&mut path, &self.source.selector);
        path
    }
}

/// 0.2 s doubling up to 30 s, of which the given share between a half and the whole.
fn backoff(failures: u32, jitter: f64) -> Duration {
    let whole = 0.1 * f64::from(1_u32 << failures.clamp(1, 9));
    Duration::from_secs_f64(whole.min(30.0) * (0.5 + jitter / 2.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_half_a_minute_and_differ() {
        assert_eq!(backoff(1, 1.0), Duration::from_millis(200));
        assert_eq!(backoff(1, 0.0), Duration::from_millis(100));
        assert_eq!(backoff(4, 1.0), Duration::from_millis(1600));
        assert_eq!(backoff(100, 1.0), Duration::from_secs(30));
    }
}
