//! Why JSON does not fit a type.

use std::fmt;

/// Why a value is not one of the type, in the words of Go's decoder, as the API server hands them on behind `Pod in version "v1"
/// cannot be handled as a Pod: ` with status 400. The text may hold the value: what is secret must not be shown with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireError(pub(super) Mistake);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mistake {
    /// A JSON value of another kind than the type's.
    Type {
        /// `string`, `number 1.5`, `object`.
        found: String,
        /// The Go type of the struct and the fields that lead to the value; empty for the whole.
        owner: &'static str,
        path: Vec<String>,
        /// The Go type of the value.
        wanted: String,
    },
    /// What a type with a syntax of its own says.
    Syntax(String),
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Mistake::Syntax(text) => f.write_str(text),
            Mistake::Type { found, path, wanted, .. } if path.is_empty() => {
                write!(f, "json: cannot unmarshal {found} into Go value of type {wanted}")
            }
            Mistake::Type { found, owner, path, wanted } => {
                let path = path.join(".");
                write!(
                    f,
                    "json: cannot unmarshal {found} into Go struct field {owner}.{path} of type {wanted}"
                )
            }
        }
    }
}

impl std::error::Error for WireError {}
