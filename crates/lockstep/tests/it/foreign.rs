//! What others write to live objects: taken back where it is Git's, left alone where it is theirs.
use serde_json::{Value, json};
use xtask::text;

use crate::harness::witness::{Object, SHOP, deployed, looked_at, meddle, told, until_written, workload};
use crate::harness::{config_map, heal, uid, value};

const CONFIG: Object<'_> = ("v1", "ConfigMap", "settings");
const SERVICE: Object<'_> = ("v1", "Service", "web");
const WORKLOAD: Object<'_> = ("apps/v1", "Deployment", "web");

const SETTINGS: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, labels: {sentinel: here, team: shop}}\n\
     data: {colour: blue, size: small}\n";
const WEB: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: web, labels: {sentinel: here}}\n\
     spec: {selector: {app: web}, ports: [{name: http, port: 80}, {name: admin, port: 81}]}\n";
const ENVIRONMENT: &str = "env: [{name: LEVEL, value: info}, {name: MODE, value: fast}], ";

/// After the foreign write, what is at the pointer becomes again what it was, at the cost of one write.
async fn healed(name: &str, object: Object<'_>, patch: Value, pointer: &str) {
    let web = workload("web", "", ENVIRONMENT);
    let files = [("app/settings.yaml", SETTINGS), ("app/service.yaml", WEB), ("app/web.yaml", &web)];
    let Some(stage) = deployed(name, &files, json!({})).await else { return };
    let (api_version, kind, of) = object;
    let before = stage.find(api_version, kind, of).await.expect("live");
    let wanted = before.pointer(pointer).cloned();
    assert!(wanted.is_some(), "{pointer} of {before:#}");

    let after = meddle(&stage, object, patch).await;
    assert_ne!(after.pointer(pointer), wanted.as_ref(), "the write hit something else");
    let live = stage.until(object, |found| found.pointer(pointer) == wanted.as_ref()).await;
    assert_eq!(text(&live, "/metadata/uid"), text(&before, "/metadata/uid"));
    // The next foreign write to that kind is answered, so that there is nothing left to say about this one.
    looked_at(&stage, object).await;
    // The first made it, and there is one for each foreign one.
    until_written(&stage, &format!("{}s", kind.to_lowercase()), of, 3).await;
    assert!(stage.controller.log().contains("Healed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_value_is_healed() {
    healed("foreign-value", CONFIG, json!({"data": {"colour": "red"}}), "/data/colour").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_entry_is_healed() {
    healed("foreign-entry", CONFIG, json!({"data": {"colour": null}}), "/data/colour").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_mapping_is_healed() {
    healed("foreign-mapping", CONFIG, json!({"data": null}), "/data").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_label_is_healed() {
    healed("foreign-label", CONFIG, json!({"metadata": {"labels": {"team": null}}}), "/metadata/labels/team")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_item_of_a_list_is_healed() {
    healed(
        "foreign-item",
        SERVICE,
        json!({"spec": {"ports": [{"name": "http", "port": 80}]}}),
        "/spec/ports/1/port",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_image_is_healed() {
    let containers = json!([{"name": "main", "image": "example.com/other:2",
        "env": [{"name": "LEVEL", "value": "info"}, {"name": "MODE", "value": "fast"}]}]);
    let patch = json!({"spec": {"template": {"spec": {"containers": containers}}}});
    healed("foreign-image", WORKLOAD, patch, "/spec/template/spec/containers/0/image").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_environment_variable_is_healed() {
    let containers =
        json!([{"name": "main", "image": "example.com/web:1", "env": [{"name": "LEVEL", "value": "info"}]}]);
    let patch = json!({"spec": {"template": {"spec": {"containers": containers}}}});
    healed("foreign-env", WORKLOAD, patch, "/spec/template/spec/containers/0/env/1/value").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_object_comes_back() {
    let Some(stage) = deployed("foreign-delete", &[("app/a.yaml", &config_map("a", "1"))], json!({})).await
    else {
        return;
    };
    let before = uid(&stage, "a").await;
    stage.cluster.rest().delete(&stage.path("v1", "ConfigMap", "a")).await.expect("delete");
    let live = stage.until(("v1", "ConfigMap", "a"), |live| text(live, "/data/value") == "1").await;
    assert_ne!(text(&live, "/metadata/uid"), before);
    // It is an object like any other again.
    heal(&stage, "a", "1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_add_stays_and_is_named() {
    let files = [("app/settings.yaml", SETTINGS), ("app/sentinel.yaml", &config_map("sentinel", "1"))];
    let Some(stage) = deployed("foreign-extra", &files, json!({})).await else { return };
    meddle(
        &stage,
        CONFIG,
        json!({"data": {"flavour": "sweet"}, "metadata": {"annotations": {"seen": "yes"}}}),
    )
    .await;
    heal(&stage, "sentinel", "1").await;
    // A change in Git of the very object takes nothing away either.
    let changed = SETTINGS.replace("blue", "red");
    let sha = stage.push(&[("app/settings.yaml", &changed)]);
    stage.ready(SHOP, &sha).await;
    let live = stage.find("v1", "ConfigMap", "settings").await.expect("live");
    assert_eq!(live["data"], json!({"colour": "red", "size": "small", "flavour": "sweet"}));
    assert_eq!(live["metadata"]["annotations"]["seen"], "yes");
    until_written(&stage, "configmaps", "settings", 2).await;
    let why = told(&stage, &["why", SHOP, "cm/settings"]);
    assert!(why.contains("in sync"), "{why}");
    let extra = why.lines().find(|line| line.trim_start().starts_with("extra ")).unwrap_or_default();
    let named = [".data.flavour", ".metadata.annotations.seen", "(by intruder)"];
    assert!(named.iter().all(|part| extra.contains(part)), "{why}");
    assert_eq!(value(&stage, "sentinel").await, "1");
}
