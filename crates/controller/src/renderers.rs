//! A bounded number of threads for rendering, away from the async workers.

use tokio::sync::Semaphore;

/// Bounds how many renders run at once.
pub(crate) struct Renderers(Semaphore);

impl Renderers {
    /// As many at once as there are processors.
    pub(crate) fn new() -> Self {
        Self(Semaphore::new(std::thread::available_parallelism().map_or(2, usize::from)))
    }

    /// Runs a job that may block. `None` where it panicked: one bad input must not end the process.
    pub(crate) async fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let _turn = self.0.acquire().await.ok()?;
        tokio::task::spawn_blocking(job).await.ok()
    }
}
