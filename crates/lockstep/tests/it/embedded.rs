//! `lockstep cluster` as processes: what scripts rely on.
use std::path::Path;
use std::process::{Command, Output};

use xtask::Rest;

fn cluster(action: &str, directory: &Path, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lockstep"))
        .env_clear()
        .args(["cluster", action, "--dir"])
        .arg(directory)
        .args(more)
        .output()
        .expect("lockstep")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Whatever a test finds, its cluster does not stay behind.
struct Stopped<'a>(&'a Path);

impl Drop for Stopped<'_> {
    fn drop(&mut self) {
        cluster("stop", self.0, &[]);
    }
}

/// It did what was asked.
fn done(output: Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    text(&output.stdout)
}

/// It could not, said why, and gave a script nothing to go on with.
fn refused(output: &Output, why: &str) {
    assert!(!output.status.success());
    assert_eq!(text(&output.stdout), "");
    assert!(text(&output.stderr).contains(why), "{}", text(&output.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_in_the_background_is_found_stopped_started_again_and_forgotten() {
    let place = tempfile::tempdir().expect("directory");
    let directory = place.path().join("cluster");
    let _stopped = Stopped(&directory);
    refused(&cluster("kubeconfig", &directory, &[]), "no cluster runs in");
    assert!(done(cluster("stop", &directory, &[])).contains("No cluster runs in"));
    done(cluster("start", &directory, &["--detach"]));
    refused(&cluster("start", &directory, &["--detach"]), "");
    refused(&cluster("reset", &directory, &[]), "");

    let kubeconfig = place.path().join("copy");
    std::fs::write(&kubeconfig, done(cluster("kubeconfig", &directory, &[]))).expect("kubeconfig");
    let rest = Rest::from_kubeconfig(&kubeconfig).await.expect("kubeconfig");
    let map = serde_json::json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kept", "namespace": "default"}});
    rest.create(&map).await.expect("create");

    done(cluster("stop", &directory, &[]));
    refused(&cluster("kubeconfig", &directory, &[]), "no cluster runs in");
    // What a killed one would leave leads nowhere, and nobody is sent there.
    std::fs::copy(&kubeconfig, directory.join("kubeconfig")).expect("stale");
    std::fs::write(directory.join("pid"), std::process::id().to_string()).expect("stale");
    refused(&cluster("kubeconfig", &directory, &[]), "no cluster runs in");

    done(cluster("start", &directory, &["--detach"]));
    std::fs::write(&kubeconfig, done(cluster("kubeconfig", &directory, &[]))).expect("kubeconfig");
    let rest = Rest::from_kubeconfig(&kubeconfig).await.expect("kubeconfig");
    rest.get("/api/v1/namespaces/default/configmaps/kept").await.expect("what it held");
    done(cluster("stop", &directory, &[]));
    done(cluster("reset", &directory, &[]));
    assert!(!directory.exists());
}
