//! The way from the controller to the API server: requests of HTTP, without HTTP.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use apistore::{Body as Content, EventType, Info, Method, Request, Response, User, Verb, Watch};
use bytes::{BufMut, Bytes, BytesMut};
use futures::Stream;
use http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH, USER_AGENT, WARNING};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use kube::client::Body;
use lockstep_core::{Value, from_json};
use tower_service::Service;

use crate::discovery::Core;
use crate::fault::{Effect, status};
use crate::story::{Outcome, Subject, What, Write, words};
use crate::world::{Fate, Moment, World};

type Answered = http::Response<UnsyncBoxBody<Bytes, io::Error>>;

/// Carries the requests of one client.
#[derive(Clone)]
pub(crate) struct Transport {
    pub(crate) world: Arc<World>,
    /// Whether the scenario tells of its requests and lets them meet faults: those of the controller.
    pub(crate) watched: Watched,
}

/// Who a client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Watched {
    /// The controller.
    Yes,
    /// One who only looks.
    No,
}

impl Service<http::Request<Body>> for Transport {
    type Response = Answered;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Answered>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let this = self.clone();
        Box::pin(async move { this.answer(request).await })
    }
}

impl Transport {
    async fn answer(self, http: http::Request<Body>) -> io::Result<Answered> {
        let tag = http.headers().get(IF_NONE_MATCH).cloned();
        let request = read(http).await?;
        tokio::time::sleep(self.world.latency()).await;
        if self.watched == Watched::Yes && self.world.is_dead() {
            // Whoever died sends nothing more.
            std::future::pending::<()>().await;
        }
        if self.world.is_away() {
            return Err(io::Error::new(io::ErrorKind::ConnectionRefused, "connection refused"));
        }
        let Some(info) = Info::of(&request) else {
            return Ok(self.other(&request.path, tag.as_ref()));
        };
        if self.watched == Watched::No {
            let (response, _) = self.world.handle(&request);
            return Ok(self.sent(response));
        }
        let writes = !matches!(info.verb, Verb::Get | Verb::List | Verb::Watch)
            && request.parameter("dryRun").is_none();
        match self.world.fate(&info, writes) {
            Fate::Goes => Ok(self.done(&request, &info, writes)),
            Fate::Dies(moment) => {
                if moment == Moment::After {
                    self.done(&request, &info, writes);
                }
                self.world.die();
                std::future::pending().await
            }
            Fate::Meets(effect) => self.meet(effect, (&request, &info, writes)).await,
        }
    }

    async fn meet(
        &self,
        effect: Effect,
        (request, info, writes): (&Request, &Info, bool),
    ) -> io::Result<Answered> {
        let lost = || io::Error::new(io::ErrorKind::ConnectionReset, "connection reset by peer");
        match effect {
            Effect::Refused(code) => {
                self.tell(writes, request, info, (Outcome::Refused(code), None));
                let body = Content::Object(status(code).into());
                Ok(self.sent(Response { code, warnings: Vec::new(), body }))
            }
            Effect::Unsent => {
                self.tell(writes, request, info, (Outcome::Unsent, None));
                Err(lost())
            }
            Effect::Unanswered => {
                let (response, _) = self.world.handle(request);
                let shown = shown(&response);
                self.tell(writes, request, info, (Outcome::Unanswered, shown.as_ref()));
                Err(lost())
            }
            Effect::Late(pause) => {
                let answer = self.done(request, info, writes);
                tokio::time::sleep(pause).await;
                Ok(answer)
            }
        }
    }

    /// The request is done, and answered.
    fn done(&self, request: &Request, info: &Info, writes: bool) -> Answered {
        let (response, changed) = self.world.handle(request);
        if writes {
            let outcome = match response.code {
                200..=299 if changed => Outcome::Done,
                200..=299 => Outcome::Unchanged,
                code => Outcome::Refused(code),
            };
            let shown = shown(&response);
            self.tell(writes, request, info, (outcome, shown.as_ref()));
        }
        self.sent(response)
    }

