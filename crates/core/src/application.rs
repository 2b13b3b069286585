//! The Application, proved well-formed: what `api` makes of the custom resource.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::dependency::Dependency;
use crate::revision::RepoUrl;

/// The name of an Application.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppKey {
    /// The namespace of the custom resource.
    pub namespace: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
}

impl AppKey {
    /// From its two parts.
    pub fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}

impl fmt::Display for AppKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// The unit of delivery: sources, rendered, to a destination, with a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// Its name.
    pub key: AppKey,
    /// The uid of the custom resource.
    pub uid: Arc<str>,
    /// `metadata.generation`.
    pub generation: i64,
    /// The Project that it belongs to.
    pub project: Arc<str>,
    /// Nothing is written or deleted while this is set.
    pub suspend: bool,
    /// At least one. Of an object that two of them name, the later one's stands.
    pub sources: Vec<Source>,
    /// Where it goes.
    pub destination: Destination,
    /// When and how it is synced.
    pub sync: SyncPolicy,
    /// What has to be ready before it is synced.
    pub depends_on: Vec<Dependency>,
    /// What becomes of its objects when it is deleted.
    pub deletion: DeletionPolicy,
    /// How many entries `status.history` keeps.
    pub history: usize,
}

/// One place that desired state comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// For other sources to refer to.
    pub name: Option<Arc<str>>,
    /// The repository.
    pub git: GitSource,
    /// How the files are read.
    pub directory: Directory,
}

/// A path of a revision of a Git repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitSource {
    /// The repository.
    pub url: RepoUrl,
    /// What to follow: a branch, a tag, a commit, a semver range; empty for the default branch.
    pub revision: Arc<str>,
    /// The directory inside, without leading or trailing slash; empty for the root.
    pub path: Arc<str>,
}

/// Which files of a directory are manifests: those ending in yaml, yml or json, narrowed by globs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directory {
    /// The user asked for plain files, so that a Chart.yaml or kustomization.yaml among them is no call for another renderer.
    pub explicit: bool,
    /// Look into subdirectories too.
    pub recurse: bool,
    /// Where not empty, only files whose path inside the directory matches one of these.
    pub include: Vec<String>,
    /// Files whose path inside the directory matches one of these are left out.
    pub exclude: Vec<String>,
}

/// Where an Application goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// Filled into namespaced objects that name none.
    pub namespace: Option<Arc<str>>,
}

/// Whether a difference leads to writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncMode {
    /// At once.
    Automatic,
    /// When a user asks.
    Manual,
    /// Never; differences are told.
    Notify,
}

/// When and how an Application is synced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncPolicy {
    /// Whether a difference leads to writes.
    pub mode: SyncMode,
    /// Objects that left Git are deleted.
    pub prune: bool,
    /// Drift is written over.
    pub self_heal: bool,
    /// A render without objects may delete everything.
    pub allow_empty: bool,
    /// How many deletions one plan may make unasked.
    pub budget: Budget,
    /// How dependents of a deleted object are treated.
    pub propagation: Propagation,
    /// How failed steps are tried again.
    pub retry: Retry,
    /// How long one sync may take; `None`: as long as it likes.
    pub timeout: Option<Duration>,
    /// Objects are replaced, unless they say otherwise.
    pub replace: bool,
    /// Objects are deleted and made again where a change is forbidden to what is there.
    pub force: bool,
    /// The destination's namespace is made where it is missing, with these words on it.
    pub create_namespace: Option<NamespaceMetadata>,
}

/// What the namespace that an Application makes says of itself. Where there is anything, it is kept so; where there is nothing, a
/// namespace that exists is left alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamespaceMetadata {
    /// Its labels.
    pub labels: BTreeMap<Arc<str>, Arc<str>>,
    /// Its annotations.
    pub annotations: BTreeMap<Arc<str>, Arc<str>>,
}

impl NamespaceMetadata {
    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.annotations.is_empty()
    }
}

/// How many deletions one plan may make without an approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Budget {
    /// The larger of half of the application's objects and 10.
    Default,
    /// A literal count.
    Count(usize),
    /// A percentage of the application's objects, rounded down.
    Percent(u8),
}

/// Kubernetes' `propagationPolicy` of deletions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Propagation {
    /// The object goes first, its dependents after.
    #[default]
    Background,
    /// The dependents go first.
    Foreground,
    /// The dependents stay.
    Orphan,
}

impl Propagation {
    /// As the API spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Background => "Background",
            Self::Foreground => "Foreground",
            Self::Orphan => "Orphan",
        }
    }
}

/// How failed steps are tried again: exponential back-off, then waiting for a change or the longest pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// How many times in a row before it counts as stalled; `None`: without end.
    pub limit: Option<u32>,
    /// The first pause.
    pub duration: Duration,
    /// Each pause is this many times the one before.
    pub factor: u32,
    /// No pause is longer.
    pub max_duration: Duration,
}

impl Retry {
    /// The pause before attempt `failures + 1`; `failures` counts from 1.
    pub fn pause(&self, failures: u32) -> Duration {
        let exponent = failures.saturating_sub(1).min(30);
        self.duration.saturating_mul(self.factor.saturating_pow(exponent)).min(self.max_duration)
    }

    /// Whether so many failures in a row are the end of it.
    pub fn is_exhausted(&self, failures: u32) -> bool {
        self.limit.is_some_and(|limit| failures > limit)
    }
}

impl Default for Retry {
    /// Five times, from 5 seconds to 3 minutes, doubling: Argo CD's defaults.
    fn default() -> Self {
        let (duration, max_duration) = (Duration::from_secs(5), Duration::from_secs(180));
        Self { limit: Some(5), duration, factor: 2, max_duration }
    }
}

/// What becomes of an Application's objects when it is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeletionPolicy {
    /// They are deleted, and the Application's finalizer waits for it.
    Prune,
    /// They stay.
    Orphan,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let retry = Retry::default();
        let seconds: Vec<u64> = [1, 2, 3, 6, 7, 1000].map(|n| retry.pause(n).as_secs()).to_vec();
        assert_eq!(seconds, [5, 10, 20, 160, 180, 180]);
        assert!(!retry.is_exhausted(5));
        assert!(retry.is_exhausted(6));
        assert!(!Retry { limit: None, ..retry }.is_exhausted(u32::MAX));
    }
}
