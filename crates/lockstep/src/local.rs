//! A folder or a file of this machine, read as the directory of an Application's source would be.

use std::path::{Path, PathBuf};

use anyhow::Context;
use lockstep_core::{CommitId, Directory, Finding, GitSource, RepoUrl, Source};
use render::{Files, Folder, Limits, Options, Rendered};

use crate::diagnostics::{self, File};
use crate::terminal::Terminal;

/// Which folder or file, and which files of it.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Local {
    /// The folder or the file.
    pub(crate) path: PathBuf,
    /// Look into subfolders too.
    #[arg(long)]
    recurse: bool,
    /// Only files whose path inside the folder matches one of these globs.
    #[arg(long, value_name = "GLOB")]
    include: Vec<String>,
    /// Leave out files whose path inside the folder matches one of these globs.
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
}

impl Local {
    /// Opens it.
    pub(crate) fn open(&self) -> anyhow::Result<Folder> {
        Ok(Folder::open(&self.path)?)
    }

    /// How to read it. Naming a file, or saying how to read the folder, asks for plain files as `directory` does in an
    /// Application; where nothing is said, it is read as `otherwise`.
    pub(crate) fn directory(&self, otherwise: Option<&Directory>) -> Directory {
        let said = self.recurse || !self.include.is_empty() || !self.exclude.is_empty();
        match otherwise {
            Some(directory) if !said => directory.clone(),
            _ => Directory {
                explicit: said || self.path.is_file(),
                recurse: self.recurse,
                include: self.include.clone(),
                exclude: self.exclude.clone(),
            },
        }
    }

    /// Renders it; no repository stands behind it.
    pub(crate) fn render(
        &self,
        folder: &Folder,
        directory: Directory,
        options: &Options<'_>,
    ) -> anyhow::Result<Rendered> {
        let git = GitSource { url: RepoUrl::new("file:."), revision: "".into(), path: "".into() };
        let source = Source { name: None, git, directory };
        let rendered = render::render(&[(&source, folder as &dyn Files)], options);
        rendered.with_context(|| format!("cannot render {}", self.path.display()))
    }

    /// Tells every finding, with the line where it is.
    pub(crate) fn tell(
        &self,
        findings: &[Finding],
        folder: &Folder,
        terminal: &mut Terminal,
    ) -> anyhow::Result<()> {
        let open = |file: &str| {
            let bytes = folder.read(file, Limits::default().file_bytes).ok().flatten().unwrap_or_default();
            Some(File::new(self.shown(file).display().to_string(), bytes))
        };
        diagnostics::tell(findings, open, terminal)
    }

    /// A file of it as the user would name it.
    pub(crate) fn shown(&self, file: &str) -> PathBuf {
        let typed: &Path = &self.path;
        if typed.is_file() { typed.to_owned() } else { typed.join(file) }
    }
}

/// The commit of what is in no repository.
pub(crate) fn nobody() -> anyhow::Result<CommitId> {
    CommitId::parse(&"0".repeat(40)).context("forty zeros are a commit id")
}
