//! Tests of xtask against real programs.
#![allow(clippy::disallowed_methods, reason = "they run git")]

mod git_server;
