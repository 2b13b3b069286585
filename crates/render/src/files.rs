//! What a renderer may see of a source.

use std::sync::Arc;

use lockstep_core::{Finding, Origin};

/// A directory of a source. Paths are relative to it, with forward slashes; the empty path is the directory itself.
pub trait Files {
    /// The path of the directory from the root of its source, for places in findings; empty for the root.
    fn root(&self) -> &str;

    /// The entries of a directory in any order, links as such; `None` if there is no directory at the path.
    fn list(&self, directory: &str) -> Result<Option<Vec<Entry>>, FileError>;

    /// A file's content, links followed; `None` if there is no file at the path. `limit` is in bytes.
    fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, FileError>;
}

/// One entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: Arc<str>,
    /// What it is.
    pub kind: EntryKind,
}

/// What an entry of a directory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link to either.
    Link,
    /// Another repository, whose content is not here.
    Submodule,
}

/// Why a path cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The user can mend it: it becomes a finding at the path.
    #[error("{message}")]
    Refused {
        /// A short, stable name for the rule.
        rule: &'static str,
        /// What is wrong.
        message: String,
        /// What to do about it.
        hint: &'static str,
    },
    /// The store behind the files is damaged or out of reach: nothing can be said about what they hold.
    #[error("cannot read the source")]
    Unreadable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl FileError {
    /// A symbolic link or a path that leaves the source.
    pub(crate) fn escapes() -> Self {
        Self::refused("path-escape", "leads out of the source", "keep what it names inside the repository")
    }

    /// A file that is kept in Git LFS.
    pub(crate) fn lfs() -> Self {
        Self::refused("git-lfs", "is kept in Git LFS, which is not built yet", "keep the file in Git itself")
    }

    /// A submodule.
    pub(crate) fn submodule() -> Self {
        Self::refused(
            "git-submodule",
            "is a submodule, which is not built yet",
            "name the other repository as a source of its own",
        )
    }

    /// A file beyond the limit in bytes.
    pub(crate) fn too_large(limit: u64) -> Self {
        Self::refused(
            "too-large",
            format!("has more than {limit} bytes"),
            "divide it, or leave it out with directory.exclude",
        )
    }

    pub(crate) fn refused(rule: &'static str, message: impl Into<String>, hint: &'static str) -> Self {
        Self::Refused { rule, message: message.into(), hint }
    }

    /// The finding at a path, or the error that no finding can say.
    pub(crate) fn at(self, place: &str) -> Result<Finding, Box<dyn std::error::Error + Send + Sync>> {
        match self {
            Self::Refused { rule, message, hint } => {
                Ok(Finding::error(rule, message).at(Origin::file(place)).with_hint(hint))
            }
            Self::Unreadable(cause) => Err(cause),
        }
    }
}

/// A path below a directory, either of which may be empty.
pub(crate) fn join(directory: &str, path: &str) -> String {
    match (directory, path) {
        ("", path) => path.to_owned(),
        (directory, "") => directory.to_owned(),
        (directory, path) => format!("{directory}/{path}"),
    }
}
