//! What is watched of a kind: how many want what, and which streams that takes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Up to this many namespaces are watched one by one; more, and one watch of all of them is cheaper for the server.
const FEW: usize = 4;

/// Which namespaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Namespaces {
    /// Every one; also for cluster-scoped kinds.
    All,
    /// These.
    Set(BTreeSet<Arc<str>>),
}

impl Namespaces {
    /// One namespace.
    pub fn one(name: &str) -> Self {
        Self::Set(BTreeSet::from([name.into()]))
    }
}

/// One stream: all namespaces, or one.
pub(super) type StreamScope = Option<Arc<str>>;

/// How many want each namespace.
#[derive(Debug, Default)]
pub(super) struct Wanted(BTreeMap<StreamScope, Interest>);

#[derive(Debug, Default)]
struct Interest {
    count: usize,
    /// Counts releases, so that a timer can tell whether it is still about the last one.
    released: u64,
}

/// What forces the choice of streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Nothing is known against a watch of everything.
    Open,
    /// A watch of everything runs.
    Running,
    /// The server forbids to list all namespaces.
    Forbidden,
}

impl Wanted {
    pub(super) fn add(&mut self, scopes: &BTreeSet<StreamScope>) {
        for scope in scopes {
            self.0.entry(scope.clone()).or_default().count += 1;
        }
    }

    /// Takes interests back and returns the tickets with which [`Wanted::expire`] is called after a while.
    pub(super) fn release(&mut self, scopes: &BTreeSet<StreamScope>) -> Vec<(StreamScope, u64)> {
        let mut tickets = vec![];
        for scope in scopes {
            let Some(interest) = self.0.get_mut(scope) else { continue };
            interest.count = interest.count.saturating_sub(1);
            interest.released += 1;
            if interest.count == 0 {
                tickets.push((scope.clone(), interest.released));
            }
        }
        tickets
    }

    /// Forgets a scope that nobody has wanted since its ticket was written.
    pub(super) fn expire(&mut self, (scope, ticket): &(StreamScope, u64)) {
        let idle = |interest: &Interest| interest.count == 0 && interest.released == *ticket;
        if self.0.get(scope).is_some_and(idle) {
            self.0.remove(scope);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The streams that serve all of it.
    pub(super) fn streams(&self, reach: Reach) -> BTreeSet<StreamScope> {
        let namespaces = self.0.keys().filter(|scope| scope.is_some()).count();
        let all = self.0.contains_key(&None);
        match reach {
            _ if self.0.is_empty() => BTreeSet::new(),
            Reach::Forbidden => self.0.keys().cloned().collect(),
            Reach::Running => BTreeSet::from([None]),
            Reach::Open if all || namespaces > FEW => BTreeSet::from([None]),
            Reach::Open => self.0.keys().cloned().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(names: &[&str]) -> BTreeSet<StreamScope> {
        names.iter().map(|name| (*name != "*").then(|| Arc::from(*name))).collect()
    }

    #[track_caller]
    fn check(wanted: &[&str], reach: Reach, streams: &[&str]) {
        let mut interests = Wanted::default();
        interests.add(&scopes(wanted));
        assert_eq!(interests.streams(reach), scopes(streams));
    }

    #[test]
    fn few_namespaces_are_watched_one_by_one_and_many_together() {
        check(&[], Reach::Open, &[]);
        check(&["a", "b"], Reach::Open, &["a", "b"]);
        check(&["a", "b", "c", "d", "e"], Reach::Open, &["*"]);
        check(&["a", "*"], Reach::Open, &["*"]);
        check(&["a"], Reach::Running, &["*"]);
        check(&["a", "b", "c", "d", "e"], Reach::Forbidden, &["a", "b", "c", "d", "e"]);
        check(&["a", "*"], Reach::Forbidden, &["a", "*"]);
    }

    #[test]
    fn a_scope_expires_only_if_nobody_came_back() {
        let mut wanted = Wanted::default();
        wanted.add(&scopes(&["a"]));
        wanted.add(&scopes(&["a"]));
        assert!(wanted.release(&scopes(&["a"])).is_empty());
        let first = wanted.release(&scopes(&["a"]));
        wanted.add(&scopes(&["a"]));
        wanted.expire(&first[0]);
        assert!(!wanted.is_empty());
        let second = wanted.release(&scopes(&["a"]));
        wanted.expire(&first[0]);
        assert!(!wanted.is_empty(), "the first ticket is void");
        wanted.expire(&second[0]);
        assert!(wanted.is_empty());
    }
}
