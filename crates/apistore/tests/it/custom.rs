//! Custom resources: served at once, converted by webhook, gone with their definition.

use lockstep_apistore::Method;
use lockstep_core::{Value, from_json, to_json};

use crate::api::{Api, request};

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

fn definition(conversion: &str, finalizers: &str) -> String {
    format!(
        r#"{{"metadata":{{"name":"foos.example.com"{finalizers}}},"spec":{{"group":"example.com","scope":"Namespaced","names":{{"plural":"foos","kind":"Foo"}},"conversion":{conversion},"versions":[
        {{"name":"v1","served":true,"storage":true,"schema":{{"openAPIV3Schema":{{"type":"object","properties":{{"spec":{{"type":"object","properties":{{"a":{{"type":"integer"}}}}}}}}}}}}}},
        {{"name":"v2","served":true,"storage":false,"schema":{{"openAPIV3Schema":{{"type":"object","properties":{{"spec":{{"type":"object","properties":{{"b":{{"type":"integer"}}}}}}}}}}}}}}]}}}}"#
    )
}

fn foo(version: &str, spec: &str) -> String {
    format!(
        r#"{{"kind":"Foo","apiVersion":"example.com/{version}","metadata":{{"name":"x"}},"spec":{spec}}}"#
    )
}

fn foos(version: &str) -> String {
    format!("/apis/example.com/{version}/namespaces/default/foos")
}

