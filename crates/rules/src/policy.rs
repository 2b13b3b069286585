//! Admission policies: what they say of a request, and what they make of its object.

mod attributes;
mod conditions;
mod errors;
mod matching;
mod mutating;
mod params;
mod validating;

pub use attributes::{Attributes, Equivalents, Resource};
pub use errors::expression_errors;
pub use mutating::{Merge, Mutated, MutatingPolicy, mutate};
pub use params::{Params, Surroundings};
pub use validating::{Denial, ValidatingPolicy, Verdict, validate};
