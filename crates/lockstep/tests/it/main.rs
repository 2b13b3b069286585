//! The binary against a real control plane and real Git: `cargo xtask test` starts one and says where.
//!
//! A test file holds the tests of one noun and begins each with
//! `let Some(stage) = scenario("name").await else { return };`.
#![allow(clippy::disallowed_methods, reason = "the tests run the binary")]

mod commit;
mod cost;
mod crash;
mod foreign;
mod harness;
mod lookalike;
mod mode;
mod replicas;
mod revision;
mod stage;
