//! Rules for every Rust file of the project.
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::Finding;
use crate::workspace::Workspace;

/// Where our Rust code is. Listed by walking, not by Git: an exported tree has none.
const ROOTS: &[&str] = &["crates", "xtask", "fuzz"];
const SKIPPED: &[&str] = &["target", "corpus", "artifacts"];
const MOST_LINES: usize = 800;
const USUAL_LINES: usize = 400;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &["common", "helper", "helpers", "manager", "misc", "util", "utils"];

/// In two halves, so that this file does not find itself.
const UNFINISHED: &[&str] =
    &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("unimple", "mented!"), concat!("to", "do!(")];

/// One Rust file.
#[derive(Debug)]
pub(super) struct SourceFile {
    /// Relative to the root, with `/`.
    pub(super) path: String,
    pub(super) text: String,
}

impl SourceFile {
    pub(super) fn read_all(workspace: &Workspace) -> Result<Vec<Self>> {
        let mut files = Vec::new();
        for root in ROOTS.iter().filter(|root| workspace.path(root).is_dir()) {
            collect(workspace, Path::new(root), &mut files)?;
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    fn lines(&self) -> usize {
        self.text.lines().count()
    }
}

fn collect(workspace: &Workspace, dir: &Path, files: &mut Vec<SourceFile>) -> Result<()> {
    for entry in fs::read_dir(workspace.path(dir)).with_context(|| dir.display().to_string())? {
        let entry = entry?;
        let (name, path) = (entry.file_name(), dir.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            if !SKIPPED.iter().any(|skipped| name == *skipped) {
                collect(workspace, &path, files)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text =
                fs::read_to_string(workspace.path(&path)).with_context(|| path.display().to_string())?;
            files.push(SourceFile { path: path.to_string_lossy().replace('\\', "/"), text });
        }
    }
    Ok(())
}

pub(super) fn check(sources: &[SourceFile]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = sources.iter().flat_map(check_file).collect();
    let long = sources.iter().filter(|file| file.lines() > USUAL_LINES).count();
    if long * 10 > sources.len() {
        let message = format!(
            "{long} of {} files have more than {USUAL_LINES} lines: at most a tenth may",
            sources.len()
        );
        findings.push(Finding::new("crates", 0, message));
    }
    findings
}

fn check_file(file: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    if file.lines() > MOST_LINES {
        let message = format!("{} lines, {MOST_LINES} at most", file.lines());
        findings.push(Finding::new(&file.path, MOST_LINES + 1, message));
    }
    if file.path.ends_with("/src/lib.rs") && !file.text.starts_with("//!") {
        findings.push(Finding::new(&file.path, 1, "does not say in a `//!` what the crate is"));
    }
    let module = file.path.trim_end_matches("/mod.rs").trim_end_matches(".rs").rsplit('/').next();
    if let Some(module) = module.filter(|module| EMPTY_NAMES.contains(module)) {
        findings.push(Finding::new(&file.path, 0, format!("`{module}` is no noun of the domain")));
    }
    for (index, line) in file.text.lines().enumerate() {
        for word in UNFINISHED.iter().filter(|word| line.contains(**word)) {
            findings.push(Finding::new(
                &file.path,
                index + 1,
                format!("`{word}`: finish it, or refuse it with a finding"),
            ));
        }
    }
    findings
}

/// A line about the sizes, for the reader.
pub(super) fn sizes(sources: &[SourceFile]) -> String {
    let mut lines: Vec<(usize, &str)> =
        sources.iter().map(|file| (file.lines(), file.path.as_str())).collect();
    lines.sort_unstable();
    let at = |share: usize| lines.get((lines.len() * share / 100).min(lines.len().saturating_sub(1)));
    match (at(50), at(90), lines.last()) {
        (Some((median, _)), Some((p90, _)), Some((most, longest))) => {
            format!("{} files, median {median} lines, p90 {p90}, longest {most} ({longest})", lines.len())
        }
        _ => "no files".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> SourceFile {
        SourceFile { path: path.into(), text: text.into() }
    }

    #[test]
    fn each_rule_names_its_line() {
        let check = |path: &str, text: &str, lines: &[usize]| {
            let found: Vec<usize> =
                check_file(&file(path, text)).iter().map(|finding| finding.line).collect();
            assert_eq!(found, lines, "{path}");
        };
        check("crates/a/src/lib.rs", "//! A crate.\n", &[]);
        check("crates/a/src/lib.rs", "mod a;\n", &[1]);
        check("crates/a/src/x.rs", &format!("fn f() {{}}\n// {} later\n", UNFINISHED[0]), &[2]);
        check("crates/a/src/utils.rs", "", &[0]);
        check("crates/a/src/helpers/mod.rs", "", &[0]);
        check("crates/a/src/x.rs", &"\n".repeat(800), &[]);
        check("crates/a/src/x.rs", &"\n".repeat(801), &[801]);
    }

    #[test]
    fn a_tenth_of_the_files_may_be_long() {
        let long = || file("crates/a/src/long.rs", &"\n".repeat(401));
        let short = || file("crates/a/src/short.rs", "");
        let with = |count: usize| {
            check(&(0..10).map(|i| if i < count { long() } else { short() }).collect::<Vec<_>>()).len()
        };
        assert_eq!((with(1), with(2)), (0, 1));
    }
}
