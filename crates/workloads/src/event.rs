//! Events: what controllers tell of what they do.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use apistore::{Method, Request};
use lockstep_core::{Value, to_json};

use crate::object::{name, namespace, object, stamp, text, uid};

/// How many events there are at most, and how long one lasts.
const CAP: usize = 5_000;
const LASTS: Duration = Duration::from_secs(3600);

/// What is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Note<'a> {
    /// `Normal` or `Warning`.
    pub(crate) kind: &'a str,
    pub(crate) reason: &'a str,
    pub(crate) message: &'a str,
}

/// The events that were written, so that one that comes again is counted, and old ones are deleted.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    known: HashMap<(String, String, String), Known>,
    order: VecDeque<(Duration, (String, String, String))>,
    serial: u64,
}

#[derive(Debug)]
struct Known {
    path: String,
    count: i64,
}

impl Recorder {
    /// The request that tells of it.
    pub(crate) fn record(
        &mut self,
        (component, host): (&str, &str),
        about: &Value,
        note: Note<'_>,
        now: Duration,
    ) -> Option<Request> {
        let key = (uid(about).to_owned(), note.reason.to_owned(), note.message.to_owned());
        let time = stamp(now);
        if let Some(known) = self.known.get_mut(&key) {
            known.count += 1;
            let patch = object! {"count": known.count, "lastTimestamp": time};
            let request = Request::new(Method::Patch, known.path.clone());
            return Some(request.body("application/merge-patch+json", to_json(&patch)));
        }
        self.serial += 1;
        let space = if namespace(about).is_empty() { "default" } else { namespace(about) };
        // Nanoseconds, as in a real cluster, and a number that tells those of one moment apart.
        let event_name = format!("{}.{:x}{:03x}", name(about), now.as_nanos(), self.serial % 0x1000);
        let mut source = object! {"component": component};
        if !host.is_empty() {
            source.set(&["host"], host.into());
        }
        let event = object! {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": object! {"name": &*event_name, "namespace": space},
            "involvedObject": involved(about),
            "reason": note.reason,
            "message": note.message,
            "type": note.kind,
            "source": source,
            "reportingComponent": component,
            "reportingInstance": host,
            "firstTimestamp": &*time,
            "lastTimestamp": time,
            "count": 1,
        };
        let path = format!("/api/v1/namespaces/{space}/events");
        let known = Known { path: format!("{path}/{event_name}"), count: 1 };
        self.known.insert(key.clone(), known);
        self.order.push_back((now, key));
        Some(Request::new(Method::Post, path).body("application/json", to_json(&event)))
    }

    /// The requests that delete events whose time is over.
    pub(crate) fn expired(&mut self, now: Duration) -> Vec<Request> {
        let mut requests = Vec::new();
        while let Some((at, _)) = self.order.front() {
            if self.order.len() <= CAP && *at + LASTS > now {
                break;
            }
            let known = self.order.pop_front().and_then(|(_, key)| self.known.remove(&key));
            requests.extend(known.map(|known| Request::new(Method::Delete, known.path)));
        }
        requests
    }
}

fn involved(about: &Value) -> Value {
    let mut involved = Value::default();
    let field = |key| text(about, &["metadata", key]);
    for (key, value) in [
        ("apiVersion", text(about, &["apiVersion"])),
        ("kind", text(about, &["kind"])),
        ("name", field("name")),
        ("namespace", field("namespace")),
        ("uid", field("uid")),
        ("resourceVersion", field("resourceVersion")),
    ] {
        if !value.is_empty() {
            involved.set(&[key], value.into());
        }
    }
    involved
}
