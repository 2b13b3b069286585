//! The embedded API, in process.
#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking, also in what tests share

mod admission;
mod api;
mod conformance;
mod custom;
mod differential;
mod faults;
mod guard;
mod history;
mod objects;
mod pods;
mod tokens;
