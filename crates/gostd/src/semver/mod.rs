//! Versions and constraints as `github.com/Masterminds/semver/v3` (3.4) reads them: Helm, Argo CD and Flux all do.

mod constraint;
mod version;

pub use constraint::{Constraint, InvalidConstraint};
pub use version::{InvalidVersion, Version};
