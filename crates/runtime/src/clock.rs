//! The only place that reads what time it is.

use std::time::{SystemTime, UNIX_EPOCH};

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
        #[allow(clippy::disallowed_methods)] // this is the clock
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
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
