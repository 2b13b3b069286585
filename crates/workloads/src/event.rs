//! Events: what controllers tell of what they do.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use apistore::{Answers, Body, Handled, Method, Request, Store};
use lockstep_core::{Value, from_json, to_json};

use crate::object::{name, namespace, number, object, stamp, text, time, uid};

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
#[derive(Clone, Debug, Default)]
pub(crate) struct Recorder {
    known: HashMap<(String, String, String), Known>,
    order: VecDeque<(Duration, (String, String, String))>,
    serial: u64,
}

#[derive(Clone, Debug)]
struct Known {
    path: String,
    count: i64,
}

impl Recorder {
    /// Takes over the events that are there already: who wrote them has ended, and nobody else counts or deletes them.
    pub(crate) fn learn(&mut self, store: &mut Store, now: Duration) {
        let request = Request::system(Method::Get, "/api/v1/events");
        let Handled::Done(response) = store.handle(&request, &Answers::new(), now) else { return };
        let Body::List(list) = response.body else { return };
        let events = list.items.iter().filter_map(|item| from_json(item).ok());
        let mut found: Vec<_> =
            events.map(|event| (time(&event, &["firstTimestamp"]).unwrap_or(now).min(now), event)).collect();
        found.sort_by_key(|(at, _)| *at);
        for (at, event) in found {
            let about = text(&event, &["involvedObject", "uid"]);
            let [about, reason, message] =
                [about, text(&event, &["reason"]), text(&event, &["message"])].map(str::to_owned);
            let key = (about, reason, message);
            let path = format!("/api/v1/namespaces/{}/events/{}", namespace(&event), name(&event));
            let count = number(&event, &["count"]).max(1);
            self.order.push_back((at, key.clone()));
            self.known.insert(key, Known { path, count });
        }
    }

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
            let request = Request::system(Method::Patch, known.path.clone());
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
        Some(Request::system(Method::Post, path).body("application/json", to_json(&event)))
    }

    /// When the time of the oldest event is over.
    pub(crate) fn next(&self) -> Option<Duration> {
        self.order.front().map(|(at, _)| *at + LASTS)
    }

    /// The requests that delete events whose time is over.
    pub(crate) fn expired(&mut self, now: Duration) -> Vec<Request> {
        let mut requests = Vec::new();
        while let Some((at, _)) = self.order.front() {
            if self.order.len() <= CAP && *at + LASTS > now {
                break;
            }
            let known = self.order.pop_front().and_then(|(_, key)| self.known.remove(&key));
            requests.extend(known.map(|known| Request::system(Method::Delete, known.path)));
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
