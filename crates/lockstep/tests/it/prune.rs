//! What Git does not have any more: deleted, kept, or held until somebody approves.
use lockstep_core::Digest;
use serde_json::{Value, json};
use xtask::text;

use crate::harness::witness::told;
use crate::harness::{Scenario, config_map, heal, marked, scenario, settled, uid};

#[tokio::test(flavor = "multi_thread")]
async fn what_git_drops_goes_and_what_is_annotated_stays() {
    let Some(stage) = scenario("prune").await else { return };
    let (a, b, kept) = (config_map("a", "1"), config_map("b", "1"), marked("kept", "1", "disabled"));
    let sha = stage.push(&[("app/a.yaml", &a), ("app/b.yaml", &b), ("app/kept.yaml", &kept)]);
    stage.application("shop", json!({})).await;
    stage.ready("shop", &sha).await;
    let before = uid(&stage, "kept").await;
    stage.repo.remove("app/b.yaml").remove("app/kept.yaml");
    let sha = stage.push(&[]);
    stage.until_gone("v1", "ConfigMap", "b").await;
    let shop = stage.ready("shop", &sha).await;
    assert_eq!(uid(&stage, "kept").await, before, "annotated with prune: disabled");
    let why = told(&stage, &["why", "shop", "ConfigMap/kept"]);
    assert!(why.contains("lockstep.dev/prune: disabled"), "{why}");
    assert_eq!(shop["status"]["summary"]["objects"]["total"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_pruning_what_git_drops_stays_and_is_named() {
    let Some(stage) = scenario("prune-off").await else { return };
    let sha = stage.push(&[("app/a.yaml", &config_map("a", "1")), ("app/b.yaml", &config_map("b", "1"))]);
    stage.application("shop", json!({"sync": {"prune": false}})).await;
    stage.ready("shop", &sha).await;
    stage.repo.remove("app/b.yaml");
    let sha = stage.push(&[("app/a.yaml", &config_map("a", "2"))]);
    let message = stage.not_ready("shop", "OutOfSync").await;
    assert!(message.contains("ConfigMap/b"), "{message}");
    // Everything that this commit has is live.
    stage.until(APPLICATION, |found| text(found, "/status/sync/revision") == sha).await;
    let place = ["--instance", stage.controller.instance(), "--controller-namespace", &stage.own];
    let diff = stage.cli(&[&["app", "diff", "shop"][..], &place].concat());
    let shown = String::from_utf8_lossy(&diff.stdout).into_owned();
    assert!(diff.status.code() == Some(1) && shown.contains("ConfigMap/b"), "{}: {shown}", diff.status);
    let why = told(&stage, &["why", "shop", "cm/b"]);
    assert!(why.contains("left over (prune is off); would delete it"), "{why}");
    heal(&stage, "a", "2").await;
    assert!(!uid(&stage, "b").await.is_empty());
    stage.change("shop", json!({"spec": {"sync": {"prune": true}}})).await;
    stage.until_gone("v1", "ConfigMap", "b").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deletions_over_budget_wait_for_an_approval_of_exactly_these() {
    let Some(stage) = scenario("budget").await else { return };
    let files = ["a", "b", "c", "d"].map(|name| (format!("app/{name}.yaml"), config_map(name, "1")));
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (&**path, &**text)).collect();
    let sha = stage.push(&files);
    stage.application("shop", json!({"sync": {"deletionBudget": 1}})).await;
    stage.ready("shop", &sha).await;

    stage.repo.remove("app/b.yaml").remove("app/c.yaml");
    let first = stage.push(&[("app/a.yaml", &config_map("a", "2"))]);
    let message = stage.not_ready("shop", "Blocked").await;
    assert!(message.contains("ConfigMap/b") && message.contains("ConfigMap/c"), "{message}");
    let why = told(&stage, &["why", "shop", "cm/b"]);
    assert!(why.contains("blocked by the deletion budget; would delete it"), "{why}");
    let stale = approval(&stage, &first, &["b", "c"]).await;
    // Only the deletions are blocked.
    heal(&stage, "a", "2").await;

    // Another plan: the approval of the one before is none.
    stage.repo.remove("app/d.yaml");
    let second = stage.push(&[]);
    stage.until(APPLICATION, |found| message_of(found).contains("ConfigMap/d")).await;
    approve(&stage, &stale).await;
    heal(&stage, "a", "2").await;
    for name in ["b", "c", "d"] {
        assert!(!uid(&stage, name).await.is_empty(), "{name} was deleted without an approval");
    }
    settled(&stage, "shop", "Blocked").await;

    approve(&stage, &approval(&stage, &second, &["b", "c", "d"]).await).await;
    stage.ready("shop", &second).await;
    for name in ["b", "c", "d"] {
        stage.until_gone("v1", "ConfigMap", name).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_deletion_and_its_approval_survive_a_restart() {
    let Some(mut stage) = scenario("blocked").await else { return };
    let sha = stage.push(&[("app/a.yaml", &config_map("a", "1")), ("app/b.yaml", &config_map("b", "1"))]);
    stage.application("shop", json!({"sync": {"deletionBudget": 0}})).await;
    stage.ready("shop", &sha).await;
    stage.repo.remove("app/b.yaml");
    let sha = stage.push(&[]);
    stage.not_ready("shop", "Blocked").await;
    stage.controller.kill9().expect("kill");
    approve(&stage, &approval(&stage, &sha, &["b"]).await).await;
    stage.controller.restart().expect("restart");
    stage.ready("shop", &sha).await;
    stage.until_gone("v1", "ConfigMap", "b").await;
    // What was approved once is no approval of what comes later.
    stage.push(&[("app/c.yaml", &config_map("c", "1"))]);
    stage.until(("v1", "ConfigMap", "c"), |_| true).await;
    stage.repo.remove("app/c.yaml");
    stage.push(&[]);
    stage.not_ready("shop", "Blocked").await;
    heal(&stage, "a", "1").await;
    assert!(!uid(&stage, "c").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_budget_is_half_and_ten_at_least_or_a_percentage_rounded_down() {
    let Some(stage) = scenario("budgets").await else { return };
    let list = |count: usize| {
        let items: Vec<String> = (0..count).map(|index| config_map(&format!("m{index}"), "x")).collect();
        items.join("---\n")
    };
    let small = |count: usize| list(count).replace("name: m", "name: s");
    let sha = stage.push(&[("app/all.yaml", &list(24)), ("small/all.yaml", &small(7))]);
    stage.application("half", json!({})).await;
    let source = json!([{"git": {"url": stage.repo.url(), "revision": "main", "path": "small"}}]);
    stage.application("percent", json!({"sources": source, "sync": {"deletionBudget": "30%"}})).await;
    stage.ready("half", &sha).await;
    stage.ready("percent", &sha).await;
    // 12 of 24 and 2 of 7 may go, one more may not.
    stage.push(&[("app/all.yaml", &list(11)), ("small/all.yaml", &small(4))]);
    stage.not_ready("half", "Blocked").await;
    stage.not_ready("percent", "Blocked").await;
    assert!(!uid(&stage, "m23").await.is_empty() && !uid(&stage, "s6").await.is_empty());
    let sha = stage.push(&[("app/all.yaml", &list(12)), ("small/all.yaml", &small(5))]);
    stage.ready("half", &sha).await;
    stage.ready("percent", &sha).await;
    stage.until_gone("v1", "ConfigMap", "m23").await;
    stage.until_gone("v1", "ConfigMap", "s6").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_holds_data_is_deleted_with_an_approval_or_an_annotation_only() {
    let Some(stage) = scenario("protected").await else { return };
    let name = stage.namespace.clone();
    let sha = stage.push(&[("app/a.yaml", &config_map("a", "1")), ("app/data.yaml", &precious(&name))]);
    stage.application("shop", json!({"sync": {"deletionBudget": "100%"}})).await;
    // The claim stays Pending: nothing provisions volumes here.
    stage.until(APPLICATION, |found| text(found, "/status/sync/revision") == sha).await;
    stage.until(("v1", "PersistentVolumeClaim", "kept"), |_| true).await;

    stage.repo.remove("app/data.yaml");
    let sha = stage.push(&[]);
    stage.until_gone("v1", "PersistentVolumeClaim", "free").await;
    let message = stage.not_ready("shop", "Blocked").await;
    let crd = format!("gadgets.{name}.example.com");
    let wanted = [
        ("", "v1", "Namespace", format!("{name}-inner")),
        ("", "v1", "PersistentVolume", format!("{name}-volume")),
        ("", "v1", "PersistentVolumeClaim", "kept".to_owned()),
        ("apiextensions.k8s.io", "apiextensions.k8s.io/v1", "CustomResourceDefinition", crd),
    ];
    let mut deletions = Vec::new();
    for (group, version, kind, object) in &wanted {
        assert!(message.contains(&format!("{kind}/{object}")), "{kind} is not in: {message}");
        let live = stage.find(version, kind, object).await.expect("held");
        assert_eq!(live["metadata"].get("deletionTimestamp"), None, "{kind}");
        let namespace = text(&live, "/metadata/namespace");
        deletions.push(format!("{group}/{kind}:{namespace}/{object} {}", text(&live, "/metadata/uid")));
    }
    approve(&stage, &digest(&sha, &deletions)).await;
    stage.ready("shop", &sha).await;
    for (_, version, kind, object) in &wanted {
        stage.until_gone(version, kind, object).await;
    }
}

const APPLICATION: (&str, &str, &str) = ("lockstep.dev/v1alpha1", "Application", "shop");

/// One of each kind that always needs an approval, and a claim that is annotated.
fn precious(name: &str) -> String {
    let claim = |claim: &str, annotation: &str| {
        format!(
            "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: {claim}{annotation}}}\n\
             spec: {{accessModes: [ReadWriteOnce], storageClassName: none, resources: {{requests: {{storage: 1Gi}}}}}}\n"
        )
    };
    let allowed = ", annotations: {lockstep.dev/prune: allowed}";
    let namespace = format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}-inner}}\n");
    let volume = format!(
        "apiVersion: v1\nkind: PersistentVolume\nmetadata: {{name: {name}-volume}}\n\
         spec: {{capacity: {{storage: 1Gi}}, accessModes: [ReadWriteOnce], storageClassName: other, hostPath: {{path: /x}}}}\n"
    );
    let definition = format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n\
         metadata: {{name: gadgets.{name}.example.com}}\nspec:\n  group: {name}.example.com\n  scope: Namespaced\n  \
         names: {{kind: Gadget, plural: gadgets}}\n  versions:\n  - name: v1\n    served: true\n    storage: true\n    \
         schema: {{openAPIV3Schema: {{type: object}}}}\n"
    );
    [claim("kept", ""), claim("free", allowed), namespace, volume, definition].join("---\n")
}

async fn approve(stage: &Scenario, digest: &str) {
    stage.change("shop", json!({"metadata": {"annotations": {"lockstep.dev/approve": digest}}})).await;
}

/// The approval of the deletion of these ConfigMaps, in the order of their names.
async fn approval(stage: &Scenario, sha: &str, names: &[&str]) -> String {
    let mut deletions = Vec::new();
    for name in names {
        deletions.push(format!("/ConfigMap:{}/{name} {}", stage.namespace, uid(stage, name).await));
    }
    digest(sha, &deletions)
}

fn digest(sha: &str, deletions: &[String]) -> String {
    Digest::of(format!("{sha}\n{}", deletions.join("\n")).as_bytes()).to_string()
}

fn message_of(application: &Value) -> String {
    crate::harness::ready_condition(application).2
}
