//! The room against an API server inside the process, and, where one is given, against a real one.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "these are tests, helpers included"
)]

mod discovery;
mod fake;
mod index;
mod pods;
mod real;
mod watch;
mod writer;
