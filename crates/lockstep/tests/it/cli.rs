//! The command line, as a user types it.
use std::process::Output;

use serde_json::{Value, json};
use xtask::Scenario;

use crate::harness::{config_map, scenario};

/// Runs a command; its exit code, standard output and standard error.
fn run(stage: &Scenario, arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = stage.cli(arguments);
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (status.code().unwrap_or(-1), text(stdout), text(stderr))
}

/// The same for commands that look into the scenario's installation.
fn look(stage: &Scenario, arguments: &[&str]) -> (i32, String, String) {
    let installation = ["--instance", stage.controller.instance(), "--controller-namespace", &stage.own];
    run(stage, &[arguments, &installation].concat())
}

fn create(stage: &Scenario, flags: &[&str]) {
    let url = stage.repo.url();
    let first = ["app", "create", "shop", "--url", &url, "--revision", "main", "--path", "app"];
    let destination = ["--destination-namespace", &stage.namespace];
    let (code, out, err) = run(stage, &[&first[..], &destination, flags].concat());
    assert_eq!((code, &*out, &*err), (0, "application.lockstep.dev/shop created\n", ""));
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_is_created_compared_synced_and_deleted() {
    let Some(stage) = scenario("cli").await else { return };
    let sha = stage.push(&[("app/a.yaml", &config_map("a", "1")), ("app/b.yaml", &config_map("b", "1"))]);
    create(&stage, &["--mode", "Manual", "--prune"]);
    let (code, out, err) = look(&stage, &["app", "diff", "shop", "-o", "json"]);
    assert_eq!((code, &*err), (1, ""));
    assert_eq!(json(&out)["revision"], json!(sha));
    let changes: Vec<Value> =
        json(&out)["objects"].as_array().expect("objects").iter().map(|o| o["change"].clone()).collect();
    assert_eq!(changes, ["create", "create"]);

    let (code, out, err) = run(&stage, &["app", "sync", "shop", "--wait", "--timeout", "40s"]);
    assert_eq!((code, &*err), (0, ""), "{out}");
    assert_eq!(out, format!("application.lockstep.dev/shop synced to {}\n", &sha[..8]));
    assert_eq!(run(&stage, &["app", "wait", "shop", "--timeout", "40s"]).0, 0);
    let (code, out, err) = look(&stage, &["app", "diff", "shop"]);
    assert_eq!((code, &*out, &*err), (0, "", ""));
    let (_, out, _) = run(&stage, &["app", "list"]);
    let row: Vec<&str> = out.lines().nth(1).expect("a row").split_whitespace().collect();
    assert_eq!(row[..5], ["shop", "Synced", "Healthy", "True", &sha[..8]]);

    let (code, out, err) = run(&stage, &["app", "delete", "shop", "--wait", "--timeout", "40s"]);
    assert_eq!((code, &*out, &*err), (0, "application.lockstep.dev/shop deleted\n", ""));
    assert!(stage.find("v1", "ConfigMap", "a").await.is_none());
    let (code, out, err) = run(&stage, &["app", "get", "shop"]);
    assert_eq!((code, &*out), (2, ""));
    assert!(err.starts_with("error: there is no Application shop"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn deletions_over_budget_are_shown_and_approved() {
    let Some(stage) = scenario("cli-approve").await else { return };
    let all = ["a", "b", "c"].map(|name| (format!("app/{name}.yaml"), config_map(name, "1")));
    let files: Vec<(&str, &str)> = all.iter().map(|(path, text)| (&**path, &**text)).collect();
    let sha = stage.push(&files);
    create(&stage, &["--mode", "Automatic", "--prune", "--deletion-budget", "0"]);
    stage.ready("shop", &sha).await;
    stage.repo.remove("app/b.yaml");
    stage.push(&[("app/a.yaml", &config_map("a", "2"))]);
    stage.not_ready("shop", "Blocked").await;
    let (code, out, err) = look(&stage, &["app", "approve", "shop"]);
    assert_eq!((code, &*out), (2, ""), "nobody can be asked");
    assert!(err.contains("ConfigMap/b in namespace") && !err.contains("ConfigMap/a"), "{err}");
    let (code, out, err) = look(&stage, &["app", "approve", "shop", "--yes"]);
    assert_eq!((code, &*out), (0, "application.lockstep.dev/shop approved\n"), "{err}");
    stage.until_gone("v1", "ConfigMap", "b").await;
    assert_eq!(run(&stage, &["app", "wait", "shop", "--timeout", "40s"]).0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_api_server_refuses_is_told_of_the_object_that_it_refuses() {
    let Some(stage) = scenario("cli-refused").await else { return };
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 99999}]}\n";
    stage.push(&[("app/a.yaml", &config_map("a", "1")), ("app/web.yaml", service)]);
    create(&stage, &["--mode", "Automatic"]);
    stage.not_ready("shop", "SyncFailed").await;
    let (code, out, err) = look(&stage, &["why", "shop", "svc/web"]);
    assert_eq!((code, &*err), (2, ""));
    let refused = out.lines().find(|line| line.starts_with("  refused ")).unwrap_or_default();
    assert!(refused.contains("99999"), "{out}");
    let (_, out, _) = look(&stage, &["why", "shop", "svc/web", "-o", "json"]);
    let told = json(&out);
    assert!(told["message"].as_str().is_some_and(|message| message.starts_with("Service/web: ")), "{told}");
    assert!(told["objects"][0]["message"].as_str().is_some_and(|why| why.contains("99999")), "{told}");
    let (code, out, _) = look(&stage, &["why", "shop", "cm/a", "-o", "json"]);
    assert_eq!(code, 0);
    assert_eq!(json(&out)["message"], "ConfigMap/a: in sync");
    let (_, out, _) = look(&stage, &["why", "shop"]);
    for part in ["Ready        no, SyncFailed: Service/web", "Reconciling ", "Last sync    Failed, "] {
        assert!(out.contains(part), "{part} is not in {out}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_adopted_and_what_goes_with_it_is_told_before() {
    let Some(stage) = scenario("cli-adoption").await else { return };
    let manifest = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  selector: {matchLabels: {app: web}}\n  \
                    template:\n    metadata: {labels: {app: web}}\n    spec: {containers: [{name: c, image: i}]}\n";
    stage.push(&[("app/web.yaml", manifest)]);
    let made = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": stage.namespace, "labels": {"old": "1"}},
        "spec": {"minReadySeconds": 3, "replicas": 0, "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}},
    });
    // As helm creates: with an update, which holds the defaults too.
    let collection = stage.path("apps/v1", "Deployment", "").trim_end_matches('/').to_owned();
    let (method, path) = ("POST".parse().expect("method"), format!("{collection}?fieldManager=helm"));
    stage.cluster.rest().send(method, &path, Some(("application/json", &made))).await.expect("create");
    create(&stage, &["--mode", "Manual"]);
    let (code, out, err) = look(&stage, &["app", "diff", "shop"]);
    assert_eq!((code, &*err), (1, ""));
    assert!(out.contains("adopted from helm; its fields that Git does not have go"), "{out}");
    let told: Vec<&str> =
        out.lines().filter(|line| line.starts_with("  - ") || line.starts_with("  ~ ")).collect();
    assert_eq!(told, ["  - .metadata.labels", "  - .spec.minReadySeconds", "  ~ .spec.replicas"], "{out}");
    assert!(out.contains("  ~ .spec.replicas\n      - 0\n      + 1\n"), "{out}");
    let (_, out, _) = look(&stage, &["why", "shop", "deploy/web"]);
    let adopts = out.lines().find(|line| line.starts_with("  adopts ")).unwrap_or_default();
    assert!(adopts.contains("from helm") && adopts.contains(".spec.minReadySeconds"), "{out}");
    // What was told is what happens.
    let (code, _, err) = run(&stage, &["app", "sync", "shop", "--wait", "--timeout", "40s"]);
    assert_eq!((code, &*err), (0, ""));
    let live = stage.find("apps/v1", "Deployment", "web").await.expect("live");
    assert_eq!((&live["metadata"].get("labels"), &live["spec"].get("minReadySeconds")), (&None, &None));
    assert_eq!(live["spec"]["replicas"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_input_is_answered_with_what_is_wrong_and_what_to_do() {
    let Some(stage) = scenario("cli-wrong").await else { return };
    stage.push(&[("app/a.yaml", &config_map("a", "1"))]);
    create(&stage, &[]);
    let namespace = &*stage.namespace;
    let nobody = format!("there is no Application nobody in namespace {namespace}");
    let absent = format!("there is no ConfigMap/none in {namespace}");
    let exists = format!("cannot create Application shop in namespace {namespace}");
    let empty = tempfile::NamedTempFile::new().expect("a file");
    let empty = empty.path().to_str().expect("a path");
    let cases: &[(&[&str], &str, &str)] = &[
        (&["app", "get", "nobody", "-o", "json"], &nobody, "app list -A"),
        (&["app", "diff", "nobody", "-o", "json"], &nobody, "app list -A"),
        (&["why", "nobody", "-o", "json"], &nobody, "app list -A"),
        (&["app", "sync", "nobody"], &nobody, "app list -A"),
        (
            &["app", "get", "shop", "-o", "nonsense"],
            "invalid value 'nonsense'",
            "possible values: table, wide",
        ),
        (&["app", "get", "shop", "more"], "unexpected argument 'more'", "--help"),
        (&["why", "shop", "cm/none", "-o", "json"], "none is no object of", "why shop -o name"),
        (&["why", "shop", "nonsense/a"], "does not know the kind nonsense", "kubectl api-resources"),
        (&["why", "shop", "cm/a/b"], "more than one slash", "KIND/NAME"),
        (&["trace", "cm/a/b"], "more than one slash", "KIND/NAME"),
        (&["trace", "cm"], "does not say of which kind", "KIND/NAME"),
        (&["trace", "cm/"], "the name is empty", "KIND/NAME"),
        (&["trace", "cm/none", "-o", "json"], &absent, "-n chooses"),
        (&["app", "create", "-f", empty], "holds no Application", "--dry-run"),
        (&["app", "create", "shop", "--url", "https://h/x"], &exists, "another name"),
        (&["plan", "/nonexistent"], "cannot open /nonexistent", "No such file"),
    ];
    for (arguments, wrong, advice) in cases {
        let looks = matches!(arguments[..], ["why" | "trace" | "plan", ..] | ["app", "diff", ..]);
        let (code, out, err) = if looks { look(&stage, arguments) } else { run(&stage, arguments) };
        assert_eq!((code, &*out), (2, ""), "{arguments:?}: {err}");
        assert!(err.contains(wrong) && err.contains(advice), "{arguments:?}: {err}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plan_and_trace_tell_what_would_be_and_where_it_comes_from() {
    let Some(stage) = scenario("cli-plan").await else { return };
    let sha = stage.push(&[("app/a.yaml", &config_map("a", "1")), ("app/b.yaml", &config_map("b", "1"))]);
    create(&stage, &["--mode", "Automatic", "--prune"]);
    stage.ready("shop", &sha).await;
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("a.yaml"), config_map("a", "2")).expect("a file");
    std::fs::write(folder.path().join("c.yaml"), config_map("c", "1")).expect("a file");
    let path = folder.path().to_str().expect("a path");
    let (code, out, err) = look(&stage, &["plan", path, "--app", "shop"]);
    assert_eq!((code, &*err), (0, ""), "{out}");
    assert!(out.contains("  ~ .data.value\n      - \"1\"\n      + \"2\"\n"), "{out}");
    assert!(out.ends_with("1 to create, 1 to change, 1 to delete, 0 unchanged\n"), "{out}");
    let live = stage.find("v1", "ConfigMap", "a").await.expect("live");
    assert_eq!(live["data"]["value"], "1", "nothing was written");

    let (code, out, err) = look(&stage, &["trace", "CM/a", "-o", "json"]);
    assert_eq!((code, &*err), (0, ""));
    let trail = json(&out);
    assert_eq!(trail["application"], json!(format!("{}/shop", stage.namespace)));
    assert_eq!(trail["commit"]["id"], json!(sha));
    assert!(trail["commit"]["author"].as_str().is_some_and(|author| author.contains('@')), "{trail}");
    let (code, out, _) = look(&stage, &["trace", "configmaps/kube-root-ca.crt"]);
    assert!(code == 1 && out.contains("no Application"), "{out}");
}
