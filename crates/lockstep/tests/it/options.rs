//! How objects are synced where something is said of it: replaced, forced, merged, made once, left alone; and the namespace.
use serde_json::{Value, json};
use xtask::{SOON, Scenario, eventually, text};

use crate::harness::witness::{SHOP, told, written};
use crate::harness::{annotated, config_map, heal, ours, scenario, uid, value};

/// Somebody applies a ConfigMap as a manager.
async fn applied(stage: &Scenario, name: &str, data: Value, manager: &str) {
    let metadata = json!({"name": name, "namespace": stage.namespace});
    let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data});
    stage.cluster.rest().apply(&object, manager).await.expect("apply");
}

async fn data(stage: &Scenario, name: &str) -> Value {
    stage.find("v1", "ConfigMap", name).await.expect("there")["data"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_says_how_it_is_synced() {
    let Some(stage) = scenario("manners").await else { return };
    for name in ["plain", "merged", "once", "untouched", "replaced"] {
        applied(&stage, name, json!({"value": "0", "theirs": "x"}), "helm").await;
    }
    applied(&stage, "replaced", json!({"edited": "x"}), "kubectl-edit").await;
    let push = |value: &str| {
        stage.push(&[
            ("app/plain.yaml", &config_map("plain", value)),
            ("app/merged.yaml", &annotated("merged", value, "lockstep.dev/sync: merge")),
            ("app/once.yaml", &annotated("once", value, "lockstep.dev/sync: if-not-present")),
            ("app/new.yaml", &annotated("new", value, "kustomize.toolkit.fluxcd.io/ssa: IfNotPresent")),
            ("app/untouched.yaml", &annotated("untouched", value, "lockstep.dev/sync: disabled")),
            ("app/gone.yaml", &annotated("gone", value, "kustomize.toolkit.fluxcd.io/reconcile: disabled")),
            (
                "app/replaced.yaml",
                &annotated("replaced", value, "argocd.argoproj.io/sync-options: Replace=true"),
            ),
        ])
    };
    let sha = push("1");
    stage.application(SHOP, json!({})).await;
    stage.ready(SHOP, &sha).await;
    assert_eq!(data(&stage, "plain").await, json!({"value": "1"}));
    assert_eq!(data(&stage, "merged").await, json!({"value": "1", "theirs": "x"}));
    assert_eq!(data(&stage, "once").await, json!({"value": "0", "theirs": "x"}));
    assert_eq!(data(&stage, "new").await, json!({"value": "1"}));
    assert_eq!(data(&stage, "untouched").await, json!({"value": "0", "theirs": "x"}));
    assert!(stage.find("v1", "ConfigMap", "gone").await.is_none());
    assert_eq!(data(&stage, "replaced").await, json!({"value": "1"}));
    // What is added later goes with the next change, and not before.
    applied(&stage, "replaced", json!({"edited": "y"}), "kubectl-edit").await;
    applied(&stage, "plain", json!({"edited": "y"}), "kubectl-edit").await;
    heal(&stage, "plain", "1").await;
    assert_eq!(data(&stage, "replaced").await, json!({"value": "1", "edited": "y"}));
    let sha = push("2");
    stage.ready(SHOP, &sha).await;
    assert_eq!(data(&stage, "replaced").await, json!({"value": "2"}));
    assert_eq!(data(&stage, "plain").await, json!({"value": "2", "edited": "y"}));
    assert_eq!((value(&stage, "once").await, value(&stage, "new").await), ("0".into(), "1".into()));
    let why = told(&stage, &["why", SHOP]);
    assert!(why.contains("ConfigMap/untouched in") && why.contains("annotated to be left alone"), "{why}");
    // What is left alone, and what was there before, stays; what was made goes.
    for name in ["once", "new", "untouched"] {
        stage.repo.remove(&format!("app/{name}.yaml"));
    }
    let sha = stage.push(&[]);
    stage.ready(SHOP, &sha).await;
    stage.until_gone("v1", "ConfigMap", "new").await;
    assert!(!uid(&stage, "once").await.is_empty() && !uid(&stage, "untouched").await.is_empty());
    for name in ["once", "untouched", "gone"] {
        assert!(ours(&stage, "configmaps", name).is_empty(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_may_replace_and_force() {
    let Some(stage) = scenario("forced").await else { return };
    let fixed = |value: &str| config_map("fixed", value) + "immutable: true\n";
    stage.push(&[("app/fixed.yaml", &fixed("1")), ("app/a.yaml", &config_map("a", "1"))]);
    let sync =
        |force: bool| json!({"sync": {"mode": "Automatic", "prune": true, "force": force, "replace": true}});
    stage.application(SHOP, sync(false)).await;
    stage.until(("v1", "ConfigMap", "fixed"), |live| text(live, "/data/value") == "1").await;
    applied(&stage, "a", json!({"edited": "x"}), "kubectl-edit").await;
    let before = uid(&stage, "fixed").await;
    let sha = stage.push(&[("app/fixed.yaml", &fixed("2")), ("app/a.yaml", &config_map("a", "2"))]);
    let message = stage.not_ready(SHOP, "SyncFailed").await;
    assert!(message.contains("ConfigMap/fixed"), "{message}");
    assert_eq!(data(&stage, "a").await, json!({"value": "2"}));
    stage.change(SHOP, json!({"spec": {"sync": {"force": true}}})).await;
    stage.ready(SHOP, &sha).await;
    assert_eq!(value(&stage, "fixed").await, "2");
    assert_ne!(uid(&stage, "fixed").await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_namespace_is_made_with_its_words_and_stays() {
    let Some(stage) = scenario("namespace").await else { return };
    let name = format!("{}-made", stage.namespace);
    let sha = stage.push(&[("app/a.yaml", &config_map("a", "1")), ("other/b.yaml", &config_map("b", "1"))]);
    let metadata = json!({"labels": {"team": "shop"}, "annotations": {"example.com/contact": "ada"}});
    let spec = |sync: Value| json!({"destination": {"namespace": name}, "sync": sync});
    let sync = json!({"mode": "Automatic", "createNamespace": true, "namespaceMetadata": metadata});
    stage.application(SHOP, spec(sync)).await;
    // Another one without words of its own is content with it.
    stage
        .application(
            "other",
            json!({
                "sources": [{"git": {"url": stage.repo.url(), "path": "other"}}],
                "destination": {"namespace": name},
                "sync": {"mode": "Automatic", "createNamespace": true},
            }),
        )
        .await;
    stage.ready(SHOP, &sha).await;
    let path = format!("/api/v1/namespaces/{name}");
    let rest = stage.cluster.rest();
    let made = |live: &Value| {
        text(live, "/metadata/labels/team") == "shop"
            && live.pointer("/metadata/annotations/example.com~1contact") == Some(&json!("ada"))
    };
    stage.until(("v1", "Namespace", &name), made).await;
    eventually(SOON, || async {
        let found = rest.find(&format!("{path}/configmaps/b")).await.expect("read");
        found.map(drop).ok_or_else(|| "there is no ConfigMap/b".to_owned())
    })
    .await;
    rest.merge(&path, &json!({"metadata": {"labels": {"team": "else", "own": "x"}}}), "somebody")
        .await
        .expect("drift");
    let found = stage.until(("v1", "Namespace", &name), made).await;
    assert_eq!(text(&found, "/metadata/labels/own"), "x");
    for app in [SHOP, "other"] {
        rest.delete(&stage.path("lockstep.dev/v1alpha1", "Application", app)).await.expect("delete");
        stage.until_gone("lockstep.dev/v1alpha1", "Application", app).await;
    }
    let left = rest.get(&path).await.expect("read");
    assert!(left["metadata"].get("deletionTimestamp").is_none());
    rest.delete(&path).await.expect("clean up");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_may_be_for_some_objects_and_is_shown_before_it_is_made() {
    let Some(stage) = scenario("only").await else { return };
    let hook = annotated("before", "1", "lockstep.dev/hook: PreSync");
    let late = annotated("late", "1", "lockstep.dev/wave: '2'");
    let sha = stage.push(&[
        ("app/a.yaml", &config_map("a", "1")),
        ("app/b.yaml", &config_map("b", "1")),
        ("app/before.yaml", &hook),
        ("app/late.yaml", &late),
    ]);
    stage.application(SHOP, json!({"sync": {"mode": "Manual", "prune": true}})).await;
    stage.not_ready(SHOP, "OutOfSync").await;
    let namespace = &stage.namespace;
    let shown = told(&stage, &["app", "sync", SHOP, "--dry-run"]);
    let expected = format!(
        "PreSync\n  ConfigMap/before in {namespace}: starts, a hook of PreSync\n\
         wave 0\n  ConfigMap/a in {namespace}: creates, it does not exist\n  ConfigMap/b in {namespace}: creates, it does not exist\n\
         wave 2\n  ConfigMap/late in {namespace}: creates, it does not exist\n"
    );
    assert_eq!(shown, expected);
    let shown = told(&stage, &["app", "sync", SHOP, "--dry-run", "--only", "cm/a"]);
    assert_eq!(shown, format!("wave 0\n  ConfigMap/a in {namespace}: creates, it does not exist\n"));
    assert!(written(&stage).iter().all(|(_, resource, _)| resource != "configmaps"), "nothing was asked for");
    let output = stage.cli(&["app", "sync", SHOP, "--only", "cm/a,configmap/late", "--wait"]);
    assert!(output.status.success(), "{output:?}");
    let maps = |stage: &Scenario| -> Vec<String> {
        let all = written(stage).into_iter().filter(|(_, resource, _)| resource == "configmaps");
        all.map(|(_, _, name)| name).collect()
    };
    assert_eq!(maps(&stage), ["a", "late"]);
    let output = stage.cli(&["app", "sync", SHOP, "--wait"]);
    assert!(output.status.success(), "{output:?}");
    stage.ready(SHOP, &sha).await;
    assert_eq!(maps(&stage), ["a", "late", "before", "b"]);
    let folder = stage.state().join("folder");
    std::fs::create_dir_all(&folder).expect("a folder");
    for (file, text) in [("a.yaml", &config_map("a", "2")), ("before.yaml", &hook), ("late.yaml", &late)] {
        std::fs::write(folder.join(file), text).expect("a file");
    }
    let shown = told(&stage, &["plan", folder.to_str().expect("text"), "--app", SHOP]);
    for part in [
        "# PreSync\n",
        "run ConfigMap/before in",
        "# wave 0\n",
        "change ConfigMap/a in",
        "# deletions\n",
        "delete ConfigMap/b in",
        ", 1 hook",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(
        shown.find("# PreSync") < shown.find("# wave 0")
            && shown.find("# wave 0") < shown.find("# deletions"),
        "{shown}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn annotations_of_other_tools_do_what_they_say() {
    let Some(stage) = scenario("tongues").await else { return };
    let tracking = "argocd.argoproj.io/tracking-id";
    let metadata = json!({"name": "adopted", "namespace": stage.namespace, "annotations": {tracking: "shop:/ConfigMap:n/adopted"}});
    let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"value": "0", "theirs": "x"}});
    stage.cluster.rest().apply(&object, "argocd-controller").await.expect("apply");
    let option = |words: &str| format!("argocd.argoproj.io/sync-options: '{words}'");
    let forced = |value: &str| annotated("forced", value, &option("Force=true")) + "immutable: true\n";
    let push = |value: &str| {
        stage.push(&[
            ("app/adopted.yaml", &config_map("adopted", value)),
            ("app/forced.yaml", &forced(value)),
            ("app/drifts.yaml", &annotated("drifts", "1", "helm.toolkit.fluxcd.io/driftDetection: disabled")),
            ("app/heals.yaml", &config_map("heals", "1")),
        ])
    };
    let leaving = [
        ("app/kept.yaml", annotated("kept", "1", "helm.sh/resource-policy: keep")),
        ("app/asks.yaml", annotated("asks", "1", &option("Prune=confirm"))),
    ];
    for (path, manifest) in &leaving {
        stage.repo.write(path, manifest);
    }
    let sha = push("1");
    stage.application(SHOP, json!({})).await;
    stage.ready(SHOP, &sha).await;
    let adopted = stage.find("v1", "ConfigMap", "adopted").await.expect("there");
    assert_eq!(
        (&adopted["data"], adopted["metadata"]["annotations"].get(tracking)),
        (&json!({"value": "1"}), None)
    );
    // Drift of one stays, that of the other does not; and what is forbidden to one object makes a new one.
    let before = uid(&stage, "forced").await;
    crate::harness::drift(&stage, "drifts").await;
    heal(&stage, "heals", "1").await;
    let sha = push("2");
    stage.ready(SHOP, &sha).await;
    assert_eq!(value(&stage, "drifts").await, "drifted");
    assert_eq!(value(&stage, "forced").await, "2");
    assert_ne!(uid(&stage, "forced").await, before);
    // One stays, the other asks.
    for (path, _) in &leaving {
        stage.repo.remove(path);
    }
    push("3");
    let message = stage.not_ready(SHOP, "Blocked").await;
    assert!(message.contains("ConfigMap/asks") && !message.contains("ConfigMap/kept"), "{message}");
    told(&stage, &["app", "approve", SHOP, "--yes"]);
    stage.until_gone("v1", "ConfigMap", "asks").await;
    assert!(!uid(&stage, "kept").await.is_empty());
}
