//! How many writes may be in flight: between 16 and 64, as much as the server takes without slowing down.
//!
//! Fewer than 16 leave half of a small server's throughput unused, more than 64 gain nothing (measured). In between the
//! limit rises by one a round and falls when latency grows without bound or the server says 429.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::Instant;

const LEAST: usize = 16;
const MOST: usize = 64;
const START: usize = 32;

/// A round whose latency is this many times the best one seen says that requests only queue at the server. Kinds differ
/// by a factor of four, so it must be more than that.
const CROWDED: f64 = 8.0;

/// The best latency is forgotten by this factor a round: a server that got slower for good is not crowded for ever.
const FORGET: f64 = 1.001;

/// Without `Retry-After`, this long after a 429.
const PAUSE: Duration = Duration::from_secs(1);

/// Who goes first when writes have to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Live was changed by somebody else.
    Heal,
    /// Git changed.
    Sync,
    /// Records and status.
    Record,
    /// Anything that nobody waits for.
    Bulk,
}

/// How a write went, as far as pacing is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Answered, well or badly.
    Answered,
    /// 429: the pause that the server asked for.
    Throttled(Option<Duration>),
    /// No answer: nothing is learnt from its latency.
    Lost,
}

/// The limiter; clones share it.
#[derive(Clone, Default)]
pub struct Limiter(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    pace: Pace,
    in_flight: usize,
    waiting: [VecDeque<oneshot::Sender<()>>; 4],
    /// No write starts before this time.
    resume_at: Option<Instant>,
}

/// The arithmetic: additive increase, multiplicative decrease.
#[derive(Debug, PartialEq)]
struct Pace {
    limit: usize,
    /// Seconds; the best answer so far, forgotten slowly.
    best: Option<f64>,
    round: Vec<f64>,
}

impl Default for Pace {
    fn default() -> Self {
        Self { limit: START, best: None, round: Vec::with_capacity(MOST) }
    }
}

impl Pace {
    fn throttled(&mut self) {
        self.limit = (self.limit * 7 / 10).max(LEAST);
        self.round.clear();
    }

    /// A round is as many answers as may be in flight.
    fn answered(&mut self, latency: f64, demand: Demand) {
        self.round.push(latency);
        if self.round.len() < self.limit {
            return;
        }
        self.round.sort_by(f64::total_cmp);
        let (least, median) = (self.round[0], self.round[self.round.len() / 2]);
        self.round.clear();
        let best = self.best.map_or(least, |best| least.min(best * FORGET)).max(0.0005);
        self.best = Some(best);
        match demand {
            _ if median > best * CROWDED => self.limit = (self.limit - 1).max(LEAST),
            Demand::Waiting => self.limit = (self.limit + 1).min(MOST),
            Demand::Met => (),
        }
    }
}

#[derive(Clone, Copy)]
enum Demand {
    Waiting,
    Met,
}

impl State {
    fn wake(&mut self) {
        while self.in_flight < self.pace.limit && self.resume_at.is_none() {
            let Some(next) = self.waiting.iter_mut().find_map(VecDeque::pop_front) else { return };
            // A waiter that gave up has dropped its end: the next one gets the place.
            if next.send(()).is_ok() {
                self.in_flight += 1;
            }
        }
    }

    fn crowd(&self) -> Demand {
        match self.waiting.iter().any(|queue| !queue.is_empty()) {
            true => Demand::Waiting,
            false => Demand::Met,
        }
    }
}

/// The right to have one write in flight; give it back with [`Permit::done`].
pub struct Permit {
    limiter: Limiter,
    started: Instant,
    outcome: Outcome,
}

impl Limiter {
    /// Waits for a place. Dropping the future gives the place in the queue up.
    pub async fn acquire(&self, priority: Priority) -> Permit {
        if let Some(place) = self.enqueue(priority) {
            let waiting = Waiting { limiter: self, place: Some(place) };
            waiting.turn().await;
        }
        Permit { limiter: self.clone(), started: Instant::now(), outcome: Outcome::Lost }
    }

    fn enqueue(&self, priority: Priority) -> Option<oneshot::Receiver<()>> {
        let mut state = self.0.lock();
        let ahead = state.waiting[..=priority as usize].iter().any(|queue| !queue.is_empty());
        if state.in_flight < state.pace.limit && state.resume_at.is_none() && !ahead {
            state.in_flight += 1;
            return None;
        }
        let (sender, receiver) = oneshot::channel();
        state.waiting[priority as usize].push_back(sender);
        Some(receiver)
    }

    /// How many writes may be in flight now.
    pub fn limit(&self) -> usize {
        self.0.lock().pace.limit
    }

