//! Scripts: requests, one a line, with the recorded answer behind each.
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};

/// One request as it stands in a script, and its answer.
pub(super) type Step = Map<String, Value>;

/// A script: a file of its own, or what follows a line `{"script": NAME}` in a file of many.
#[derive(Debug, Clone)]
pub(super) struct Script {
    pub(super) name: String,
    /// The line of its name, if it has one. Such a script finds an empty namespace, which it calls `${ns}`.
    pub(super) header: Option<Step>,
    pub(super) steps: Vec<Step>,
}

/// What an answer adds to a step.
pub(super) const ANSWER: [&str; 3] = ["code", "answer", "warnings"];

impl Script {
    /// The scripts of a file.
    pub(super) fn read(path: &Path) -> Result<Vec<Self>> {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let mut scripts: Vec<Self> = Vec::new();
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let step: Step =
                serde_json::from_str(line).with_context(|| format!("{}:{}", path.display(), number + 1))?;
            match step.get("script").and_then(Value::as_str) {
                Some(name) => {
                    let name = format!("{stem}-{name}");
                    if scripts.iter().any(|script| script.name == name) {
                        bail!("{}:{}: a second script of this name", path.display(), number + 1);
                    }
                    scripts.push(Self { name, header: Some(step), steps: Vec::new() });
                }
                None => {
                    if scripts.is_empty() {
                        scripts.push(Self { name: stem.clone(), header: None, steps: Vec::new() });
                    }
                    scripts.last_mut().context("a script")?.steps.push(step);
                }
            }
        }
        Ok(scripts)
    }

    /// Writes a file.
    pub(super) fn write(path: &Path, scripts: &[Self]) -> Result<()> {
        let mut text = String::new();
        for script in scripts {
            for step in script.header.iter().chain(&script.steps) {
                text.push_str(&serde_json::to_string(step)?);
                text.push('\n');
            }
        }
        fs::write(path, text).with_context(|| path.display().to_string())
    }
}

/// `${ns}` is the namespace, `${N.a.b}` a value of an earlier answer.
pub(super) fn resolve(value: &Value, namespace: &str, answers: &[Value]) -> Value {
    match value {
        Value::String(text) => resolve_text(&text.replace("${ns}", namespace), answers).into(),
        Value::Array(items) => items.iter().map(|item| resolve(item, namespace, answers)).collect(),
        Value::Object(entries) => {
            let entry = |(key, value): (&String, &Value)| {
                (key.replace("${ns}", namespace), resolve(value, namespace, answers))
            };
            Value::Object(entries.iter().map(entry).collect())
        }
        other => other.clone(),
    }
}

fn resolve_text(text: &str, answers: &[Value]) -> String {
    let Some((head, rest)) = text.split_once("${") else { return text.to_owned() };
    let Some((place, rest)) = rest.split_once('}') else { return text.to_owned() };
    let found = place.split_once('.').and_then(|(line, path)| {
        let answer = answers.get(line.parse::<usize>().ok()?.checked_sub(1)?)?;
        let found = answer.pointer(&format!("/{}", path.replace('.', "/")))?;
        Some(found.as_str().map_or_else(|| found.to_string(), str::to_owned))
    });
    format!("{head}{}{}", found.unwrap_or_default(), resolve_text(rest, answers))
}
