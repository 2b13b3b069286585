//! All of them together.

use std::time::Duration;

use apistore::Store;

/// The controllers, nodes and kubelets of one cluster, with what they have seen of it.
#[derive(Debug)]
pub struct Workloads {
    _authority: String,
}

impl Workloads {
    /// Those of a cluster whose certificate authority (PEM) every namespace is told.
    pub fn new(authority: &str) -> Self {
        Self { _authority: authority.to_owned() }
    }

    /// Lets happen what should have happened by `now` (since 1970-01-01T00:00:00Z). Returns when something is due next, if nothing
    /// changes before.
    pub fn tick(&mut self, _store: &mut Store, _now: Duration) -> Option<Duration> {
        None
    }
}
