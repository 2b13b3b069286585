//! What the kinds make of objects, compared with the answers of a real server.

#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking, also in what tests share

mod definitions;
mod recorded;
mod tables;
mod workloads;
