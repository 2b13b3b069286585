//! What the tests call: a store with a clock of its own.

use std::time::Duration;

use lockstep_apistore::{
    Answers, Body, Demand, Handled, Method, Request, Response, Settings, Store, User, Watch, WatchEvent,
    WebhookCall,
};
use lockstep_core::{Value, from_json};

pub(crate) struct Api {
    pub(crate) store: Store,
    pub(crate) now: Duration,
}

/// An answer: its code and its body.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) code: u16,
    pub(crate) body: Value,
    pub(crate) warnings: Vec<String>,
}

impl Reply {
    pub(crate) fn text(&self, path: &[&str]) -> &str {
        self.body.str_at(path).unwrap_or_default()
    }

    pub(crate) fn message(&self) -> &str {
        self.text(&["message"])
    }

    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert!(self.code < 300, "{} {:?}", self.code, self.message());
        self
    }

    pub(crate) fn version(&self) -> &str {
        self.text(&["metadata", "resourceVersion"])
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        let items = self.body.get("items").and_then(Value::as_list).unwrap_or_default();
        items.iter().filter_map(|item| item.str_at(&["metadata", "name"])).collect()
    }
}

impl Api {
    pub(crate) fn new() -> Self {
        Self::remembering(1000)
    }

    pub(crate) fn remembering(history: usize) -> Self {
        let now = Duration::from_secs(1_700_000_000);
        let mut api = Self { store: Store::new(Settings { seed: 1, history }, now), now };
        api.account("default");
        api
    }

    /// The ServiceAccount that a controller makes in every namespace.
    pub(crate) fn account(&mut self, namespace: &str) {
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts");
        self.post(&path, r#"{"metadata":{"name":"default"}}"#);
    }

    pub(crate) fn answer(&mut self, request: &Request) -> Response {
        self.now += Duration::from_millis(10);
        match self.store.handle(request, &Answers::new(), self.now) {
            Handled::Done(response) => response,
            Handled::Need(demands) => panic!("{demands:?}"),
        }
    }

    pub(crate) fn send(&mut self, request: &Request) -> Reply {
        let response = self.answer(request);
        let body = match response.body {
            Body::Text(text) => Value::from(String::from_utf8(text.to_vec()).unwrap()),
            body => from_json(&body.json().expect("no watch")).unwrap(),
        };
        Reply { code: response.code, body, warnings: response.warnings }
    }

    /// Sends a request, asks `webhook` what it demands, and counts how often it had to be put again.
    pub(crate) fn send_answered(
        &mut self,
        request: &Request,
        mut webhook: impl FnMut(&WebhookCall) -> Vec<u8>,
    ) -> (Reply, usize) {
        self.now += Duration::from_millis(10);
        let (mut answers, mut rounds) = (Answers::new(), 0);
        loop {
            match self.store.handle(request, &answers, self.now) {
                Handled::Done(Response { code, warnings, body }) => {
                    let body = from_json(&body.json().unwrap()).unwrap();
                    return (Reply { code, body, warnings }, rounds);
                }
                Handled::Need(pending) => {
                    rounds += 1;
                    for demand in pending.demands {
                        let Demand::Webhook(call) = &demand else { panic!("{demand:?}") };
                        let answer = webhook(call).into();
                        answers.add(pending.begun, [(demand, Ok(answer))]);
                    }
                }
            }
        }
    }

    pub(crate) fn get(&mut self, path: &str) -> Reply {
        self.send(&request(Method::Get, path))
    }

    pub(crate) fn post(&mut self, path: &str, body: &str) -> Reply {
        self.send(&request(Method::Post, path).body("application/json", body.as_bytes()))
    }

    pub(crate) fn put(&mut self, path: &str, body: &str) -> Reply {
        self.send(&request(Method::Put, path).body("application/json", body.as_bytes()))
    }

    pub(crate) fn delete(&mut self, path: &str) -> Reply {
        self.send(&request(Method::Delete, path))
    }

    pub(crate) fn patch(&mut self, path: &str, kind: &str, body: &str) -> Reply {
        let kind = match kind {
            "apply" => "application/apply-patch+yaml",
            "json" => "application/json-patch+json",
            "merge" => "application/merge-patch+json",
            _ => "application/strategic-merge-patch+json",
        };
        self.send(&request(Method::Patch, path).body(kind, body.as_bytes()))
    }

    pub(crate) fn apply(&mut self, path: &str, manager: &str, body: &str) -> Reply {
        let sign = if path.contains('?') { '&' } else { '?' };
        self.patch(&format!("{path}{sign}fieldManager={manager}"), "apply", body)
    }

    pub(crate) fn watch(&mut self, path: &str) -> Watch {
        match self.answer(&request(Method::Get, path).with("watch", "true")).body {
            Body::Watch(watch) => watch,
            other => panic!("{other:?}"),
        }
    }

    /// What a watch tells now: type, name and version; `None` at its end.
    pub(crate) fn poll(&self, watch: &mut Watch) -> Option<Vec<String>> {
        let events = self.store.poll(watch, self.now)?;
        let text = |event: &WatchEvent| {
            let object = from_json(&event.object).unwrap();
            let text = |path: &[&str]| object.str_at(path).unwrap_or_default().to_owned();
            match event.kind.as_str() {
                "ERROR" => format!("ERROR {}", text(&["message"])),
                "BOOKMARK" => "BOOKMARK".to_owned(),
                kind => format!("{kind} {}", text(&["metadata", "name"])),
            }
        };
        Some(events.iter().map(text).collect())
    }
}

/// A request of `tester`; the path may have a query.
pub(crate) fn request(method: Method, path: &str) -> Request {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let request = Request::system(method, path)
        .agent("tester/1.0")
        .by(User::of("admin", &["system:masters", "system:authenticated"]));
    query.split_terminator('&').fold(request, |request, pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        request.with(name, value.replace("%20", " ").replace("%01", "\u{1}"))
    })
}
