//! `lockstep codegen`, hidden: `cargo xtask codegen` runs it, so that xtask itself stays light.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::exit::Exit;

/// Write the generated files of the repository.
#[derive(Debug, clap::Args)]
pub(crate) struct Codegen {
    /// The top of the repository.
    #[arg(long)]
    dir: PathBuf,
}

impl Codegen {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        for (path, text) in files() {
            write(&self.dir.join(path), &text)?;
        }
        Ok(Exit::Success)
    }
}

/// Path and text of each generated file.
fn files() -> Vec<(String, String)> {
    let definition = |(name, value)| (format!("deploy/crds/{name}"), manifest::yaml([&value]));
    let mut files: Vec<(String, String)> = api::custom_resources().into_iter().map(definition).collect();
    files.push(("docs/application.md".to_owned(), api::application_reference()));
    files
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::tests::run;

    #[test]
    fn every_file_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let (exit, out, err) = run(&["codegen", "--dir", dir.path().to_str().unwrap()]);
        assert_eq!((exit, &*out, &*err), (Exit::Success, "", ""));
        for path in ["deploy/crds/applications.yaml", "deploy/crds/projects.yaml", "docs/application.md"] {
            assert!(fs::read_to_string(dir.path().join(path)).unwrap().len() > 1000, "{path}");
        }
    }
}
