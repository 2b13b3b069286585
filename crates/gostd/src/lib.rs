//! What Go programs print and parse, where Lockstep must agree with them.

pub mod semver;
