//! The clock as plan counts.

use lockstep_core::Timestamp;
use plan::Millis;
use tokio::time::Instant;

/// The controller's clock. Wall-clock time is read in `runtime`; the milliseconds of plans count from the start.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    wall: runtime::Clock,
    start: Instant,
    began: Timestamp,
}

impl Clock {
    pub(crate) fn new(wall: runtime::Clock) -> Self {
        let began = wall.now();
        Self { wall, start: Instant::now(), began }
    }

    /// For status and history.
    pub(crate) fn now(&self) -> Timestamp {
        self.wall.now()
    }

    /// For plans.
    pub(crate) fn millis(&self) -> Millis {
        Millis(u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// When a plan's moment is by the calendar: the same whenever it is asked for, so that a status that names it stays as it is.
    pub(crate) fn date(&self, at: Millis) -> Timestamp {
        Timestamp(self.began.0.saturating_add(i64::try_from(at.0.div_ceil(1000)).unwrap_or(i64::MAX)))
    }

    /// When a plan's moment is.
    pub(crate) fn instant(&self, at: Millis) -> Instant {
        self.start + std::time::Duration::from_millis(at.0)
    }
}