    fn tell(&self, writes: bool, request: &Request, info: &Info, (result, shown): (Outcome, Option<&Value>)) {
        if !writes {
            return;
        }
        self.world.wrote();
        let mut what = what(request, info, result, shown);
        if let What::Write(write) = &mut what
            && let Some(below) = write.object.strip_prefix(&info.resource)
            && let Some(kind) = self.world.served().kind(info)
        {
            write.object = format!("{kind}{below}");
        }
        self.world.note(what);
    }

    /// Discovery and the version.
    fn other(&self, path: &str, tag: Option<&http::HeaderValue>) -> Answered {
        let core = match path {
            "/api" => Core::Yes,
            "/apis" => Core::No,
            "/version" => return whole(200, br#"{"gitVersion":"v1.37.2"}"#.to_vec()),
            _ => return whole(404, status(404)),
        };
        let served = self.world.served();
        let etag = format!("\"{}\"", served.all.len());
        let fresh = http::HeaderValue::from_str(&etag).ok();
        if fresh.is_some() && fresh.as_ref() == tag {
            return whole(304, Vec::new());
        }
        let mut answer = whole(
            200,
            match core {
                Core::Yes => served.core.clone(),
                Core::No => served.groups.clone(),
            },
        );
        if let Some(fresh) = fresh {
            answer.headers_mut().insert(ETAG, fresh);
        }
        let media = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
        answer.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static(media));
        answer
    }

    fn sent(&self, response: Response) -> Answered {
        let mut answer = match response.body {
            Content::Watch(watch) => {
                let lines = events(self.world.clone(), watch);
                let frames = futures::StreamExt::map(lines, |line| line.map(Frame::data));
                let body = BodyExt::boxed_unsync(StreamBody::new(frames));
                let mut answer = http::Response::new(body);
                *answer.status_mut() = http::StatusCode::OK;
                answer
            }
            body => {
                let bytes = match &body {
                    Content::Text(text) => text.to_vec(),
                    body => body.json().map(|json| json.to_vec()).unwrap_or_default(),
                };
                whole(response.code, bytes)
            }
        };
        for warning in &response.warnings {
            let text = format!("299 - \"{}\"", warning.replace('\\', "\\\\").replace('"', "\\\""));
            if let Ok(value) = http::HeaderValue::from_str(&text) {
                answer.headers_mut().append(WARNING, value);
            }
        }
        answer
    }
}

fn whole(code: u16, bytes: Vec<u8>) -> Answered {
    let body = Full::new(Bytes::from(bytes)).map_err(|never: Infallible| match never {});
    let mut answer = http::Response::new(BodyExt::boxed_unsync(body));
    *answer.status_mut() =
        http::StatusCode::from_u16(code).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    answer.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    answer
}

async fn read(http: http::Request<Body>) -> io::Result<Request> {
    let (parts, body) = http.into_parts();
    let body = body.collect_bytes().await.map_err(io::Error::other)?;
    let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let method = match parts.method {
        http::Method::POST => Method::Post,
        http::Method::PUT => Method::Put,
        http::Method::PATCH => Method::Patch,
        http::Method::DELETE => Method::Delete,
        _ => Method::Get,
    };
    let query = parts.uri.query().unwrap_or_default();
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    Ok(Request {
        method,
        path: decoded(parts.uri.path()),
        query: pairs.map(|(name, value)| (decoded(name), decoded(&value.replace('+', " ")))).collect(),
        content_type: text(CONTENT_TYPE).to_owned(),
        body: body.as_ref().into(),
        user: User::of("lockstep", &["system:masters", "system:authenticated"]),
        impersonate: None,
        agent: text(USER_AGENT).to_owned(),
    })
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match (first, hex) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

struct Sending {
    world: Arc<World>,
    watch: Watch,
    changes: tokio::sync::watch::Receiver<u64>,
    begun: (u64, u64),
    ended: bool,
}

/// The lines of a watch until it ends, breaks or expires.
fn events(world: Arc<World>, watch: Watch) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    let (changes, begun) = (world.changes(), world.interruptions());
    let sending = Sending { world, watch, changes, begun, ended: false };
    futures::stream::unfold(sending, |mut sending| async move { Some((sending.next().await?, sending)) })
}

