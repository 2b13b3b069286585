//! A bounded number of threads for rendering, away from the async workers.

use tokio::sync::Semaphore;

use crate::surroundings::Work;

/// Bounds how many renders run at once.
pub(crate) struct Renderers {
    turns: Semaphore,
    work: Work,
}

impl Renderers {
    /// As many at once as there are processors.
    pub(crate) fn new(work: Work) -> Self {
        let turns = std::thread::available_parallelism().map_or(2, usize::from);
        Self { turns: Semaphore::new(turns), work }
    }

    /// Runs a job that may block. `None` where it panicked: one bad input must not end the process.
    pub(crate) async fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let _turn = self.turns.acquire().await.ok()?;
        self.work.run(job).await
    }
}
