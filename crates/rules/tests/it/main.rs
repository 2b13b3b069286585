//! Expressions and rules on what a real API server says of them.

#![allow(clippy::unwrap_used)] // a test that finds nothing to unwrap has failed

mod policies;
mod recorded;
