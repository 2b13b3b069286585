//! What a controller takes from the machine that it runs on: the time, and threads. A simulation gives it its own.

use runtime::Clock;

/// Where the time comes from, and where what blocks is done.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings {
    /// The time of day.
    pub clock: Clock,
    /// Where renders and fetches run.
    pub work: Work,
}

impl Default for Surroundings {
    /// The machine's clock and threads.
    fn default() -> Self {
        Self { clock: Clock::system(), work: Work::Threads }
    }
}

/// Where what may block is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// On threads of their own, away from the async workers.
    Threads,
    /// Where it is asked for. Nothing else goes on meanwhile, so that the order of what happens does not depend on how long it takes.
    Inline,
}

impl Work {
    /// Does a job that may block. `None` where it panicked.
    pub(crate) async fn run<T: Send + 'static>(self, job: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        match self {
            Self::Threads => tokio::task::spawn_blocking(job).await.ok(),
            Self::Inline => Some(job()),
        }
    }
}
