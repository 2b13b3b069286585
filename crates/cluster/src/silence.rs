//! Whether the API server answers at all.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;
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

/// Unanswered requests in a row that make an outage. One that is cut off alone says nothing of the server: where one watch is
/// cut off again and again and all else is answered, it must not be tried at every answer.
const OUTAGE: u32 = 2;

#[derive(Debug, Default)]
struct State {
    silence: Option<Silence>,
    /// Unanswered requests in a row.
    unanswered: u32,
}

/// What the requests of a connection have met with.
#[derive(Debug)]
pub(crate) struct Hearing {
    state: Mutex<State>,
    /// Counts the ends of outages.
    ends: watch::Sender<u64>,
}

impl Default for Hearing {
    fn default() -> Self {
        Self { state: Mutex::default(), ends: watch::channel(0).0 }
    }
}

impl Hearing {
    /// An answer came, whatever it says.
    pub(crate) fn answered(&self) {
        let State { unanswered, .. } = std::mem::take(&mut *self.state.lock());
        if unanswered >= OUTAGE {
            self.end_outage();
        }
    }

    /// A request that was made then was not answered.
    pub(crate) fn unanswered(&self, made: Instant, error: &ApiError) {
        let mut state = self.state.lock();
        let since = state.silence.as_ref().map_or(made, |silence| silence.since.min(made));
        state.silence = Some(Silence { since, reason: error.to_string().into() });
        state.unanswered = state.unanswered.saturating_add(1);
    }

    pub(crate) fn silence(&self) -> Option<Silence> {
        self.state.lock().silence.clone()
    }

    /// What failed works again: whoever waits to try again need not wait any longer.
    pub(crate) fn end_outage(&self) {
        self.ends.send_modify(|count| *count += 1);
    }

    /// Changes with each end of an outage.
    pub(crate) fn ends(&self) -> watch::Receiver<u64> {
        self.ends.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_an_outage_is_told_and_that_of_a_single_mishap_is_not() {
        let (hearing, error) = (Hearing::default(), ApiError::Unavailable { message: "cut".into() });
        let mut ends = hearing.ends();
        let mut told_after = |unanswered: u32| {
            (0..unanswered).for_each(|_| hearing.unanswered(Instant::now(), &error));
            hearing.answered();
            let told = ends.has_changed().unwrap();
            ends.mark_unchanged();
            told
        };
        assert_eq!([0, 1, 2, 1, 7].map(&mut told_after), [false, false, true, false, true]);
    }
}
