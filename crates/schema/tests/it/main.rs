//! Structured merge as a whole, on real definitions, and against what a real API server answered.
#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests

mod fixture;
mod properties;
mod protobuf;
mod recorded;
mod typed;
mod wire;
