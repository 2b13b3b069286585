//! Where the clone is, and where things live that outlast it.
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

/// Prefixes of the variables in which `cargo run` describes the package that it runs.
const OF_THIS_PACKAGE: &[&str] =
    &["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_NAME", "CARGO_BIN_", "CARGO_PRIMARY_PACKAGE", "OUT_DIR"];

/// How a program is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Fast to build.
    Dev,
    /// Fast to run.
    Release,
}

/// A clone (or an exported tree) of the project.
#[derive(Debug, Clone)]
pub struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The workspace that holds the current directory, else the one that this program was built from.
    ///
    /// # Errors
    /// When neither holds the project's root `Cargo.toml`.
    pub fn find() -> Result<Self> {
        let here = std::env::current_dir().context("current directory")?;
        let built_from = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = here.ancestors().chain(built_from.ancestors()).find(|dir| is_root(dir));
        match root {
            Some(root) => Ok(Self { root: root.to_path_buf() }),
            None => bail!("{} is not inside a clone of Lockstep", here.display()),
        }
    }

    /// A workspace at a known place.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The directory of the root `Cargo.toml`.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A path inside the workspace.
    pub fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.root.join(relative)
    }

    /// The folder for what is built once a machine: `$XDG_CACHE_HOME/lockstep` or `~/.cache/lockstep`.
    ///
    /// # Errors
    /// When neither variable is set, or the folder cannot be made.
    pub fn cache() -> Result<PathBuf> {
        let base = match std::env::var_os("XDG_CACHE_HOME").filter(|v| !v.is_empty()) {
            Some(dir) => PathBuf::from(dir),
            None => {
                PathBuf::from(std::env::var_os("HOME").context("neither XDG_CACHE_HOME nor HOME is set")?)
                    .join(".cache")
            }
        };
        let dir = base.join("lockstep");
        std::fs::create_dir_all(&dir).with_context(|| dir.display().to_string())?;
        Ok(dir)
    }

    /// A cargo command in the root. Where CI is set nothing is compiled incrementally: the cache would only
    /// cost disk.
    pub fn cargo(&self, arguments: &[&str]) -> Command {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.args(arguments).current_dir(&self.root);
        // `cargo run` describes this package in the environment. Build scripts that look there (ring's) would run
        // again, and all that depends on them, each time that cargo is called by us and not from a shell.
        let describes = |name: &str| OF_THIS_PACKAGE.iter().any(|prefix| name.starts_with(prefix));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(describes)) {
            command.env_remove(name);
        }
        if Self::in_ci() {
            command.env("CARGO_INCREMENTAL", "0");
        }
        command
    }

    /// Builds a program and returns its path. The whole workspace is chosen, so
    /// that cargo settles on one set of features and no dependency is compiled twice.
    ///
    /// # Errors
    /// When the build fails.
    pub fn program(&self, profile: Profile, name: &str) -> Result<PathBuf> {
        Ok(self.built(profile, "--bin", name)?.join(name))
    }

    /// Builds an example of one of the crates and returns its path.
    ///
    /// # Errors
    /// As [`Workspace::program`].
    pub fn example(&self, profile: Profile, name: &str) -> Result<PathBuf> {
        Ok(self.built(profile, "--example", name)?.join("examples").join(name))
    }

    /// Where a target is once it is built.
    fn built(&self, profile: Profile, target: &str, name: &str) -> Result<PathBuf> {
        let (flag, dir) = match profile {
            Profile::Dev => ("--profile=dev", "debug"),
            Profile::Release => ("--release", "release"),
        };
        let build =
            self.cargo(&["build", "--quiet", "--workspace", target, name, flag]).status().context("cargo")?;
        ensure!(build.success(), "{name} does not build");
        let target_dir =
            std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| self.path("target"), PathBuf::from);
        Ok(target_dir.join(dir))
    }

    /// Whether `CI=true`: what is skipped on a laptop is a failure there.
    pub fn in_ci() -> bool {
        std::env::var("CI").is_ok_and(|v| v == "true")
    }
}

fn is_root(dir: &Path) -> bool {
    dir.join("tests/kubeone/main.go").is_file() && dir.join("Cargo.toml").is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_root_from_a_package_directory() {
        let found = Workspace::find().expect("tests run inside the clone");
        assert!(found.path("xtask/Cargo.toml").is_file(), "{}", found.root().display());
    }

    #[test]
    fn nested_cargo_is_not_told_about_this_package() {
        let removed: Vec<_> =
            Workspace::at(".").cargo(&[]).get_envs().map(|(name, _)| name.to_owned()).collect();
        assert!(
            removed.iter().any(|name| name == "CARGO_PKG_NAME"),
            "cargo test sets it for us: {removed:?}"
        );
    }

    #[test]
    fn a_directory_without_the_control_plane_is_no_root() {
        let dir = tempfile::tempdir().expect("temporary directory");
        std::fs::write(dir.path().join("Cargo.toml"), "").expect("write");
        assert!(!is_root(dir.path()));
    }
}
