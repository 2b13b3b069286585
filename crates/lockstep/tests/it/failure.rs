//! What is wrong in Git or refused by the API server, and what goes on nevertheless.
use serde_json::json;
use xtask::{Scenario, text};

use crate::harness::witness::until_written;
use crate::harness::{config_map, heal, ready_condition, scenario, settled, uid, value};

#[tokio::test(flavor = "multi_thread")]
async fn broken_yaml_keeps_the_last_good_state_and_the_next_good_commit_mends_it() {
    let Some(stage) = scenario("broken").await else { return };
    let sha = stage.push(&[("app/a.yaml", &config_map("a", "1")), ("app/b.yaml", &config_map("b", "1"))]);
    stage.application("shop", json!({})).await;
    stage.ready("shop", &sha).await;

    stage.repo.remove("app/b.yaml");
    let broken = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  value: 'a' b\n  other: c\n";
    stage.push(&[("app/a.yaml", &config_map("a", "2")), ("app/c.yaml", broken)]);
    let message = stage.not_ready("shop", "RenderFailed").await;
    assert!(message.contains("app/c.yaml:5"), "no place in: {message}");
    heal(&stage, "a", "1").await;
    assert_eq!(value(&stage, "b").await, "1");
    assert_eq!(warnings(&stage).await, ["RenderFailed"]);

    let sha = stage.push(&[("app/c.yaml", &config_map("c", "3"))]);
    stage.ready("shop", &sha).await;
    assert_eq!((value(&stage, "a").await, value(&stage, "c").await), ("2".to_owned(), "3".to_owned()));
    stage.until_gone("v1", "ConfigMap", "b").await;
    assert_eq!(warnings(&stage).await, ["RenderFailed"], "what goes well is no event");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_invalid_object_among_good_ones_is_named_and_the_others_are_applied() {
    let Some(stage) = scenario("invalid").await else { return };
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 99999}]}\n";
    stage.push(&[
        ("app/a.yaml", &config_map("a", "1")),
        ("app/web.yaml", service),
        ("app/z.yaml", &config_map("z", "1")),
    ]);
    stage.application("shop", json!({})).await;
    let message = stage.not_ready("shop", "SyncFailed").await;
    assert!(message.contains("Service/web") && message.contains("port"), "{message}");
    assert!(!message.contains("ConfigMap"), "{message}");
    assert_eq!((value(&stage, "a").await, value(&stage, "z").await), ("1".to_owned(), "1".to_owned()));
    let sha = stage.push(&[("app/web.yaml", &service.replace("99999", "80"))]);
    stage.ready("shop", &sha).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_no_schema_knows_is_its_objects_error_only() {
    let Some(stage) = scenario("undeclared").await else { return };
    let odd = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: odd}\ndatum: {value: x}\n";
    let others: Vec<String> = (0..20).map(|index| config_map(&format!("m{index}"), "1")).collect();
    stage.push(&[("app/odd.yaml", odd), ("app/others.yaml", &others.join("---\n"))]);
    stage.application("shop", json!({})).await;
    let message = stage.not_ready("shop", "SyncFailed").await;
    assert!(message.contains("ConfigMap/odd") && message.contains("datum"), "{message}");
    for index in 0..20 {
        assert_eq!(value(&stage, &format!("m{index}")).await, "1");
    }
    let sha = stage.push(&[("app/odd.yaml", &odd.replace("datum", "data"))]);
    stage.ready("shop", &sha).await;
    assert_eq!(value(&stage, "odd").await, "x");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_render_deletes_nothing_unless_that_is_allowed() {
    let Some(stage) = scenario("empty").await else { return };
    let sha = stage.push(&[("app/a.yaml", &config_map("a", "1")), ("app/README.md", "hello\n")]);
    stage.application("shop", json!({})).await;
    stage.ready("shop", &sha).await;
    let before = uid(&stage, "a").await;
    stage.repo.remove("app/a.yaml");
    let sha = stage.push(&[]);
    let message = stage.not_ready("shop", "EmptyRender").await;
    assert!(message.contains("nothing is deleted"), "{message}");
    assert_eq!(uid(&stage, "a").await, before);
    until_written(&stage, "configmaps", "a", 1).await;
    stage.change("shop", json!({"spec": {"sync": {"allowEmpty": true}}})).await;
    stage.until_gone("v1", "ConfigMap", "a").await;
    stage.ready("shop", &sha).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vanished_path_deletes_nothing_even_where_empty_is_allowed() {
    let Some(stage) = scenario("vanished").await else { return };
    let sha = stage.push(&[("app/a.yaml", &config_map("a", "1")), ("README.md", "hello\n")]);
    stage.application("shop", json!({})).await;
    stage.ready("shop", &sha).await;
    let before = uid(&stage, "a").await;
    stage.repo.remove("app");
    stage.push(&[]);
    let message = stage.not_ready("shop", "RenderFailed").await;
    assert!(message.contains("path app does not exist"), "{message}");
    stage.change("shop", json!({"spec": {"sync": {"allowEmpty": true}}})).await;
    let shop = settled(&stage, "shop", "RenderFailed").await;
    assert_eq!(ready_condition(&shop).0, "False");
    assert_eq!(uid(&stage, "a").await, before);
    let sha = stage.push(&[("app/a.yaml", &config_map("a", "2"))]);
    let shop = stage.ready("shop", &sha).await;
    assert_eq!(text(&shop, "/status/sync/state"), "Synced");
    assert_eq!(uid(&stage, "a").await, before);
}

/// The reasons of the Events about the Application `shop`.
async fn warnings(stage: &Scenario) -> Vec<String> {
    let path = format!("/api/v1/namespaces/{}/events", stage.namespace);
    let (events, _) = stage.cluster.rest().list(&path).await.expect("events");
    let about = events.iter().filter(|event| text(event, "/involvedObject/name") == "shop");
    about.map(|event| text(event, "/reason").to_owned()).collect()
}
