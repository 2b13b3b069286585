//! A repository that a test commits to.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::server::GitServer;

/// A repository with a work tree in a temporary directory, and a server for it. The branch is `main`.
///
/// It is a fixture: every method panics, with what git said, where git refuses.
#[derive(Debug)]
pub struct GitRepo {
    work: PathBuf,
    git_dir: PathBuf,
    server: GitServer,
    _dir: tempfile::TempDir,
}

const NAME: &str = "repo.git";

impl Default for GitRepo {
    fn default() -> Self {
        Self::new()
    }
}

impl GitRepo {
    /// An empty repository, served.
    ///
    /// # Panics
    /// When git is missing.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().expect("temporary directory");
        let (work, served) = (dir.path().join("work"), dir.path().join("served"));
        fs::create_dir_all(&served).expect("directory of the server");
        let git_dir = served.join(NAME);
        let initial = ["init", "-q", "-b", "main", "--separate-git-dir"];
        git(dir.path(), &[&initial[..], &[&path_text(&git_dir), &path_text(&work)]].concat());
        let server = GitServer::start(&served).expect("server");
        let repo = Self { work, git_dir, server, _dir: dir };
        // What the large forges allow; and durability is worth nothing here.
        for (key, value) in [
            ("uploadpack.allowAnySHA1InWant", "true"),
            ("uploadpack.allowFilter", "true"),
            ("gc.auto", "0"),
            ("core.fsync", "none"),
        ] {
            repo.git(&["config", key, value]);
        }
        repo
    }

    /// Where it is served.
    pub fn url(&self) -> String {
        self.server.url(NAME)
    }

    /// The same repository by `file://`.
    pub fn file_url(&self) -> String {
        format!("file://{}", self.git_dir.display())
    }

    /// Its server, to count, to lock and to take away.
    pub fn server(&self) -> &GitServer {
        &self.server
    }

    /// The work tree.
    pub fn work_tree(&self) -> &Path {
        &self.work
    }

    /// Writes a file of the work tree, and its directories.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write(&self, path: &str, text: &str) -> &Self {
        let file = self.work.join(path);
        fs::create_dir_all(file.parent().unwrap_or(&self.work)).expect("directory");
        fs::write(&file, text).unwrap_or_else(|error| fail(path, &error));
        self
    }

    /// Removes a file or a whole directory of the work tree.
    ///
    /// # Panics
    /// When there is none.
    pub fn remove(&self, path: &str) -> &Self {
        let file = self.work.join(path);
        let removed = if file.is_dir() { fs::remove_dir_all(&file) } else { fs::remove_file(&file) };
        removed.unwrap_or_else(|error| fail(path, &error));
        self
    }

    /// Commits the whole work tree, changed or not, and returns the full SHA.
    pub fn commit(&self, message: &str) -> String {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
        self.head()
    }

    /// Commits the reverse of the last commit and returns the full SHA.
    pub fn revert(&self) -> String {
        self.git(&["revert", "--no-edit", "HEAD"]);
        self.head()
    }

    /// Goes back to a commit and forgets those after it: a forced push.
    pub fn reset(&self, revision: &str) -> String {
        self.git(&["reset", "-q", "--hard", revision]);
        self.head()
    }

    /// Moves or makes a lightweight tag at HEAD.
    pub fn tag(&self, name: &str) -> &Self {
        self.git(&["tag", "-f", name]);
        self
    }

    /// Makes an annotated tag at HEAD.
    pub fn annotated_tag(&self, name: &str) -> &Self {
        self.git(&["tag", "-f", "-a", "-m", name, name]);
        self
    }

    /// Makes a branch at HEAD and switches to it.
    pub fn branch(&self, name: &str) -> &Self {
        self.git(&["checkout", "-q", "-B", name]);
        self
    }

    /// Switches to a branch.
    pub fn checkout(&self, name: &str) -> &Self {
        self.git(&["checkout", "-q", name]);
        self
    }

    /// The full SHA of HEAD.
    pub fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }

    /// Runs git in the work tree and returns what it printed, trimmed.
    ///
    /// # Panics
    /// When git fails.
    pub fn git(&self, arguments: &[&str]) -> String {
        git(&self.work, arguments)
    }
}

fn git(dir: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(arguments)
        .current_dir(dir)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_TERMINAL_PROMPT", "0")
        .envs([("GIT_AUTHOR_NAME", "Ada"), ("GIT_AUTHOR_EMAIL", "ada@example.com")])
        .envs([("GIT_COMMITTER_NAME", "Ada"), ("GIT_COMMITTER_EMAIL", "ada@example.com")])
        .output()
        .expect("git is installed");
    if !output.status.success() {
        fail(&arguments.join(" "), &String::from_utf8_lossy(&output.stderr));
    }
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn path_text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[expect(clippy::panic, reason = "a fixture that fails fails its test")]
fn fail(what: &str, error: &dyn std::fmt::Display) -> ! {
    panic!("{what}: {error}")
}
