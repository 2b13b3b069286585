//! What a real server answered to scripts of requests about rights, identity and admission: the same is answered here.
//!
//! The scripts and their recorder are in tests/conformance/apistore/guard.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use lockstep_apistore::{Answer, Answers, Body, Demand, Method, Request, Response, Step, User};
use lockstep_core::{Map, Value, from_json, to_json};

use crate::api::{Api, Reply};

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance/apistore/guard")
}

fn text<'v>(step: &'v Value, key: &str) -> Option<&'v str> {
    step.str_at(&[key])
}

/// Whom a step is to be answered for.
fn impersonated(step: &Value) -> Option<User> {
    let mut words = text(step, "as").unwrap_or_default().split(' ');
    let name = words.next().unwrap_or_default().to_owned();
    let extra = step.get("extra").and_then(Value::as_map).cloned().unwrap_or_default();
    let extra = extra
        .iter()
        .map(|(key, value)| (key.to_string(), vec![value.as_str().unwrap_or_default().to_owned()]))
        .collect::<BTreeMap<_, _>>();
    let uid = text(step, "uid").unwrap_or_default().to_owned();
    let user = User { name, uid, groups: words.map(str::to_owned).collect(), extra };
    (user != User::default()).then_some(user)
}

fn decoded(text: &str) -> String {
    text.replace("%3D", "=").replace("%2C", ",").replace("%20", " ")
}

fn request(step: &Value) -> Request {
    let (method, path) = text(step, "do").unwrap_or_default().split_once(' ').unwrap();
    let method = match method {
        "GET" => Method::Get,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "PATCH" => Method::Patch,
        _ => Method::Delete,
    };
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let user = match text(step, "by") {
        Some("nobody") => User { uid: "9002".into(), ..User::of("nobody", &["", "system:authenticated"]) },
        Some(_) => User::of("system:anonymous", &["system:unauthenticated"]),
        None => User {
            uid: "9001".into(),
            ..User::of("token-admin", &["system:masters", "system:authenticated"])
        },
    };
    let mut request = Request::new(method, path).agent("tester/1.0").by(user);
    request.impersonate = impersonated(step);
    for pair in query.split_terminator('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        request = request.with(name, decoded(value));
    }
    let kind = match text(step, "type") {
        Some("merge") => "application/merge-patch+json",
        Some("json") => "application/json-patch+json",
        Some("strategic") => "application/strategic-merge-patch+json",
        Some("apply") => "application/apply-patch+yaml",
        _ => "application/json",
    };
    match step.get("body") {
        Some(body) => request.body(kind, to_json(body)),
        None => request,
    }
}

/// An answer without what differs from run to run.
fn same(value: &Value) -> Value {
    match value {
        Value::Map(map) => {
            let kept = map.iter().filter(|(key, _)| &***key != "resourceVersion");
            // The real server looks at bindings in no order.
            let sorted = |(key, value): (&Arc<str>, &Value)| match (&**key, same(value)) {
                ("resourceRules" | "nonResourceRules", Value::List(list)) => {
                    let mut list = list.to_vec();
                    list.sort();
                    (key.clone(), Value::list(list))
                }
                (key, value) => (plain(key).into(), value),
            };
            Value::map(kept.map(sorted).collect::<Map>())
        }
        Value::List(list) => Value::list(list.iter().map(same).collect()),
        Value::String(text) => Value::from(plain(text)),
        other => other.clone(),
    }
}

/// A text with `UID` and `TIME` for those in it.
fn plain(text: &str) -> String {
    let like = |at: usize, shape: &str| {
        let bytes = text.as_bytes();
        shape.bytes().enumerate().all(|(index, kind)| match (bytes.get(at + index), kind) {
            (Some(byte), b'h') => byte.is_ascii_digit() || (b'a'..=b'f').contains(byte),
            (Some(byte), b'd') => byte.is_ascii_digit(),
            (Some(byte), kind) => *byte == kind,
            (None, _) => false,
        })
    };
    const UID: &str = "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh";
    const TIME: &str = "dddd-dd-ddTdd:dd:ddZ";
    const VOLUME: &str = "kube-api-access-";
    let mut out = String::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let (shown, length) = match () {
            () if like(at, UID) => ("UID".to_owned(), UID.len()),
            () if text[at..].starts_with(VOLUME) && text.len() >= at + VOLUME.len() + 5 => {
                (format!("{VOLUME}NAME"), VOLUME.len() + 5)
            }
            () if like(at, TIME) => ("TIME".to_owned(), TIME.len()),
            () => (c.to_string(), c.len_utf8()),
        };
        out.push_str(&shown);
        at += length;
    }
    out
}

