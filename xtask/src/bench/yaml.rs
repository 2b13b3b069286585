//! Reading YAML: the product's `render -o json` against a Go program on sigs.k8s.io/yaml, both whole processes.
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::workload::{Workload, manifest};
use crate::oracle::Oracle;
use crate::workspace::Workspace;

/// Measures both in turn on the same file, prints the fastest run of each and the ratio Go : Lockstep.
pub(super) fn measure(workspace: &Workspace, binary: &Path, megabytes: usize, runs: usize) -> Result<()> {
    let oracle = Oracle::build(workspace)?;
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("stream.yaml");
    let (text, documents) = stream(megabytes * 1_000_000);
    std::fs::write(&file, &text)?;
    let (mut ours, mut go) = (Duration::MAX, Duration::MAX);
    for _ in 0..runs.max(1) {
        ours = ours.min(time(Command::new(binary).arg("render").arg(dir.path()).args(["-o", "json"]))?);
        go = go.min(time(oracle.command().arg("convert").arg(&file))?);
    }
    println!("bytes: {}\ndocuments: {documents}", text.len());
    println!("lockstep_ms: {:.1}", ours.as_secs_f64() * 1000.0);
    println!("go_ms: {:.1}", go.as_secs_f64() * 1000.0);
    println!("ratio: {:.2}", go.as_secs_f64() / ours.as_secs_f64());
    Ok(())
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

fn time(command: &mut Command) -> Result<Duration> {
    let start = Instant::now();
    let status = command.stdout(Stdio::null()).status().context("measured program")?;
    ensure!(status.success(), "{:?}: {status}", command.get_program());
    Ok(start.elapsed())
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
