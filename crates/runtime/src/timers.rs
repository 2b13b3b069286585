//! Waking keys at times.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::clock::Clock;

/// At most one time a key; times are those of [`Clock::uptime`].
#[derive(Clone, Debug)]
pub struct TimerQueue<K> {
    order: BTreeSet<(Duration, u64)>,
    keys: HashMap<u64, K>,
    times: HashMap<K, (Duration, u64)>,
    next: u64,
}

impl<K> Default for TimerQueue<K> {
    fn default() -> Self {
        Self { order: BTreeSet::new(), keys: HashMap::new(), times: HashMap::new(), next: 0 }
    }
}

impl<K: Clone + Eq + Hash> TimerQueue<K> {
    /// No times.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the time of a key, whatever it was.
    pub fn set(&mut self, key: K, at: Duration) {
        self.cancel(&key);
        let id = self.next;
        self.next += 1;
        self.order.insert((at, id));
        self.keys.insert(id, key.clone());
        self.times.insert(key, (at, id));
    }

    /// Sets the time of a key if it has none or a later one.
    pub fn set_earlier(&mut self, key: K, at: Duration) {
        if self.times.get(&key).is_none_or(|(known, _)| at < *known) {
            self.set(key, at);
        }
    }

    /// Forgets a key.
    pub fn cancel(&mut self, key: &K) {
        if let Some((at, id)) = self.times.remove(key) {
            self.order.remove(&(at, id));
            self.keys.remove(&id);
        }
    }

    /// The next time.
    pub fn next(&self) -> Option<Duration> {
        self.order.first().map(|(at, _)| *at)
    }

    /// Takes the keys whose time has come, in the order of their times, those of one time in the order in which they were set.
    pub fn due(&mut self, now: Duration) -> Vec<K> {
        let mut due = Vec::new();
        while let Some((at, id)) = self.order.first().copied().filter(|(at, _)| *at <= now) {
            self.order.remove(&(at, id));
            if let Some(key) = self.keys.remove(&id) {
                self.times.remove(&key);
                due.push(key);
            }
        }
        due
    }

    /// How many keys have a time.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether no key has a time.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }
}

/// A timer queue that one task waits on while others set times.
#[derive(Debug)]
pub struct Timers<K> {
    clock: Clock,
    queue: Mutex<TimerQueue<K>>,
    changed: Notify,
}

impl<K: Clone + Eq + Hash> Timers<K> {
    /// No times.
    pub fn new(clock: Clock) -> Self {
        Self { clock, queue: Mutex::default(), changed: Notify::new() }
    }

    /// Wakes a key after a pause, if it is not to be woken earlier.
    pub fn wake_after(&self, key: K, pause: Duration) {
        let at = self.clock.uptime().saturating_add(pause);
        self.with(|queue| queue.set_earlier(key, at));
        self.changed.notify_one();
    }

    /// Forgets a key.
    pub fn cancel(&self, key: &K) {
        self.with(|queue| queue.cancel(key));
    }

    /// Waits until there are keys whose time has come, and takes them. For one task.
    pub async fn due(&self) -> Vec<K> {
        loop {
            let now = self.clock.uptime();
            let (due, next) = self.with(|queue| (queue.due(now), queue.next()));
            if !due.is_empty() {
                return due;
            }
            let changed = self.changed.notified();
            match next {
                None => changed.await,
                Some(at) => {
                    tokio::select! {
                        () = changed => {}
                        () = tokio::time::sleep(at.saturating_sub(now)) => {}
                    }
                }
            }
        }
    }

    fn with<T>(&self, use_queue: impl FnOnce(&mut TimerQueue<K>) -> T) -> T {
        use_queue(&mut self.queue.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn keys_come_in_the_order_of_their_times_and_once() {
        let mut queue = TimerQueue::new();
        queue.set("c", seconds(3));
        queue.set("a", seconds(1));
        queue.set("b", seconds(1));
        queue.set("late", seconds(9));
        queue.set("gone", seconds(1));
        queue.cancel(&"gone");
        assert_eq!(queue.next(), Some(seconds(1)));
        assert_eq!(queue.due(seconds(0)), [""; 0]);
        assert_eq!(queue.due(seconds(3)), ["a", "b", "c"]);
        assert_eq!(queue.due(seconds(3)), [""; 0]);
        assert_eq!(queue.len(), 1);
    }

    #[test]
    fn a_time_is_replaced_or_only_brought_forward() {
        let mut queue = TimerQueue::new();
        queue.set("a", seconds(5));
        queue.set_earlier("a", seconds(9));
        assert_eq!(queue.next(), Some(seconds(5)));
        queue.set_earlier("a", seconds(2));
        assert_eq!(queue.next(), Some(seconds(2)));
        queue.set("a", seconds(7));
        assert_eq!((queue.next(), queue.len()), (Some(seconds(7)), 1));
    }

    #[tokio::test]
    async fn a_waiting_task_hears_of_an_earlier_time() {
        let timers = std::sync::Arc::new(Timers::new(Clock::system()));
        timers.wake_after("late", seconds(3600));
        let waiting = tokio::spawn({
            let timers = timers.clone();
            async move { timers.due().await }
        });
        tokio::task::yield_now().await;
        timers.wake_after("now", Duration::ZERO);
        assert_eq!(waiting.await.unwrap(), ["now"]);
    }
}