/// Puts the ServiceAccount there that a controller makes on a real server.
fn wait(api: &mut Api, path: &str) {
    if api.get(path).code == 404 {
        let (collection, name) = path.rsplit_once('/').unwrap();
        api.post(collection, &format!(r#"{{"metadata":{{"name":"{name}"}}}}"#)).ok();
    }
}

/// A token is its claims with a mark before them.
const MARK: &[u8] = b"signed:";

fn answer(demand: &Demand) -> Answer {
    match demand {
        Demand::Sign(claims) => Ok([MARK, claims].concat().into()),
        Demand::Verify(token) => {
            token.strip_prefix(MARK).map(Into::into).ok_or_else(|| "invalid bearer token".to_owned())
        }
        Demand::Webhook(call) => Err(format!("Post {:?}: no such host", call.url)),
    }
}

/// Sends a request, with what it demands.
fn send(api: &mut Api, request: &Request) -> Reply {
    let mut answers = Answers::new();
    loop {
        match api.store.handle(request, &answers, api.now) {
            Step::Done(Response { code, warnings, body }) => {
                let body = match body {
                    Body::Text(text) => Value::from(String::from_utf8(text.to_vec()).unwrap()),
                    body => from_json(&body.json().unwrap()).unwrap(),
                };
                return Reply { code, body, warnings };
            }
            Step::Need(demands) => {
                for demand in demands {
                    let answer = answer(&demand);
                    answers.insert(demand, answer);
                }
            }
        }
    }
}

/// What differs in one script, by the number of the step.
fn differences(name: &str) -> Vec<(usize, String)> {
    let lines = std::fs::read_to_string(directory().join(format!("recorded/{name}.jsonl"))).unwrap();
    let mut api = Api::new();
    let mut found = Vec::new();
    for (index, line) in lines.lines().enumerate() {
        let step = from_json(line.as_bytes()).unwrap();
        if let Some(path) = text(&step, "wait") {
            wait(&mut api, path);
            continue;
        }
        let reply = send(&mut api, &request(&step));
        let mut differ = |what: &str, want: String, got: String| {
            if want != got {
                let asked = text(&step, "do").unwrap_or_default();
                let who = text(&step, "as").unwrap_or_default();
                found.push((index + 1, format!("{asked} {who}\n  {what}\n    want {want}\n    got  {got}")));
            }
        };
        let json = |value: &Value| String::from_utf8(to_json(value)).unwrap();
        differ("code", step.int_at(&["code"]).unwrap().to_string(), reply.code.to_string());
        if step.get("answer").is_some() {
            let answer = step.get("answer").cloned().unwrap();
            let text = |value: &Value| match value {
                Value::String(text) => text.to_string(),
                value => json(&same(value)),
            };
            differ("answer", text(&answer), text(&reply.body));
            let warnings = reply.warnings.iter().map(|text| Value::from(format!("{:?}", text))).collect();
            differ("warnings", json(step.get("warnings").unwrap()), json(&same(&Value::list(warnings))));
        }
    }
    found
}

/// The steps that differ for a reason: `script:step`, and the reason.
fn exclusions() -> BTreeMap<(String, usize), String> {
    let text = std::fs::read_to_string(directory().join("exclusions.tsv")).unwrap_or_default();
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('\t'))
        .filter_map(|(step, why)| step.split_once(':').map(|(name, index)| (name, index, why)))
        .map(|(name, index, why)| ((name.to_owned(), index.parse().unwrap()), why.to_owned()))
        .collect()
}

#[test]
fn scripts_are_answered_as_by_the_real_server() {
    let mut names: Vec<String> = std::fs::read_dir(directory().join("recorded"))
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert!(!names.is_empty());
    let excluded = exclusions();
    let mut used = BTreeSet::new();
    let mut failures = Vec::new();
    for name in &names {
        for (index, difference) in differences(name) {
            let step = (name.clone(), index);
            match excluded.contains_key(&step) {
                true => _ = used.insert(step),
                false => failures.push(format!("{name}:{index}: {difference}")),
            }
        }
    }
    assert!(failures.is_empty(), "{} differences\n{}", failures.len(), failures.join("\n"));
    let unused: Vec<_> = excluded.keys().filter(|step| !used.contains(*step)).collect();
    assert!(unused.is_empty(), "excluded, but equal: {unused:?}");
}
