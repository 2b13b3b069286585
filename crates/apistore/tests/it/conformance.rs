//! The scripts in `tests/conformance/apistore`, recorded from a real API server, sent to the embedded one. What differs from run
//! to run is numbered by the order of appearance, as the recorder does it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lockstep_apistore::{Body, Method, Request};
use lockstep_core::{Timestamp, Value, from_json, to_json};

use crate::api::{Api, request};
use crate::differential::normal::{after, is_uid, replace_word};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance/apistore")
}

/// Kinds whose status controllers of a real cluster write, whenever they come to it.
const CONTROLLED: [&str; 3] = ["Deployment", "HorizontalPodAutoscaler", "Scale"];

/// The object that a patch would have made is not compared inside a message.
fn patched(text: &str) -> String {
    const BEGIN: &str = "Invalid value: \"{";
    match (text.find(BEGIN), text.rfind("}\": ")) {
        (Some(start), Some(end)) if end > start => {
            format!("{}Invalid value: \"<object>\": {}", &text[..start], &text[end + 4..])
        }
        _ => text.to_owned(),
    }
}

/// Numbers by the order of appearance.
#[derive(Default)]
struct Names(BTreeMap<&'static str, Vec<String>>);

impl Names {
    fn name(&mut self, kind: &'static str, value: &str) -> String {
        let seen = self.0.entry(kind).or_default();
        let index = seen.iter().position(|known| known == value).unwrap_or_else(|| {
            seen.push(value.to_owned());
            seen.len() - 1
        });
        format!("<{kind}-{}>", index + 1)
    }

    fn text(&mut self, value: &str) -> String {
        let mut text = self.uids(&patched(value));
        if let Some(at) = text.find("kube-api-access-") {
            text.replace_range(at + 16..at + 21, "<id>");
        }
        text = after(&text, "current: ", "<version>");
        if let Some(at) = text.find("too old resource version: ") {
            let (head, rest) = text.split_at(at);
            text = format!("{head}{}", after(rest, " (", "<version>"));
        }
        let mut versions = self.0.get("version").cloned().unwrap_or_default();
        versions.sort_by_key(|version| std::cmp::Reverse(version.len()));
        for version in versions {
            let name = self.name("version", &version);
            text = replace_word(&text, &version, &name);
        }
        for full in self.0.get("generated").cloned().unwrap_or_default() {
            let name = self.name("generated", &full);
            text = text.replace(&full, &name);
        }
        ips(&text)
    }

    fn uids(&mut self, value: &str) -> String {
        let (mut out, mut rest) = (String::new(), value);
        while !rest.is_empty() {
            if let Some(uid) = rest.get(..36).filter(|text| is_uid(text)) {
                out.push_str(&self.name("uid", uid));
                rest = &rest[36..];
            } else {
                let length = rest.chars().next().map_or(1, char::len_utf8);
                out.push_str(&rest[..length]);
                rest = &rest[length..];
            }
        }
        out
    }

    fn normal(&mut self, value: &Value, key: &str) -> Value {
        match value {
            Value::Map(entries) => {
                let text = |key: &str| value.str_at(&["metadata", key]).unwrap_or_default();
                if !text("generateName").is_empty() && text("name").starts_with(text("generateName")) {
                    self.name("generated", text("name"));
                }
                let controlled = value.str_at(&["kind"]).is_some_and(|kind| CONTROLLED.contains(&kind));
                let has_metadata = value.get("metadata").is_some_and(|meta| meta.as_map().is_some());
                let is_list = entries.contains_key("items");
                let mut value = value.clone();
                if controlled {
                    value.remove(&["status"]);
                }
                if has_metadata && (controlled || is_list) {
                    value.set(&["metadata", "resourceVersion"], "<any>".into());
                }
                if value.str_at(&["type"]) == Some("BOOKMARK") {
                    value.set(&["object", "metadata", "resourceVersion"], "<any>".into());
                }
                let entries = value.as_map().into_iter().flatten();
                Value::map(entries.map(|(key, value)| (key.clone(), self.normal(value, key))).collect())
            }
            Value::List(items) => {
                let mut items: Vec<&Value> = items.iter().filter(|item| !is_noise(item)).collect();
                if key == "managedFields" {
                    // Their order is that of time, to the second.
                    let key = |entry: &&Value| {
                        ["manager", "operation", "subresource", "apiVersion"]
                            .map(|key| entry.str_at(&[key]).unwrap_or_default().to_owned())
                    };
                    items.sort_by_key(key);
                }
                let items = items.into_iter();
                Value::list(items.map(|item| self.normal(item, key)).collect())
            }
            Value::String(text) => match key {
                "resourceVersion" if !text.is_empty() && &**text != "<any>" => {
                    self.name("version", text).into()
                }
                "continue" if !text.is_empty() => "<continue>".into(),
                _ if Timestamp::parse(text).is_some() => "<time>".into(),
                _ => self.text(text).into(),
            },
            Value::Int(number) if *number != 0 && matches!(key, "nodePort" | "healthCheckNodePort") => {
                "<port>".into()
            }
            other => other.clone(),
        }
    }
}

fn is_noise(item: &Value) -> bool {
    item.str_at(&["metadata", "name"]) == Some("kube-root-ca.crt")
}

fn ips(text: &str) -> String {
    let Some(at) = text.find("10.96.") else { return text.to_owned() };
    let length = text[at..].bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
    format!("{}<ip>{}", &text[..at], ips(&text[at + length..]))
}

/// `${N.a.b}` is a value of an earlier answer.
fn resolve(text: &str, answers: &[Value]) -> String {
    let Some(at) = text.find("${") else { return text.to_owned() };
    let end = at + text[at..].find('}').unwrap();
    let (line, path) = text[at + 2..end].split_once('.').unwrap();
    let mut value = &answers[line.parse::<usize>().unwrap() - 1];
    for key in path.split('.') {
        value = match value {
            Value::List(items) => &items[key.parse::<usize>().unwrap()],
            value => value.get(key).unwrap_or(&Value::Null),
        };
    }
    let found = value.as_str().unwrap_or_default();
    format!("{}{found}{}", &text[..at], resolve(&text[end + 1..], answers))
}

fn method(name: &str) -> Method {
    match name {
        "GET" => Method::Get,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "PATCH" => Method::Patch,
        _ => Method::Delete,
    }
}

fn to_send(step: &Value, answers: &[Value]) -> Request {
    let text = |key: &str| resolve(step.str_at(&[key]).unwrap_or_default(), answers);
    let mut request = request(method(&text("method")), &format!("{}?{}", text("path"), text("query")));
    if let Some(body) = step.get("body").filter(|body| !matches!(body, Value::Null)) {
        let body = match body {
            Value::String(text) => text.to_string(),
            other => String::from_utf8(to_json(other)).unwrap(),
        };
        let kind = step.str_at(&["content_type"]).unwrap_or("application/json");
        request = request.body(kind, resolve(&body, answers).into_bytes());
    }
    if let Some(user) = step.str_at(&["user"]) {
        request = request.by(lockstep_apistore::User::of(user, &["system:authenticated"]));
    }
    request
}

/// What is not as recorded, a line each.
fn replay(path: &Path) -> Vec<String> {
    let script = std::fs::read_to_string(path).unwrap();
    let (mut api, mut names, mut answers, mut wrong) = (Api::new(), Names::default(), Vec::new(), Vec::new());
    for (index, line) in script.lines().enumerate() {
        let step = from_json(line.as_bytes()).unwrap();
        let response = api.answer(&to_send(&step, &answers));
        let answer = match response.body {
            Body::Watch(mut watch) => {
                let events = api.store.poll(&mut watch, api.now).unwrap_or_default();
                let event = |event: &lockstep_apistore::WatchEvent| {
                    let mut value = Value::default();
                    value.set(&["type"], event.kind.as_str().into());
                    value.set(&["object"], from_json(&event.object).unwrap());
                    value
                };
                Value::list(events.iter().map(event).collect())
            }
            Body::Text(text) => Value::from(String::from_utf8(text.to_vec()).unwrap()),
            body => from_json(&body.json().unwrap()).unwrap(),
        };
        if answer.str_at(&["kind"]) == Some("Namespace") {
            api.account(answer.str_at(&["metadata", "name"]).unwrap_or_default());
        }
        let got = names.normal(&answer, "");
        answers.push(answer);
        let place = format!("{}:{}", path.file_stem().unwrap().to_string_lossy(), index + 1);
        let want_code = step.int_at(&["code"]).unwrap_or(0);
        if i64::from(response.code) != want_code {
            wrong.push(format!("{place} code: {} instead of {want_code}", response.code));
        }
        differences(step.get("answer").unwrap_or(&Value::Null), &got, "", &mut |text| {
            wrong.push(format!("{place} {text}"));
        });
        let want: Vec<&str> = step
            .get("warnings")
            .and_then(Value::as_list)
            .unwrap_or_default()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        let found: Vec<String> = response.warnings.iter().map(|text| names.text(text)).collect();
        if want != found {
            wrong.push(format!("{place} warnings: {found:?} instead of {want:?}"));
        }
    }
    wrong
}

fn differences(want: &Value, got: &Value, path: &str, tell: &mut impl FnMut(String)) {
    match (want, got) {
        (Value::Map(a), Value::Map(b)) => {
            let keys: std::collections::BTreeSet<_> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let null = Value::Null;
                let (want, got) = (a.get(key), b.get(key));
                if want.is_none() != got.is_none() {
                    let text = |value: Option<&Value>| value.map_or("nothing".into(), show);
                    tell(format!("{path}.{key}: {} instead of {}", text(got), text(want)));
                } else {
                    differences(want.unwrap_or(&null), got.unwrap_or(&null), &format!("{path}.{key}"), tell);
                }
            }
        }
        (Value::List(a), Value::List(b)) if a.len() == b.len() => {
            for (index, (want, got)) in a.iter().zip(b.iter()).enumerate() {
                differences(want, got, &format!("{path}[{index}]"), tell);
            }
        }
        (want, got) if want == got => {}
        (want, got) => tell(format!("{path}: {} instead of {}", show(got), show(want))),
    }
}

fn show(value: &Value) -> String {
    String::from_utf8(to_json(value)).unwrap()
}

#[test]
fn answers_are_those_of_the_real_server() {
    let mut scripts: Vec<PathBuf> =
        std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    scripts.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    scripts.sort();
    assert!(scripts.len() >= 60, "{} scripts", scripts.len());
    let wrong: Vec<String> = scripts.iter().flat_map(|path| replay(path)).collect();
    assert!(wrong.is_empty(), "{} differences\n{}", wrong.len(), wrong.join("\n"));
}
