//! Where desired state comes from: repositories, and artifacts whose reads are recorded.
//!
//! [`Repositories`] fetches and keeps them; an [`Artifact`] is one directory of one commit; its [`Reads`] tell whether
//! another commit would have been read the same. Every call may block.

mod artifact;
mod reads;
mod repositories;

pub use artifact::{Artifact, Located};
pub use git::{
    Access, Entry, Error, Fetched, Found, Kind, Limits, ObjectId, PathError, Result, RevisionError,
    RevisionSpec, Snapshot,
};
pub use reads::Reads;
pub use repositories::Repositories;
