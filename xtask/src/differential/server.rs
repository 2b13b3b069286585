//! One of the two API servers that are asked.
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Method, Request};
use serde_json::{Value, json};

use super::normal::{Names, is_noise};
use super::script::{ANSWER, Script, Step, resolve};
use crate::Rest;

/// The program that the field managers are called after where a request names none.
const AGENT: &str = "tester/1.0";
const WITHIN: Duration = Duration::from_secs(6);

/// An API server, and what tells this run's names from those of others.
#[derive(Clone)]
pub(super) struct Server {
    rest: Rest,
    run: String,
}

/// An answer as it came.
pub(super) struct Raw {
    pub(super) code: u16,
    pub(super) text: String,
    pub(super) warnings: Vec<String>,
}

impl Server {
    pub(super) async fn connect(kubeconfig: &Path, run: &str) -> Result<Self> {
        Ok(Self { rest: Rest::from_kubeconfig(kubeconfig).await?, run: run.to_owned() })
    }

    /// Sends a request as it is.
    pub(super) async fn send(&self, step: &Step) -> Result<Raw> {
        let text = |key: &str| step.get(key).and_then(Value::as_str).unwrap_or_default();
        let query = match text("query") {
            "" => String::new(),
            query => format!(
                "?{}",
                query.replace(' ', "%20").replace('"', "%22").replace('<', "%3C").replace('>', "%3E")
            ),
        };
        let mut request = Request::builder()
            .method(Method::from_bytes(text("method").as_bytes())?)
            .uri(format!("{}{query}", text("path")))
            .header("User-Agent", AGENT)
            .header(
                "Accept",
                Some(text("accept")).filter(|accept| !accept.is_empty()).unwrap_or("application/json"),
            );
        if !text("user").is_empty() {
            request = request.header("Impersonate-User", text("user"));
        }
        let body = match (step.get("body"), step.get("body_base64")) {
            (_, Some(Value::String(bytes))) => Some(STANDARD.decode(bytes)?),
            (None | Some(Value::Null), _) => None,
            (Some(Value::String(body)), _) => Some(body.clone().into_bytes()),
            (Some(body), _) => Some(serde_json::to_vec(body)?),
        };
        let kind =
            step.get("content_type").map_or("application/json", |kind| kind.as_str().unwrap_or_default());
        if body.is_some() && !kind.is_empty() {
            request = request.header("Content-Type", kind);
        }
        let response = self.rest.answer(request.body(body.unwrap_or_default())?).await?;
        let warning = |line: &str| Some(unescaped(line.split_once('"')?.1.rsplit_once('"')?.0));
        Ok(Raw {
            code: response.status().as_u16(),
            warnings: response
                .headers()
                .get_all("Warning")
                .iter()
                .filter_map(|line| warning(&String::from_utf8_lossy(line.as_bytes())))
                .collect(),
            text: String::from_utf8_lossy(response.body()).into_owned(),
        })
    }

    /// The namespace of a script with a name; empty for one that makes its own.
    pub(super) fn namespace(&self, script: &Script) -> String {
        match &script.header {
            Some(_) => format!("d-{}-{}", script.name, self.run),
            None => String::new(),
        }
    }

    /// Makes the namespace of a script, as controllers would.
    async fn prepare(&self, namespace: &str) -> Result<()> {
        let post = |path: String, body: Value| {
            let step = json!({"method": "POST", "path": path, "body": body});
            step.as_object().cloned().context("a step")
        };
        let made =
            self.send(&post("/api/v1/namespaces".into(), json!({"metadata": {"name": namespace}}))?).await?;
        if made.code != 201 {
            bail!("{namespace}: {} {}", made.code, made.text);
        }
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts");
        self.send(&post(path, json!({"metadata": {"name": "default"}}))?).await?;
        Ok(())
    }

    /// Sends a script and gives its steps with normal answers.
    pub(super) async fn play(&self, script: &Script) -> Result<Vec<Step>> {
        let namespace = self.namespace(script);
        if !namespace.is_empty() {
            self.prepare(&namespace).await?;
        }
        let (mut names, mut answers, mut played) = (Names::new(&namespace), Vec::new(), Vec::new());
        for step in &script.steps {
            let mut step = step.clone();
            ANSWER.iter().for_each(|key| drop(step.remove(*key)));
            let request = resolve(&Value::Object(step.clone()), &namespace, &answers);
            let request = request.as_object().context("a step")?;
            let raw = self.send(request).await?;
            let answer = parsed(request, &raw);
            step.insert("code".into(), raw.code.into());
            step.insert("answer".into(), names.normal(&answer, ""));
            if !raw.warnings.is_empty() {
                let warnings: Vec<String> = raw.warnings.iter().map(|text| names.text(text)).collect();
                step.insert("warnings".into(), warnings.into());
            }
            answers.push(answer);
            self.pause(request).await?;
            played.push(step);
        }
        Ok(played)
    }

    /// Waits as the script says: so many seconds, or until something is served.
    async fn pause(&self, step: &Step) -> Result<()> {
        if let Some(seconds) = step.get("pause").and_then(Value::as_f64) {
            tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
        }
        let Some(path) = step.get("wait").and_then(Value::as_str) else { return Ok(()) };
        let get = json!({"method": "GET", "path": path}).as_object().cloned().context("a step")?;
        let deadline = Instant::now() + WITHIN;
        while self.send(&get).await?.code != 200 {
            // What is not served by now was refused: the answers will tell.
            if Instant::now() > deadline {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }
}

/// The answer as JSON: the events of a watch as a list, what is no JSON as text.
fn parsed(request: &Step, raw: &Raw) -> Value {
    let asked = |key: &str| request.get(key).and_then(Value::as_str).unwrap_or_default();
    if raw.code == 200 && (asked("query").contains("watch") || asked("path").contains("/watch/")) {
        let lines: Vec<Value> = raw.text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        if lines.iter().all(|line: &Value| line.get("object").is_some()) {
            let wanted = |event: &Value| {
                !event.get("object").is_some_and(is_noise)
                    && (event["type"] != "BOOKMARK"
                        || event.pointer("/object/metadata/annotations").is_some())
            };
            return Value::Array(lines.into_iter().filter(wanted).collect());
        }
    }
    serde_json::from_str(&raw.text).unwrap_or_else(|_| raw.text.clone().into())
}

fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.push(if c == '\\' { chars.next().unwrap_or('\\') } else { c });
    }
    out
}
