//! Real kubectl, the same commands with the same answers on the embedded cluster and on a real one.
//!
//! Each test plays a transcript of `tests/kubectl`. What is expected was recorded from a real control plane: with
//! `LOCKSTEP_TEST_RECORD=1`, `cargo xtask test e2e kubectl` does so afresh.
mod neutral;
mod transcript;

use std::path::Path;
use std::process::Command;

use transcript::{Stage, Transcript};
use xtask::Cluster;

/// Plays a transcript in a namespace of its own; does nothing where there is no kubectl or no cluster.
async fn play(name: &str) {
    let Some(cluster) = Cluster::get().await else { return };
    if Command::new("kubectl").arg("version").arg("--client").output().is_err() {
        eprintln!("skipped: no kubectl");
        return;
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kubectl").join(format!("{name}.txt"));
    let stage = Stage::new(&cluster, cluster.namespace(&format!("kubectl-{name}")).await);
    let transcript = Transcript::read(&file);
    let played = tokio::task::spawn_blocking(move || transcript.play(&stage)).await.expect("kubectl");
    if std::env::var_os("LOCKSTEP_TEST_RECORD").is_some() {
        std::fs::write(&file, played.to_string()).expect("transcript");
    }
    let expected = Transcript::read(&file);
    assert!(!played.steps.is_empty());
    let differences = expected.differences(&played);
    assert!(differences.is_empty(), "{}:\n{differences}", file.display());
}

macro_rules! transcripts {
    ($($name:ident),* $(,)?) => {
        $(#[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            play(stringify!($name)).await;
        })*
    };
}

transcripts![
    get, describe, create, apply, diff, patch, rollout, delete, explain, rights, label, replace, watch,
    refused, custom,
];
