//! Answers of the reference programs: recorded as data, asked afresh here.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::workspace::Workspace;

/// The Go program of `tests/oracle`, built.
pub(crate) struct Oracle {
    program: PathBuf,
    _dir: tempfile::TempDir,
}

impl Oracle {
    /// Builds the program that answers; it takes seconds.
    pub(crate) fn build(workspace: &Workspace) -> Result<Self> {
        Self::build_in(workspace, "tests/oracle")
    }

    /// Builds the Go program of a folder.
    pub(crate) fn build_in(workspace: &Workspace, folder: &str) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let program = dir.path().join("oracle");
        let status = Command::new("go")
            .args(["build", "-trimpath", "-o"])
            .args([&program, Path::new(".")])
            .current_dir(workspace.path(folder))
            .env("CGO_ENABLED", "0")
            .env("GOTOOLCHAIN", "local")
            .status()
            .context("go: the oracle needs a Go toolchain")?;
        ensure!(status.success(), "go build of {folder}: {status}");
        Ok(Self { program, _dir: dir })
    }

    /// A command of the program.
    pub(crate) fn command(&self) -> Command {
        Command::new(&self.program)
    }

    /// The cases of a file with the answers of today.
    fn answer(&self, cases: &Path) -> Result<Vec<u8>> {
        let output = self
            .command()
            .arg("answers")
            .stdin(fs::File::open(cases)?)
            .stderr(Stdio::inherit())
            .output()
            .context("oracle")?;
        ensure!(output.status.success(), "{}: {}", cases.display(), output.status);
        Ok(output.stdout)
    }
}

/// Asks the reference programs about every recorded case, tells which answers changed and writes them; with
/// [`Mode::Check`] it writes nothing. `true`: nothing changed.
///
/// # Errors
/// When the program cannot be built or a file of cases cannot be read.
pub(crate) fn refresh(workspace: &Workspace, mode: Mode) -> Result<bool> {
    let oracle = Oracle::build(workspace)?;
    let dir = workspace.path("tests/conformance/yaml");
    let mut all_same = true;
    for entry in fs::read_dir(&dir).with_context(|| dir.display().to_string())? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let before: Value =
            serde_json::from_slice(&fs::read(&path)?).with_context(|| path.display().to_string())?;
        let answered = oracle.answer(&path)?;
        let changed = changes(&before, &serde_json::from_slice(&answered)?);
        println!(
            "{}: {} of {} answers changed",
            path.display(),
            changed.len(),
            before.as_array().map_or(0, Vec::len)
        );
        changed.iter().for_each(|name| println!("  {name}"));
        all_same &= changed.is_empty();
        if mode == Mode::Write && !changed.is_empty() {
            fs::write(&path, answered)?;
        }
    }
    Ok(all_same)
}

/// What to do about answers that changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Write them.
    Write,
    /// Tell, and write nothing.
    Check,
}

/// The names of the cases whose answers differ. Both lists have the same cases in the same order.
fn changes(before: &Value, after: &Value) -> Vec<String> {
    let cases = |list: &Value| list.as_array().cloned().unwrap_or_default();
    let differ =
        |(old, new): &(Value, Value)| old.get("ok") != new.get("ok") || old.get("err") != new.get("err");
    let pairs = cases(before).into_iter().zip(cases(after));
    pairs.filter(differ).map(|(old, _)| crate::text(&old, "/name").to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_answer_changes_by_value_by_error_and_from_null_to_none() {
        let case = |name: &str, answer: Value| {
            let mut case = answer;
            case["name"] = json!(name);
            case
        };
        let before = json!([
            case("a", json!({"ok": 1})),
            case("b", json!({"ok": null})),
            case("c", json!({"err": "x"}))
        ]);
        let after =
            json!([case("a", json!({"ok": 2})), case("b", json!({})), case("c", json!({"err": "x"}))]);
        assert_eq!(changes(&before, &after), ["a", "b"]);
        assert!(changes(&before, &before).is_empty());
    }
}
