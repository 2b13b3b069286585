//! Secrets: those that let us into repositories, those that Git deploys, and where their values never are.
use serde_json::{Value, json};
use xtask::{Credentials, Scenario, text};

use crate::harness::{ScenarioOptions, config_map, ready_condition, scenario_with, settled};

/// Occurs in nothing but the secrets.
const CANARY: &str = "kanarie-7f3a9";

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_secret_of_the_applications_namespace_lets_in() {
    let Some(stage) = locked("login").await else { return };
    let sha = stage.push(&[("app/a.yaml", &config_map("a", "1"))]);
    stage.application("shop", json!({})).await;
    stage.not_ready("shop", "SourceUnavailable").await;
    let wrong = json!({"url": stage.repo.url(), "username": "ada", "password": format!("{CANARY}-wrong")});
    secret(&stage, &stage.namespace, wrong).await;
    stage.not_ready("shop", "SourceUnavailable").await;
    stage.refresh();
    quiet(&stage).await;
    // A prefix of the address is enough.
    let (prefix, _) =
        stage.repo.url().rsplit_once('/').map(|(a, b)| (a.to_owned(), b.to_owned())).expect("a path");
    secret(&stage, &stage.namespace, json!({"url": prefix, "username": "ada", "password": CANARY})).await;
    stage.ready("shop", &sha).await;
    let sha = stage.push(&[("app/a.yaml", &config_map("a", "2"))]);
    stage.ready("shop", &sha).await;
    quiet(&stage).await;
    assert_eq!(files_with_secrets(stage.state()), [] as [std::path::PathBuf; 0], "a password is on the disk");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_in_an_address_is_refused_and_not_repeated() {
    let Some(stage) = locked("address").await else { return };
    stage.push(&[("app/a.yaml", &config_map("a", "1"))]);
    let url = stage.repo.url().replace("://", &format!("://ada:{CANARY}@"));
    let source = json!([{"git": {"url": url, "revision": "main", "path": "app"}}]);
    stage.application("shop", json!({"sources": source})).await;
    let message = stage.not_ready("shop", "InvalidSpec").await;
    assert!(message.contains("spec.sources[0].git.url: must not hold user information"), "{message}");
    for command in [&["app", "get", "shop"][..], &["app", "list", "-o", "wide"]] {
        let shown = stage.cli(command);
        let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
        assert!(shown.contains("shop") && !shown.contains(CANARY), "{shown}");
    }
    stage.controller.refresh(&url).expect("202");
    let broken = json!({"spec": {"sources": [{"git": {"url": format!("{url}/../x"), "path": "app"}}]}});
    stage.change("shop", broken).await;
    settled(&stage, "shop", "InvalidSpec").await;
    quiet(&stage).await;
    assert_eq!(files_with_secrets(stage.state()), [] as [std::path::PathBuf; 0], "a password is on the disk");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_the_controllers_namespace_lets_in_only_the_project_that_it_names() {
    let Some(stage) = locked("login-own").await else { return };
    let sha = stage.push(&[("app/a.yaml", &config_map("a", "1"))]);
    stage.application("shop", json!({})).await;
    let login = |project: Option<&str>| {
        let mut data = json!({"url": stage.repo.url(), "username": "ada", "password": CANARY});
        if let Some(project) = project {
            data["project"] = json!(project);
        }
        data
    };
    for project in [None, Some("other")] {
        secret(&stage, &stage.own, login(project)).await;
        stage.change("shop", json!({"metadata": {"annotations": {"lockstep.dev/refresh": project}}})).await;
        stage.refresh();
        let shop = settled(&stage, "shop", "SourceUnavailable").await;
        assert_eq!(text(&shop, "/status/sync/revision"), "", "{project:?}");
    }
    secret(&stage, &stage.own, login(Some("default"))).await;
    stage.ready("shop", &sha).await;
    quiet(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bearer_token_lets_in() {
    let Some(stage) = locked("bearer").await else { return };
    stage.repo.server().require(Some(Credentials::Bearer(CANARY.to_owned())));
    secret(&stage, &stage.namespace, json!({"url": stage.repo.url(), "bearerToken": CANARY})).await;
    let sha = stage.push(&[("app/a.yaml", &config_map("a", "1"))]);
    stage.application("shop", json!({})).await;
    stage.ready("shop", &sha).await;
    quiet(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn values_of_deployed_secrets_are_in_no_log_status_event_or_metric() {
    let Some(stage) = loud("canary").await else { return };
    let object = |body: &str| format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\n{body}\n");
    let good = object(&format!("stringData: {{password: {CANARY}}}"));
    let sha = stage.push(&[("app/s.yaml", &good)]);
    stage.application("shop", json!({})).await;
    stage.ready("shop", &sha).await;
    // Drift, and its healing.
    let path = stage.path("v1", "Secret", "s");
    let before = stage.find("v1", "Secret", "s").await.expect("live")["data"].take();
    let patch = json!({"stringData": {"password": format!("{CANARY}-drift")}});
    stage.cluster.rest().merge(&path, &patch, "somebody").await.expect("drift");
    stage.until(("v1", "Secret", "s"), |live| live["data"] == before).await;
    // Notify tells of drift without mending it.
    stage.change("shop", json!({"spec": {"sync": {"mode": "Notify"}}})).await;
    settled(&stage, "shop", "Ready").await;
    stage.cluster.rest().merge(&path, &patch, "somebody").await.expect("drift");
    stage.not_ready("shop", "OutOfSync").await;
    stage.change("shop", json!({"spec": {"sync": {"mode": "Automatic"}}})).await;
    stage.ready("shop", &sha).await;
    // What the reader, the renderer and the API server refuse.
    for (body, reason) in [
        (format!("data: {{password: \"{CANARY}!\"}}"), None),
        (format!("stringData: {{password: [{CANARY}]}}"), None),
        (format!("stringData: {{password: \"{CANARY}}}"), Some("RenderFailed")),
        (format!("stringData: {{\"bad key {CANARY}\": x}}\ntype: Opaque"), None),
        (format!("type: kubernetes.io/tls\nstringData: {{tls.crt: {CANARY}, tls.key: {CANARY}}}"), None),
        (format!("type: kubernetes.io/dockerconfigjson\nstringData: {{.dockerconfigjson: {CANARY}}}"), None),
    ] {
        let file = if reason.is_some() { object(&body) } else { object(&body).replace("name: s", "name: t") };
        let sha = stage.push(&[("app/t.yaml", &file)]);
        let told = |found: &Value| {
            let (status, why, _) = ready_condition(found);
            let settled = ["RenderFailed", "SyncFailed"].contains(&&*why) || status == "True";
            settled && reason.is_none_or(|reason| reason == why)
        };
        let at = |found: &Value| text(found, "/status/history/0/revision") == sha || reason.is_some();
        let wanted = |found: &Value| told(found) && (at(found) || ready_condition(found).1 == "RenderFailed");
        stage.until(("lockstep.dev/v1alpha1", "Application", "shop"), wanted).await;
        // A key is not a value: it may be named.
        if !body.contains("bad key") {
            quiet(&stage).await;
        }
    }
}

/// A scenario whose log hides nothing that there is to say.
async fn loud(name: &str) -> Option<Scenario> {
    let flags = ["--log", "trace"].map(str::to_owned).to_vec();
    scenario_with(name, ScenarioOptions { flags, ..ScenarioOptions::default() }).await
}

/// A scenario whose repository asks for a password.
async fn locked(name: &str) -> Option<Scenario> {
    let stage = loud(name).await?;
    stage.repo.server().require(Some(Credentials::Basic("ada".to_owned(), CANARY.to_owned())));
    Some(stage)
}

/// Makes or changes the credential.
async fn secret(stage: &Scenario, namespace: &str, data: Value) {
    let object = json!({
        "apiVersion": "v1", "kind": "Secret", "stringData": data,
        "metadata": {"name": "repository", "namespace": namespace, "labels": {"lockstep.dev/type": "repository"}},
    });
    stage.cluster.rest().apply(&object, "somebody").await.expect("secret");
}

/// Asserts that no secret is where the controller speaks: log, status, Events, metrics.
async fn quiet(stage: &Scenario) {
    use base64_text as hidden;
    let events = format!("/api/v1/namespaces/{}/events", stage.namespace);
    let (events, _) = stage.cluster.rest().list(&events).await.expect("events");
    let (_, metrics) = stage.controller.get("/metrics").expect("metrics");
    let spoken = [
        ("the log", stage.controller.log()),
        ("the status", stage.get("shop").await["status"].to_string()),
        ("the Events", json!(events).to_string()),
        ("the metrics", metrics),
    ];
    for (place, text) in &spoken {
        for form in [CANARY.to_owned(), hidden(CANARY)] {
            let line = text.lines().find(|line| line.contains(&form)).unwrap_or_default();
            assert!(
                line.is_empty(),
                "a secret is in {place}: {}",
                line.chars().take(2000).collect::<String>()
            );
        }
    }
}

/// The files below a directory that hold the canary.
fn files_with_secrets(directory: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).expect("directory") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            found.extend(files_with_secrets(&path));
            continue;
        }
        let bytes = std::fs::read(&path).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        if text.contains(CANARY) || text.contains(&base64_text(CANARY)) {
            found.push(path);
        }
    }
    found
}

/// The first bytes of the value as `data` has them; the rest depends on what follows.
fn base64_text(text: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut coded = String::new();
    for chunk in text.as_bytes().chunks_exact(3) {
        let bits = u32::from(chunk[0]) << 16 | u32::from(chunk[1]) << 8 | u32::from(chunk[2]);
        for shift in [18, 12, 6, 0] {
            coded.push(char::from(ALPHABET[(bits >> shift & 63) as usize]));
        }
    }
    coded
}
