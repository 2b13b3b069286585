//! The scenarios of `tests/scenarios`, and schedules that seeds make up.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod goldens;
mod seeds;
