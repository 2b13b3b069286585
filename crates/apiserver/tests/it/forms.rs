//! In which forms objects come and go.

use lockstep_core::Value;

use crate::discovery::define;
use crate::harness::serve;

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
const METADATA: &str = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,application/json";
const METADATA_LIST: &str =
    "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json";

fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value.get(key).and_then(Value::as_list).unwrap_or_default()
}

#[tokio::test]
async fn objects_and_lists_come_as_tables() {
    let served = serve().await;
    for name in ["a", "b"] {
        served.put_config_map(name).await;
    }
    let table = served.ask("GET", MAPS).header("accept", TABLE).send().await.json();
    assert_eq!(table.str_at(&["kind"]), Some("Table"));
    let names: Vec<_> =
        list(&table, "columnDefinitions").iter().filter_map(|column| column.str_at(&["name"])).collect();
    assert_eq!(names, ["Name", "Data", "Age"]);
    let cells = list(&list(&table, "rows")[1], "cells");
    assert_eq!(cells[..2], [Value::from("b"), Value::Int(0)]);
    let one =
        served.ask("GET", format!("{MAPS}/a?includeObject=None")).header("accept", TABLE).send().await.json();
    let row = &list(&one, "rows")[0];
    assert_eq!((list(row, "cells")[0].as_str(), row.get("object")), (Some("a"), Some(&Value::Null)));
    // A refusal is a Status in every form.
    let none = served.ask("GET", format!("{MAPS}/none")).header("accept", TABLE).send().await;
    assert_eq!(none.refused(404, "NotFound"), "configmaps \"none\" not found");
}

#[tokio::test]
async fn custom_resources_come_as_their_definition_prints_them() {
    let served = serve().await;
    define(&served).await;
    let tabs = "/apis/example.com/v1/namespaces/default/tabs";
    let tab =
        r#"{"apiVersion":"example.com/v1","kind":"Tab","metadata":{"name":"t"},"spec":{"colour":"red"}}"#;
    assert_eq!(served.ask("POST", tabs).body("application/json", tab).send().await.code, 201);
    let table = served.ask("GET", tabs).header("accept", TABLE).send().await.json();
    assert_eq!(list(&list(&table, "rows")[0], "cells"), ["t".into(), "red".into()]);
}

#[tokio::test]
async fn metadata_comes_alone() {
    let served = serve().await;
    served.put_config_map("a").await;
    let one = served.ask("GET", format!("{MAPS}/a")).header("accept", METADATA).send().await.json();
    assert_eq!(one.str_at(&["kind"]), Some("PartialObjectMetadata"));
    assert_eq!((one.str_at(&["metadata", "name"]), one.get("data")), (Some("a"), None));
    let all = served.ask("GET", MAPS).header("accept", METADATA_LIST).send().await.json();
    assert_eq!(all.str_at(&["kind"]), Some("PartialObjectMetadataList"));
    assert_eq!(list(&all, "items")[0].str_at(&["kind"]), Some("PartialObjectMetadata"));
}

#[tokio::test]
async fn yaml_and_line_breaks_are_there_for_people() {
    let served = serve().await;
    let yaml = "metadata:\n  name: a\ndata:\n  k: \"1\"\n";
    let made = served
        .ask("POST", MAPS)
        .header("accept", "application/yaml")
        .body("application/yaml", yaml)
        .send()
        .await;
    assert_eq!((made.code, made.header("content-type")), (201, Some("application/yaml")));
    assert!(made.body.starts_with("apiVersion: v1\ndata:\n  k: \"1\"\nkind: ConfigMap\n"), "{}", made.body);
    let path = format!("{MAPS}/a");
    assert!(!served.get(&path).await.body.contains('\n'));
    assert!(
        served
            .get(&format!("{path}?pretty=true"))
            .await
            .body
            .contains("\n  \"data\": {\n    \"k\": \"1\"\n  }")
    );
    let curl = served.ask("GET", path).header("user-agent", "curl/8").send().await;
    assert!(curl.body.starts_with("{\n"));
}

#[tokio::test]
async fn what_cannot_be_is_refused_in_the_words_of_a_real_server() {
    let served = serve().await;
    let path = "/api/v1/namespaces/default/nothings";
    assert_eq!(served.get(path).await.code, 404);
    for path in ["/apis/none.example.com/v1/things", "/apis/none.example.com", "/nothing", "//api/v1"] {
        let none = served.get(path).await;
        assert_eq!((none.code, &*none.body), (404, "404 page not found\n"), "{path}");
    }
    let none = served.get("/apis/apps/v9").await;
    none.refused(404, "NotFound");
    assert_eq!(none.json().get("details"), Some(&Value::map(lockstep_core::Map::new())));
    assert_eq!(served.ask("HEAD", MAPS).send().await.code, 405);
    let untyped = r#"{"metadata":{"name":"untyped"}}"#;
    assert_eq!(served.ask("POST", MAPS).body("", untyped).send().await.code, 201);
    served.ask("PUT", MAPS).body("application/json", "{}").send().await.refused(405, "MethodNotAllowed");
    let accept =
        served.ask("GET", MAPS).header("accept", "text/html").send().await.refused(406, "NotAcceptable");
    assert!(
        accept.starts_with(
            "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml"
        ),
        "{accept}"
    );
    let watch =
        served.ask("GET", format!("{MAPS}?watch=1")).header("accept", "application/yaml").send().await;
    assert_eq!(watch.code, 406);
    let told = "only the following media types are accepted: application/json;stream=watch";
    assert!(watch.body.contains(told), "{}", watch.body);
    let csv =
        served.ask("POST", MAPS).body("text/csv", "a,b").send().await.refused(415, "UnsupportedMediaType");
    assert!(
        csv.starts_with("the body of the request was in an unknown format - accepted media types include:"),
        "{csv}"
    );
    let broken = served.ask("POST", MAPS).body("application/json", "{").send().await;
    broken.refused(400, "BadRequest");
    let large = vec![b' '; 3 * 1024 * 1024 + 1];
    let large = served.ask("POST", MAPS).body("application/json", large).send().await;
    assert!(large.refused(413, "RequestEntityTooLarge").contains("limit is 3145728"));
}

