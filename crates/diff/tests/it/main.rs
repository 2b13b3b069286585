//! Behaviour over what a real API server answered.

#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking, also in what tests share

mod adoption;
mod drift;
mod extras;
mod handover;
mod leaks;
mod object_diff;
mod owner;
mod record;
mod recover;
mod scenario;
