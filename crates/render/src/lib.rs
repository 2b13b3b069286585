//! From the files of an Application's sources to its desired objects, with everything that is wrong with them.
//!
//! Reading goes through [`Files`], which an [`Artifact`](source::Artifact) and a local [`Folder`] give. There is one renderer so
//! far, the plain directory; a source that calls for another is refused.

mod artifact;
mod directory;
mod files;
mod folder;
mod glob;
mod metadata;
mod namespace;
mod object;
mod render;
mod repeated;
mod scope;
mod secret;

pub use files::{Entry, EntryKind, FileError, Files};
pub use folder::{Folder, FolderError};
pub use namespace::with_namespace;
pub use object::Namespaces;
pub use render::{Identity, Limits, Options, RenderError, Rendered, render};
pub use scope::{NoScopes, Scope, Scopes};
