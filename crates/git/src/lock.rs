//! One process a directory.

use std::fs::{self, File, TryLockError};
use std::path::Path;

use crate::{Error, Result};

const NAME: &str = "lock";

/// The lock on a directory, held for as long as this lives; the system lets go of it whatever ends the process.
#[derive(Debug)]
pub(crate) struct Lock(File);

impl Lock {
    /// Takes the lock; `None` if someone else has it.
    pub(crate) fn take(directory: &Path) -> Result<Option<Self>> {
        let path = directory.join(NAME);
        let file = File::options().create(true).append(true).open(path).map_err(Error::Disk)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(Error::Disk(error)),
        }
    }

    /// Whether the lock could be taken; `None` if there is none.
    pub(crate) fn is_free(directory: &Path) -> Option<bool> {
        let file = File::options().append(true).open(directory.join(NAME)).ok()?;
        // Let go of at once, as below.
        Some(file.try_lock().map(|()| Self(file)).is_ok())
    }

    /// Removes the lock of a directory that nobody will use again.
    pub(crate) fn remove(directory: &Path) -> Result<()> {
        match fs::remove_file(directory.join(NAME)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::Disk(error)),
            _ => Ok(()),
        }
    }
}

impl Drop for Lock {
    /// To close the file is not enough: a process that another thread starts just now has it open too until it is on its
    /// own feet, and with it the lock.
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_ends_with_its_owner_whoever_else_has_the_file_open() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(Lock::is_free(directory.path()), None);
        let lock = Lock::take(directory.path()).unwrap().unwrap();
        assert!(Lock::take(directory.path()).unwrap().is_none());
        assert_eq!(Lock::is_free(directory.path()), Some(false));
        // What a child has until it runs its own program.
        let inherited = lock.0.try_clone().unwrap();
        drop(lock);
        assert_eq!(Lock::is_free(directory.path()), Some(true));
        assert!(Lock::take(directory.path()).unwrap().is_some());
        drop(inherited);
        Lock::remove(directory.path()).unwrap();
        Lock::remove(directory.path()).unwrap();
        assert_eq!(Lock::is_free(directory.path()), None);
    }
}