impl Sending {
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        while !self.ended {
            self.changes.borrow_and_update();
            let (broken, expired) = self.world.interruptions();
            if broken != self.begun.0 {
                self.ended = true;
                return Some(Err(io::Error::new(io::ErrorKind::ConnectionReset, "connection reset by peer")));
            }
            if expired != self.begun.1 {
                self.ended = true;
                return Some(Ok(line("ERROR", &status(410))));
            }
            let (events, pause) = self.world.poll(&mut self.watch);
            let events = events?;
            if !events.is_empty() {
                self.ended = events.iter().any(|event| event.kind == EventType::Error);
                let mut lines = BytesMut::new();
                events.iter().for_each(|event| lines.put(line(event.kind.as_str(), &event.object)));
                // Until here they were on their way.
                tokio::time::sleep(self.world.latency()).await;
                return Some(Ok(lines.freeze()));
            }
            let _ = tokio::time::timeout(pause, self.changes.changed()).await;
        }
        None
    }
}

fn line(kind: &str, object: &[u8]) -> Bytes {
    let mut line = BytesMut::with_capacity(object.len() + 48);
    line.put_slice(format!("{{\"type\":\"{kind}\",\"object\":").as_bytes());
    line.put_slice(object);
    line.put_slice(b"}\n");
    line.freeze()
}

fn shown(response: &Response) -> Option<Value> {
    match &response.body {
        Content::Object(bytes) => from_json(bytes).ok(),
        _ => None,
    }
}

/// What a write is, for those who read of it.
fn what(request: &Request, info: &Info, result: Outcome, shown: Option<&Value>) -> What {
    let sent = from_json(&request.body).unwrap_or_default();
    let done = matches!(result, Outcome::Done | Outcome::Unanswered);
    if info.resource == "events" && done {
        let text = |path: &[&str]| sent.str_at(path).unwrap_or_default().to_owned();
        return What::Event {
            app: text(&["involvedObject", "name"]),
            text: format!("{}: {}", text(&["reason"]), text(&["message"])),
        };
    }
    if info.resource == "applications" && info.subresource == "status" && done {
        let words = shown.map(words).unwrap_or_default();
        return What::Said { app: info.name.clone(), words };
    }
    let applies = request.content_type.contains("apply-patch");
    let verb = if applies { "apply" } else { info.verb.as_str() };
    let kind = sent.str_at(&["kind"]).filter(|kind| !matches!(*kind, "DeleteOptions" | "Status"));
    let kind = kind.or_else(|| shown?.str_at(&["kind"]).filter(|kind| *kind != "Status"));
    let name = match (&*info.name, sent.str_at(&["metadata", "name"])) {
        ("", Some(name)) => name,
        (name, _) => name,
    };
    let own = info.namespace == crate::stage::NAMESPACE && info.resource == "secrets";
    let subject = match own {
        true => Subject::Record,
        false if info.group == api::GROUP || !info.subresource.is_empty() => Subject::Own,
        false => Subject::Object,
    };
    let object = match subject {
        Subject::Record => {
            let app = sent.str_at(&["metadata", "annotations", "lockstep.dev/application"]);
            app.map_or(name, |app| app.strip_prefix("default/").unwrap_or(app)).to_owned()
        }
        _ => named(kind.unwrap_or(&info.resource), &info.namespace, name, &info.subresource),
    };
    let verb = if subject == Subject::Record { "record" } else { verb };
    What::Write(Write { verb, object, result, subject })
}

fn named(kind: &str, namespace: &str, name: &str, subresource: &str) -> String {
    let place = match namespace {
        "" | "default" => String::new(),
        namespace if namespace == name => String::new(),
        namespace => format!("{namespace}/"),
    };
    let below = if subresource.is_empty() { String::new() } else { format!("/{subresource}") };
    format!("{kind}/{place}{name}{below}")
}
