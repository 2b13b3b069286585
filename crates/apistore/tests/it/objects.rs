//! Creating, reading, changing and deleting objects.

use lockstep_core::Value;

use crate::api::Api;

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

fn map(name: &str, data: &str) -> String {
    format!(r#"{{"kind":"ConfigMap","apiVersion":"v1","metadata":{{"name":"{name}"}},"data":{{{data}}}}}"#)
}

#[test]
fn an_object_lives() {
    let mut api = Api::new();
    let made = api.post(MAPS, &map("a", r#""x":"1""#)).ok();
    assert_eq!(made.code, 201);
    assert_eq!(made.text(&["metadata", "namespace"]), "default");
    assert_eq!(made.text(&["metadata", "creationTimestamp"]), "2023-11-14T22:13:20Z");
    let path = format!("{MAPS}/a");
    assert_eq!(api.get(&path).ok().body, made.body);
    let changed = api.put(&path, &map("a", r#""x":"2""#)).ok();
    assert_ne!(changed.version(), made.version());
    assert_eq!(api.put(&path, &map("a", r#""x":"2""#)).ok().version(), changed.version(), "nothing changes");
    let gone = api.delete(&path).ok();
    assert_eq!(gone.text(&["status"]), "Success");
    assert_eq!(api.get(&path).code, 404);
}

#[test]
fn applies_own_what_they_set() {
    let mut api = Api::new();
    let path = format!("{MAPS}/a");
    let made = api.apply(&path, "x", &map("a", r#""k":"1","l":"1""#)).ok();
    assert_eq!(made.code, 201);
    let again = api.apply(&path, "x", &map("a", r#""k":"1","l":"1""#)).ok();
    assert_eq!((again.code, again.version()), (200, made.version()));
    let conflict = api.apply(&path, "y", &map("a", r#""k":"2""#));
    assert_eq!(
        (conflict.code, conflict.message()),
        (409, "Apply failed with 1 conflict: conflict with \"x\": .data.k")
    );
    let forced = api.apply(&format!("{path}?force=true"), "y", &map("a", r#""k":"2""#)).ok();
    assert_eq!((forced.text(&["data", "k"]), forced.text(&["data", "l"])), ("2", "1"));
    let fewer = api.apply(&path, "x", &map("a", "")).ok();
    assert_eq!((fewer.text(&["data", "k"]), fewer.text(&["data", "l"])), ("2", ""));
}

#[test]
fn watches_tell_what_happens() {
    let mut api = Api::new();
    api.post(MAPS, &map("a", "")).ok();
    let mut watch = api.watch(MAPS);
    assert_eq!(api.poll(&mut watch).unwrap(), ["ADDED a"]);
    assert!(api.poll(&mut watch).unwrap().is_empty());
    api.post(MAPS, &map("b", "")).ok();
    api.put(&format!("{MAPS}/a"), &map("a", r#""x":"1""#)).ok();
    api.delete(&format!("{MAPS}/b")).ok();
    assert_eq!(api.poll(&mut watch).unwrap(), ["ADDED b", "MODIFIED a", "DELETED b"]);
}

#[test]
fn lists_come_in_parts_of_one_version() {
    let mut api = Api::new();
    for name in ["a", "b", "c"] {
        api.post(MAPS, &map(name, "")).ok();
    }
    let first = api.get(&format!("{MAPS}?limit=2")).ok();
    assert_eq!(first.names(), ["a", "b"]);
    assert_eq!(first.body.int_at(&["metadata", "remainingItemCount"]), Some(1));
    api.delete(&format!("{MAPS}/c")).ok();
    api.post(MAPS, &map("d", "")).ok();
    let token = first.text(&["metadata", "continue"]);
    let any = api.get(&format!("{MAPS}?limit=1&resourceVersion=0")).ok().body;
    assert!(
        any.get("items").and_then(Value::as_list).unwrap().len() > 1,
        "what may be of any version is not paged"
    );
    let watch = api.get(&format!("{MAPS}?watch=1&limit=1&continue=x"));
    assert_eq!((watch.code, watch.body.str_at(&["reason"])), (422, Some("Invalid")));
    let rest = api.get(&format!("{MAPS}?limit=2&continue={token}")).ok();
    assert_eq!(rest.names(), ["c"]);
    assert_eq!(rest.version(), first.version());
    assert_eq!(api.get(MAPS).ok().names(), ["a", "b", "d"]);
}

#[test]
fn bodies_have_a_limit() {
    let mut api = Api::new();
    let large = api.post(MAPS, &map("a", &format!(r#""x":"{}""#, "x".repeat(3 << 20))));
    assert_eq!((large.code, large.message()), (413, "Request entity too large: limit is 3145728"));
    let long = api.post(MAPS, &map("long", &format!(r#""x":"{}""#, "x".repeat((1 << 20) + 1)))).body;
    let causes = long.at(&["details", "causes"]).and_then(Value::as_list).unwrap();
    assert_eq!(causes[0].str_at(&["field"]), Some("[]"));
    // What is stored has another limit, which a dry run does not come to.
    let pod = |size: usize| {
        let image = "i".repeat(size);
        format!(
            r#"{{"metadata":{{"name":"p"}},"spec":{{"containers":[{{"name":"a","image":"i","args":["{image}"]}}]}}}}"#
        )
    };
    let pods = "/api/v1/namespaces/default/pods";
    let large = api.post(pods, &pod(1_600_000));
    assert_eq!((large.code, large.message()), (500, "etcdserver: request is too large"));
    let larger = api.post(pods, &pod(2_300_000));
    assert!(larger.message().ends_with(" vs. 2097152)"), "{}", larger.message());
    assert_eq!(api.post(&format!("{pods}?dryRun=All"), &pod(1_600_000)).code, 201);
}

#[test]
fn a_service_has_its_addresses_as_objects() {
    let mut api = Api::new();
    let path = "/api/v1/namespaces/default/services";
    let made = api.post(path, r#"{"metadata":{"name":"s"},"spec":{"ports":[{"port":80}]}}"#).ok();
    let address = format!("/apis/networking.k8s.io/v1/ipaddresses/{}", made.text(&["spec", "clusterIP"]));
    let parent = api.get(&address).ok();
    assert_eq!(parent.text(&["spec", "parentRef", "name"]), "s");
    assert_eq!(parent.text(&["metadata", "labels", "ipaddress.kubernetes.io/ip-family"]), "IPv4");
    api.patch(
        &format!("{path}/s"),
        "merge",
        r#"{"spec":{"type":"ExternalName","externalName":"a.b","clusterIP":null,"clusterIPs":null}}"#,
    )
    .ok();
    assert_eq!(api.get(&address).code, 404, "an external name has no address");
    assert!(api.get(&format!("{path}/s")).ok().body.at(&["spec", "internalTrafficPolicy"]).is_none());
}

#[test]
fn the_server_says_who_asks_and_when() {
    let mut api = Api::new();
    let now = lockstep_core::Timestamp(api.now.as_secs() as i64).to_string();
    let volume = r#"{"metadata":{"name":"v"},"spec":{"capacity":{"storage":"1Gi"},"accessModes":["ReadWriteOnce"],"hostPath":{"path":"/x"}}}"#;
    let volume = api.post("/api/v1/persistentvolumes", volume).ok();
    assert_eq!(volume.text(&["status", "lastPhaseTransitionTime"]), now);
    let pod = r#"{"metadata":{"name":"p"},"spec":{"schedulingGates":[{"name":"a.b/c"}],"containers":[{"name":"a","image":"i"}]}}"#;
    let pod = api.post("/api/v1/namespaces/default/pods", pod).ok();
    let conditions = pod.body.at(&["status", "conditions"]).and_then(Value::as_list).unwrap();
    assert_eq!(conditions[0].str_at(&["lastTransitionTime"]), Some(&*now));
    let request = r#"{"metadata":{"name":"r"},"spec":{"signerName":"a.b/c","usages":["client auth"],"request":"LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KLS0tLS1FTkQgQ0VSVElGSUNBVEUgUkVRVUVTVC0tLS0tCg==","username":"liar"}}"#;
    let request = api.post("/apis/certificates.k8s.io/v1/certificatesigningrequests", request);
    assert_ne!(request.text(&["spec", "username"]), "liar", "{}", request.message());
}

#[test]
fn a_list_that_is_empty_is_owned_and_written_as_none() {
    let mut api = Api::new();
    let path = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles";
    let role = api.post(path, r#"{"metadata":{"name":"r"},"rules":[]}"#).ok();
    assert_eq!(role.body.at(&["rules"]), Some(&Value::Null));
    let owners = role.body.at(&["metadata", "managedFields"]).and_then(Value::as_list).unwrap();
    assert!(owners[0].at(&["fieldsV1", "f:rules"]).is_some());
}

#[test]
fn whole_numbers_of_yaml_are_whole() {
    let mut api = Api::new();
    let deployment = "kind: Deployment\napiVersion: apps/v1\nmetadata: {name: d}\nspec:\n  replicas: 2.0\n  minReadySeconds: 1e1\n  selector: {matchLabels: {a: b}}\n  template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: b}]}}\n";
    let request =
        crate::api::request(lockstep_apistore::Method::Post, "/apis/apps/v1/namespaces/default/deployments");
    let made = api.send(&request.body("application/yaml", deployment.as_bytes())).ok();
    assert_eq!(made.body.int_at(&["spec", "replicas"]), Some(2));
    assert_eq!(made.body.int_at(&["spec", "minReadySeconds"]), Some(10));
}

#[test]
fn namespaces_go_once_they_are_said_to_be_empty() {
    let mut api = Api::new();
    let path = "/api/v1/namespaces/n";
    api.post("/api/v1/namespaces", r#"{"metadata":{"name":"n"}}"#).ok();
    let wrong = api.send(
        &crate::api::request(lockstep_apistore::Method::Delete, path)
            .body("application/json", br#"{"preconditions":{"uid":"x"}}"#.as_slice()),
    );
    assert!(wrong.message().contains("Precondition failed: UID in precondition: x"), "{}", wrong.message());
    let going = api.delete(path).ok();
    assert_eq!(going.text(&["status", "phase"]), "Terminating");
    assert_eq!(api.delete(path).ok().version(), going.version(), "it is going already");
    let done = r#"{"metadata":{"name":"n"},"spec":{"finalizers":[]}}"#;
    api.put(&format!("{path}/finalize"), done).ok();
    assert_eq!(api.get(path).code, 404);
}

#[test]
fn no_uid_comes_twice() {
    let mut api = Api::new();
    let mut seen = std::collections::BTreeSet::new();
    for index in 0..50 {
        let made = api.post(MAPS, &map(&format!("m{index}"), "")).ok();
        assert!(seen.insert(made.text(&["metadata", "uid"]).to_owned()), "{index}");
        api.get(MAPS).ok();
        api.delete(&format!("{MAPS}/m{index}")).ok();
    }
}

#[test]
fn a_set_with_claims_changes_in_what_may_change() {
    let mut api = Api::new();
    let sets = "/apis/apps/v1/namespaces/default/statefulsets";
    let set = r#"{"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"name":"a"},"spec":{"serviceName":"a",
        "selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[
        {"name":"c","image":"i:1"}]}},"volumeClaimTemplates":[{"metadata":{"name":"data"},"spec":{
        "accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}}}}]}}"#;
    let made = api.post(sets, set).ok();
    let claims = made.body.at(&["spec", "volumeClaimTemplates"]).and_then(Value::as_list).unwrap();
    assert_eq!(
        claims[0].str_at(&["kind"]),
        Some("PersistentVolumeClaim"),
        "storage loses it, reading gives it back"
    );
    let path = format!("{sets}/a");
    api.patch(&path, "merge", r#"{"metadata":{"labels":{"x":"y"}}}"#).ok();
    assert_eq!(api.patch(&path, "merge", r#"{"spec":{"volumeClaimTemplates":[]}}"#).code, 422);
}

#[test]
fn a_request_for_a_certificate_is_approved() {
    const REQUESTS: &str = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
    let mut api = Api::new();
    let made = r#"{"metadata":{"name":"r"},"spec":{"request":"QQ==","signerName":"example.com/signer","usages":["client auth"]}}"#;
    api.post(REQUESTS, made).ok();
    let path = format!("{REQUESTS}/r");
    let approve = |api: &mut Api, path: &str| {
        let mut request = api.get(&format!("{REQUESTS}/r")).ok().body;
        let condition = r#"[{"type":"Approved","status":"True","reason":"KubectlApprove"}]"#;
        request.set(&["status", "conditions"], lockstep_core::from_json(condition.as_bytes()).unwrap());
        request.set(&["status", "certificate"], "QQ==".into());
        api.put(path, std::str::from_utf8(&lockstep_core::to_json(&request)).unwrap())
    };
    let refused = approve(&mut api, &format!("{path}/status"));
    assert!(refused.message().ends_with("updates may not add a condition of type \"Approved\""));
    approve(&mut api, &format!("{path}/approval")).ok();
    let approved = api.get(&path).ok();
    let conditions = approved.body.at(&["status", "conditions"]).and_then(Value::as_list).unwrap();
    assert_eq!(conditions[0].str_at(&["lastUpdateTime"]), Some("2023-11-14T22:13:20Z"));
    assert_eq!(approved.text(&["status", "certificate"]), "", "the endpoint sets conditions alone");
}

#[test]
fn a_patch_may_say_a_version_that_is_no_longer_served() {
    let mut api = Api::new();
    let path = "/apis/apps/v1/namespaces/default/deployments";
    let deployment = r#"{"metadata":{"name":"d"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"a","image":"i"}]}}}}"#;
    let made = api.post(path, deployment).ok();
    let check = |api: &mut Api, version: &str, code: u16| {
        let patch = format!(r#"{{"apiVersion":"{version}"}}"#);
        let patched = api.patch(&format!("{path}/d"), "merge", &patch);
        assert_eq!(patched.code, code, "{version}: {}", patched.message());
        if code == 200 {
            assert_eq!(patched.body, made.body, "{version}");
        }
    };
    check(&mut api, "apps/v1beta1", 200);
    check(&mut api, "apps/v1beta2", 200);
    check(&mut api, "apps/v2", 422);
}
