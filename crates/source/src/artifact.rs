//! One directory of one commit, as a render sees it.

use std::sync::Arc;

use git::{End, Entry, Found, Kind, ObjectId, PathError, Resolution, Seen, Snapshot};
use lockstep_core::{Commit, RepoUrl};
use parking_lot::Mutex;

use crate::reads::Reads;

/// What decided where a path leads, by real path.
type Steps = Vec<(String, Seen)>;

/// A directory of a commit, whose reads are recorded. Clones share the record.
///
/// Paths are relative to the directory and may go up with `..`, but never out of the repository. Symbolic links are
/// followed.
#[derive(Clone, Debug)]
pub struct Artifact {
    repository: RepoUrl,
    snapshot: Snapshot,
    path: Arc<str>,
    reads: Arc<Mutex<Reads>>,
}

/// Something that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// Its real path from the repository's root, without links.
    pub path: String,
    /// What it is.
    pub kind: Kind,
    /// Its content.
    pub id: ObjectId,
}

impl Artifact {
    /// A directory of a snapshot; `.` and the empty path are the root.
    pub fn new(repository: RepoUrl, snapshot: Snapshot, path: &str) -> Self {
        Self { repository, snapshot, path: path.trim_end_matches('/').into(), reads: Arc::default() }
    }

    /// The repository.
    pub fn repository(&self) -> &RepoUrl {
        &self.repository
    }

    /// The commit.
    pub fn commit(&self) -> &Commit {
        self.snapshot.commit()
    }

    /// The directory, as it was asked for.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The commit's tree.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// What is at a path; `None` if nothing is.
    pub fn entry(&self, path: &str) -> Result<Option<Located>, PathError> {
        self.find(path).map(|(located, steps)| {
            self.record(steps);
            located
        })
    }

    /// A file's content; `None` if there is no file at the path. `limit` is in bytes.
    pub fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, PathError> {
        let (located, mut steps) = self.find(path)?;
        if located.as_ref().is_some_and(|located| located.kind == Kind::Directory)
            && let Some((path, _)) = steps.pop()
        {
            self.reads.lock().add_directory(path);
        }
        self.record(steps);
        match located {
            Some(file) if file.kind.is_file() => self.snapshot.content(&file.path, file.id, limit).map(Some),
            Some(Located { kind: Kind::Submodule, path, .. }) => Err(PathError::Submodule { path }),
            _ => Ok(None),
        }
    }

    /// The entries of a directory, links as such; `None` if there is no directory at the path. Their
    /// names and kinds count as read, their content only once it is read through here.
    pub fn list(&self, path: &str) -> Result<Option<Vec<Entry>>, PathError> {
        let (located, mut steps) = self.find(path)?;
        match located {
            Some(Located { kind: Kind::Directory, path, id }) => {
                steps.pop();
                self.record(steps);
                let entries = self.snapshot.list(&path)?.unwrap_or_default();
                self.reads.lock().add_names(path, id, &entries);
                Ok(Some(entries))
            }
            Some(Located { kind: Kind::Submodule, path, .. }) => {
                self.record(steps);
                Err(PathError::Submodule { path })
            }
            _ => {
                self.record(steps);
                Ok(None)
            }
        }
    }

    /// All files, links and submodules below a directory, by path from there; `None` if there is no directory at the
    /// path. The directory counts as read whole. More than `limit` entries are an error.
    pub fn walk(&self, path: &str, limit: usize) -> Result<Option<Vec<Found>>, PathError> {
        match self.entry(path)? {
            Some(directory) if directory.kind == Kind::Directory => {
                self.snapshot.walk(&directory.path, limit)
            }
            Some(Located { kind: Kind::Submodule, path, .. }) => Err(PathError::Submodule { path }),
            _ => Ok(None),
        }
    }

    /// Everything looked at so far.
    pub fn reads(&self) -> Reads {
        self.reads.lock().clone()
    }

    /// Follows a path. On an error what decided it is recorded here, otherwise the caller does so.
    fn find(&self, path: &str) -> Result<(Option<Located>, Steps), PathError> {
        if path.starts_with('/') {
            return Err(PathError::Escapes { path: path.to_owned() });
        }
        let Resolution { steps, end } = self.snapshot.resolve(&format!("{}/{path}", self.root()));
        match end {
            Ok(End::Found { path, kind, id }) => Ok((Some(Located { path, kind, id }), steps)),
            Ok(End::Absent) => Ok((None, steps)),
            Err(error) => {
                self.record(steps);
                Err(error)
            }
        }
    }

    /// The directory in a form that a path can be added to.
    fn root(&self) -> &str {
        if self.path.is_empty() { "." } else { &self.path }
    }

    fn record(&self, steps: Steps) {
        let mut reads = self.reads.lock();
        steps.into_iter().for_each(|(path, seen)| reads.add(path, seen));
    }
}
