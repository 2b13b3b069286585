//! An API server of scripted answers.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt as _;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use kube::client::Body;
use lockstep_cluster::{Connection, Discovery, Index};
use std::sync::Mutex;
use tokio::sync::mpsc;

/// In place of a code: there is no answer.
pub(crate) const CUT: u16 = 0;

type Answer = Response<UnsyncBoxBody<Bytes, Infallible>>;

/// The server. Requests that no script covers open a stream if they are watches, else answer 404.
pub(crate) struct Fake {
    state: Arc<State>,
    watches: mpsc::UnboundedReceiver<OpenWatch>,
}

struct State {
    log: Mutex<Vec<Seen>>,
    scripts: Mutex<Vec<(String, VecDeque<Reply>)>>,
    watches: mpsc::UnboundedSender<OpenWatch>,
}

/// A request as it came in.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// `GET /api/v1/configmaps?limit=500`
    pub(crate) line: String,
    pub(crate) content_type: String,
    pub(crate) etag: String,
    pub(crate) body: String,
}

#[derive(Clone)]
pub(crate) struct Reply {
    code: u16,
    body: String,
    headers: Vec<(&'static str, String)>,
}

/// A watch that a client has open.
pub(crate) struct OpenWatch {
    pub(crate) line: String,
    frames: mpsc::UnboundedSender<Bytes>,
}

impl OpenWatch {
    pub(crate) fn send(&self, kind: &str, object: &str) {
        _ = self.frames.send(format!("{{\"type\":\"{kind}\",\"object\":{object}}}\n").into());
    }

