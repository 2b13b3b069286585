//! Rendering as its callers see it.
#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests may fail as the tests themselves do

mod directory;
mod folder;
mod objects;
mod tree;
