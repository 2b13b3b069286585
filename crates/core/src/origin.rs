//! Where something was written.

use std::fmt;
use std::sync::Arc;

/// A place in a file of a source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The path inside the source, with forward slashes.
    pub file: Arc<str>,
    /// From 1; 0 where only the file is known.
    pub line: u32,
    /// From 1, in characters; 0 where only the line is known.
    pub column: u32,
}

impl Origin {
    /// A place known to the column.
    pub fn new(file: impl Into<Arc<str>>, line: u32, column: u32) -> Self {
        Self { file: file.into(), line, column }
    }

    /// A whole file.
    pub fn file(file: impl Into<Arc<str>>) -> Self {
        Self::new(file, 0, 0)
    }
}

/// `file:line:column`, as far as it is known.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        match (self.line, self.column) {
            (0, _) => Ok(()),
            (line, 0) => write!(f, ":{line}"),
            (line, column) => write!(f, ":{line}:{column}"),
        }
    }
}
