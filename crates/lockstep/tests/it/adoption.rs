//! Objects that were there before: whose fields become ours, and whose stay foreign.
use serde_json::{Value, json};
use xtask::{Scenario, text};

use crate::harness::{ready_condition, scenario};

/// Another writer's way of writing.
#[derive(Clone, Copy, PartialEq)]
enum Writes {
    Apply,
    Update,
}

#[tokio::test(flavor = "multi_thread")]
async fn what_kubectl_and_helm_made_is_adopted_so_that_removed_fields_do_go() {
    let Some(stage) = scenario("adoption").await else { return };
    let origins = [
        ("ssa", "kubectl", Writes::Apply),
        ("csa", "kubectl-client-side-apply", Writes::Update),
        ("helm", "helm", Writes::Update),
        ("before", "before-first-apply", Writes::Update),
    ];
    let mut files = Vec::new();
    for (name, manager, how) in origins {
        make(&stage, name, manager, how).await;
        // Git has all but `lost`, which goes with the adoption; `later` goes with the next commit.
        files.push((format!("app/{name}.yaml"), manifest(name, "keep: \"1\", later: \"1\"")));
    }
    let uids = uids(&stage, &origins.map(|(name, ..)| name)).await;
    let sha = push(&stage, &files);
    stage.application("shop", json!({})).await;
    stage.ready("shop", &sha).await;
    for (name, manager, _) in origins {
        assert_eq!(data(&stage, name).await, json!({"keep": "1", "later": "1"}), "of {manager}");
    }
    let files: Vec<_> =
        files.iter().map(|(path, text)| (path.clone(), text.replace(", later: \"1\"", ""))).collect();
    let sha = push(&stage, &files);
    stage.ready("shop", &sha).await;
    for (name, manager, _) in origins {
        assert_eq!(data(&stage, name).await, json!({"keep": "1"}), "of {manager}");
    }
    let labels: Vec<Value> = labels(&stage, &origins.map(|(name, ..)| name)).await;
    assert!(
        labels.iter().all(|labels| labels.get("made-by").is_none()),
        "a label that Git does not name: {labels:?}"
    );
    assert_eq!(self::uids(&stage, &origins.map(|(name, ..)| name)).await, uids);
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_of_other_managers_stay_foreign() {
    let Some(stage) = scenario("adoption-foreign").await else { return };
    let origins = [
        ("edit", "kubectl-edit", Writes::Update),
        ("patch", "kubectl-patch", Writes::Update),
        ("near", "kubectl-create", Writes::Update),
        ("robot", "robot", Writes::Apply),
    ];
    let mut files = Vec::new();
    for (name, manager, how) in origins {
        make(&stage, name, manager, how).await;
        files.push((format!("app/{name}.yaml"), manifest(name, "keep: \"2\"")));
    }
    let sha = push(&stage, &files);
    stage.application("shop", json!({})).await;
    stage.ready("shop", &sha).await;
    let files: Vec<_> = files.iter().map(|(path, text)| (path.clone(), text.replace('2', "3"))).collect();
    let sha = push(&stage, &files);
    stage.ready("shop", &sha).await;
    for (name, manager, _) in origins {
        assert_eq!(data(&stage, name).await, json!({"keep": "3", "later": "1", "lost": "1"}), "of {manager}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_scaled_before_the_adoption_and_is_named_by_git_is_as_git_says() {
    let Some(stage) = scenario("adoption-scale").await else { return };
    let text = crate::harness::deployment("web", "web", 0, "{}");
    let sha = stage.push(&[("app/web.yaml", &text)]);
    let mut object = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": stage.namespace},
        "spec": {
            "replicas": 0, "minReadySeconds": 3, "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "old"}]}},
        },
    });
    let rest = stage.cluster.rest();
    rest.apply(&object, "kubectl").await.expect("apply");
    object["spec"] = json!({"replicas": 1});
    let scale = format!("{}/scale", stage.path("apps/v1", "Deployment", "web"));
    rest.merge(&scale, &json!({"spec": {"replicas": 1}}), "kubectl").await.expect("scale");
    stage.application("shop", json!({})).await;
    stage.ready("shop", &sha).await;
    let live = stage.find("apps/v1", "Deployment", "web").await.expect("live");
    assert_eq!(
        (&live["spec"]["replicas"], &live["spec"]["template"]["spec"]["containers"][0]["image"]),
        (&json!(0), &json!("i"))
    );
    assert_eq!(live["spec"].get("minReadySeconds"), None, "kubectl's field that Git does not have");
    let shop = stage.get("shop").await;
    assert_eq!(ready_condition(&shop).1, "Ready");
}

/// Makes a ConfigMap with three values and a label, all of them of one manager.
async fn make(stage: &Scenario, name: &str, manager: &str, how: Writes) {
    let metadata = json!({"name": name, "namespace": stage.namespace, "labels": {"made-by": manager}});
    let data = json!({"keep": "1", "later": "1", "lost": "1"});
    let whole = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data});
    let rest = stage.cluster.rest();
    if how == Writes::Apply {
        rest.apply(&whole, manager).await.expect("apply");
        return;
    }
    let collection = stage.path("v1", "ConfigMap", "").trim_end_matches('/').to_owned();
    let path = format!("{collection}?fieldManager={manager}");
    let method = "POST".parse().expect("method");
    let live = rest.send(method, &path, Some(("application/json", &whole))).await.expect("create");
    assert_eq!(text(&live, "/metadata/managedFields/0/manager"), manager);
}

fn manifest(name: &str, data: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{{data}}}\n")
}

fn push(stage: &Scenario, files: &[(String, String)]) -> String {
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (&**path, &**text)).collect();
    stage.push(&files)
}

async fn data(stage: &Scenario, name: &str) -> Value {
    stage.find("v1", "ConfigMap", name).await.expect("live")["data"].take()
}

async fn uids(stage: &Scenario, names: &[&str]) -> Vec<String> {
    let mut uids = Vec::new();
    for name in names {
        uids.push(crate::harness::uid(stage, name).await);
    }
    uids
}

async fn labels(stage: &Scenario, names: &[&str]) -> Vec<Value> {
    let mut labels = Vec::new();
    for name in names {
        labels.push(stage.find("v1", "ConfigMap", name).await.expect("live")["metadata"]["labels"].take());
    }
    labels
}
