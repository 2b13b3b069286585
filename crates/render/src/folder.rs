//! A folder of this machine as files, for the commands that render without a repository.

use std::fs;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use crate::files::{Entry, EntryKind, FileError, Files};

/// How a Git LFS pointer begins.
const LFS_POINTER: &[u8] = b"version https://git-lfs.github.com/spec/v1";

/// A folder, or one file of it.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
    /// The only file that is shown.
    only: Option<String>,
    /// Links may lead anywhere below here: to the top of the repository that the folder is in, else to the folder itself.
    bounds: PathBuf,
}

/// Why there is no such folder.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Nothing is at the path, or it cannot be read.
    #[error("cannot open {path}")]
    Unreachable {
        /// The path.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Folder {
    /// Opens a folder, or a single file.
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        let unreachable = |source| FolderError::Unreachable { path: path.display().to_string(), source };
        let real = path.canonicalize().map_err(unreachable)?;
        let (path, only) = match real.is_dir() {
            true => (real, None),
            false => {
                let name = real.file_name().map(|name| name.to_string_lossy().into_owned());
                (real.parent().map(Path::to_path_buf).unwrap_or_default(), name)
            }
        };
        let repository = path.ancestors().find(|folder| folder.join(".git").exists());
        let bounds = repository.unwrap_or(&path).to_path_buf();
        Ok(Self { path, only, bounds })
    }

    /// Where the folder is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The real place of a path, which must be inside the bounds; `None` if nothing is there.
    fn locate(&self, path: &str) -> Result<Option<PathBuf>, FileError> {
        let inside = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
        if !inside {
            return Err(FileError::escapes());
        }
        match self.path.join(path).canonicalize() {
            Ok(real) if real.starts_with(&self.bounds) => Ok(Some(real)),
            Ok(_) => Err(FileError::escapes()),
            Err(error) => absent(error),
        }
    }
}

impl Files for Folder {
    fn root(&self) -> &str {
        ""
    }

    fn list(&self, directory: &str) -> Result<Option<Vec<Entry>>, FileError> {
        let Some(path) = self.locate(directory)? else { return Ok(None) };
        if !path.is_dir() {
            return Ok(None);
        }
        let mut entries = Vec::new();
        for found in fs::read_dir(path).map_err(unreadable)? {
            let found = found.map_err(unreadable)?;
            let name = found.file_name().to_string_lossy().into_owned();
            let kind = found.file_type().map_err(unreadable)?;
            let hidden = name == ".git" || self.only.as_ref().is_some_and(|only| *only != name);
            let entry = |kind| Entry { name: name.as_str().into(), kind };
            match () {
                () if hidden => {}
                () if kind.is_symlink() => entries.push(entry(EntryKind::Link)),
                () if kind.is_dir() => entries.push(entry(EntryKind::Directory)),
                () if kind.is_file() => entries.push(entry(EntryKind::File)),
                () => {} // Sockets and devices cannot be in a repository.
            }
        }
        Ok(Some(entries))
    }

    fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, FileError> {
        let Some(path) = self.locate(path)? else { return Ok(None) };
        if !path.is_file() {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        let file = fs::File::open(path).map_err(unreadable)?;
        file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
        match () {
            () if bytes.len() as u64 > limit => Err(FileError::too_large(limit)),
            () if bytes.starts_with(LFS_POINTER) => Err(FileError::lfs()),
            () => Ok(Some(bytes)),
        }
    }
}

fn absent<T>(error: io::Error) -> Result<Option<T>, FileError> {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Ok(None),
        _ => Err(unreadable(error)),
    }
}

/// A finding at the path, so that the others of the folder are told as well.
fn unreadable(error: io::Error) -> FileError {
    FileError::refused(
        "unreadable",
        format!("cannot be read: {error}"),
        "mend it, or leave it out with --exclude",
    )
}
