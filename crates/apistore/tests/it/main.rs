//! The embedded API, in process.

mod api;
mod objects;
