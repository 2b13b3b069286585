//! The folder of a demo.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use anyhow::Context;
use devcluster::StateDir;
use rustix::process::getuid;

use crate::hint::advised;

/// How the folders of demos that nobody keeps are called, before the id of their process.
const PREFIX: &str = "lockstep-demo-";

/// Where one demo has its repository, its kubeconfig and whatever else it writes.
pub(super) struct Folder {
    path: PathBuf,
    state: StateDir,
    kept: bool,
}

impl Folder {
    /// Makes it: where the user says so, to be kept, or for this process only.
    pub(super) fn make(keep: Option<&Path>) -> anyhow::Result<Self> {
        let path = match keep {
            Some(path) => to_keep(path)?,
            None => temporary()?,
        };
        let state = StateDir::create(&path)?;
        Ok(Self { path, state, kept: keep.is_some() })
    }

    /// That of a demo that runs in another process.
    pub(super) fn running(asked: Option<PathBuf>) -> anyhow::Result<Self> {
        let hint = "lockstep demo starts one; --dir chooses the folder of one that is kept";
        let found = match asked {
            Some(path) => Some(std::path::absolute(path)?).filter(|path| runs(path)),
            None => ours().into_iter().find(|path| runs(path)),
        };
        let path = found.ok_or_else(|| advised("no demo runs", hint))?;
        Ok(Self { state: StateDir::existing(&path), path, kept: true })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn repository(&self) -> PathBuf {
        self.path.join("repository")
    }

    pub(super) fn cache(&self) -> PathBuf {
        self.state.cache()
    }

    pub(super) fn state(&self) -> &StateDir {
        &self.state
    }

    pub(super) fn is_kept(&self) -> bool {
        self.kept
    }

    /// Leaves what is kept, and of the rest nothing.
    pub(super) fn end(&self) -> anyhow::Result<()> {
        match self.kept {
            true => Ok(()),
            false => fs::remove_dir_all(&self.path).context("cannot remove the folder of the demo"),
        }
    }
}

/// Where a demo is to be kept: among files of others nobody would find its own.
fn to_keep(path: &Path) -> anyhow::Result<PathBuf> {
    let path = std::path::absolute(path).context("cannot find the folder of the demo")?;
    let is_foreign = !StateDir::existing(&path).is_used()
        && fs::read_dir(&path).is_ok_and(|mut entries| entries.next().is_some());
    match is_foreign {
        true => Err(advised(
            format!("{} is not empty, and no demo was kept there", path.display()),
            "choose a folder that is empty or not there yet",
        )),
        false => Ok(path),
    }
}

/// Makes a folder that nobody else could have made before, since its name can be guessed.
fn temporary() -> anyhow::Result<PathBuf> {
    let path = std::env::temp_dir().join(format!("{PREFIX}{}", std::process::id()));
    let made = DirBuilder::new().mode(0o700).create(&path);
    made.with_context(|| format!("cannot make the folder {}", path.display()))?;
    Ok(path)
}

/// The folders of our own demos that nobody keeps. Another user's would lead us wherever he likes.
fn ours() -> Vec<PathBuf> {
    let entries = fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten();
    let named = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX));
    named.map(|entry| entry.path()).filter(|path| is_ours_alone(path)).collect()
}

fn is_ours_alone(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| {
        found.is_dir() && found.uid() == getuid().as_raw() && found.mode().trailing_zeros() >= 6
    })
}

/// Whether a demo runs here.
fn runs(path: &Path) -> bool {
    StateDir::existing(path).process().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_stays_and_a_demo_is_found_while_it_runs() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kept");
        let folder = Folder::make(Some(&path)).unwrap();
        assert!(Folder::running(Some(path.clone())).is_err());
        let claim = folder.state().claim().unwrap();
        assert_eq!(Folder::running(Some(path.clone())).unwrap().path(), path);
        drop(claim);
        folder.end().unwrap();
        assert!(path.is_dir() && Folder::running(Some(path)).is_err());
        let foreign = dir.path().join("foreign");
        fs::create_dir(&foreign).unwrap();
        assert!(Folder::make(Some(&foreign)).is_ok(), "an empty one will do");
        fs::write(foreign.join("notes"), "mine").unwrap();
        assert!(Folder::make(Some(&foreign)).is_err());
        let temporary = Folder::make(None).unwrap();
        assert!(is_ours_alone(temporary.path()));
        assert!(Folder::make(None).is_err(), "one that is there already may be anybody's");
        temporary.end().unwrap();
        assert!(!temporary.path().exists());
    }
}
