//! Whether the API server answers at all.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::error::ApiError;

/// Nothing has come from the API server for a while, not even a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silence {
    /// When the first request was made that was not answered.
    pub since: Instant,
    /// What came of the last one.
    pub reason: Arc<str>,
}

/// What the requests of a connection have met with.
#[derive(Debug, Default)]
pub(crate) struct Hearing(Mutex<Option<Silence>>);

impl Hearing {
    /// An answer came, whatever it says.
    pub(crate) fn answered(&self) {
        *self.0.lock() = None;
    }

    /// A request that was made then was not answered.
    pub(crate) fn unanswered(&self, made: Instant, error: &ApiError) {
        let mut silence = self.0.lock();
        let since = silence.as_ref().map_or(made, |silence| silence.since.min(made));
        *silence = Some(Silence { since, reason: error.to_string().into() });
    }

    pub(crate) fn silence(&self) -> Option<Silence> {
        self.0.lock().clone()
    }
}
