//! What crosses the border and comes back.
#![allow(clippy::unwrap_used)] // helpers of tests may fail as the tests themselves do

mod conditions;
mod records;
mod status;
