//! The only place that reads what time it is.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lockstep_core::Timestamp;

/// The machine's clock. It jumps when the machine's time is set: pauses are measured with tokio's monotonic instants instead.
#[derive(Clone, Copy, Debug)]
pub struct Clock(());

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(())
    }

    /// What time it is, to the second; 1970 on a machine that was never told.
    pub fn now(&self) -> Timestamp {
        Timestamp(i64::try_from(self.since_epoch().as_secs()).unwrap_or(i64::MAX))
    }

    /// The time since 1970-01-01T00:00:00Z; zero on a machine that was never told.
    pub fn since_epoch(&self) -> Duration {
        #[allow(clippy::disallowed_methods)] // this is the clock
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_later_than_when_this_was_written() {
        assert!(Clock::system().now() > Timestamp(1_700_000_000));
    }
}
