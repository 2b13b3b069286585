//! What the tests call: a cluster whose time goes on when told.

use std::time::Duration;

use apistore::{Answers, Body, Handled, Method, Request, Settings, Store, User};
use lockstep_core::{Value, from_json, to_json};
use lockstep_workloads::Workloads;

pub(crate) struct Cluster {
    pub(crate) store: Store,
    pub(crate) workloads: Workloads,
    pub(crate) now: Duration,
}

impl Cluster {
    pub(crate) fn new() -> Self {
        let now = Duration::from_secs(1_700_000_000);
        let store = Store::new(Settings { seed: 1, history: 5000 }, now);
        let mut cluster = Self { store, workloads: Workloads::new("PEM"), now };
        cluster.pass(Duration::from_secs(1));
        cluster
    }

    /// Lets everything happen that happens in a time, however often the controllers want to be called.
    pub(crate) fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        for _ in 0..100_000 {
            match self.workloads.tick(&mut self.store, self.now) {
                Some(next) if next <= until => self.now = next.max(self.now),
                _ => {
                    self.now = until;
                    return;
                }
            }
        }
        panic!("the controllers never rest");
    }

    pub(crate) fn settle(&mut self) {
        self.pass(Duration::from_secs(3));
    }

    #[track_caller]
    pub(crate) fn send(&mut self, request: Request) -> Value {
        let (code, body) = self.ask(request);
        assert!(code < 300, "{code} {}", body.str_at(&["message"]).unwrap_or_default());
        body
    }

    pub(crate) fn ask(&mut self, request: Request) -> (u16, Value) {
        let request =
            request.by(User::of("admin", &["system:masters", "system:authenticated"])).agent("tester");
        let Handled::Done(response) = self.store.handle(&request, &Answers::new(), self.now) else {
            panic!("a webhook")
        };
        let body = match response.body {
            Body::Text(text) => Value::from(String::from_utf8(text.to_vec()).unwrap()),
            body => from_json(&body.json().unwrap()).unwrap(),
        };
        (response.code, body)
    }

    /// Applies a manifest on the server.
    #[track_caller]
    pub(crate) fn apply(&mut self, namespace: &str, manifest: &Value) -> Value {
        let text = |path: &[&str]| manifest.str_at(path).unwrap_or_default().to_owned();
        let path = self.path(&text(&["apiVersion"]), &text(&["kind"]), namespace);
        let path = format!("{path}/{}", text(&["metadata", "name"]));
        let request =
            Request::system(Method::Patch, path).with("fieldManager", "tester").with("force", "true");
        self.send(request.body("application/apply-patch+yaml", to_json(manifest)))
    }

    /// The path of the objects of a kind.
    pub(crate) fn path(&self, api: &str, kind: &str, namespace: &str) -> String {
        let resources = self.store.resources();
        let (group, version) = api.split_once('/').unwrap_or(("", api));
        let found =
            resources.iter().find(|one| one.group == group && one.version == version && one.kind == kind);
        let found = found.unwrap_or_else(|| panic!("no kind {api} {kind}"));
        let root = if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{api}") };
        match found.namespaced {
            true => format!("{root}/namespaces/{namespace}/{}", found.plural),
            false => format!("{root}/{}", found.plural),
        }
    }

    pub(crate) fn namespace(&mut self, name: &str) {
        let body = format!(r#"{{"kind":"Namespace","apiVersion":"v1","metadata":{{"name":"{name}"}}}}"#);
        self.send(
            Request::system(Method::Post, "/api/v1/namespaces").body("application/json", body.into_bytes()),
        );
        self.pass(Duration::from_millis(5));
    }

    #[track_caller]
    pub(crate) fn get(&mut self, path: &str) -> Value {
        self.send(Request::system(Method::Get, path))
    }

    pub(crate) fn delete(&mut self, path: &str, policy: &str) -> u16 {
        let body = format!(r#"{{"kind":"DeleteOptions","apiVersion":"v1","propagationPolicy":"{policy}"}}"#);
        self.ask(Request::system(Method::Delete, path).body("application/json", body.into_bytes())).0
    }

    #[track_caller]
    pub(crate) fn list(&mut self, path: &str) -> Vec<Value> {
        let list = self.get(path);
        list.get("items").and_then(Value::as_list).unwrap_or_default().to_vec()
    }

    /// Namespaced names would be too long: all names of a collection.
    #[track_caller]
    pub(crate) fn names(&mut self, path: &str) -> Vec<String> {
        self.list(path).iter().map(|item| item.str_at(&["metadata", "name"]).unwrap().to_owned()).collect()
    }

    /// Nothing is written by controllers that have nothing to do.
    #[track_caller]
    pub(crate) fn rests(&mut self) {
        let before = self.store.revision();
        self.workloads.tick(&mut self.store, self.now);
        self.workloads.tick(&mut self.store, self.now);
        assert_eq!(self.store.revision(), before, "ticking again writes");
    }
}

pub(crate) fn value(json: &str) -> Value {
    from_json(json.as_bytes()).unwrap_or_else(|_| panic!("{json}"))
}

/// A Deployment with one container, and annotations of its pods.
pub(crate) fn deployment(name: &str, replicas: i64, image: &str, annotations: &[(&str, &str)]) -> Value {
    let mut deployment = value(&format!(
        r#"{{"apiVersion":"apps/v1","kind":"Deployment","metadata":{{"name":"{name}"}},
        "spec":{{"replicas":{replicas},"selector":{{"matchLabels":{{"app":"{name}"}}}},
        "template":{{"metadata":{{"labels":{{"app":"{name}"}}}},"spec":{{"containers":[{{"name":"main","image":"{image}"}}]}}}}}}}}"#
    ));
    for (key, text) in annotations {
        let key = format!("cluster.lockstep.dev/{key}");
        deployment.set(&["spec", "template", "metadata", "annotations", &key], (*text).into());
    }
    deployment
}
