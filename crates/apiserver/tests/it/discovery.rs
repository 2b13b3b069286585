//! What is served, and its schemas.

use lockstep_core::Value;

use crate::harness::{Served, serve};

const DEFINITION: &str = r#"{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",
    "metadata":{"name":"tabs.example.com"},"spec":{"group":"example.com","scope":"Namespaced",
    "names":{"plural":"tabs","singular":"tab","kind":"Tab","shortNames":["tb"]},
    "versions":[{"name":"v1","served":true,"storage":true,"subresources":{"status":{}},
    "additionalPrinterColumns":[{"name":"Colour","type":"string","jsonPath":".spec.colour"}],
    "schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":{"type":"object","properties":
    {"colour":{"type":"string","description":"What it looks like."}}}}}}}]}}"#;

const DEFINITION_VERSION: &str =
    r#"{"name":"NAME","served":true,"storage":false,"schema":{"openAPIV3Schema":{"type":"object"}}}"#;

pub(crate) async fn define(served: &Served) {
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let made = served.ask("POST", path).body("application/json", DEFINITION).send().await;
    assert_eq!(made.code, 201, "{}", made.body);
}

fn items<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value.get(key).and_then(Value::as_list).unwrap_or_default()
}

#[tokio::test]
async fn both_forms_of_discovery_tell_of_new_kinds_at_once() {
    let served = serve().await;
    assert_eq!(served.get("/apis/example.com").await.code, 404);
    define(&served).await;
    let list = served.get("/apis/example.com/v1").await.json();
    let names: Vec<_> =
        items(&list, "resources").iter().filter_map(|entry| entry.str_at(&["name"])).collect();
    assert_eq!(names, ["tabs", "tabs/status"]);
    let accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
    let whole = served.ask("GET", "/apis").header("accept", accept).send().await;
    assert!(whole.header("content-type").unwrap().contains("as=APIGroupDiscoveryList"), "{}", whole.head);
    let whole = whole.json();
    let group = items(&whole, "items")
        .iter()
        .find(|group| group.str_at(&["metadata", "name"]) == Some("example.com"));
    let resource = &items(&items(group.unwrap(), "versions")[0], "resources")[0];
    assert_eq!(resource.str_at(&["singularResource"]), Some("tab"));
    assert_eq!(served.get("/api").await.json().str_at(&["kind"]), Some("APIVersions"));
    let groups = served.get("/apis").await.json();
    assert_eq!(items(&groups, "groups").len(), items(&whole, "items").len());
    assert_eq!(served.get("/version").await.json().str_at(&["major"]), Some("1"));
}

#[tokio::test]
async fn the_newest_version_of_a_group_is_preferred() {
    let served = serve().await;
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let further = |name: &str| DEFINITION_VERSION.replace("NAME", name);
    let versions = ["v10", "v1beta1", "v2"].map(further).join(",");
    let definition = DEFINITION.replace("\"versions\":[", &format!("\"versions\":[{versions},"));
    let made = served.ask("POST", path).body("application/json", definition).send().await;
    assert_eq!(made.code, 201, "{}", made.body);
    let group = served.get("/apis/example.com").await.json();
    let names: Vec<_> =
        items(&group, "versions").iter().filter_map(|entry| entry.str_at(&["version"])).collect();
    assert_eq!(names, ["v10", "v2", "v1", "v1beta1"]);
    assert_eq!(group.str_at(&["preferredVersion", "version"]), Some("v10"));
    let accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
    let table = served.ask("GET", format!("{path}?includeObject=None")).header("accept", accept).send().await;
    let table = table.json();
    let cells = items(&items(&table, "rows")[0], "cells");
    assert_eq!(cells.len(), items(&table, "columnDefinitions").len());
    assert_eq!(
        cells[..3],
        ["tabs.example.com".into(), "Namespaced".into(), "v10,v1beta1,v2,v1(storage)".into()]
    );
    assert_eq!(cells[4..], ["example.com".into(), "Tab".into(), "tb".into(), Value::Bool(true)]);
}

#[tokio::test]
async fn health_is_told_check_by_check() {
    let served = serve().await;
    assert_eq!(served.get("/livez").await.body, "ok");
    let told = served.get("/readyz?verbose").await.body;
    assert!(told.starts_with("[+]ping ok\n") && told.ends_with("\nreadyz check passed\n"), "{told}");
    assert_eq!(served.get("/livez/nothing").await.code, 404);
}

#[tokio::test]
async fn schemas_tell_of_built_in_and_custom_kinds() {
    let served = serve().await;
    define(&served).await;
    let index = served.get("/openapi/v3").await.json();
    let url = |path: &str| index.str_at(&["paths", path, "serverRelativeURL"]).unwrap_or_default().to_owned();
    let custom = served.get(&url("apis/example.com/v1")).await.json();
    let colour =
        ["components", "schemas", "com.example.v1.Tab", "properties", "spec", "properties", "colour"];
    assert_eq!(
        custom.at(&colour).and_then(|schema| schema.str_at(&["description"])),
        Some("What it looks like.")
    );
    let apps = served.get(&url("apis/apps/v1")).await.json();
    assert!(apps.at(&["components", "schemas", "io.k8s.api.apps.v1.Deployment", "description"]).is_some());
    let v2 = served.get("/openapi/v2").await.json();
    assert!(v2.at(&["definitions", "com.example.v1.Tab"]).is_some());
    let accept = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
    let binary = served.ask("GET", "/openapi/v2").header("accept", accept).send().await;
    assert!(binary.body.starts_with("\n\u{3}2.0"), "{}", binary.head);
    assert_eq!(served.get("/openapi/v3/apis/none/v1").await.code, 404);
}
