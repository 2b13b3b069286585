//! What a stream tells the index.

use std::sync::Weak;

use lockstep_core::{Gvk, ObjectKey};
use tokio::time::Instant;

use super::scope::StreamScope;
use super::store::{Effect, Via};
use super::version::Version;
use super::{Inner, ScopeState, State, Unread};
use crate::error::ApiError;
use crate::raw::Head;
use crate::stream::{Failure, Listed, Sink};

pub(super) struct Feed {
    pub(super) index: Weak<Inner>,
    pub(super) gvk: Gvk,
    pub(super) scope: StreamScope,
    /// The stream that this belongs to: another one may have taken its place.
    pub(super) id: u64,
}

impl Feed {
    /// Runs under the lock unless the stream has been replaced or the index is gone.
    fn with<T>(&self, act: impl FnOnce(&Inner, &mut State) -> T) -> Option<T> {
        let index = self.index.upgrade()?;
        let mut state = index.state.lock();
        let current = state.kinds.get(&self.gvk).and_then(|kind| kind.streams.get(&self.scope));
        current.filter(|running| running.id == self.id)?;
        Some(act(&index, &mut state))
    }

    fn passed_in(&self, state: &mut State, version: Version) {
        let running = state.kinds.get_mut(&self.gvk).and_then(|kind| kind.streams.get_mut(&self.scope));
        if let Some(running) = running {
            running.passed = Some(version);
        }
    }

    fn news(&self, head: &Head<'_>, at: Instant, take: impl FnOnce(&mut State) -> Effect) {
        self.with(|index, state| {
            let effect = take(state);
            let running = state.kinds.get_mut(&self.gvk).and_then(|kind| kind.streams.get_mut(&self.scope));
            if let Some(running) = running.filter(|running| !running.listing) {
                running.passed = Some(Version::parse(head.resource_version()));
            }
            index.publish(&self.gvk, effect, at);
        });
    }

    /// Sets the stream's state, and says so if it is another one.
    fn become_(&self, index: &Inner, state: &mut State, next: ScopeState) {
        let running = state.kinds.get_mut(&self.gvk).and_then(|kind| kind.streams.get_mut(&self.scope));
        let Some(running) = running else { return };
        if running.state != next {
            running.state = next.clone();
            index.announce(&self.gvk, &self.scope, next);
        }
    }
}

impl Sink for Feed {
    fn begin(&self) {
        self.with(|_, state| {
            let list = state.store.begin(&self.gvk);
            let running = state.kinds.get_mut(&self.gvk).and_then(|kind| kind.streams.get_mut(&self.scope));
            if let Some(running) = running {
                (running.list, running.listing) = (list, true);
            }
        });
    }

    fn applied(&self, head: &Head<'_>, object: &[u8], at: Instant) {
        self.news(head, at, |state| state.store.apply(&self.gvk, head, object, Via::Stream));
    }

    fn deleted(&self, head: &Head<'_>, _: &[u8], at: Instant) {
        self.news(head, at, |state| state.store.delete(&self.gvk, head));
    }

    fn end(&self, resource_version: &str) -> Listed {
        let version = Version::parse(resource_version);
        let listed = self.with(|index, state| {
            let State { store, kinds } = &mut *state;
            let running = kinds.get_mut(&self.gvk).and_then(|kind| kind.streams.get_mut(&self.scope));
            let Some(running) = running else { return Listed::Complete };
            if running.passed.take().is_some_and(|passed| passed.after(&version)) {
                store.forget_versions(&self.gvk, self.scope.as_deref());
                return Listed::Again;
            }
            let effects = store.end(&self.gvk, self.scope.as_deref(), running.list, &version);
            (running.passed, running.listing) = (Some(version), false);
            let at = Instant::now();
            effects.into_iter().for_each(|effect| index.publish(&self.gvk, effect, at));
            self.become_(index, state, ScopeState::Synced);
            // What this stream replaces can end now.
            index.reconcile(state, &self.gvk);
            Listed::Complete
        });
        listed.unwrap_or(Listed::Complete)
    }

    fn passed(&self, resource_version: &str) {
        self.with(|_, state| self.passed_in(state, Version::parse(resource_version)));
    }

    fn recovered(&self) {
        self.with(|index, state| self.become_(index, state, ScopeState::Synced));
    }

    fn failing(&self, failure: &Failure) {
        let forbidden =
            matches!(failure, Failure::Request(ApiError::Forbidden { .. })) && self.scope.is_none();
        self.with(|index, state| {
            self.become_(index, state, ScopeState::Unknown(Unread::Failing(failure.clone())));
            if let Some(kind) = state.kinds.get_mut(&self.gvk).filter(|kind| forbidden && !kind.forbidden) {
                kind.forbidden = true;
                index.reconcile(state, &self.gvk);
            }
        });
    }

    fn names(&self) -> Vec<ObjectKey> {
        let names = self.with(|_, state| state.store.tracked(&self.gvk.group_kind(), self.scope.as_deref()));
        names.unwrap_or_default()
    }
}
