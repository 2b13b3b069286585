//! The repositories of a scenario.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use git::{Author, WorkTree};
use lockstep_core::Timestamp;
use tempfile::TempDir;

/// Where repositories and the controller's disk cache are.
pub(crate) struct Forge {
    directory: TempDir,
    repositories: BTreeMap<String, Repository>,
}

struct Repository {
    tree: WorkTree,
    files: BTreeMap<String, String>,
    commits: u32,
}

/// What a commit does: files with their new content, or without any more.
pub(crate) type Files = Vec<(String, Option<String>)>;

impl Forge {
    pub(crate) fn new() -> Result<Self> {
        // Memory, where there is some to write to.
        let memory = Path::new("/dev/shm");
        let directory = match memory.is_dir() {
            true => TempDir::with_prefix_in("scenario-", memory),
            false => TempDir::with_prefix("scenario-"),
        };
        Ok(Self { directory: directory.context("a folder for repositories")?, repositories: BTreeMap::new() })
    }

    /// The folder of the controller's disk cache.
    pub(crate) fn state(&self) -> PathBuf {
        self.directory.path().join("state")
    }

    /// What must not be told: it is another one each time.
    pub(crate) fn root(&self) -> String {
        self.directory.path().to_string_lossy().into_owned()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(format!("{name}.git"))
    }

    /// The address of a repository.
    pub(crate) fn url(&self, name: &str) -> String {
        format!("file://{}", self.path(name).display())
    }

    /// Commits to a repository, which is made at its first commit.
    pub(crate) fn commit(&mut self, name: &str, files: Files, now: Duration) -> Result<()> {
        let path = self.path(name);
        let repository = match self.repositories.entry(name.to_owned()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let tree = WorkTree::create(&path)?;
                place.insert(Repository { tree, files: BTreeMap::new(), commits: 0 })
            }
        };
        for (path, content) in files {
            match content {
                Some(content) => drop(repository.files.insert(path, content)),
                None => drop(repository.files.remove(&path)),
            }
        }
        repository.commits += 1;
        let seconds = i64::try_from(now.as_secs()).unwrap_or(0);
        let author = Author { name: "Ada", email: "ada@example.com", time: Timestamp(seconds) };
        repository.tree.commit(&repository.files, author, &format!("change {}", repository.commits))?;
        Ok(())
    }

    /// The files of the newest commit.
    pub(crate) fn files(&self, name: &str) -> impl Iterator<Item = (&str, &str)> {
        let files = self.repositories.get(name).into_iter().flat_map(|repository| &repository.files);
        files.map(|(path, content)| (path.as_str(), content.as_str()))
    }

    /// A repository cannot be reached.
    pub(crate) fn hide(&self, name: &str) -> Result<()> {
        fs::rename(self.path(name), self.path(&format!("{name}-away")))
            .context("the repository cannot go away")
    }

    /// It can be reached again.
    pub(crate) fn show(&self, name: &str) -> Result<()> {
        fs::rename(self.path(&format!("{name}-away")), self.path(name)).context("the repository is not away")
    }
}
