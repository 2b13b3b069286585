//! What the product writes into the clone: `deploy/crds`, the tables in `docs`.
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::workspace::{Profile, Workspace};

/// Holds nothing but what is generated: a file too many there is stale as well.
const WHOLLY_GENERATED: &str = "deploy/crds";

/// Writes the generated files into the clone.
///
/// # Errors
/// When the binary does not build or refuses.
pub(crate) fn write(workspace: &Workspace) -> Result<()> {
    generate(workspace, workspace.root())
}

/// Generates into a folder aside and returns the files that are not the same in the clone.
///
/// # Errors
/// As [`write`].
pub(crate) fn stale(workspace: &Workspace) -> Result<Vec<String>> {
    let aside = tempfile::tempdir()?;
    generate(workspace, aside.path())?;
    differences(aside.path(), workspace.root())
}

fn generate(workspace: &Workspace, dir: &Path) -> Result<()> {
    let binary = workspace.program(Profile::Dev, "lockstep")?;
    let status =
        Command::new(&binary).args(["codegen", "--dir"]).arg(dir).status().context("lockstep codegen")?;
    ensure!(status.success(), "lockstep codegen: {status}");
    Ok(())
}

/// The files that differ, that are missing, or that nothing generates any more; relative and sorted.
fn differences(generated: &Path, committed: &Path) -> Result<Vec<String>> {
    let mut files = BTreeSet::new();
    list(generated, generated, &mut files)?;
    let wholly = committed.join(WHOLLY_GENERATED);
    if wholly.is_dir() {
        list(committed, &wholly, &mut files)?;
    }
    let read = |dir: &Path, file: &str| fs::read(dir.join(file)).ok();
    files.retain(|file| read(generated, file) != read(committed, file));
    Ok(files.into_iter().collect())
}

fn list(root: &Path, dir: &Path, files: &mut BTreeSet<String>) -> Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            list(root, &path, files)?;
        } else {
            files.insert(path.strip_prefix(root)?.to_string_lossy().into_owned());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_missing_and_surplus_files_are_stale() {
        let (generated, committed) = (tempfile::tempdir().expect("dir"), tempfile::tempdir().expect("dir"));
        let put = |dir: &tempfile::TempDir, name: &str, text: &str| {
            let file = dir.path().join(name);
            fs::create_dir_all(file.parent().expect("parent")).expect("dir");
            fs::write(file, text).expect("write");
        };
        put(&generated, "docs/same.md", "a");
        put(&committed, "docs/same.md", "a");
        put(&generated, "docs/changed.md", "new");
        put(&committed, "docs/changed.md", "old");
        put(&generated, "missing.md", "a");
        put(&committed, "docs/ours.md", "written by hand");
        put(&committed, "deploy/crds/former.yaml", "a");
        let stale = differences(generated.path(), committed.path()).expect("compare");
        assert_eq!(stale, ["deploy/crds/former.yaml", "docs/changed.md", "missing.md"]);
    }
}
