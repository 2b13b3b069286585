//! The controllers on a store with a virtual clock.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by them")]

mod cluster;
mod deployments;
mod pods;
mod recorded;
mod sets;
