//! The scenarios of `tests/scenarios`, and schedules that seeds make up.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod courses;
mod goldens;
mod seeds;
