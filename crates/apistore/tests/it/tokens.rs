//! Tokens of ServiceAccounts from their making to their end.

use std::time::Duration;

use lockstep_apistore::{Answers, Body, Demand, Handled, Method, Request};
use lockstep_core::{Value, from_json};

use crate::api::{Api, request};

const ACCOUNTS: &str = "/api/v1/namespaces/default/serviceaccounts";

/// A key that marks what it signs.
const MARK: &[u8] = b"signed:";

fn send(api: &mut Api, request: &Request) -> (u16, Value) {
    let mut answers = Answers::new();
    loop {
        match api.store.handle(request, &answers, api.now) {
            Handled::Done(response) => {
                let Body::Object(json) = response.body else { panic!("an object is answered") };
                return (response.code, from_json(&json).unwrap());
            }
            Handled::Need(pending) => {
                for demand in pending.demands {
                    let answer = match &demand {
                        Demand::Sign(claims) => Ok([MARK, claims].concat().into()),
                        Demand::Verify(token) => {
                            token.strip_prefix(MARK).map(Into::into).ok_or_else(|| "no".to_owned())
                        }
                        Demand::Webhook(_) => panic!("there are no webhooks"),
                    };
                    answers.add(pending.begun, [(demand, answer)]);
                }
            }
        }
    }
}

fn post(path: &str, body: &str) -> Request {
    request(Method::Post, path).body("application/json", body.as_bytes())
}

fn cluster() -> Api {
    let mut api = Api::new();
    api.post(ACCOUNTS, r#"{"metadata":{"name":"robot"}}"#).ok();
    api
}

fn token(api: &mut Api, spec: &str) -> String {
    let (code, made) = send(api, &post(&format!("{ACCOUNTS}/robot/token"), &format!(r#"{{"spec":{spec}}}"#)));
    assert_eq!(code, 201, "{made:?}");
    made.str_at(&["status", "token"]).unwrap().to_owned()
}

fn review(api: &mut Api, token: &str, audiences: &str) -> Value {
    let mut body = from_json(format!(r#"{{"spec":{{"audiences":{audiences}}}}}"#).as_bytes()).unwrap();
    body.set(&["spec", "token"], token.into());
    let body = lockstep_core::to_json(&body);
    let path = "/apis/authentication.k8s.io/v1/tokenreviews";
    let (code, review) = send(api, &request(Method::Post, path).body("application/json", body));
    assert_eq!(code, 201);
    review.get("status").cloned().unwrap()
}

#[track_caller]
fn refused(status: &Value, why: &str) {
    assert_eq!(status.get("authenticated"), None, "{status:?}");
    assert_eq!(status.str_at(&["error"]), Some(why));
}

#[test]
fn a_token_is_its_account_until_it_expires() {
    let mut api = cluster();
    let token = token(&mut api, r#"{"expirationSeconds":600}"#);
    let status = review(&mut api, &token, "[]");
    assert_eq!(status.get("authenticated"), Some(&true.into()));
    assert_eq!(status.str_at(&["user", "username"]), Some("system:serviceaccount:default:robot"));
    let groups = status.at(&["user", "groups"]).and_then(Value::as_list).unwrap();
    assert_eq!(groups[1].as_str(), Some("system:serviceaccounts:default"));
    api.now += Duration::from_secs(599);
    assert!(review(&mut api, &token, "[]").get("authenticated").is_some());
    api.now += Duration::from_secs(62);
    refused(&review(&mut api, &token, "[]"), "[invalid bearer token, service account token has expired]");
}

#[test]
fn a_token_goes_with_its_account_and_what_it_is_bound_to() {
    let mut api = cluster();
    api.post("/api/v1/namespaces/default/secrets", r#"{"metadata":{"name":"s"}}"#).ok();
    let free = token(&mut api, "{}");
    let bound = token(&mut api, r#"{"boundObjectRef":{"kind":"Secret","apiVersion":"v1","name":"s"}}"#);
    assert!(review(&mut api, &bound, "[]").get("authenticated").is_some());
    api.delete("/api/v1/namespaces/default/secrets/s").ok();
    let gone = "[invalid bearer token, service account token has been invalidated]";
    refused(&review(&mut api, &bound, "[]"), gone);
    api.delete(&format!("{ACCOUNTS}/robot")).ok();
    refused(&review(&mut api, &free, "[]"), "[invalid bearer token, serviceaccounts \"robot\" not found]");
    api.post(ACCOUNTS, r#"{"metadata":{"name":"robot"}}"#).ok();
    let status = review(&mut api, &free, "[]");
    let why = status.str_at(&["error"]).unwrap();
    assert!(
        why.starts_with("[invalid bearer token, service account UID ("),
        "another account of the name: {why}"
    );
}

#[test]
fn a_token_is_for_its_audience_only() {
    let mut api = cluster();
    let token = token(&mut api, r#"{"audiences":["vault"]}"#);
    let status = review(&mut api, &token, r#"["vault","x"]"#);
    assert_eq!(status.get("audiences").and_then(Value::as_list).map(<[Value]>::len), Some(1));
    let why = "[invalid bearer token, token audiences [\"vault\"] is invalid for the target audiences [\"https://kubernetes.default.svc\"]]";
    refused(&review(&mut api, &token, "[]"), why);
    refused(&review(&mut api, "forged", "[]"), "invalid bearer token");
}
