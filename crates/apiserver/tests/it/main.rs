//! The server over real connections.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)] // a test ends where anything is not as it should be

mod discovery;
mod faults;
mod forms;
mod harness;
mod users;
mod watches;
