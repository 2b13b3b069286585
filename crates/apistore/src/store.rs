//! The state.

use std::sync::Arc;
use std::time::Duration;

use crate::demand::{Answers, Step};
use crate::request::Request;
use crate::response::{Response, WatchEvent};

/// What is chosen once for a store.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where uids, generated names and cluster IPs come from.
    pub seed: u64,
    /// How many changes a watch may lag behind before it is told 410 Gone.
    pub history: usize,
}

/// One embedded API.
#[derive(Debug)]
pub struct Store {
    _settings: Settings,
}

/// A watch between two polls.
#[derive(Clone, Debug)]
pub struct Watch {
    _next: u64,
}

/// A change that is to be kept on disk.
#[derive(Clone, Debug)]
pub struct Change {
    /// Under which key: sorts as resource, namespace, name.
    pub key: Arc<str>,
    /// The stored form; `None` when it is gone.
    pub value: Option<Arc<[u8]>>,
    /// The version of the state with it.
    pub revision: u64,
}

impl Store {
    /// A new cluster: the namespaces, roles and further objects that a real one has when it starts.
    pub fn new(_settings: Settings, _now: Duration) -> Self {
        unimplemented!()
    }

    /// A cluster as it was kept.
    pub fn restore(_settings: Settings, _entries: impl IntoIterator<Item = Change>, _now: Duration) -> Self {
        unimplemented!()
    }

    /// Answers one request; `now` is the time since 1970-01-01T00:00:00Z.
    pub fn handle(&mut self, _request: &Request, _answers: &Answers, _now: Duration) -> Step<Response> {
        unimplemented!()
    }

    /// What happened since the last poll of a watch; empty when nothing did. A watch has ended after its first
    /// [`crate::EventType::Error`], or when `None` comes.
    pub fn poll(&self, _watch: &mut Watch, _now: Duration) -> Option<Vec<WatchEvent>> {
        unimplemented!()
    }

    /// The version of the state: raised by every write.
    pub fn revision(&self) -> u64 {
        unimplemented!()
    }

    /// The changes since the last call, in their order. Kept until taken.
    pub fn take_changes(&mut self) -> Vec<Change> {
        unimplemented!()
    }

    /// Adds to the log of a container, a simulated kubelet's part. Logs are not kept on disk.
    pub fn log(&mut self, _pod_uid: &str, _container: &str, _line: &str, _now: Duration) {
        unimplemented!()
    }
}
