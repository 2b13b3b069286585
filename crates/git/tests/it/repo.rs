//! Repositories made by the real git.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicI64, Ordering};

/// A repository with a work tree, in a directory of its own. Each commit is a minute younger than the one before.
pub(crate) struct Repo {
    directory: tempfile::TempDir,
    clock: AtomicI64,
}

impl Repo {
    pub(crate) fn new() -> Self {
        let repo = Self::empty();
        repo.git(&["init", "--quiet", "--initial-branch=main"]);
        repo
    }

    /// A directory without a repository.
    pub(crate) fn empty() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), clock: AtomicI64::new(1_700_000_000) }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Runs git here, which must succeed, and gives what it prints.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        self.run(arguments, Stdio::null())
    }

    /// Runs `git fast-import` on a file of commands.
    pub(crate) fn import(&self, commands: &str) {
        let path = self.file(".git/commands");
        std::fs::write(&path, commands).unwrap();
        self.run(&["fast-import", "--quiet"], File::open(path).unwrap().into());
    }

    #[allow(clippy::disallowed_methods, reason = "tests judge by the real git")]
    fn run(&self, arguments: &[&str], input: Stdio) -> String {
        let date = format!("{} +0000", self.clock.load(Ordering::Relaxed));
        let output = Command::new("git")
            .args(["-c", "protocol.file.allow=always", "-c", "gc.auto=0", "-c", "core.fsync=none"])
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .env("PATH", option_env!("PATH").unwrap_or("/usr/bin:/bin"))
            .envs([("GIT_AUTHOR_NAME", "Ada"), ("GIT_AUTHOR_EMAIL", "ada@example.com")])
            .envs([("GIT_COMMITTER_NAME", "Bob"), ("GIT_COMMITTER_EMAIL", "bob@example.com")])
            .envs([("GIT_AUTHOR_DATE", &date), ("GIT_COMMITTER_DATE", &date)])
            .envs([("GIT_CONFIG_NOSYSTEM", "1"), ("HOME", "/nonexistent")])
            .stdin(input)
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub(crate) fn write(&self, name: &str, content: &str) {
        let path = self.file(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub(crate) fn link(&self, name: &str, target: &str) {
        let path = self.file(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, path).unwrap();
    }

    /// Commits everything in the work tree and gives the commit's id.
    pub(crate) fn commit_all(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.commit_index(message)
    }

    /// Commits what was added, or an empty commit.
    pub(crate) fn commit_index(&self, message: &str) -> String {
        self.clock.fetch_add(60, Ordering::Relaxed);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.id("HEAD")
    }

    /// Writes one file and commits it.
    pub(crate) fn commit(&self, name: &str, content: &str) -> String {
        self.write(name, content);
        self.commit_all(&format!("write {name}"))
    }

    pub(crate) fn id(&self, revision: &str) -> String {
        self.git(&["rev-parse", "--verify", revision])
    }

    /// Lets the clock stand still, so that commits share a second.
    pub(crate) fn turn_back_clock(&self, seconds: i64) {
        self.clock.fetch_sub(seconds, Ordering::Relaxed);
    }
}
