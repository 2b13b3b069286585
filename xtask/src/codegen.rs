//! What the product writes into the clone: `deploy/crds`, the tables in `docs`.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::workspace::{Profile, Workspace};

/// Whether what is committed is what the binary generates.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// It is.
    Fresh,
    /// These files differ or are missing.
    Stale(Vec<String>),
    /// The binary has no `codegen` command.
    NoGenerator,
}

/// Writes the generated files into the clone.
///
/// # Errors
/// When the binary does not build or refuses.
pub(crate) fn write(workspace: &Workspace) -> Result<Freshness> {
    generate(workspace, workspace.root())
}

/// Generates into a folder aside and compares.
///
/// # Errors
/// As [`write`].
pub(crate) fn check(workspace: &Workspace) -> Result<Freshness> {
    let aside = tempfile::tempdir()?;
    match generate(workspace, aside.path())? {
        Freshness::NoGenerator => Ok(Freshness::NoGenerator),
        _ => {
            let stale = differences(aside.path(), workspace.root())?;
            Ok(if stale.is_empty() { Freshness::Fresh } else { Freshness::Stale(stale) })
        }
    }
}

fn generate(workspace: &Workspace, dir: &Path) -> Result<Freshness> {
    let binary = workspace.program(Profile::Dev, "lockstep")?;
    let known = Command::new(&binary).args(["codegen", "--help"]).output().context("lockstep codegen")?;
    if !known.status.success() {
        return Ok(Freshness::NoGenerator);
    }
    let status =
        Command::new(&binary).args(["codegen", "--dir"]).arg(dir).status().context("lockstep codegen")?;
    ensure!(status.success(), "lockstep codegen: {status}");
    Ok(Freshness::Fresh)
}

/// The files under `generated` that are not the same under `committed`, relative and sorted.
fn differences(generated: &Path, committed: &Path) -> Result<Vec<String>> {
    let mut files = Vec::new();
    list(generated, &mut files)?;
    let mut stale = Vec::new();
    for file in files {
        let relative = file.strip_prefix(generated)?;
        if fs::read(&file)? != fs::read(committed.join(relative)).unwrap_or_default() {
            stale.push(relative.to_string_lossy().into_owned());
        }
    }
    stale.sort();
    Ok(stale)
}

fn list(dir: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        match path.is_dir() {
            true => list(&path, files)?,
            false => files.push(path),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_and_missing_files_are_stale() {
        let (generated, committed) = (tempfile::tempdir().expect("dir"), tempfile::tempdir().expect("dir"));
        let put = |dir: &tempfile::TempDir, name: &str, text: &str| {
            fs::create_dir_all(dir.path().join("docs")).expect("dir");
            fs::write(dir.path().join(name), text).expect("write");
        };
        put(&generated, "docs/same.md", "a");
        put(&committed, "docs/same.md", "a");
        put(&generated, "docs/changed.md", "new");
        put(&committed, "docs/changed.md", "old");
        put(&generated, "missing.md", "a");
        put(&committed, "ours.md", "written by hand");
        let stale = differences(generated.path(), committed.path()).expect("compare");
        assert_eq!(stale, ["docs/changed.md", "missing.md"]);
    }
}
