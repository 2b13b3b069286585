//! When an Application is tried again after a failure whose end no event will tell: of the API server, or of the disk cache.

use std::collections::HashMap;
use std::time::Duration;

use lockstep_core::AppKey;
use parking_lot::Mutex;

/// The pause after the first failed run and the longest one; each is twice the one before.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

#[derive(Debug, Default)]
struct Trial {
    /// Failed runs in a row.
    failures: u32,
    /// The run under way is one of them.
    counted: bool,
}

/// The Applications whose last runs failed.
#[derive(Default)]
pub(crate) struct Retries(Mutex<HashMap<AppKey, Trial>>);

impl Retries {
    /// A run begins.
    pub(crate) fn begin(&self, app: &AppKey) {
        if let Some(trial) = self.0.lock().get_mut(app) {
            trial.counted = false;
        }
    }

    /// The run under way failed; several failures of one run are one. Returns the pause before the next. `jitter` is in 0..1 and
    /// spreads it over ±20 %, so that those that failed together do not come back together.
    pub(crate) fn failed(&self, app: &AppKey, jitter: f64) -> Duration {
        let mut trials = self.0.lock();
        let trial = trials.entry(app.clone()).or_default();
        if !std::mem::replace(&mut trial.counted, true) {
            trial.failures = trial.failures.saturating_add(1);
        }
        let (first, longest) = PAUSES;
        let pause = first.saturating_mul(1 << (trial.failures - 1).min(16)).min(longest);
        pause.mul_f64(0.8 + 0.4 * jitter)
    }

    /// A run ended: without a failure the next one is a first one again.
    pub(crate) fn end(&self, app: &AppKey) {
        let mut trials = self.0.lock();
        if trials.get(app).is_some_and(|trial| !trial.counted) {
            trials.remove(app);
        }
    }

    /// What failed is over. Returns who may be tried again at once, and forgets how often it failed.
    pub(crate) fn drain(&self) -> Vec<AppKey> {
        let mut all: Vec<AppKey> = std::mem::take(&mut *self.0.lock()).into_keys().collect();
        // They come back in an order that does not depend on chance.
        all.sort();
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(retries: &Retries, fails: u32) -> Option<u64> {
        let app = AppKey::new("n", "a");
        retries.begin(&app);
        let pause = (0..fails).map(|_| retries.failed(&app, 0.5).as_secs()).last();
        retries.end(&app);
        pause
    }

    #[test]
    fn pauses_double_up_to_a_minute_and_a_run_without_failure_ends_that() {
        let retries = Retries::default();
        let pauses: Vec<_> = (0..8).map(|_| run(&retries, 1).unwrap()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(run(&retries, 0), None);
        assert_eq!(run(&retries, 2), Some(1), "two failures of one run are one");
        assert_eq!(run(&retries, 1), Some(2));
    }

    #[test]
    fn those_that_failed_together_do_not_come_back_together() {
        let (retries, app) = (Retries::default(), AppKey::new("n", "a"));
        let shortest = retries.failed(&app, 0.0);
        assert!(shortest < retries.failed(&app, 1.0));
        for _ in 0..100 {
            retries.begin(&app);
            retries.failed(&app, 0.0);
        }
        retries.begin(&app);
        assert_eq!(retries.failed(&app, 1.0).as_secs(), 72, "however often it fails");
    }

    #[test]
    fn when_the_server_is_back_everyone_begins_anew() {
        let retries = Retries::default();
        (0..5).for_each(|_| _ = run(&retries, 1));
        assert_eq!(retries.drain(), [AppKey::new("n", "a")]);
        assert!(retries.drain().is_empty());
        assert_eq!(run(&retries, 1), Some(1));
    }
}
