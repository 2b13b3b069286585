//! The scenarios of `tests/scenarios`, and schedules that seeds make up.

mod goldens;
mod seeds;
