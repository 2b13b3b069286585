//! The binary against a real control plane and real Git: `cargo xtask test` starts one and says where.
//!
//! A test file holds the tests of one noun and begins each with
//! `let Some(stage) = scenario("name").await else { return };`.
#![allow(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::print_stderr,
    reason = "the tests run programs, end where anything is not as it should be, and say what they skip"
)]

mod adoption;
mod bystander;
mod chain;
mod claim;
mod cli;
mod commit;
mod cost;
mod crash;
mod deletion;
mod demo;
mod dependencies;
mod embedded;
mod failure;
mod farewell;
mod fight;
mod foreign;
mod harness;
mod helm;
mod hooks;
mod immutability;
mod killed;
mod kind;
mod kubectl;
mod leftover;
mod lookalike;
mod mode;
mod obstacle;
mod options;
mod outage;
mod owner;
mod pods;
mod power;
mod preemption;
mod prune;
mod refresh;
mod replicas;
mod revision;
mod run;
mod secret;
mod source;
mod spec;
mod stage;
mod vanish;
mod waves;
