//! Typed errors through interfaces that know only [`std::io::Error`].

use std::io;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::Error;

/// Remembers what really went wrong in a reader, while libraries between it and us wrap its `io::Error` as they please.
#[derive(Clone, Debug, Default)]
pub(crate) struct Failure(Arc<Mutex<Option<Error>>>);

impl Failure {
    /// Notes the first error and gives one that a reader may return.
    pub(crate) fn note(&self, error: Error) -> io::Error {
        let text = error.to_string();
        self.0.lock().get_or_insert(error);
        io::Error::other(text)
    }

    /// What was noted, else what `other` makes of it.
    pub(crate) fn explain(&self, other: impl FnOnce() -> Error) -> Error {
        self.0.lock().take().unwrap_or_else(other)
    }
}
