//! What can go wrong, by what the caller can do about it.

use std::error::Error as StdError;

use crate::RevisionSpec;

/// The result of an operation on a repository.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The cause below an error, for logs. It never holds credentials or an address with user info.
pub(crate) type Cause = Box<dyn StdError + Send + Sync>;

/// Why a repository could not be fetched or opened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No connection, or an answer that says "later". Worth another try.
    #[error("the repository cannot be reached")]
    Unavailable(#[source] Cause),
    /// The server's certificate is not trusted: the wrong authorities, the wrong name, or expired.
    #[error(
        "the certificate of the repository's server is not trusted; its authority can be given as `ca` in the repository's Secret"
    )]
    Untrusted(#[source] Cause),
    /// The server did not answer, or fell silent, for too long. Worth another try.
    #[error("the repository's server did not answer in time")]
    Timeout,
    /// The caller's flag ended the operation.
    #[error("cancelled")]
    Cancelled,
    /// The credentials are missing, wrong or not enough (HTTP 401, 403, 407).
    #[error("access to the repository is denied (HTTP {status}); {}", denied_hint(*.status))]
    Denied {
        /// The HTTP status.
        status: u16,
    },
    /// There is no such repository, or none that these credentials may see.
    #[error("repository not found; check its address, and its Secret if it is private")]
    RepositoryNotFound,
    /// The address cannot be used by this binary, for example because of its scheme.
    #[error("the repository's address cannot be used: {0}")]
    InvalidUrl(&'static str),
    /// The certificate authority or the proxy of the access data cannot be used.
    #[error("the repository's access data cannot be used: {0}")]
    InvalidAccess(&'static str),
    /// The server does not speak a protocol that this binary speaks.
    #[error("the server cannot be used: {0}")]
    Unsupported(&'static str),
    /// The answer is larger than allowed.
    #[error("the repository is larger than the limit of {limit} bytes")]
    TooLarge {
        /// Bytes.
        limit: u64,
    },
    /// The server's answer makes no sense, or is an error of git's own; its text is kept short.
    #[error("the server refused or garbled the exchange: {0}")]
    Protocol(String),
    /// Objects that should be there are missing or damaged. The next fetch starts afresh.
    #[error("the object database is damaged")]
    Corrupted(#[source] Option<Cause>),
    /// The disk failed, or a directory is not what it should be.
    #[error("the directory of the repository cannot be used")]
    Disk(#[source] std::io::Error),
}

impl Error {
    /// A short, stable word for metrics and condition reasons.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "Unavailable",
            Self::Untrusted(_) => "Untrusted",
            Self::Timeout => "Timeout",
            Self::Cancelled => "Cancelled",
            Self::Denied { .. } => "Denied",
            Self::RepositoryNotFound => "RepositoryNotFound",
            Self::InvalidUrl(_) | Self::InvalidAccess(_) | Self::Unsupported(_) => "Invalid",
            Self::TooLarge { .. } => "TooLarge",
            Self::Protocol(_) => "Protocol",
            Self::Corrupted(_) => "Corrupted",
            Self::Disk(_) => "Disk",
        }
    }

    /// An address that no parser understands.
    pub(crate) fn malformed_url() -> Self {
        Self::InvalidUrl("it is not a well-formed URL")
    }

    /// An answer that is none of git's.
    pub(crate) fn not_git() -> Self {
        Self::Unsupported("it does not answer as a git server; is this the address of a repository?")
    }

    /// Ids of the other hash function.
    pub(crate) fn sha256() -> Self {
        Self::Unsupported("its repository uses SHA-256 ids, which are not supported yet")
    }

    pub(crate) fn unavailable(cause: impl Into<Cause>) -> Self {
        Self::Unavailable(cause.into())
    }

    pub(crate) fn corrupted(cause: impl Into<Cause>) -> Self {
        Self::Corrupted(Some(cause.into()))
    }
}

/// Why one revision could not be resolved while the repository itself could be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RevisionError {
    /// Nothing of that name.
    #[error("revision {spec} not found{}", near_text(.near))]
    NotFound {
        /// What was asked for.
        spec: RevisionSpec,
        /// Similar names that exist, at most three.
        near: Vec<String>,
    },
    /// A short id that nothing known begins with. Only tips and commits already fetched are searched.
    #[error(
        "no known commit begins with {spec}; use the full id of a commit that is not the tip of a branch or tag"
    )]
    ShortNotFound {
        /// What was asked for.
        spec: RevisionSpec,
    },
    /// A short id that several commits begin with.
    #[error("{spec} is ambiguous: {}", .candidates.join(", "))]
    Ambiguous {
        /// What was asked for.
        spec: RevisionSpec,
        /// Some of the full ids.
        candidates: Vec<String>,
    },
    /// A tag of something else than a commit.
    #[error("revision {spec} does not name a commit")]
    NotACommit {
        /// What was asked for.
        spec: RevisionSpec,
    },
    /// The default branch was asked for and has no commit yet.
    #[error("the repository is empty, or its default branch has no commit")]
    Empty,
}

fn denied_hint(status: u16) -> &'static str {
    match status {
        407 => "check the user and password in the proxy's address",
        _ => "check the credentials in the repository's Secret",
    }
}

fn near_text(near: &[String]) -> String {
    match near {
        [] => String::new(),
        names => format!("; did you mean {}?", names.join(" or ")),
    }
}

/// Why a path of a snapshot could not be read. Each but [`PathError::Corrupted`] is something that the user can mend.
#[derive(Debug, thiserror::Error)]
pub enum PathError {
    /// The path, or a symbolic link on it, is absolute or leads out of the repository.
    #[error("{path} leads out of the repository")]
    Escapes {
        /// The path that does so.
        path: String,
    },
    /// More symbolic links than allowed on one path, usually a circle.
    #[error("too many symbolic links at {path}")]
    TooManyLinks {
        /// The link where it stopped.
        path: String,
    },
    /// The path leads into a submodule, whose content is in another repository.
    #[error("{path} is a submodule, which is not supported")]
    Submodule {
        /// The submodule.
        path: String,
    },
    /// The file's content is in Git LFS.
    #[error("{path} is kept in Git LFS, which is not supported")]
    Lfs {
        /// The file.
        path: String,
    },
    /// The file is larger than allowed.
    #[error("{path} has {size} bytes, more than the limit of {limit}")]
    TooLarge {
        /// The file.
        path: String,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// A directory with more files than allowed below it.
    #[error("{path} has more than {limit} files")]
    TooMany {
        /// The directory.
        path: String,
        /// The limit.
        limit: usize,
    },
    /// The object behind the path is missing or damaged. The next fetch starts afresh.
    #[error("the object database is damaged")]
    Corrupted(#[source] Option<Cause>),
}

impl From<Error> for PathError {
    /// Reading objects fails in one way only.
    fn from(error: Error) -> Self {
        match error {
            Error::Corrupted(cause) => Self::Corrupted(cause),
            other => Self::Corrupted(Some(Box::new(other))),
        }
    }
}
