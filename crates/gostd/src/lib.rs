//! What Go programs print and parse, where Lockstep must agree with them to the byte.
//!
//! One module for each package of Go that something here depends on; nothing beyond what is used.

pub mod netip;
pub mod semver;
pub mod strconv;
pub mod time;
