//! What a controller has to look at, and when.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use crate::view::Id;

/// The work of one controller.
#[derive(Clone, Debug, Default)]
pub(crate) struct Queue {
    dirty: BTreeSet<Id>,
    due: BTreeSet<(Duration, Id)>,
    times: BTreeMap<Id, Duration>,
    failures: HashMap<Id, u32>,
}

/// The pause after a refusal: it doubles up to the longest.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(300);
/// So often something is looked at again at once.
const AT_ONCE: u32 = 3;

impl Queue {
    pub(crate) fn add(&mut self, id: Id) {
        self.dirty.insert(id);
    }

    /// Looks at `id` again at a time, if not earlier.
    pub(crate) fn at(&mut self, id: &Id, time: Duration) {
        if self.times.get(id).is_some_and(|known| *known <= time) {
            return;
        }
        self.cancel(id);
        self.due.insert((time, id.clone()));
        self.times.insert(id.clone(), time);
    }

    fn cancel(&mut self, id: &Id) {
        if let Some(time) = self.times.remove(id) {
            self.due.remove(&(time, id.clone()));
        }
    }

    /// When something is due; `None` if nothing is.
    pub(crate) fn next(&self) -> Option<Duration> {
        self.due.first().map(|(time, _)| *time)
    }

    /// What is to be looked at now.
    pub(crate) fn take(&mut self, now: Duration) -> Vec<Id> {
        while let Some((time, id)) = self.due.first().cloned() {
            if time > now {
                break;
            }
            self.cancel(&id);
            self.dirty.insert(id);
        }
        let ids: Vec<Id> = std::mem::take(&mut self.dirty).into_iter().collect();
        ids.iter().for_each(|id| self.cancel(id));
        ids
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.dirty.is_empty()
    }

    pub(crate) fn succeeded(&mut self, id: &Id) {
        self.failures.remove(id);
    }

    /// What was read was stale: it is looked at again at once, but not for ever.
    pub(crate) fn stale(&mut self, id: Id, now: Duration) {
        let times = self.failures.entry(id.clone()).or_default();
        if *times < AT_ONCE {
            *times += 1;
            self.add(id);
            return;
        }
        self.failed(id, now);
    }

    pub(crate) fn failed(&mut self, id: Id, now: Duration) {
        let times = self.failures.entry(id.clone()).or_default();
        *times += 1;
        let pause = PAUSE.saturating_mul(1 << (*times - 1).min(9)).min(LONGEST);
        self.at(&id, now + pause);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::Kind;

    fn id(name: &str) -> Id {
        Id::new(Kind::PODS, "a", name)
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn what_is_due_is_taken_once_and_the_earliest_time_counts() {
        let mut queue = Queue::default();
        queue.at(&id("x"), 3 * SECOND);
        queue.at(&id("x"), 5 * SECOND);
        queue.at(&id("y"), 4 * SECOND);
        assert_eq!(queue.next(), Some(3 * SECOND));
        assert!(queue.take(2 * SECOND).is_empty());
        assert_eq!(queue.take(3 * SECOND), [id("x")]);
        assert_eq!(queue.next(), Some(4 * SECOND));
        queue.add(id("y"));
        assert_eq!(queue.take(3 * SECOND), [id("y")]);
        assert_eq!(queue.next(), None);
    }

    #[test]
    fn refusals_are_tried_again_after_longer_and_longer_pauses() {
        let mut queue = Queue::default();
        let mut pauses = Vec::new();
        for _ in 0..11 {
            queue.failed(id("x"), Duration::ZERO);
            pauses.push(queue.next().unwrap().as_secs());
            queue.take(LONGEST);
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        queue.succeeded(&id("x"));
        queue.failed(id("x"), Duration::ZERO);
        assert_eq!(queue.next(), Some(SECOND));
    }

    #[test]
    fn what_is_stale_is_not_tried_for_ever() {
        let mut queue = Queue::default();
        for _ in 0..AT_ONCE {
            queue.stale(id("x"), Duration::ZERO);
            assert_eq!(queue.take(Duration::ZERO).len(), 1);
        }
        queue.stale(id("x"), Duration::ZERO);
        assert!(queue.is_idle() && queue.next().is_some());
    }
}
