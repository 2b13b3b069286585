//! The embedded API, in process.

mod api;
mod conformance;
mod guard;
mod objects;