    /// ADDED frames and the bookmark that ends the list.
    pub(crate) fn list(&self, objects: &[&str], version: u32) {
        objects.iter().for_each(|object| self.send("ADDED", object));
        let end = r#""annotations":{"k8s.io/initial-events-end":"true"}"#;
        self.send("BOOKMARK", &format!(r#"{{"metadata":{{"resourceVersion":"{version}",{end}}}}}"#));
    }
}

impl Fake {
    pub(crate) fn new() -> Self {
        let (sender, watches) = mpsc::unbounded_channel();
        let state = State { log: Mutex::default(), scripts: Mutex::default(), watches: sender };
        let fake = Self { state: Arc::new(state), watches };
        fake.on("GET /apis", 200, &groups(""));
        fake.on("GET /api", 200, &core());
        fake
    }

    /// Answers requests whose line begins like this; several answers are given in turn, the last one for ever.
    pub(crate) fn on(&self, line: &str, code: u16, body: &str) {
        self.reply(line, Reply { code, body: body.to_owned(), headers: vec![] });
    }

    pub(crate) fn on_with(&self, line: &str, code: u16, header: (&'static str, &str)) {
        self.reply(line, Reply { code, body: String::new(), headers: vec![(header.0, header.1.to_owned())] });
    }

    pub(crate) fn reply_with(&self, line: &str, body: &str, header: (&'static str, &str)) {
        let headers = vec![(header.0, header.1.to_owned())];
        self.reply(line, Reply { code: 200, body: body.to_owned(), headers });
    }

    fn reply(&self, line: &str, reply: Reply) {
        let mut scripts = self.state.scripts.lock().unwrap();
        match scripts.iter_mut().find(|(known, _)| known == line) {
            Some((_, replies)) => replies.push_back(reply),
            None => scripts.push((line.to_owned(), VecDeque::from([reply]))),
        }
        // The most specific script counts.
        scripts.sort_by_key(|(line, _)| std::cmp::Reverse(line.len()));
    }

    /// Forgets the answers to such requests.
    pub(crate) fn clear(&self, line: &str) {
        self.state.scripts.lock().unwrap().retain(|(known, _)| known != line);
    }

    pub(crate) fn connection(&self) -> Connection {
        let state = self.state.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let state = state.clone();
            async move { state.answer(request).await.ok_or_else(|| "cut".to_owned()) }
        });
        Connection::over(kube::Client::new(service, "default"), "https://fake")
    }

    pub(crate) async fn index(&self) -> (Index, Discovery) {
        let connection = self.connection();
        let discovery = Discovery::load(&connection).await.unwrap();
        (Index::new(&connection, &discovery, "lockstep"), discovery)
    }

    /// The next watch that a client opens.
    pub(crate) async fn watch(&mut self) -> OpenWatch {
        self.watches.recv().await.unwrap()
    }

    pub(crate) fn seen(&self, line: &str) -> Vec<Seen> {
        let log = self.state.log.lock().unwrap();
        log.iter().filter(|seen| seen.line.starts_with(line)).cloned().collect()
    }
}

impl State {
    async fn answer(&self, request: Request<Body>) -> Option<Answer> {
        let (parts, body) = request.into_parts();
        let line = format!("{} {}", parts.method, parts.uri);
        let body = body.collect_bytes().await.unwrap();
        let header = |name: &str| {
            parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
        };
        let (content_type, etag) = (header("content-type"), header("if-none-match"));
        let body = String::from_utf8(body.to_vec()).unwrap();
        self.log.lock().unwrap().push(Seen { line: line.clone(), content_type, etag, body });
        Some(match self.scripted(&line) {
            Some(reply) if reply.code == CUT => return None,
            Some(reply) => reply.into_answer(),
            None if line.contains("watch=true") => self.stream(line),
            None => Reply { code: 404, body: "404 page not found".to_owned(), headers: vec![] }.into_answer(),
        })
    }

    fn scripted(&self, line: &str) -> Option<Reply> {
        let mut scripts = self.scripts.lock().unwrap();
        let matches = |known: &str| match known.contains('?') || known.matches('/').count() > 2 {
            // A script of a list does not cover watches.
            true => line.starts_with(known) && (known.contains("watch=true") || !line.contains("watch=true")),
            false => line == known,
        };
        let (_, replies) = scripts.iter_mut().find(|(known, _)| matches(known))?;
        match replies.len() {
            1 => replies.front().cloned(),
            _ => replies.pop_front(),
        }
    }

    fn stream(&self, line: String) -> Answer {
        let (frames, receiver) = mpsc::unbounded_channel::<Bytes>();
        let stream = futures::stream::unfold(receiver, |mut receiver| async {
            receiver.recv().await.map(|bytes| (bytes, receiver))
        });
        let stream = stream.map(|bytes| Ok(http_body::Frame::data(bytes)));
        _ = self.watches.send(OpenWatch { line, frames });
        Response::new(StreamBody::new(stream).boxed_unsync())
    }
}

impl Reply {
    fn into_answer(self) -> Answer {
        let mut response = Response::builder().status(self.code);
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        response.body(Full::new(Bytes::from(self.body)).boxed_unsync()).unwrap()
    }
}

/// `apidiscovery.k8s.io/v2` of the core group.
pub(crate) fn core() -> String {
    let resource = |plural: &str, kind: &str, short: &str, verbs: &str, scope: &str| {
        format!(
            r#"{{"resource":"{plural}","responseKind":{{"group":"","version":"v1","kind":"{kind}"}},"scope":"{scope}","singularResource":"{}","shortNames":["{short}"],"verbs":[{verbs}]}}"#,
            kind.to_lowercase()
        )
    };
    let all = r#""get","list","watch","create","update","patch","delete""#;
    let resources = [
        resource("configmaps", "ConfigMap", "cm", all, "Namespaced"),
        resource("secrets", "Secret", "sec", all, "Namespaced"),
        resource("namespaces", "Namespace", "ns", all, "Cluster"),
        resource("pings", "Ping", "pg", r#""get""#, "Namespaced"),
        resource("hooks", "Hook", "hk", r#""create""#, "Namespaced"),
        resource("componentstatuses", "ComponentStatus", "cs", r#""get","list""#, "Cluster"),
    ];
    list(&format!(
        r#"{{"metadata":{{"name":""}},"versions":[{{"version":"v1","freshness":"Current","resources":[{}]}}]}}"#,
        resources.join(",")
    ))
}

fn list(items: &str) -> String {
    format!(r#"{{"kind":"APIGroupDiscoveryList","apiVersion":"apidiscovery.k8s.io/v2","items":[{items}]}}"#)
}

/// The other groups: `example.com/v1`, of the freshness given, or none.
pub(crate) fn groups(freshness: &str) -> String {
    let widget = r#"{"resource":"widgets","responseKind":{"group":"example.com","version":"v1","kind":"Widget"},"scope":"Namespaced","singularResource":"widget","verbs":["get","list","watch"],"subresources":[{"subresource":"status","verbs":["get"]}]}"#;
    let resources = if freshness == "Current" { widget } else { "" };
    match freshness {
        "" => list(""),
        _ => list(&format!(
            r#"{{"metadata":{{"name":"example.com"}},"versions":[{{"version":"v1","freshness":"{freshness}","resources":[{resources}]}}]}}"#
        )),
    }
}

/// An object of a list or a frame.
pub(crate) fn object(namespace: &str, name: &str, version: u32) -> String {
    format!(
        r#"{{"metadata":{{"name":"{name}","namespace":"{namespace}","uid":"uid-{name}","resourceVersion":"{version}"}},"data":{{"v":"{version}"}}}}"#
    )
}

pub(crate) fn page(items: &[String], version: u32, more: &str) -> String {
    format!(
        r#"{{"kind":"List","metadata":{{"resourceVersion":"{version}","continue":"{more}"}},"items":[{}]}}"#,
        items.join(",")
    )
}

pub(crate) fn status(code: u16, reason: &str) -> String {
    format!(
        r#"{{"kind":"Status","apiVersion":"v1","metadata":{{}},"status":"Failure","message":"scripted","reason":"{reason}","code":{code}}}"#
    )
}