#[tokio::test]
async fn a_form_that_the_answer_cannot_have_is_refused() {
    let served = serve().await;
    served.put_config_map("a").await;
    define(&served).await;
    let meta = |form: &str| format!("application/json;as={form};v=v1;g=meta.k8s.io");
    let refused = async |path: &str, accept: String| {
        served.ask("GET", path).header("accept", &accept).send().await.refused(406, "NotAcceptable")
    };
    let one = format!("{MAPS}/a");
    let tabs = "/apis/example.com/v1/namespaces/default/tabs";
    assert_eq!(
        refused(MAPS, meta("PartialObjectMetadata")).await,
        "you requested PartialObjectMetadata, but the requested object is a list (*core.ConfigMapList)"
    );
    assert_eq!(
        refused(tabs, meta("PartialObjectMetadata")).await,
        "you requested PartialObjectMetadata, but the requested object is a list (*unstructured.UnstructuredList)"
    );
    assert_eq!(
        refused(&one, meta("PartialObjectMetadataList")).await,
        "you requested PartialObjectMetadataList, but the requested object is not a list (*core.ConfigMap)"
    );
    assert!(
        refused(&one, meta("Foo"))
            .await
            .starts_with("only the following media types are accepted: application/json")
    );
    assert!(refused(&one, "application/*".to_owned()).await.starts_with("406: Not Acceptable"));
    assert_eq!(served.ask("GET", tabs).header("accept", "application/*").send().await.code, 200);
    // What is not there is not there in every form.
    let none = served.ask("GET", format!("{MAPS}/none")).header("accept", &meta("PartialObjectMetadataList"));
    none.send().await.refused(404, "NotFound");
    let table = served.ask("GET", format!("{one}?includeObject=x")).header("accept", TABLE).send().await;
    assert_eq!(
        table.refused(400, "BadRequest"),
        "Unable to convert to Table as requested: includeObject: Invalid value: \"x\": must be 'Metadata', 'Object', 'None', or empty"
    );
    let beta = TABLE.replace("v=v1;", "v=v1beta1;");
    let table = served.ask("GET", one).header("accept", &beta).send().await.json();
    assert_eq!(table.str_at(&["apiVersion"]), Some("meta.k8s.io/v1beta1"));
    assert_eq!(list(&table, "rows")[0].str_at(&["object", "apiVersion"]), Some("meta.k8s.io/v1beta1"));
}

#[tokio::test]
async fn every_answered_request_counts_once() {
    let served = serve().await;
    served.get(MAPS).await;
    served.get(MAPS).await;
    served.ask("GET", format!("{MAPS}/none")).send().await;
    let text = served.get("/metrics").await.body;
    let count = |labels: &str| {
        text.lines().find(|line| line.contains(labels)).and_then(|line| line.rsplit(' ').next())
    };
    assert_eq!(
        count("code=\"200\",component=\"apiserver\",dry_run=\"\",group=\"\",resource=\"configmaps\""),
        Some("2")
    );
    assert_eq!(
        count("code=\"404\",component=\"apiserver\",dry_run=\"\",group=\"\",resource=\"configmaps\""),
        Some("1")
    );
}

#[tokio::test]
async fn tables_of_scales_and_of_what_has_an_order() {
    let served = serve().await;
    let path = "/apis/apps/v1/namespaces/default/deployments";
    let body = r#"{"metadata":{"name":"web"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},
        "spec":{"containers":[{"name":"c","image":"i"}]}}}}"#;
    let made = served.ask("POST", path).body("application/json", body).send().await;
    assert_eq!(made.code, 201, "{}", made.body);
    let scale = served.ask("GET", format!("{path}/web/scale")).header("accept", TABLE).send().await.json();
    let names: Vec<_> =
        list(&scale, "columnDefinitions").iter().filter_map(|column| column.str_at(&["name"])).collect();
    assert_eq!(names, ["Name", "Desired", "Available", "Age"]);
    let path = "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas";
    let schemas = served.ask("GET", path).header("accept", TABLE).send().await.json();
    let orders: Vec<i64> = list(&schemas, "rows")
        .iter()
        .filter_map(|row| row.get("cells").and_then(Value::as_list)?.get(2)?.as_int())
        .collect();
    assert!(orders.len() > 1 && orders.is_sorted(), "{orders:?}");
}

#[tokio::test]
async fn documents_in_no_accepted_form_are_refused() {
    let served = serve().await;
    let check = async |path: &str, accept: &str, code: u16| {
        let answer = served.ask("GET", path).header("accept", accept).send().await;
        assert_eq!(answer.code, code, "{path} {accept}");
        answer.header("content-type").unwrap_or_default().to_owned()
    };
    check("/openapi/v2", "text/plain", 406).await;
    check("/openapi/v3/api/v1", "text/plain", 406).await;
    assert_eq!(check("/openapi/v3", "application/yaml", 200).await, "application/json");
    let beta = "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList";
    check("/apis", beta, 406).await;
    assert_eq!(check("/apis", &format!("{beta},application/json"), 200).await, "application/json");
}
