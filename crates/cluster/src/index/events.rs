//! Telling subscribers.

use std::sync::{Arc, Weak};

use lockstep_core::{Gvk, ObjectKey};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::ScopeState;
use super::scope::StreamScope;
use crate::queue::Queue;

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is new or changed, or its pods wait for something else.
    Applied,
    /// It is gone.
    Deleted,
}

/// Something changed; look it up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LiveEvent {
    /// A tracked or owned object.
    Object {
        /// Its kind, in the version that is watched.
        gvk: Gvk,
        /// Which object.
        key: ObjectKey,
        /// The newest of the changes that nobody has read yet.
        change: Change,
        /// When the oldest of these came in.
        received_at: Instant,
    },
    /// Lookups in a scope have become trustworthy or have ceased to be.
    Scope {
        /// The kind.
        gvk: Gvk,
        /// The namespace; `None` for all, and for cluster-scoped kinds.
        namespace: Option<Arc<str>>,
        /// The state that it is in now.
        state: ScopeState,
    },
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Subject {
    Object(Gvk, ObjectKey),
    Scope(Gvk, StreamScope),
}

type Events = Queue<Subject, LiveEvent>;

/// Receives events. What a slow reader has not read yet is merged by object, so nothing is lost and nothing piles up.
pub struct Subscriber(Arc<Events>);

impl Subscriber {
    /// The next event; waits for ever once the index is gone.
    pub async fn next(&self) -> LiveEvent {
        self.0.pop().await
    }

    /// The next event if there is one.
    pub fn try_next(&self) -> Option<LiveEvent> {
        self.0.try_pop()
    }
}

#[derive(Default)]
pub(super) struct Subscribers(Mutex<Vec<Weak<Events>>>);

impl Subscribers {
    pub(super) fn add(&self) -> Subscriber {
        let queue = Arc::new(Events::default());
        let mut all = self.0.lock();
        all.retain(|queue| queue.strong_count() > 0);
        all.push(Arc::downgrade(&queue));
        Subscriber(queue)
    }

    fn each(&self, mut tell: impl FnMut(&Events)) {
        self.0.lock().iter().filter_map(Weak::upgrade).for_each(|queue| tell(&queue));
    }

    pub(super) fn object(&self, gvk: &Gvk, key: &ObjectKey, change: Change, received_at: Instant) {
        self.each(|queue| {
            let event = LiveEvent::Object { gvk: gvk.clone(), key: key.clone(), change, received_at };
            queue.push(Subject::Object(gvk.clone(), key.clone()), event, merge);
        });
    }

    pub(super) fn scope(&self, gvk: &Gvk, scope: &StreamScope, state: ScopeState) {
        self.each(|queue| {
            let event = LiveEvent::Scope { gvk: gvk.clone(), namespace: scope.clone(), state: state.clone() };
            queue.push_last(Subject::Scope(gvk.clone(), scope.clone()), event);
        });
    }
}

fn merge(old: &mut LiveEvent, new: LiveEvent) {
    match (old, new) {
        (LiveEvent::Object { change: old, .. }, LiveEvent::Object { change: new, .. }) => *old = new,
        (old, new) => *old = new,
    }
}
