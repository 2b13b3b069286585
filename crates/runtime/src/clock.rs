//! The only place that reads the time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use lockstep_core::Timestamp;

/// A clock: what time it is for people, and how much of it has passed. Clones are the same clock.
#[derive(Clone, Debug)]
pub struct Clock(Kind);

#[derive(Clone, Debug)]
enum Kind {
    System { start: Instant },
    Manual(Arc<Mutex<Reading>>),
}

#[derive(Clone, Copy, Debug)]
struct Reading {
    wall: Duration,
    uptime: Duration,
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Kind::System { start: Instant::now() })
    }

    /// A clock that stands still until its hand is moved, for tests.
    pub fn manual(start: Timestamp) -> (Self, ClockHand) {
        let wall = Duration::from_secs(u64::try_from(start.0).unwrap_or_default());
        let reading = Arc::new(Mutex::new(Reading { wall, uptime: Duration::ZERO }));
        (Self(Kind::Manual(reading.clone())), ClockHand(reading))
    }

    /// What time it is, to the second.
    pub fn now(&self) -> Timestamp {
        Timestamp(i64::try_from(self.since_epoch().as_secs()).unwrap_or(i64::MAX))
    }

    /// How much time has passed since 1970-01-01T00:00:00Z; it jumps when the machine's time is set.
    pub fn since_epoch(&self) -> Duration {
        match &self.0 {
            #[allow(clippy::disallowed_methods)] // this is the clock
            Kind::System { .. } => SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
            Kind::Manual(reading) => read(reading).wall,
        }
    }

    /// How much time has passed since the clock was made; it never jumps. Timers are set in it.
    pub fn uptime(&self) -> Duration {
        match &self.0 {
            Kind::System { start } => start.elapsed(),
            Kind::Manual(reading) => read(reading).uptime,
        }
    }
}

fn read(reading: &Mutex<Reading>) -> Reading {
    *reading.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Moves a manual clock.
#[derive(Clone, Debug)]
pub struct ClockHand(Arc<Mutex<Reading>>);

impl ClockHand {
    /// Lets so much time pass.
    pub fn advance(&self, by: Duration) {
        let mut reading = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reading.wall += by;
        reading.uptime += by;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_by_hand() {
        let (clock, hand) = Clock::manual(Timestamp(100));
        assert_eq!((clock.now(), clock.uptime()), (Timestamp(100), Duration::ZERO));
        hand.advance(Duration::from_millis(2500));
        assert_eq!((clock.now(), clock.uptime()), (Timestamp(102), Duration::from_millis(2500)));
    }

    #[test]
    fn the_system_clock_goes_on() {
        let clock = Clock::system();
        let before = clock.uptime();
        assert!(clock.uptime() >= before);
        assert!(clock.now() > Timestamp(1_700_000_000));
    }
}
