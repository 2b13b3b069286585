//! Reading YAML: goyaml, places included, against Go's sigs.k8s.io/yaml, each timed inside its own process; and beside it the
//! whole `lockstep render -o json` against a Go program that converts and prints.
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::workload::{Workload, manifest};
use crate::oracle::Oracle;
use crate::workspace::Workspace;

/// Reads of the file within one process; the best counts.
const ITERATIONS: &str = "5";

/// Measures both in turn on the same file, prints the fastest run of each and the ratios Go : Lockstep.
pub(super) fn measure(workspace: &Workspace, binary: &Path, megabytes: usize, runs: usize) -> Result<()> {
    let (convert, read) = (Oracle::build(workspace)?, Oracle::build_in(workspace, "tests/oracle/yamlbench")?);
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("stream.yaml");
    let (text, documents) = stream(megabytes * 1_000_000);
    std::fs::write(&file, &text)?;
    let [mut ours, mut go, mut render, mut go_convert] = [f64::MAX; 4];
    for _ in 0..runs.max(1) {
        ours = ours.min(told(our_reader(workspace).arg(&file).arg(ITERATIONS))?);
        go = go.min(told(read.command().arg(&file).arg(ITERATIONS))?);
        render = render.min(time(Command::new(binary).arg("render").arg(dir.path()).args(["-o", "json"]))?);
        go_convert = go_convert.min(time(convert.command().arg("convert").arg(&file))?);
    }
    println!("bytes: {}\ndocuments: {documents}", text.len());
    println!(
        "render_ms: {render:.1}\ngo_convert_ms: {go_convert:.1}\nrender_ratio: {:.2}",
        go_convert / render
    );
    println!("lockstep_ms: {ours:.1}\ngo_ms: {go:.1}\nratio: {:.2}", go / ours);
    Ok(())
}

fn our_reader(workspace: &Workspace) -> Command {
    workspace.cargo(&["run", "--quiet", "--release", "-p", "lockstep-goyaml", "--example", "yamlbench", "--"])
}

/// The milliseconds that a program tells as `ms: N.N`.
fn told(command: &mut Command) -> Result<f64> {
    let output = command.stderr(Stdio::inherit()).output().context("measured program")?;
    ensure!(output.status.success(), "{:?}: {}", command.get_program(), output.status);
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find_map(|line| line.strip_prefix("ms: ")).context("a line `ms: N.N`")?;
    line.trim().parse().with_context(|| line.to_owned())
}

/// A stream of different documents of at least so many bytes, and their count.
fn stream(bytes: usize) -> (String, usize) {
    let (mut text, mut documents) = (String::new(), 0);
    for object in Workload::new(usize::MAX / 8, 4).all() {
        if text.len() >= bytes {
            break;
        }
        if documents > 0 {
            text.push_str("---\n");
        }
        text.push_str(&manifest(&object));
        documents += 1;
    }
    (text, documents)
}

/// The milliseconds of a whole process.
fn time(command: &mut Command) -> Result<f64> {
    let start = Instant::now();
    let status = command.stdout(Stdio::null()).status().context("measured program")?;
    ensure!(status.success(), "{:?}: {status}", command.get_program());
    Ok(start.elapsed().as_secs_f64() * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_has_the_size_and_no_document_twice() {
        let (text, documents) = stream(20_000);
        assert!((20_000..25_000).contains(&text.len()), "{}", text.len());
        let parts: std::collections::BTreeSet<&str> = text.split("---\n").collect();
        assert_eq!(parts.len(), documents);
    }
}
