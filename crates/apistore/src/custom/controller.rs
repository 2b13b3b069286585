//! What the server's own controllers do with definitions: their names are accepted, and what they define is served.

use std::time::Duration;

use crate::state::{State, Write};

/// The next thing to do, if there is one.
pub(crate) fn next_step(_state: &State, _now: Duration) -> Option<Write> {
    None
}
