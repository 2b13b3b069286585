//! Accounting: every request that went through a connection, as the metrics show it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

/// What a request does, named as the API server names it in its own metrics; `apply` is a patch of that content type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// One object.
    Get,
    /// Many objects, or a page of them.
    List,
    /// A stream of changes.
    Watch,
    /// POST of a new object.
    Create,
    /// PUT of a whole object.
    Update,
    /// Merge patch or JSON patch.
    Patch,
    /// Server-side apply.
    Apply,
    /// Deletion of one object.
    Delete,
    /// Deletion of many.
    DeleteCollection,
}

impl Verb {
    /// The label in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Apply => "apply",
            Self::Delete => "delete",
            Self::DeleteCollection => "deletecollection",
        }
    }
}

/// What requests are counted by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestKey {
    /// What it does.
    pub verb: Verb,
    /// The API group, empty for core.
    pub group: Arc<str>,
    /// The kind, empty for discovery.
    pub kind: Arc<str>,
    /// The HTTP code; 0 when there was no answer.
    pub code: u16,
    /// Whether it was a rehearsal.
    pub dry_run: bool,
}

/// How many, and how long they took together, to the head of the answer for watches and to its end for all others.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RequestStat {
    /// Number of requests.
    pub count: u64,
    /// Sum of latencies.
    pub total: Duration,
}

/// The table; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Requests(Arc<Mutex<BTreeMap<RequestKey, RequestStat>>>);

impl Requests {
    pub(crate) fn record(&self, key: RequestKey, latency: Duration) {
        let mut table = self.0.lock();
        let stat = table.entry(key).or_default();
        stat.count += 1;
        stat.total += latency;
    }

    /// A copy of the table.
    pub fn snapshot(&self) -> Vec<(RequestKey, RequestStat)> {
        self.0.lock().iter().map(|(key, stat)| (key.clone(), *stat)).collect()
    }

    /// How many requests there were with this verb, dry runs apart.
    pub fn count(&self, verb: Verb) -> u64 {
        let table = self.0.lock();
        table.iter().filter(|(key, _)| key.verb == verb && !key.dry_run).map(|(_, stat)| stat.count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_requests_add_up_and_dry_runs_stay_apart() {
        let requests = Requests::default();
        let key = |dry_run| RequestKey {
            verb: Verb::Apply,
            group: "".into(),
            kind: "ConfigMap".into(),
            code: 200,
            dry_run,
        };
        requests.record(key(false), Duration::from_millis(2));
        requests.record(key(false), Duration::from_millis(3));
        requests.record(key(true), Duration::from_millis(9));
        assert_eq!(requests.count(Verb::Apply), 2);
        assert_eq!(requests.snapshot().len(), 2);
        assert_eq!(requests.snapshot()[0].1.total, Duration::from_millis(5));
    }
}
