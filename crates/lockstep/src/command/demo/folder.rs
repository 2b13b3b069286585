//! The folder of a demo.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use devcluster::StateDir;
use rustix::process::{Pid, test_kill_process};

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
        let temporary = || std::env::temp_dir().join(format!("{PREFIX}{}", std::process::id()));
        let path = keep.map_or_else(temporary, Path::to_owned);
        let path = std::path::absolute(&path).context("cannot find the folder of the demo")?;
        let state = StateDir::create(&path)?;
        Ok(Self { path, state, kept: keep.is_some() })
    }

    /// That of a demo that runs in another process.
    pub(super) fn running(asked: Option<PathBuf>) -> anyhow::Result<Self> {
        let hint = "lockstep demo starts one; --dir chooses the folder of one that is kept";
        let found = match asked {
            Some(path) => Some(std::path::absolute(path)?).filter(|path| runs(path)),
            None => temporary().into_iter().find(|path| runs(path)),
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
        self.path.join("cache")
    }

    pub(super) fn state(&self) -> &StateDir {
        &self.state
    }

    pub(super) fn is_kept(&self) -> bool {
        self.kept
    }

    /// Leaves what is kept, and of the rest nothing.
    pub(super) fn end(&self) -> anyhow::Result<()> {
        self.state.clear_running();
        match self.kept {
            true => Ok(()),
            false => fs::remove_dir_all(&self.path).context("cannot remove the folder of the demo"),
        }
    }
}

/// The folders of demos that nobody keeps.
fn temporary() -> Vec<PathBuf> {
    let entries = fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten();
    let named = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX));
    named.map(|entry| entry.path()).collect()
}

/// Whether the process that wrote its id here is still there.
fn runs(path: &Path) -> bool {
    let id = fs::read_to_string(StateDir::existing(path).process_id()).ok();
    let process = id.and_then(|id| Pid::from_raw(id.trim().parse().ok()?));
    process.is_some_and(|process| test_kill_process(process).is_ok())
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
        folder.state().write_process_id(std::process::id()).unwrap();
        assert_eq!(Folder::running(Some(path.clone())).unwrap().path(), path);
        folder.end().unwrap();
        assert!(path.is_dir() && Folder::running(Some(path)).is_err());
        let temporary = Folder::make(None).unwrap();
        temporary.end().unwrap();
        assert!(!temporary.path().exists());
    }
}
