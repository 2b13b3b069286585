//! Tests of xtask against real programs.
#![allow(clippy::disallowed_methods, reason = "they run git")]

mod control_plane;
mod git_server;
mod lifecycle;
