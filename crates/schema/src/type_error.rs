//! How a value does not fit its schema.

use std::fmt;

/// One place where a value does not fit its schema, in the server's words. The text may hold the value: what is secret must
/// not be shown with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeError {
    /// Where, as the server prints paths; empty for the whole value.
    pub path: String,
    /// What does not fit.
    pub message: String,
}

impl fmt::Display for TypeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.path {
            "" => f.write_str(&self.message),
            path => write!(f, "{path}: {}", self.message),
        }
    }
}

/// All places where a value does not fit its schema; never empty. After the first undeclared field of a mapping the server
/// looks at no further entry of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeErrors(pub Vec<TypeError>);

impl fmt::Display for TypeErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0[..] {
            [only] => only.fmt(f),
            several => {
                f.write_str("errors:")?;
                several.iter().try_for_each(|error| write!(f, "\n  {error}"))
            }
        }
    }
}

impl std::error::Error for TypeErrors {}
