//! Git without git: mirrors of repositories, kept as bare object databases and read in place.
//!
//! A [`Mirror`] holds what was fetched over HTTP, or looks straight into the object database of a repository on disk, of which it
//! keeps a spare.
//! [`Mirror::fetch`] resolves revisions, [`Mirror::snapshot`] gives the tree of one commit. There is no work tree and no
//! git binary, and every call blocks: callers run them on threads that may.

mod access;
mod auth;
mod bands;
mod blob;
mod body;
mod commit;
mod connect;
mod copy;
mod error;
mod failure;
mod generation;
mod goal;
mod history;
mod http;
mod index_file;
mod limits;
mod line;
mod local;
mod location;
mod lock;
mod mirror;
mod objects;
mod pack;
mod packets;
mod path;
mod pktline;
mod pool;
mod protocol;
mod refs;
mod resolve;
mod session;
mod snapshot;
mod spare;
mod spec;
mod state;
mod tree;
mod trust;
mod work_tree;

pub use access::Access;
pub use error::{Error, PathError, Result, RevisionError};
pub use gix::ObjectId;
pub use http::Http;
pub use limits::Limits;
pub use mirror::{Fetched, Mirror};
pub use path::{End, Resolution, Seen};
pub use snapshot::{Found, Snapshot};
pub use spec::RevisionSpec;
pub use tree::{Entry, Kind};
pub use work_tree::{Author, WorkTree};
