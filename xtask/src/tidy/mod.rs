//! The rules of the house that a compiler does not check. All findings at once, each with its place.
mod bans;
mod edges;
mod metadata;
mod purity;
mod sources;

use std::fmt;

use anyhow::Result;

use crate::codegen;
use crate::workspace::Workspace;
use metadata::Metadata;
use sources::SourceFile;

/// One broken rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// Relative to the root, with `/`.
    file: String,
    /// Counted from 1; 0 where the whole file is meant.
    line: usize,
    message: String,
}

impl Finding {
    pub(crate) fn new(file: impl Into<String>, line: usize, message: impl Into<String>) -> Self {
        Self { file: file.into(), line, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file, self.message),
            line => write!(f, "{}:{line}: {}", self.file, self.message),
        }
    }
}

/// Checks everything and prints what it found; `true` where there was nothing.
///
/// # Errors
/// When the workspace cannot be read at all.
pub(crate) fn run(workspace: &Workspace) -> Result<bool> {
    let sources = SourceFile::read_all(workspace)?;
    let metadata = Metadata::load(workspace)?;
    let mut findings = Vec::new();
    findings.extend(sources::check(&sources));
    findings.extend(purity::check(&sources, &metadata));
    findings.extend(edges::check(workspace, &metadata)?);
    findings.extend(bans::check(&metadata));
    match codegen::stale(workspace) {
        Ok(stale) => findings.extend(
            stale
                .into_iter()
                .map(|file| Finding::new(file, 0, "is stale: run `cargo xtask codegen` and commit")),
        ),
        Err(error) => findings.push(Finding::new("crates/lockstep", 0, format!("{error:#}"))),
    }
    findings.sort();
    findings.iter().for_each(|finding| println!("{finding}"));
    println!("tidy: {} findings; {}", findings.len(), sources::sizes(&sources));
    Ok(findings.is_empty())
}
