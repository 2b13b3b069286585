//! When a repository is fetched: at a poll, at a notification, at a wish to see it afresh, after a failure with back-off.
//!
//! Decided purely: the time and the jitter come in. A wish that arrives while a fetch runs starts another one after it,
//! because the running one may have read the references before the change that the wish is about.

use std::time::Duration;

use tokio::time::Instant;

/// The first pause after a failed fetch; each further one doubles, up to the poll interval.
const FIRST_BACKOFF: Duration = Duration::from_secs(2);

/// The schedule of one repository.
#[derive(Debug)]
pub(crate) struct Schedule {
    poll: Duration,
    due: Instant,
    failures: u32,
    running: bool,
    started: u64,
    finished: u64,
}

/// The number of a fetch: what asked before it began is answered once it has finished.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Round(u64);

impl Schedule {
    /// A repository that was never fetched, due at once.
    pub(crate) fn new(poll: Duration, now: Instant) -> Self {
        Self { poll, due: now, failures: 0, running: false, started: 0, finished: 0 }
    }

    /// Asks for a fetch that begins after now, cutting a back-off short. Returns which one that will be.
    pub(crate) fn request(&mut self, now: Instant) -> Round {
        self.due = now;
        Round(self.started + 1)
    }

    /// The first fetch of all.
    pub(crate) fn first() -> Round {
        Round(1)
    }

    /// Whether a fetch has finished, successfully or not.
    pub(crate) fn is_over(&self, round: Round) -> bool {
        self.finished >= round.0
    }

    /// When the next fetch is due; `None` while one runs.
    pub(crate) fn due(&self) -> Option<Instant> {
        (!self.running).then_some(self.due)
    }

    /// A fetch begins.
    pub(crate) fn begin(&mut self, now: Instant) {
        self.running = true;
        self.started += 1;
        self.due = now + self.poll;
    }

    /// The fetch ended. `jitter` is in 0..1 and spreads the next one over ±10 % of its distance. A wish that came
    /// meanwhile keeps its earlier time.
    pub(crate) fn end(&mut self, succeeded: bool, now: Instant, jitter: f64) {
        self.running = false;
        self.finished = self.started;
        self.failures = if succeeded { 0 } else { self.failures + 1 };
        if self.due <= now {
            return;
        }
        let pause = match self.failures {
            0 => self.poll,
            failures => FIRST_BACKOFF.saturating_mul(1 << (failures - 1).min(16)).min(self.poll),
        };
        self.due = now + pause.mul_f64(0.9 + 0.2 * jitter);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLL: Duration = Duration::from_secs(60);

    fn seconds(from: Instant, schedule: &Schedule) -> Option<u64> {
        schedule.due().map(|due| due.duration_since(from).as_millis() as u64 / 1000)
    }

    #[test]
    fn polls_follow_each_other_with_jitter() {
        let t = Instant::now();
        let mut schedule = Schedule::new(POLL, t);
        assert_eq!(seconds(t, &schedule), Some(0));
        schedule.begin(t);
        assert_eq!(schedule.due(), None);
        schedule.end(true, t, 0.0);
        assert_eq!(seconds(t, &schedule), Some(54));
        schedule.begin(t);
        schedule.end(true, t, 1.0);
        assert_eq!(seconds(t, &schedule), Some(66));
    }

    #[test]
    fn failures_back_off_and_a_request_cuts_that_short() {
        let t = Instant::now();
        let mut schedule = Schedule::new(POLL, t);
        let pauses: Vec<_> = (0..7)
            .map(|_| {
                schedule.begin(t);
                schedule.end(false, t, 0.5);
                seconds(t, &schedule).unwrap()
            })
            .collect();
        assert_eq!(pauses, [2, 4, 8, 16, 32, 60, 60]);
        schedule.request(t);
        assert_eq!(seconds(t, &schedule), Some(0));
    }

    #[test]
    fn a_request_during_a_fetch_is_answered_by_the_next_one() {
        let t = Instant::now();
        let mut schedule = Schedule::new(POLL, t);
        schedule.begin(t);
        let early = Schedule::first();
        let late = schedule.request(t);
        schedule.end(true, t, 0.5);
        assert!(schedule.is_over(early) && !schedule.is_over(late));
        assert_eq!(seconds(t, &schedule), Some(0));
        schedule.begin(t);
        schedule.end(true, t, 0.5);
        assert!(schedule.is_over(late));
    }

    #[test]
    fn a_flood_of_requests_during_a_fetch_is_one_more_fetch() {
        let t = Instant::now();
        let mut schedule = Schedule::new(POLL, t);
        schedule.begin(t);
        let rounds: Vec<Round> = (0..1000).map(|_| schedule.request(t)).collect();
        assert_eq!(schedule.due(), None, "never two at a time");
        schedule.end(true, t, 0.5);
        schedule.begin(t);
        schedule.end(true, t, 0.5);
        assert!(rounds.iter().all(|round| schedule.is_over(*round)));
        assert_eq!(seconds(t, &schedule), Some(60), "nothing is left to do");
    }
}
