//! Admission where no real server can be asked: before its controllers have acted, and after a restart.

use std::collections::BTreeSet;

use lockstep_apistore::{Answers, Handled, Method, Settings, Store};
use lockstep_core::{Value, from_json, to_json};

use crate::api::{Api, request};

const POLICIES: &str = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies";
const BINDINGS: &str = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings";
const MAPS: &str = "/api/v1/namespaces/default/configmaps";

#[test]
fn a_pod_may_come_before_the_account_of_its_namespace() {
    let mut api = Api::new();
    api.post("/api/v1/namespaces", r#"{"metadata":{"name":"new"}}"#).ok();
    let pod = r#"{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i"}]}}"#;
    let made = api.post("/api/v1/namespaces/new/pods", pod).ok();
    assert_eq!(made.text(&["spec", "serviceAccountName"]), "default");
    let volumes = made.body.at(&["spec", "volumes"]).and_then(lockstep_core::Value::as_list).unwrap();
    assert!(volumes[0].str_at(&["name"]).unwrap().starts_with("kube-api-access-"));
}

#[test]
fn rights_and_policies_hold_after_a_restart() {
    let mut api = Api::new();
    let rules =
        r#"[{"operations":["CREATE"],"apiGroups":[""],"apiVersions":["v1"],"resources":["configmaps"]}]"#;
    let policy = format!(
        r#"{{"metadata":{{"name":"p"}},"spec":{{"matchConstraints":{{"resourceRules":{rules}}},"validations":[{{"expression":"false","message":"never"}}]}}}}"#
    );
    api.post(POLICIES, &policy).ok();
    api.post(BINDINGS, r#"{"metadata":{"name":"b"},"spec":{"policyName":"p","validationActions":["Deny"]}}"#)
        .ok();
    let kept = api.store.take_changes();
    let (revision, settings) = (api.store.revision(), Settings { seed: 2, history: 10 });
    api.store = Store::restore(settings, kept, revision, api.now).unwrap();
    let refused = api.post(MAPS, r#"{"metadata":{"name":"m"}}"#);
    assert_eq!(refused.code, 422);
    assert!(refused.message().ends_with("denied request: never"), "{}", refused.message());
    let anonymous = lockstep_apistore::User::of("system:anonymous", &["system:unauthenticated"]);
    let get = |path: &str| {
        lockstep_apistore::Request::system(lockstep_apistore::Method::Get, path).by(anonymous.clone())
    };
    assert!(api.store.refuses(&get("/healthz")).is_none(), "everyone may know whether the server lives");
    let metrics = api.store.refuses(&get("/metrics")).unwrap();
    assert_eq!(metrics.code, 403);
}

#[test]
fn a_scale_is_admitted_as_what_it_is() {
    let mut api = Api::new();
    let deployment = r#"{"metadata":{"name":"d"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"a","image":"i"}]}}}}"#;
    let path = "/apis/apps/v1/namespaces/default/deployments";
    api.post(path, deployment).ok();
    let rules = r#"[{"operations":["UPDATE"],"apiGroups":["apps"],"apiVersions":["v1"],"resources":["deployments/scale"]}]"#;
    let rule = "object.kind == 'Scale' && oldObject.spec.replicas == 1 && object.spec.replicas < 4";
    let policy = format!(
        r#"{{"metadata":{{"name":"p"}},"spec":{{"matchConstraints":{{"resourceRules":{rules}}},"validations":[{{"expression":"{rule}","message":"too many"}}]}}}}"#
    );
    api.post(POLICIES, &policy).ok();
    api.post(BINDINGS, r#"{"metadata":{"name":"b"},"spec":{"policyName":"p","validationActions":["Deny"]}}"#)
        .ok();
    let scale = format!("{path}/d/scale");
    let refused = api.patch(&scale, "merge", r#"{"spec":{"replicas":4}}"#);
    assert!(refused.message().ends_with("denied request: too many"), "{}", refused.message());
    assert_eq!(api.patch(&scale, "merge", r#"{"spec":{"replicas":3}}"#).ok().text(&["kind"]), "Scale");
}

#[test]
fn a_scale_of_nothing_stays_so_under_mutating_policies() {
    const MUTATING: &str = "/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicies";
    const MUTATING_BINDINGS: &str = "/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicybindings";
    let mut api = Api::new();
    let path = "/apis/apps/v1/namespaces/default/deployments";
    let deployment = r#"{"metadata":{"name":"d"},"spec":{"replicas":3,"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"a","image":"i"}]}}}}"#;
    api.post(path, deployment).ok();
    let scale = format!("{path}/d/scale");
    let mut check = |resources: &str, asked: i64, expected: i64| {
        let policy = format!(
            r#"{{"metadata":{{"name":"p"}},"spec":{{"reinvocationPolicy":"Never","matchConstraints":{{"resourceRules":[{{"operations":["UPDATE"],"apiGroups":["","apps"],"apiVersions":["v1"],"resources":["{resources}"]}}]}},"mutations":[{{"patchType":"ApplyConfiguration","applyConfiguration":{{"expression":"Object{{spec: Object.spec{{replicas: 2}}}}"}}}}]}}}}"#
        );
        api.post(MUTATING, &policy).ok();
        api.post(MUTATING_BINDINGS, r#"{"metadata":{"name":"p"},"spec":{"policyName":"p"}}"#).ok();
        api.patch(&scale, "merge", &format!(r#"{{"spec":{{"replicas":{asked}}}}}"#)).ok();
        let replicas = api.get(&format!("{path}/d")).ok().body.int_at(&["spec", "replicas"]);
        assert_eq!(replicas, Some(expected), "{resources}, {asked}");
        api.delete(&format!("{MUTATING}/p")).ok();
        api.delete(&format!("{MUTATING_BINDINGS}/p")).ok();
    };
    check("configmaps", 0, 0);
    check("deployments/scale", 1, 2);
}

/// A webhook for all that is done to ConfigMaps.
fn hook(api: &mut Api, plural: &str, policy: &str) {
    let body = format!(
        r#"{{"metadata":{{"name":"h"}},"webhooks":[{{"name":"h.example.com","failurePolicy":"{policy}","sideEffects":"None","admissionReviewVersions":["v1"],"clientConfig":{{"url":"https://h.example.com"}},"rules":[{{"operations":["*"],"apiGroups":[""],"apiVersions":["v1"],"resources":["configmaps"]}}]}}]}}"#
    );
    api.post(&format!("/apis/admissionregistration.k8s.io/v1/{plural}"), &body).ok();
}

/// What a webhook answers that lets a request pass.
fn allowed(body: &[u8], patch: Option<&str>) -> Vec<u8> {
    let mut review = from_json(body).unwrap();
    let uid = review.str_at(&["request", "uid"]).unwrap().to_owned();
    review.remove(&["request"]);
    review.set(&["response", "uid"], uid.into());
    review.set(&["response", "allowed"], true.into());
    if let Some(patch) = patch {
        review.set(&["response", "patchType"], "JSONPatch".into());
        review.set(&["response", "patch"], patch.into());
    }
    to_json(&review)
}

#[test]
fn a_patch_that_does_not_fit_is_no_failure_that_is_ignored() {
    for policy in ["Fail", "Ignore"] {
        let mut api = Api::new();
        hook(&mut api, "mutatingwebhookconfigurations", policy);
        let create = request(Method::Post, MAPS).body("application/json", *br#"{"metadata":{"name":"m"}}"#);
        // [{"op":"remove","path":"/nope"}]
        let patch = "W3sib3AiOiJyZW1vdmUiLCJwYXRoIjoiL25vcGUifV0=";
        let (refused, _) = api.send_answered(&create, |call| allowed(&call.body, Some(patch)));
        let message = "Internal error occurred: error in remove for path: '/nope': Unable to remove nonexistent key: nope: missing value";
        assert_eq!((refused.code, refused.message()), (500, message), "{policy}");
    }
}

#[test]
fn webhooks_are_asked_about_all_of_a_collection_at_once() {
    let mut api = Api::new();
    for index in 0..100 {
        api.post(MAPS, &format!(r#"{{"metadata":{{"name":"m{index}"}}}}"#)).ok();
    }
    hook(&mut api, "validatingwebhookconfigurations", "Fail");
    let mut uids = BTreeSet::new();
    let (_, rounds) = api.send_answered(&request(Method::Delete, MAPS), |call| {
        let review = from_json(&call.body).unwrap();
        uids.insert(review.str_at(&["request", "uid"]).unwrap().to_owned());
        allowed(&call.body, None)
    });
    assert_eq!((rounds, uids.len()), (1, 100));
    assert_eq!(api.get(MAPS).ok().names().len(), 0);
}

#[test]
fn equal_requests_that_wait_do_not_take_each_others_place() {
    let mut api = Api::new();
    hook(&mut api, "validatingwebhookconfigurations", "Fail");
    let create =
        request(Method::Post, MAPS).body("application/json", *br#"{"metadata":{"generateName":"m-"}}"#);
    let begin = |api: &mut Api| match api.store.handle(&create, &Answers::new(), api.now) {
        Handled::Need(pending) => pending,
        Handled::Done(response) => panic!("{response:?}"),
    };
    let both = [begin(&mut api), begin(&mut api)];
    let finish = |api: &mut Api, pending: lockstep_apistore::Pending| {
        let mut answers = Answers::new();
        answers.add(
            pending.begun,
            pending.demands.into_iter().map(|demand| {
                let lockstep_apistore::Demand::Webhook(call) = &demand else { panic!("{demand:?}") };
                let answer = Ok(allowed(&call.body, None).into());
                (demand, answer)
            }),
        );
        match api.store.handle(&create, &answers, api.now) {
            Handled::Done(response) => assert_eq!(response.code, 201),
            Handled::Need(pending) => panic!("{pending:?}"),
        }
    };
    both.into_iter().for_each(|pending| finish(&mut api, pending));
    let made = api.get(MAPS).ok();
    let items = made.body.get("items").and_then(Value::as_list).unwrap();
    let uids: BTreeSet<_> = items.iter().filter_map(|item| item.str_at(&["metadata", "uid"])).collect();
    assert_eq!(uids.len(), 2);
}
