//! One copy of a repository on disk. A mirror replaces its copy now and then, while readers of the old one go on.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::{Error, Result, pack};

/// A bare repository in a directory, removed when it is retired and nobody reads it any more.
#[derive(Debug)]
pub(crate) struct Generation {
    directory: PathBuf,
    is_retired: AtomicBool,
}

const PREFIX: &str = "gen-";

impl Generation {
    /// Makes an empty repository that is thrown away unless it is kept: `number` names it only then.
    pub(crate) fn create(root: &Path, number: u64) -> Result<Self> {
        let directory = root.join(format!("new-{number}"));
        remove(&directory)?;
        fs::create_dir_all(directory.join("objects/pack")).map_err(Error::Disk)?;
        fs::create_dir_all(directory.join("refs")).map_err(Error::Disk)?;
        // With these two files people can look at the mirror with git itself.
        let config = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n";
        fs::write(directory.join("config"), config).map_err(Error::Disk)?;
        fs::write(directory.join("HEAD"), "ref: refs/heads/main\n").map_err(Error::Disk)?;
        Ok(Self { directory, is_retired: AtomicBool::new(true) })
    }

    /// Gives a new generation its final name, from when on it is found after a restart.
    pub(crate) fn keep(mut self, root: &Path, number: u64) -> Result<Self> {
        let directory = root.join(format!("{PREFIX}{number}"));
        remove(&directory)?;
        fs::rename(&self.directory, &directory).map_err(Error::Disk)?;
        self.directory = directory;
        self.is_retired = AtomicBool::new(false);
        Ok(self)
    }

    /// Finds the newest complete generation below a mirror's root, and removes everything else.
    pub(crate) fn find(root: &Path) -> Result<Option<(u64, Self)>> {
        let mut newest: Option<u64> = None;
        for file in fs::read_dir(root).map_err(Error::Disk)? {
            let name = file.map_err(Error::Disk)?.file_name();
            let number =
                name.to_str().and_then(|name| name.strip_prefix(PREFIX)).and_then(|n| n.parse().ok());
            newest = newest.max(number);
        }
        for file in fs::read_dir(root).map_err(Error::Disk)? {
            let file = file.map_err(Error::Disk)?;
            let name = file.file_name();
            let is_newest = newest.is_some_and(|n| name.to_str() == Some(&format!("{PREFIX}{n}")));
            if file.file_type().map_err(Error::Disk)?.is_dir() && !is_newest {
                remove(&file.path())?;
            }
        }
        let Some(number) = newest else { return Ok(None) };
        let directory = root.join(format!("{PREFIX}{number}"));
        if !directory.join("objects/pack").is_dir() {
            remove(&directory)?;
            return Ok(None);
        }
        pack::clean(&directory.join("objects/pack"))?;
        Ok(Some((number, Self { directory, is_retired: AtomicBool::new(false) })))
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(crate) fn objects(&self) -> PathBuf {
        self.directory.join("objects")
    }

    pub(crate) fn packs(&self) -> PathBuf {
        self.directory.join("objects/pack")
    }

    /// Lets the directory go with its last reader.
    pub(crate) fn retire(&self) {
        self.is_retired.store(true, Ordering::Relaxed);
    }
}

impl Drop for Generation {
    fn drop(&mut self) {
        if self.is_retired.load(Ordering::Relaxed) {
            // What cannot be removed now is removed when the mirror is opened next.
            let _ = fs::remove_dir_all(&self.directory);
            // Gone only if the whole mirror was removed: otherwise its lock is in there.
            let _ = self.directory.parent().map(fs::remove_dir);
        }
    }
}

fn remove(directory: &Path) -> Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::Disk(error)),
        _ => Ok(()),
    }
}
