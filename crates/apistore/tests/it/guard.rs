//! What a real server answered to scripts of requests about rights, identity and admission: the same is answered here.
//!
//! The scripts and their recorder are in tests/conformance/apistore/guard.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use lockstep_apistore::{
    Answer, Answers, Body, Demand, Handled, Method, Request, Response, User, WebhookCall,
};
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

/// The webhooks of a script: what they answer, by path, and what they were asked.
#[derive(Default)]
struct Hooks {
    answers: Value,
    asked: Vec<Value>,
}

const ADDRESS: &str = "https://webhook.example.org";
const BUNDLE: &str = "QlVORExF";

impl Hooks {
    fn answer(&mut self, call: &WebhookCall) -> Answer {
        let path = call.url.strip_prefix(ADDRESS).unwrap();
        let review = from_json(&call.body).unwrap();
        let uid = review.str_at(&["request", "uid"]).unwrap().to_owned();
        let mut asked = Value::default();
        asked.set(&["path"], path.into());
        asked.set(&["review"], review);
        self.asked.push(asked);
        let said = self.answers.get(path.split('?').next().unwrap()).cloned().unwrap();
        if said.get("response").is_some() || said.get("kind").is_some() {
            return Ok(to_json(&said).into());
        }
        let mut response = said;
        if let Some(patch) = response.get("patch").filter(|patch| patch.as_list().is_some()) {
            let patch = base64(&to_json(patch));
            response.set(&["patch"], patch.into());
            response.set(&["patchType"], "JSONPatch".into());
        }
        response.set(&["uid"], uid.into());
        let mut review = Value::default();
        review.set(&["kind"], "AdmissionReview".into());
        review.set(&["apiVersion"], "admission.k8s.io/v1".into());
        review.set(&["response"], response);
        Ok(to_json(&review).into())
    }

    /// What they were asked, in the order of their paths.
    fn take(&mut self) -> Value {
        let mut asked = std::mem::take(&mut self.asked);
        asked.sort_by(|a, b| a.str_at(&["path"]).cmp(&b.str_at(&["path"])));
        Value::list(asked)
    }
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let encoded = bytes.chunks(3).flat_map(|chunk| {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        let letter = move |index: usize| char::from(LETTERS[(bits >> (18 - 6 * index) & 63) as usize]);
        (0..4).map(move |index| if index <= chunk.len() { letter(index) } else { '=' }).collect::<Vec<_>>()
    });
    encoded.collect()
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
    let mut request = Request::system(method, path).agent("tester/1.0").by(user);
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
        Some(body) => {
            let text = String::from_utf8(to_json(body)).unwrap();
            request.body(kind, text.replace("WEBHOOK", ADDRESS).replace("BUNDLE", BUNDLE).into_bytes())
        }
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
                ("token", _) => (key.clone(), "TOKEN".into()),
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
    let text = &text.replace(ADDRESS, "WEBHOOK").replace(BUNDLE, "BUNDLE");
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

fn answer(demand: &Demand, hooks: &mut Hooks) -> Answer {
    match demand {
        Demand::Sign(claims) => Ok([MARK, claims].concat().into()),
        Demand::Verify(token) => {
            token.strip_prefix(MARK).map(Into::into).ok_or_else(|| "invalid bearer token".to_owned())
        }
        Demand::Webhook(call) => hooks.answer(call),
    }
}

/// Sends a request, with what it demands.
fn send(api: &mut Api, request: &Request, hooks: &mut Hooks) -> Reply {
    let mut answers = Answers::new();
    loop {
        match api.store.handle(request, &answers, api.now) {
            Handled::Done(Response { code, warnings, body }) => {
                let body = match body {
                    Body::Text(text) => Value::from(String::from_utf8(text.to_vec()).unwrap()),
                    body => from_json(&body.json().unwrap()).unwrap(),
                };
                return Reply { code, body, warnings };
            }
            Handled::Need(pending) => {
                for demand in pending.demands {
                    let answer = answer(&demand, hooks);
                    answers.add(pending.begun, [(demand, answer)]);
                }
            }
        }
    }
}

/// What differs in one script, by the number of the step.
fn differences(name: &str) -> Vec<(usize, String)> {
    let lines = std::fs::read_to_string(directory().join(format!("recorded/{name}.jsonl"))).unwrap();
    let mut api = Api::new();
    let mut hooks = Hooks::default();
    let mut found = Vec::new();
    for (index, line) in lines.lines().enumerate() {
        let step = from_json(line.as_bytes()).unwrap();
        if let Some(path) = text(&step, "wait") {
            wait(&mut api, path);
            continue;
        }
        if let Some(answers) = step.get("webhooks") {
            hooks.answers = answers.clone();
            continue;
        }
        let reply = send(&mut api, &request(&step), &mut hooks);
        let asked = hooks.take();
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
            if let Some(want) = step.get("asked") {
                differ("asked", json(want), json(&same(&asked)));
            }
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
