//! One kind's streams: which run, how far each is, and what that makes of a lookup.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use lockstep_core::Gvk;
use tokio::task::AbortHandle;

use super::feed::Feed;
use super::scope::{Reach, StreamScope, Wanted};
use super::version::Version;
use super::{Inner, ScopeState, State, Unread};
use crate::catalog::Lookup;
use crate::resource::Resource;
use crate::stream::{self, Selector, Source};

/// A list and watch that runs; it ends with this.
pub(super) struct Running {
    pub(super) id: u64,
    pub(super) state: ScopeState,
    /// Everything up to here has been seen.
    pub(super) passed: Option<Version>,
    /// The number of its list.
    pub(super) list: u32,
    /// The list is not complete: objects come in any order.
    pub(super) listing: bool,
    task: AbortHandle,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A kind in one version.
#[derive(Default)]
pub(super) struct Kind {
    pub(super) wanted: Wanted,
    pub(super) streams: HashMap<StreamScope, Running>,
    /// The server forbids to list all namespaces.
    pub(super) forbidden: bool,
    resource: Option<Arc<Resource>>,
    /// Why there is no resource.
    unserved: Option<Unread>,
    started: u64,
}

impl Kind {
    /// The streams that tell of this namespace, the wider one first.
    fn covering(&self, namespace: &str) -> impl Iterator<Item = &Running> {
        let one = (!namespace.is_empty()).then(|| Some(Arc::from(namespace)));
        [Some(None), one].into_iter().flatten().filter_map(|scope| self.streams.get(&scope))
    }

    pub(super) fn state(&self, namespace: &str) -> ScopeState {
        let mut worst = self.unserved.clone().map(ScopeState::Unknown);
        for running in self.covering(namespace) {
            match &running.state {
                ScopeState::Synced => return ScopeState::Synced,
                // The narrower one comes last: what it says is closer to the question.
                state => worst = Some(state.clone()),
            }
        }
        worst.unwrap_or(ScopeState::Unknown(Unread::NotWanted))
    }

    /// How far the streams that tell of this namespace are.
    pub(super) fn passed(&self, namespace: &str) -> Option<&Version> {
        let synced = self.covering(namespace).filter(|running| running.state == ScopeState::Synced);
        synced.filter_map(|running| running.passed.as_ref()).next()
    }

    fn all_synced(&self) -> bool {
        self.streams.get(&None).is_some_and(|running| running.state == ScopeState::Synced)
    }

    /// The streams that should run.
    fn streams(&self, resource: &Resource) -> BTreeSet<StreamScope> {
        let reach = match (self.forbidden, self.streams.contains_key(&None)) {
            (true, _) => Reach::Forbidden,
            (false, true) => Reach::Running,
            (false, false) => Reach::Open,
        };
        match resource.namespaced() {
            false if !self.wanted.is_empty() => BTreeSet::from([None]),
            _ => self.wanted.streams(reach),
        }
    }

    /// Ends what is no longer needed; a stream that is being replaced stays until the other one is complete.
    fn stop(&mut self, wanted: &BTreeSet<StreamScope>) -> Vec<Running> {
        let replaced = wanted.contains(&None) && !self.all_synced();
        let ends: Vec<_> = self.streams.keys().filter(|scope| !wanted.contains(*scope)).cloned().collect();
        let stays = |scope: &StreamScope| replaced && scope.is_some();
        ends.iter().filter(|scope| !stays(scope)).filter_map(|scope| self.streams.remove(scope)).collect()
    }
}

impl Inner {
    /// Makes the streams of a kind those that are wanted.
    pub(super) fn reconcile(&self, state: &mut State, gvk: &Gvk) {
        let State { store, kinds } = state;
        let Some(kind) = kinds.get_mut(gvk) else { return };
        if kind.wanted.is_empty() {
            kinds.remove(gvk);
            return store.close(gvk);
        }
        store.open(gvk);
        let Some(resource) = self.resource(gvk, kind) else { return };
        let wanted = kind.streams(&resource);
        for scope in &wanted {
            if !kind.streams.contains_key(scope) {
                kind.started += 1;
                let running = self.start(gvk, &resource, scope, kind.started);
                kind.streams.insert(scope.clone(), running);
            }
        }
        if !kind.stop(&wanted).is_empty() && !kind.streams.contains_key(&None) {
            let streams = &kind.streams;
            store.retain(gvk, |namespace| streams.contains_key(&Some(Arc::from(namespace))));
        }
    }

    /// The resource of a kind. One that was known and is not served now fails in its streams; one that is served otherwise
    /// (a definition was deleted and made anew) takes new ones.
    fn resource(&self, gvk: &Gvk, kind: &mut Kind) -> Option<Arc<Resource>> {
        match self.discovery.resource(gvk) {
            Lookup::Served(resource) if kind.resource.as_ref() != Some(&resource) => {
                kind.streams.clear();
                (kind.resource, kind.unserved) = (Some(resource), None);
            }
            Lookup::NotServed if kind.resource.is_none() => kind.unserved = Some(Unread::NotServed),
            Lookup::GroupFailing(reason) if kind.resource.is_none() => {
                kind.unserved = Some(Unread::GroupFailing(reason));
            }
            _ => (),
        }
        kind.resource.clone()
    }

    fn start(&self, gvk: &Gvk, resource: &Resource, scope: &StreamScope, id: u64) -> Running {
        let source = Source {
            connection: self.connection.clone(),
            resource: resource.clone(),
            namespace: scope.clone(),
            selector: Selector::default(),
            accept: stream::JSON,
            kick: self.kick.clone(),
        };
        let feed = Feed { index: self.me.clone(), gvk: gvk.clone(), scope: scope.clone(), id };
        let task = self.runtime.spawn(stream::follow(source, Arc::new(feed))).abort_handle();
        Running {
            id,
            state: ScopeState::Unknown(Unread::Syncing),
            passed: None,
            list: 0,
            listing: true,
            task,
        }
    }
}
