//! Tests of xtask against real programs.
