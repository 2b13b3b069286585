//! A queue that coalesces by key: a slow reader sees fewer items, never fewer keys, and never more than there are keys.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

use parking_lot::Mutex;
use tokio::sync::Notify;

pub(crate) struct Queue<K, V> {
    state: Mutex<State<K, V>>,
    arrived: Notify,
}

struct State<K, V> {
    order: VecDeque<K>,
    items: HashMap<K, V>,
}

impl<K, V> Default for Queue<K, V> {
    fn default() -> Self {
        let state = State { order: VecDeque::new(), items: HashMap::new() };
        Self { state: Mutex::new(state), arrived: Notify::new() }
    }
}

impl<K: Clone + Eq + Hash, V> Queue<K, V> {
    /// Appends, or merges into the item of this key that still waits, which keeps its place.
    pub(crate) fn push(&self, key: K, value: V, merge: impl FnOnce(&mut V, V)) {
        let mut state = self.state.lock();
        match state.items.get_mut(&key) {
            Some(waiting) => merge(waiting, value),
            None => {
                state.order.push_back(key.clone());
                state.items.insert(key, value);
            }
        }
        drop(state);
        self.arrived.notify_one();
    }

    /// Appends; an item of this key that still waits is replaced and gives up its place.
    pub(crate) fn push_last(&self, key: K, value: V) {
        let mut state = self.state.lock();
        if state.items.insert(key.clone(), value).is_some() {
            state.order.retain(|waiting| *waiting != key);
        }
        state.order.push_back(key);
        drop(state);
        self.arrived.notify_one();
    }

    pub(crate) fn try_pop(&self) -> Option<V> {
        let mut state = self.state.lock();
        let key = state.order.pop_front()?;
        state.items.remove(&key)
    }

    /// Waits for the next item.
    pub(crate) async fn pop(&self) -> V {
        loop {
            if let Some(value) = self.try_pop() {
                return value;
            }
            self.arrived.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn keys_keep_their_place_and_their_newest_value() {
        let queue = Queue::default();
        for (key, value) in [("a", 1), ("b", 2), ("a", 3)] {
            queue.push(key, value, |old, new| *old = new);
        }
        assert_eq!((queue.pop().await, queue.pop().await, queue.try_pop()), (3, 2, None));
    }
}
