//! Control planes come and go, and leave nothing behind.
use std::path::Path;
use std::process::Command;

use xtask::{Audit, Cluster, Kubeone, KubeoneOptions, Lifetime, Workspace, peak_memory};

#[tokio::test]
async fn one_that_lives_with_its_parent_ends_with_its_value() {
    // Where there is a shared control plane, its program is built.
    if Cluster::get().await.is_none() {
        return;
    }
    let dir = tempfile::tempdir().expect("dir");
    let place = dir.path().join("kubeone");
    let options = KubeoneOptions { lifetime: Lifetime::WithParent, audit: Audit::Off };
    let start = move || Kubeone::start(&Workspace::find().expect("workspace"), &place, options);
    let kubeone = tokio::task::spawn_blocking(start).await.expect("no panic").expect("control plane");
    let cluster = Cluster::connect(&kubeone.kubeconfig()).await.expect("kubeconfig");
    let (nodes, _) = cluster.rest().list("/api/v1/nodes").await.expect("nodes");
    assert_eq!(nodes.len(), 3, "its nodes are there when it has started");
    let pid = kubeone.pid();
    assert!(peak_memory(pid).is_ok());
    drop(kubeone);
    assert!(peak_memory(pid).is_err(), "process {pid} is still there");
}

#[tokio::test]
async fn up_stays_until_down() {
    if Cluster::get().await.is_none() {
        return;
    }
    let dir = tempfile::tempdir().expect("dir");
    let place = dir.path().join("kubeone");
    let kubeconfig = xtask(&["kubeone", "up"], &place);
    let cluster = Cluster::connect(Path::new(kubeconfig.trim())).await.expect("kubeconfig");
    let version = cluster.rest().get("/version").await.expect("it serves");
    assert_eq!(version["gitVersion"], "v1.37.2");
    assert_eq!(xtask(&["kubeone", "up"], &place), kubeconfig, "a second `up` starts nothing");
    xtask(&["kubeone", "down"], &place);
    assert!(!place.exists());
    assert!(cluster.rest().get("/version").await.is_err(), "it serves no more");
}

fn xtask(arguments: &[&str], place: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask")).args(arguments).arg("--dir").arg(place).output();
    let output = output.expect("xtask");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
