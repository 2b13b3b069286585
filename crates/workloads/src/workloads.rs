//! All of them together.

use std::sync::Arc;
use std::time::Duration;

use apistore::{Answers, Store};

use crate::client::{Context, Refused};
use crate::controller::Controller;
use crate::event::Recorder;
use crate::queue::Queue;
use crate::token_secrets::Signer;
use crate::view::{Id, View};

/// The controllers, nodes and kubelets of one cluster, with what they have seen of it. A clone goes on with a clone of the store.
#[derive(Clone, Debug)]
pub struct Workloads {
    view: View,
    recorder: Recorder,
    workers: Vec<Worker>,
    begun: bool,
}

/// A controller and its work.
#[derive(Clone, Debug)]
struct Worker {
    controller: Box<dyn Controller>,
    queue: Queue,
}

/// How many requests one tick makes at most, so that a cluster with much to do still answers others.
const BUDGET: usize = 200;

impl Workloads {
    /// Those of a cluster whose certificate authority (PEM) every namespace is told.
    pub fn new(authority: &str) -> Self {
        Self::of(crate::controllers::all(authority, None))
    }

    /// The same where Secrets of type `kubernetes.io/service-account-token` are filled too: `sign` makes a token of claims (JSON),
    /// with the key that the store's tokens are verified with.
    pub fn signing(authority: &str, sign: impl Fn(&[u8]) -> String + Send + Sync + 'static) -> Self {
        Self::of(crate::controllers::all(authority, Some(Signer(Arc::new(sign)))))
    }

    fn of(workers: Vec<Box<dyn Controller>>) -> Self {
        let workers = workers.into_iter().map(|controller| Worker { controller, queue: Queue::default() });
        Self {
            view: View::default(),
            recorder: Recorder::default(),
            workers: workers.collect(),
            begun: false,
        }
    }

    /// Lets happen what should have happened by `now` (since 1970-01-01T00:00:00Z). Returns when something is due next, if nothing
    /// changes before: `now` itself where more is left to do than one call should take, `None` where nothing is.
    pub fn tick(&mut self, store: &mut Store, now: Duration) -> Option<Duration> {
        if !self.begun {
            self.begun = true;
            self.recorder.learn(store, now);
            crate::nodes::begin(store, now);
            crate::claims::begin(store, now);
        }
        for request in self.recorder.expired(now) {
            let _gone = store.handle(&request, &Answers::new(), now);
        }
        let mut left = BUDGET;
        loop {
            self.follow(store, now);
            let spent = self.round(store, now, left);
            left = left.saturating_sub(spent.max(1));
            if spent == 0 && self.workers.iter().all(|worker| worker.queue.is_idle()) {
                break;
            }
            if left == 0 {
                return Some(now);
            }
        }
        self.workers.iter().filter_map(|worker| worker.queue.next()).chain(self.recorder.next()).min()
    }

    fn follow(&mut self, store: &mut Store, now: Duration) {
        for change in self.view.follow(store, now) {
            for worker in &mut self.workers {
                for id in worker.controller.touched(&change, &self.view) {
                    worker.queue.add(id);
                }
            }
        }
    }

    /// Each controller looks at what it has to, as far as the budget goes; returns how many requests that took.
    fn round(&mut self, store: &mut Store, now: Duration, budget: usize) -> usize {
        let Self { view, recorder, workers, .. } = self;
        let mut spent = 0;
        for worker in workers {
            let mut ids = worker.queue.take(now).into_iter();
            for id in ids.by_ref() {
                spent += worker.look(id, (view, recorder), store, now);
                if spent >= budget {
                    break;
                }
            }
            ids.for_each(|id| worker.queue.add(id));
        }
        spent
    }
}

impl Worker {
    fn look(
        &mut self,
        id: Id,
        (view, recorder): (&View, &mut Recorder),
        store: &mut Store,
        now: Duration,
    ) -> usize {
        let Self { controller, queue } = self;
        let mut spent = 0;
        let actor = controller.actor();
        let mut cx = Context { view, store, recorder, now, actor, spent: &mut spent };
        let done = controller.reconcile(&id, &mut cx);
        match done {
            Ok(due) => {
                queue.succeeded(&id);
                if let Some(due) = due {
                    queue.at(&id, due.max(now + Duration::from_millis(1)));
                }
            }
            // Its object or one of its own has changed or gone: the next round sees it.
            Err(Refused::Conflict | Refused::NotFound | Refused::Exists) => queue.stale(id, now),
            Err(Refused::Other(_)) => queue.failed(id, now),
        }
        spent
    }
}
