//! The scripts in `tests/conformance/differential`, sent to the embedded API in process: the answers that `cargo xtask
//! differential --record` wrote down, but for what the exclusions there name. Format, names and comparison are the tool's own.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use lockstep_apistore::{Answers, Body, Demand, Method, Request, Response, User, WatchEvent};
use serde_json::{Value, json};

use crate::api::{Api, request};

#[allow(dead_code)] // the tool uses all of it
#[path = "../../../../xtask/src/differential/compare.rs"]
mod compare;
#[path = "../../../../xtask/src/differential/normal.rs"]
pub(crate) mod normal;
#[allow(dead_code)] // the tool uses all of it
#[path = "../../../../xtask/src/differential/script.rs"]
mod script;

use compare::Exclusions;
use normal::Names;
use script::{ANSWER, Script, Step, resolve};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance/differential")
}

/// What is not in this crate: tables, and paths that are no resources.
const ELSEWHERE: [&str; 3] = ["paths-discovery", "paths-unknown", "paths-methods"];

fn is_here(script: &Script) -> bool {
    !ELSEWHERE.contains(&&*script.name) && !script.steps.iter().any(|step| step.contains_key("accept"))
}

fn to_send(step: &Step) -> Request {
    let text = |key: &str| step.get(key).and_then(Value::as_str).unwrap_or_default();
    let method = match text("method") {
        "GET" => Method::Get,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "PATCH" => Method::Patch,
        _ => Method::Delete,
    };
    let mut request = request(method, &format!("{}?{}", text("path"), text("query")));
    let body = match (step.get("body"), step.get("body_base64").and_then(Value::as_str)) {
        (_, Some(bytes)) => Some(base64::engine::general_purpose::STANDARD.decode(bytes).unwrap()),
        (None | Some(Value::Null), _) => None,
        (Some(Value::String(body)), _) => Some(body.clone().into_bytes()),
        (Some(body), _) => Some(serde_json::to_vec(body).unwrap()),
    };
    if let Some(body) = body {
        let kind =
            step.get("content_type").map_or("application/json", |kind| kind.as_str().unwrap_or_default());
        request = request.body(kind, body);
    }
    match text("user") {
        "" => request,
        user => request.by(User::of(user, &["system:authenticated"])),
    }
}

fn answer(api: &mut Api, body: Body) -> Value {
    let object = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap();
    match body {
        Body::Watch(mut watch) => {
            let events = api.store.poll(&mut watch, api.now).unwrap_or_default();
            let event =
                |event: &WatchEvent| json!({"type": event.kind.as_str(), "object": object(&event.object)});
            let wanted = |event: &Value| {
                event["type"] != "BOOKMARK" || event.pointer("/object/metadata/annotations").is_some()
            };
            events.iter().map(event).filter(wanted).collect()
        }
        Body::Text(text) => String::from_utf8(text.to_vec()).unwrap().into(),
        body => object(&body.json().unwrap()),
    }
}

/// Sends a request. Tokens are signed with a mark, and no other is valid.
fn send(api: &mut Api, request: &Request) -> Response {
    api.now += std::time::Duration::from_millis(10);
    let mut answers = Answers::new();
    loop {
        match api.store.handle(request, &answers, api.now) {
            lockstep_apistore::Handled::Done(response) => return response,
            lockstep_apistore::Handled::Need(pending) => {
                let answer = |demand: &Demand| match demand {
                    Demand::Sign(claims) => Ok([b"ey".as_slice(), claims].concat().into()),
                    _ => Err("invalid bearer token".to_owned()),
                };
                let answered = pending.demands.into_iter().map(|demand| (demand.clone(), answer(&demand)));
                answers.add(pending.begun, answered);
            }
        }
    }
}

fn play(script: &Script) -> Vec<Step> {
    let namespace = format!("d-{}-0000", script.name);
    let mut api = Api::new();
    api.post("/api/v1/namespaces", &format!(r#"{{"metadata":{{"name":"{namespace}"}}}}"#));
    api.account(&namespace);
    let (mut names, mut answers, mut played) = (Names::new(&namespace), Vec::new(), Vec::new());
    for step in &script.steps {
        let mut step = step.clone();
        ANSWER.iter().for_each(|key| drop(step.remove(*key)));
        let request = resolve(&Value::Object(step.clone()), &namespace, &answers);
        let response = send(&mut api, &to_send(request.as_object().unwrap()));
        let got = answer(&mut api, response.body);
        step.insert("code".into(), response.code.into());
        step.insert("answer".into(), names.normal(&got, ""));
        if !response.warnings.is_empty() {
            let warnings: Vec<String> = response.warnings.iter().map(|text| names.text(text)).collect();
            step.insert("warnings".into(), warnings.into());
        }
        answers.push(got);
        played.push(step);
    }
    played
}

#[test]
fn scripts_are_answered_as_by_the_real_server() {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    paths.sort();
    let scripts: Vec<Script> = paths.iter().flat_map(|path| Script::read(path).unwrap()).collect();
    assert!(scripts.len() >= 400, "{} scripts", scripts.len());
    let exclusions = Exclusions::read(&folder().join("exclusions.tsv")).unwrap();
    let here: Vec<&Script> = scripts.iter().filter(|script| is_here(script)).collect();
    let told: Vec<String> = here
        .iter()
        .flat_map(|script| exclusions.differences(&script.name, &script.steps, &play(script)))
        .collect();
    let scripts: BTreeSet<&str> = told.iter().filter_map(|line| line.split(':').next()).collect();
    assert!(told.is_empty(), "{} of {} scripts differ\n{}", scripts.len(), here.len(), told.join("\n"));
}
