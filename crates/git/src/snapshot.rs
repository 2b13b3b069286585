//! The tree of one commit.

use std::sync::Arc;

use gix::ObjectId;
use lockstep_core::Commit;

use crate::objects::Objects;
use crate::path::{self, End, Resolution, Seen};
use crate::tree::{Entry, Kind};
use crate::{PathError, Result, blob};

/// One commit, read in place. Cheap to clone, good for many threads; keeps the files that it needs on disk.
///
/// Paths use `/`, have none at either end, and never lead out of the repository. Symbolic links are followed.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub(crate) objects: Arc<Objects>,
    commit: Arc<Commit>,
    root: ObjectId,
}

/// A file below a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The path from the directory that was listed.
    pub path: String,
    /// What it is; never a directory.
    pub kind: Kind,
    /// Its content.
    pub id: ObjectId,
}

impl Snapshot {
    pub(crate) fn new(objects: Arc<Objects>, commit: Commit, root: ObjectId) -> Self {
        Self { objects, commit: Arc::new(commit), root }
    }

    /// The commit.
    pub fn commit(&self) -> &Commit {
        &self.commit
    }

    /// What is at a path, links followed; `None` if nothing is.
    pub fn entry(&self, path: &str) -> Result<Option<(ObjectId, Kind)>, PathError> {
        Ok(match self.resolve(path).end? {
            End::Found { kind, id, .. } => Some((id, kind)),
            End::Absent => None,
        })
    }

    /// The entries of a directory by name, links as such; `None` if there is no directory at the path.
    pub fn list(&self, path: &str) -> Result<Option<Vec<Entry>>, PathError> {
        match self.entry(path)? {
            Some((id, Kind::Directory)) => Ok(Some(self.objects.tree(id)?.entries.to_vec())),
            Some((_, Kind::Submodule)) => Err(PathError::Submodule { path: path.to_owned() }),
            _ => Ok(None),
        }
    }

    /// A file's content; `None` if there is no file at the path. `limit` is in bytes.
    pub fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, PathError> {
        match self.entry(path)? {
            Some((id, kind)) if kind.is_file() => self.content(path, id, limit).map(Some),
            Some((_, Kind::Submodule)) => Err(PathError::Submodule { path: path.to_owned() }),
            _ => Ok(None),
        }
    }

    /// The content of a file that was listed before; `path` is for the error only and `limit` in bytes.
    pub fn content(&self, path: &str, id: ObjectId, limit: u64) -> Result<Vec<u8>, PathError> {
        let size = self.objects.blob_size(id)?;
        if size > limit {
            return Err(PathError::TooLarge { path: path.to_owned(), size, limit });
        }
        let content = self.objects.blob(id)?;
        if blob::is_lfs_pointer(&content) {
            return Err(PathError::Lfs { path: path.to_owned() });
        }
        Ok(content)
    }

    /// All files, links and submodules below a directory, by path; `None` if there is no directory at the path.
    /// Links are reported, not followed. More than `limit` entries are an error.
    pub fn walk(&self, path: &str, limit: usize) -> Result<Option<Vec<Found>>, PathError> {
        let Some((id, Kind::Directory)) = self.entry(path)? else { return Ok(None) };
        let mut found = Vec::new();
        let mut todo = vec![(String::new(), id)];
        let mut visited = 0;
        while let Some((directory, id)) = todo.pop() {
            visited += 1;
            for entry in &self.objects.tree(id)?.entries {
                let name = path::join(&directory, &entry.name);
                match entry.kind {
                    Kind::Directory => todo.push((name, entry.id)),
                    kind => found.push(Found { path: name, kind, id: entry.id }),
                }
            }
            // Directories count too, lest a tree of empty trees be walked for ever.
            if found.len() > limit || visited > limit.saturating_add(1) {
                return Err(PathError::TooMany { path: path.to_owned(), limit });
            }
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Some(found))
    }

    /// Follows a path and tells what decided the outcome.
    pub fn resolve(&self, path: &str) -> Resolution {
        path::resolve(&self.objects, self.root, path)
    }

    /// What is at a real path, links not followed. Costs a look into directories that are usually cached.
    pub fn look(&self, path: &str) -> Result<Seen, PathError> {
        Ok(path::look(&self.objects, self.root, path)?)
    }
}