#[test]
fn a_definition_is_served_at_once_and_goes_with_its_objects() {
    let mut api = Api::new();
    api.post(DEFINITIONS, &definition(r#"{"strategy":"None"}"#, "")).ok();
    let resources = api.store.resources();
    assert!(resources.iter().any(|resource| resource.plural == "foos" && resource.version == "v2"));
    api.post(&foos("v1"), &foo("v1", r#"{"a":1,"z":1}"#)).ok();
    assert_eq!(api.get(&format!("{}/x", foos("v1"))).ok().body.int_at(&["spec", "a"]), Some(1));
    let mut watch = api.watch(&foos("v1"));
    api.poll(&mut watch).unwrap();
    api.delete(&format!("{DEFINITIONS}/foos.example.com")).ok();
    assert_eq!(api.poll(&mut watch).unwrap(), ["DELETED x"]);
    assert_eq!(api.get(&format!("{DEFINITIONS}/foos.example.com")).code, 404);
    assert_eq!(api.get(&foos("v1")).code, 404);
}

#[test]
fn an_object_with_a_finalizer_holds_its_definition() {
    let mut api = Api::new();
    api.post(DEFINITIONS, &definition(r#"{"strategy":"None"}"#, "")).ok();
    let held = r#"{"kind":"Foo","apiVersion":"example.com/v1","metadata":{"name":"x","finalizers":["example.com/f"]}}"#;
    api.post(&foos("v1"), held).ok();
    api.delete(&format!("{DEFINITIONS}/foos.example.com")).ok();
    assert_eq!(api.get(&format!("{DEFINITIONS}/foos.example.com")).code, 200);
    let refused =
        api.post(&foos("v1"), r#"{"kind":"Foo","apiVersion":"example.com/v1","metadata":{"name":"y"}}"#);
    assert_eq!(
        (refused.code, refused.message()),
        (
            403,
            "foos.example.com \"y\" is forbidden: create not allowed while custom resource definition is terminating"
        )
    );
    api.patch(&format!("{}/x", foos("v1")), "merge", r#"{"metadata":{"finalizers":null}}"#).ok();
    assert_eq!(api.get(&format!("{DEFINITIONS}/foos.example.com")).code, 404);
}

/// Two versions of which only the first speaks of its fields, and is the one that is stored while `{first}` is true.
fn settings(first: bool) -> String {
    let second = !first;
    format!(
        r#"{{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{{"name":"foos.example.com"}},"spec":{{"group":"example.com","scope":"Namespaced","names":{{"plural":"foos","singular":"foo","kind":"Foo","listKind":"FooList"}},"versions":[
        {{"name":"v1","served":true,"storage":{first},"selectableFields":[{{"jsonPath":".spec.color"}}],"schema":{{"openAPIV3Schema":{{"type":"object","properties":{{"spec":{{"type":"object","properties":{{
            "color":{{"type":"string","default":"red"}},
            "t":{{"type":"object","x-kubernetes-embedded-resource":true,"x-kubernetes-preserve-unknown-fields":true}}}}}}}}}}}}}},
        {{"name":"v2","served":true,"storage":{second},"schema":{{"openAPIV3Schema":{{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}}}}]}}}}"#
    )
}

fn text(value: Option<&Value>) -> String {
    value.map(|value| String::from_utf8(to_json(value)).unwrap()).unwrap_or_default()
}

#[test]
fn the_version_that_is_stored_says_what_an_object_is() {
    let mut api = Api::new();
    api.post(DEFINITIONS, &settings(true)).ok();
    let sent = r#"{"zz":1,"t":{"apiVersion":"v1","kind":"X","metadata":{"name":"q","foo":1,"creationTimestamp":null},"any":1}}"#;
    let kept = r#"{"color":"red","t":{"any":1,"apiVersion":"v1","kind":"X","metadata":{"name":"q"}}}"#;
    let made = api.post(&foos("v2"), &foo("v2", sent)).ok().body;
    assert_eq!(text(made.get("spec")), kept, "the writer is told what was stored");
    for version in ["v1", "v2"] {
        let found = api.get(&format!("{}/x", foos(version))).ok().body;
        assert_eq!(found.str_at(&["apiVersion"]), Some(&*format!("example.com/{version}")));
        assert_eq!(text(found.get("spec")), kept, "{version}");
    }
    let all = |api: &mut Api, color: &str| {
        let request = request(Method::Get, &foos("v1")).with("fieldSelector", format!("spec.color={color}"));
        api.send(&request).ok().body.get("items").and_then(Value::as_list).map(<[Value]>::len)
    };
    assert_eq!((all(&mut api, "red"), all(&mut api, "blue")), (Some(1), Some(0)));
    // What was stored in another version than it is now is shown in that of the request.
    let version = api.get(&format!("{DEFINITIONS}/foos.example.com")).ok().body;
    let version = version.str_at(&["metadata", "resourceVersion"]).unwrap().to_owned();
    let moved = settings(false).replace(
        r#"{"name":"foos.example.com"}"#,
        &format!(r#"{{"name":"foos.example.com","resourceVersion":"{version}"}}"#),
    );
    api.put(&format!("{DEFINITIONS}/foos.example.com"), &moved).ok();
    let found = api.get(&format!("{}/x", foos("v2"))).ok().body;
    assert_eq!(found.str_at(&["apiVersion"]), Some("example.com/v2"));
    assert_eq!(text(found.get("spec")), kept);
    let mut watch = api.watch(&foos("v2"));
    assert_eq!(api.poll(&mut watch).unwrap(), ["ADDED x"]);
    api.delete(&format!("{}/x", foos("v2"))).ok();
    let made = api.post(&foos("v2"), &foo("v2", r#"{"zz":1}"#)).ok().body;
    assert_eq!(text(made.get("spec")), r#"{"zz":1}"#);
    assert_eq!(text(api.get(&format!("{}/x", foos("v1"))).ok().body.get("spec")), "{}");
}

#[test]
fn metadata_of_embedded_objects_is_that_of_all_objects() {
    let mut api = Api::new();
    api.post(DEFINITIONS, &settings(true)).ok();
    let spec =
        |metadata: &str| format!(r#"{{"t":{{"apiVersion":"v1","kind":"X","metadata":{metadata}}},"zz":1}}"#);
    let strict = |body: &str| {
        request(Method::Post, &foos("v1"))
            .with("fieldValidation", "Strict")
            .body("application/json", body.as_bytes())
    };
    let refused = api.send(&strict(&foo("v1", &spec(r#"{"name":"q","foo":1}"#))));
    assert_eq!(
        (refused.code, refused.message()),
        (
            400,
            r#"Foo in version "v1" cannot be handled as a Foo: strict decoding error: unknown field "spec.zz", unknown field "spec.t.metadata.foo""#
        )
    );
    let refused = api.post(&foos("v1"), &foo("v1", &spec(r#"{"labels":{"a":1}}"#)));
    assert_eq!(
        (refused.code, refused.message()),
        (
            400,
            r#"Foo in version "v1" cannot be handled as a Foo: spec.t.metadata: Invalid value: {"labels":{"a":1}}: json: cannot unmarshal number into Go struct field ObjectMeta.labels of type string"#
        )
    );
    let made = api.post(&foos("v1"), &foo("v1", &spec(r#"{"name":"q","foo":1}"#))).ok().body;
    let managed = made.at(&["metadata", "managedFields"]).and_then(Value::as_list).map(<[Value]>::len);
    assert_eq!(managed, Some(1));
    let applied = foo("v1", r#"{"color":"red"}"#);
    api.apply(&format!("{}/x", foos("v1")), "m", &applied).ok();
}

/// Moves `a` to `b` and back.
fn converted(body: &[u8]) -> Vec<u8> {
    let review = from_json(body).unwrap();
    let version = review.str_at(&["request", "desiredAPIVersion"]).unwrap();
    let (from, to) = if version.ends_with("v2") { ("a", "b") } else { ("b", "a") };
    let convert = |object: &Value| {
        let mut object = object.clone();
        object.set(&["apiVersion"], version.into());
        if let Some(value) = object.remove(&["spec", from]) {
            object.set(&["spec", to], value);
        }
        object
    };
    let objects = review.at(&["request", "objects"]).unwrap().as_list().unwrap();
    let mut answer = Value::default();
    answer.set(&["response", "uid"], review.str_at(&["request", "uid"]).unwrap().into());
    answer.set(&["response", "result", "status"], "Success".into());
    answer.set(&["response", "convertedObjects"], Value::list(objects.iter().map(convert).collect()));
    to_json(&answer)
}

#[test]
fn webhooks_convert_as_often_as_they_are_needed() {
    let mut api = Api::new();
    let webhook = r#"{"strategy":"Webhook","webhook":{"conversionReviewVersions":["v1"],"clientConfig":{"service":{"namespace":"hooks","name":"convert","path":"/c"}}}}"#;
    api.post(DEFINITIONS, &definition(webhook, "")).ok();
    api.post(&foos("v1"), &foo("v1", r#"{"a":1}"#)).ok();
    let path = format!("{}/x?fieldManager=m&force=true", foos("v2"));
    let patch = request(Method::Patch, &path)
        .body("application/apply-patch+yaml", foo("v2", r#"{"b":2}"#).into_bytes());
    let mut asked = 0;
    let (shown, _) = api.send_answered(&patch, |call| {
        assert_eq!(call.url, "https://convert.hooks.svc:443/c");
        asked += 1;
        converted(&call.body)
    });
    assert!(asked >= 2, "from the stored version and back: {asked}");
    assert_eq!((shown.code, shown.body.int_at(&["spec", "b"])), (200, Some(2)), "{shown:?}");
    assert_eq!(api.get(&format!("{}/x", foos("v1"))).ok().body.int_at(&["spec", "a"]), Some(2));
}

#[test]
fn a_name_that_is_taken_is_not_accepted() {
    let mut api = Api::new();
    api.post(DEFINITIONS, &definition(r#"{"strategy":"None"}"#, "")).ok();
    let other = definition(r#"{"strategy":"None"}"#, "").replace("foos", "bars");
    api.post(DEFINITIONS, &other).ok();
    let status = api.get(&format!("{DEFINITIONS}/bars.example.com")).ok();
    let conditions = status.body.at(&["status", "conditions"]).unwrap().as_list().unwrap();
    assert_eq!(conditions[0].str_at(&["reason"]), Some("ListKindConflict"));
    assert_eq!(conditions[0].str_at(&["message"]), Some("\"FooList\" is already in use"));
    assert_eq!(conditions[1].str_at(&["status"]), Some("False"));
    assert_eq!(api.get("/apis/example.com/v1/bars").code, 404);
    api.delete(&format!("{DEFINITIONS}/foos.example.com")).ok();
    assert_eq!(api.get("/apis/example.com/v1/bars").code, 200, "the name is free");
}

#[test]
fn many_definitions_are_no_burden() {
    let mut api = Api::new();
    for index in 0..150 {
        let definition = definition(r#"{"strategy":"None"}"#, "").replace("foos", &format!("foo{index}s"));
        api.post(DEFINITIONS, &definition.replace("\"Foo\"", &format!("\"Foo{index}\""))).ok();
    }
    let list = api.get(DEFINITIONS).ok();
    let items = list.body.get("items").unwrap().as_list().unwrap();
    let is_established = |item: &&Value| {
        let conditions = item.at(&["status", "conditions"]).unwrap().as_list().unwrap();
        conditions.iter().all(|condition| condition.str_at(&["status"]) == Some("True"))
    };
    assert_eq!(items.iter().filter(is_established).count(), 150);
}

#[test]
fn a_finalizer_without_a_domain_is_warned_of() {
    let mut api = Api::new();
    api.post(DEFINITIONS, &definition(r#"{"strategy":"None"}"#, "")).ok();
    let held = r#"{"kind":"Foo","apiVersion":"example.com/v1","metadata":{"name":"x","finalizers":["f"]}}"#;
    let made = api.post(&foos("v1"), held).ok();
    let warning = "metadata.finalizers: \"f\": prefer a domain-qualified finalizer name to avoid accidental conflicts with other finalizer writers";
    assert_eq!(made.warnings, [warning]);
}