    /// How many writes are in flight now.
    pub fn in_flight(&self) -> usize {
        self.0.lock().in_flight
    }

    fn release(&self, outcome: Outcome, latency: Duration) {
        let mut state = self.0.lock();
        state.in_flight -= 1;
        match outcome {
            Outcome::Answered => {
                let demand = state.crowd();
                state.pace.answered(latency.as_secs_f64(), demand);
            }
            Outcome::Throttled(pause) => self.pause(&mut state, pause.unwrap_or(PAUSE)),
            Outcome::Lost => (),
        }
        state.wake();
    }

    /// One 429 answers a burst; those of the same burst change nothing more.
    fn pause(&self, state: &mut State, pause: Duration) {
        let until = Instant::now() + pause;
        if state.resume_at.is_none() {
            state.pace.throttled();
            let limiter = self.clone();
            tokio::spawn(async move { limiter.resume().await });
        }
        state.resume_at = state.resume_at.max(Some(until));
    }

    async fn resume(&self) {
        loop {
            let until = self.0.lock().resume_at;
            let Some(until) = until else { return };
            tokio::time::sleep_until(until).await;
            let mut state = self.0.lock();
            if state.resume_at <= Some(Instant::now()) {
                state.resume_at = None;
                return state.wake();
            }
        }
    }
}

/// A place in the queue that hands on its turn if it is given up between the turn and its use.
struct Waiting<'a> {
    limiter: &'a Limiter,
    place: Option<oneshot::Receiver<()>>,
}

impl Waiting<'_> {
    async fn turn(mut self) {
        if let Some(place) = &mut self.place {
            // The sender lives in the limiter, which is borrowed here: it cannot be dropped unsent.
            _ = place.await;
        }
        self.place = None;
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let Some(mut place) = self.place.take() else { return };
        let mut state = self.limiter.0.lock();
        if place.try_recv().is_ok() {
            state.in_flight -= 1;
            state.wake();
        }
        // Closed under the lock, so that no turn can be sent to it afterwards.
        place.close();
    }
}

impl Permit {
    /// Gives the place back and says how it went.
    pub fn done(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.limiter.release(self.outcome, self.started.elapsed());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounds(pace: &mut Pace, count: usize, latency: f64) {
        for _ in 0..count {
            (0..pace.limit).for_each(|_| pace.answered(latency, Demand::Waiting));
        }
    }

    #[test]
    fn the_limit_rises_while_latency_holds_and_falls_when_it_grows() {
        let mut pace = Pace::default();
        rounds(&mut pace, 5, 0.01);
        assert_eq!(pace.limit, START + 5);
        rounds(&mut pace, 100, 0.01);
        assert_eq!(pace.limit, MOST);
        rounds(&mut pace, 10, 0.2);
        assert_eq!(pace.limit, MOST - 10);
        (0..10).for_each(|_| pace.throttled());
        assert_eq!(pace.limit, LEAST);
    }

    #[test]
    fn an_idle_limiter_does_not_grow() {
        let mut pace = Pace::default();
        (0..START * 3).for_each(|_| pace.answered(0.01, Demand::Met));
        assert_eq!(pace.limit, START);
    }

    #[tokio::test]
    async fn heals_go_before_syncs_and_a_waiter_that_gave_up_loses_no_place() {
        let limiter = Limiter::default();
        let mut held = vec![];
        for _ in 0..START {
            held.push(limiter.acquire(Priority::Bulk).await);
        }
        let wait = |priority| Box::pin(limiter.acquire(priority));
        let (mut sync, mut heal, mut quitter) =
            (wait(Priority::Sync), wait(Priority::Heal), wait(Priority::Heal));
        assert!(futures::poll!(&mut sync).is_pending());
        assert!(futures::poll!(&mut quitter).is_pending());
        assert!(futures::poll!(&mut heal).is_pending());
        held.pop();
        drop(quitter);
        assert!(futures::poll!(&mut sync).is_pending(), "the quitter's turn goes to the other heal");
        let heal = heal.await;
        heal.done(Outcome::Answered);
        sync.await;
        drop(held);
        assert_eq!(limiter.in_flight(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_429_stops_everything_for_the_time_that_the_server_asks() {
        let limiter = Limiter::default();
        let started = Instant::now();
        let one = limiter.acquire(Priority::Sync).await;
        let other = limiter.acquire(Priority::Sync).await;
        one.done(Outcome::Throttled(Some(Duration::from_secs(3))));
        other.done(Outcome::Throttled(Some(Duration::from_secs(3))));
        assert_eq!(limiter.limit(), START * 7 / 10);
        limiter.acquire(Priority::Heal).await.done(Outcome::Answered);
        assert_eq!(started.elapsed().as_secs(), 3);
    }
}
