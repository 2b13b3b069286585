//! Scenarios: the real controller on the embedded cluster, with real repositories and a clock that a scenario moves.
//!
//! A script is a text: commands (commits, live edits, faults, crashes, time), each followed by what happened. [`play`] runs it and
//! returns the text with what happened now. A [`schedule`] is a script that a seed makes up, and
//! [`run_seeds`] checks what must hold after any of them.
//!
//! Nothing in here takes its turn from the machine: one thread, paused time, no sockets, a store that takes chance as a
//! parameter. What a seed makes up is the same everywhere. What comes of it is so nearly always: seed 1802 ends in one way or another, and it
//! is not known yet what decides.

mod command;
mod course;
mod discovery;
mod fault;
mod forge;
mod golden;
mod laws;
mod order;
mod pen;
mod schedule;
mod script;
mod seeds;
mod shorthand;
mod stage;
mod story;
mod transport;
mod user;
mod world;

pub use golden::play;
pub use order::run_courses;
pub use schedule::schedule;
pub use seeds::{Failed, run_seeds};
