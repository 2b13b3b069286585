//! The real Helm on whatever cluster the suite runs on.
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use xtask::{Cluster, text};

/// Helm in a namespace of its own.
struct Helm {
    program: PathBuf,
    cluster: Cluster,
    namespace: String,
    home: tempfile::TempDir,
}

impl Helm {
    async fn get() -> Option<Self> {
        let cluster = Cluster::get().await?;
        let Some(program) = std::env::var_os("LOCKSTEP_TEST_HELM") else {
            eprintln!("skipped: no Helm; `cargo xtask test` installs it where Go is");
            return None;
        };
        let namespace = cluster.namespace("helm").await;
        let home = tempfile::tempdir().expect("temporary directory");
        Some(Self { program: program.into(), cluster, namespace, home })
    }

    /// What it prints; it must not fail.
    fn run(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {told}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn output(&self, arguments: &[&str]) -> std::process::Output {
        Command::new(&self.program)
            .args(arguments)
            .args(["-n", &self.namespace, "--kubeconfig"])
            .arg(self.cluster.kubeconfig())
            .env("HOME", self.home.path())
            .env_remove("KUBECONFIG")
            .output()
            .expect("helm")
    }

    async fn value(&self, resource: &str, name: &str, pointer: &str) -> Option<serde_json::Value> {
        let path = format!("/{resource}", resource = resource.replace("NS", &self.namespace));
        let found = self.cluster.rest().find(&format!("{path}/{name}")).await.expect("API server")?;
        found.pointer(pointer).cloned()
    }
}

const MAPS: &str = "api/v1/namespaces/NS/configmaps";
const DEPLOYMENTS: &str = "apis/apps/v1/namespaces/NS/deployments";
const WAIT: [&str; 3] = ["--wait", "--timeout", "60s"];

#[tokio::test(flavor = "multi_thread")]
async fn a_release_is_installed_upgraded_tested_rolled_back_and_uninstalled() {
    let Some(helm) = Helm::get().await else { return };
    let chart = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/helm/shop");
    let chart = chart.to_str().expect("UTF-8");
    let revision = |text: &str, number: u32, status: &str| {
        assert!(text.contains(&format!("REVISION: {number}")), "{text}");
        assert!(text.contains(&format!("STATUS: {status}")), "{text}");
    };

    revision(&helm.run(&[&["install", "shop", chart], &WAIT[..]].concat()), 1, "deployed");
    // The hook has run to its end before anything else was made.
    let job = "apis/batch/v1/namespaces/NS/jobs";
    assert_eq!(helm.value(job, "shop-migrate", "/status/succeeded").await, Some(json!(1)));
    assert_eq!(helm.value(DEPLOYMENTS, "shop", "/status/readyReplicas").await, Some(json!(1)));
    assert_eq!(helm.value(MAPS, "shop-config", "/data/greeting").await, Some(json!("hello")));
    let again = helm.output(&["install", "shop", chart]);
    assert!(!again.status.success());

    let changed = ["upgrade", "shop", chart, "--set", "replicas=2,greeting=hi"];
    revision(&helm.run(&[&changed[..], &WAIT[..]].concat()), 2, "deployed");
    assert_eq!(helm.value(DEPLOYMENTS, "shop", "/status/readyReplicas").await, Some(json!(2)));
    assert_eq!(helm.value(MAPS, "shop-config", "/data/greeting").await, Some(json!("hi")));
    // What somebody else has written stays where the chart says nothing of it.
    let path = format!("/api/v1/namespaces/{}/configmaps/shop-config", helm.namespace);
    helm.cluster.rest().merge(&path, &json!({"data": {"mine": "yes"}}), "somebody").await.expect("merge");

    assert!(helm.run(&["test", "shop", "--timeout", "60s"]).contains("Succeeded"));

    helm.run(&[&["rollback", "shop", "1"], &WAIT[..]].concat());
    assert_eq!(helm.value(DEPLOYMENTS, "shop", "/spec/replicas").await, Some(json!(1)));
    let map = helm.cluster.rest().get(&path).await.expect("the map");
    assert_eq!((text(&map, "/data/greeting"), text(&map, "/data/mine")), ("hello", "yes"));
    let history: serde_json::Value =
        serde_json::from_str(&helm.run(&["history", "shop", "-o", "json"])).expect("JSON");
    let statuses: Vec<&str> =
        history.as_array().expect("a list").iter().map(|release| text(release, "/status")).collect();
    assert_eq!(statuses, ["superseded", "superseded", "deployed"]);

    helm.run(&[&["uninstall", "shop"], &WAIT[..]].concat());
    assert_eq!(helm.value(DEPLOYMENTS, "shop", "/metadata/name").await, None);
    assert_eq!(helm.run(&["list", "-q"]).trim(), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_api_server_refuses_fails_the_release() {
    let Some(helm) = Helm::get().await else { return };
    let chart = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/helm/shop");
    let chart = chart.to_str().expect("UTF-8");
    let output = helm.output(&["install", "shop", chart, "--set", "replicas=-1"]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(told.contains("spec.replicas: Invalid value: -1: must be greater than or equal to 0"), "{told}");
    assert!(helm.run(&["list", "-o", "json"]).contains("\"failed\""));
}
