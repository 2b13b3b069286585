//! Ending in order.

use std::sync::Arc;

use tokio::sync::watch;

/// A wish to end, seen by every clone.
#[derive(Clone, Debug)]
pub struct Shutdown(Arc<watch::Sender<bool>>);

impl Default for Shutdown {
    fn default() -> Self {
        Self(Arc::new(watch::channel(false).0))
    }
}

impl Shutdown {
    /// A wish that nobody has yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A wish that SIGINT, SIGTERM and SIGHUP (the terminal is gone) make; must be called inside a tokio runtime. A second signal ends the process at once, with
    /// the code that shells give a process ended by SIGINT.
    pub fn on_signals() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hangup = signal(SignalKind::hangup())?;
        let shutdown = Self::new();
        let wish = shutdown.clone();
        tokio::spawn(async move {
            for _ in 0..2 {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                    _ = hangup.recv() => {}
                }
                if wish.is_requested() {
                    std::process::exit(130);
                }
                tracing::info!("Stopping");
                wish.request();
            }
        });
        Ok(shutdown)
    }

    /// Wishes to end.
    pub fn request(&self) {
        self.0.send_replace(true);
    }

    /// Whether the wish was made.
    pub fn is_requested(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits for the wish.
    pub async fn requested(&self) {
        let mut wish = self.0.subscribe();
        // The sender lives in self, so that waiting cannot fail.
        let _ = wish.wait_for(|wished| *wished).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_clone_sees_the_wish_also_late() {
        let shutdown = Shutdown::new();
        let waiting = tokio::spawn({
            let shutdown = shutdown.clone();
            async move { shutdown.requested().await }
        });
        assert!(!shutdown.is_requested());
        shutdown.request();
        waiting.await.unwrap();
        shutdown.requested().await;
        assert!(shutdown.is_requested());
    }
}
