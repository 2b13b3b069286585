//! Artifacts of Git as files.

use source::{Artifact, Kind, PathError};

use crate::files::{Entry, EntryKind, FileError, Files};

impl Files for Artifact {
    fn root(&self) -> &str {
        match self.path() {
            "." => "",
            path => path,
        }
    }

    fn list(&self, directory: &str) -> Result<Option<Vec<Entry>>, FileError> {
        let entries = Artifact::list(self, directory).map_err(refuse)?;
        let entry = |entry: source::Entry| Entry { name: entry.name.clone(), kind: kind(entry.kind) };
        Ok(entries.map(|entries| entries.into_iter().map(entry).collect()))
    }

    fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, FileError> {
        Artifact::read(self, path, limit).map_err(refuse)
    }
}

fn kind(kind: Kind) -> EntryKind {
    match kind {
        Kind::File | Kind::Executable => EntryKind::File,
        Kind::Symlink => EntryKind::Link,
        Kind::Directory => EntryKind::Directory,
        Kind::Submodule => EntryKind::Submodule,
    }
}

fn refuse(error: PathError) -> FileError {
    match error {
        PathError::Escapes { .. } => FileError::escapes(),
        PathError::TooManyLinks { .. } => {
            FileError::refused("link-circle", "goes through too many symbolic links", "remove the circle")
        }
        PathError::Submodule { .. } => FileError::submodule(),
        PathError::Lfs { .. } => FileError::lfs(),
        PathError::TooLarge { limit, .. } => FileError::too_large(limit),
        PathError::TooMany { limit, .. } => FileError::refused(
            "too-many-files",
            format!("has more than {limit} files"),
            "divide the directory among applications",
        ),
        error @ PathError::Corrupted(_) => FileError::Unreadable(Box::new(error)),
    }
}
