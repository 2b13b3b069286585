//! The only place that reads what time it is.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lockstep_core::Timestamp;
use tokio::time::Instant;

/// A clock that tells the time of day.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Kind);

#[derive(Clone, Copy, Debug)]
enum Kind {
    System,
    Following { start: Instant, base: Duration },
}

impl Clock {
    /// The machine's clock. It jumps when the machine's time is set: pauses are measured with tokio's monotonic instants instead.
    pub fn system() -> Self {
        Self(Kind::System)
    }

    /// A clock that tells `base` (since 1970-01-01T00:00:00Z) now and goes on with tokio's instants: where those are paused and
    /// advanced by a simulation, so is this.
    pub fn following(base: Duration) -> Self {
        Self(Kind::Following { start: Instant::now(), base })
    }

    /// What time it is, to the second; 1970 on a machine that was never told.
    pub fn now(&self) -> Timestamp {
        Timestamp(i64::try_from(self.since_epoch().as_secs()).unwrap_or(i64::MAX))
    }

    /// The time since 1970-01-01T00:00:00Z; zero on a machine that was never told.
    pub fn since_epoch(&self) -> Duration {
        match self.0 {
            #[allow(clippy::disallowed_methods)] // this is the clock
            Kind::System => SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
            Kind::Following { start, base } => base + start.elapsed(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_later_than_when_this_was_written() {
        assert!(Clock::system().now() > Timestamp(1_700_000_000));
    }

    #[tokio::test(start_paused = true)]
    async fn a_following_clock_goes_on_as_the_runtime_does() {
        let clock = Clock::following(Duration::from_secs(1_000));
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        assert_eq!(clock.since_epoch(), Duration::from_millis(1_002_500));
        assert_eq!(clock.now(), Timestamp(1_002));
    }
}
