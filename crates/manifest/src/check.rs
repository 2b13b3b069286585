//! What makes a document an object, and what to say where it is none.

use std::sync::Arc;

use goyaml::Node;
use lockstep_core::{ApiVersion, Finding, Origin, Role, Value};

use crate::object::{origin, place_of};

/// How many wrong entries of one mapping are named.
const SHOWN: usize = 20;

/// The document that is being looked at.
pub(crate) struct Subject<'a> {
    pub(crate) file: &'a Arc<str>,
    pub(crate) node: Node<'a>,
    pub(crate) value: &'a Value,
}

impl Subject<'_> {
    /// Where a field of this document is, or the document where it is not.
    fn place(&self, path: &[&str]) -> Origin {
        let mut place = self.node;
        let mut node = self.node;
        for name in path {
            let Some((key, value)) = node.entry(name) else { break };
            place = place_of(key, value);
            node = value;
        }
        origin(self.file, place)
    }

    fn error(&self, rule: &'static str, path: &[&str], message: String, hint: impl Into<String>) -> Finding {
        Finding::error(rule, message).at(self.place(path)).with_hint(hint)
    }

    fn wrong_type(&self, path: &[&str], found: &Value, wanted: &str, hint: &str) -> Finding {
        let message = format!("{} is {}, but must be {wanted}", path.join("."), with_article(found));
        self.error("wrong-type", path, message, hint)
    }

    /// A field that must be text and must not be empty.
    fn required_text(&self, path: &[&str], hint: &str) -> Option<Finding> {
        match self.value.at(path) {
            Some(Value::String(text)) if !text.is_empty() => None,
            None | Some(Value::Null | Value::String(_)) => {
                Some(self.error("missing-field", path, format!("{} is missing", path.join(".")), hint))
            }
            Some(other) => Some(self.wrong_type(path, other, "a string", "put the value in quotes")),
        }
    }
}

fn with_article(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Int(_) | Value::Uint(_) => "an integer".into(),
        other => format!("a {}", other.type_name()),
    }
}

/// Everything that keeps a document from being an object.
pub(crate) fn check(subject: &Subject<'_>) -> Vec<Finding> {
    if subject.value.as_map().is_none() {
        let message = format!("the document is {}, not an object", with_article(subject.value));
        let hint = "a manifest is a mapping with apiVersion, kind and metadata";
        return vec![subject.error("not-an-object", &[], message, hint)];
    }
    let mut findings = Vec::new();
    findings.extend(check_api_version(subject));
    findings
        .extend(subject.required_text(&["kind"], "add the kind of the object, for example kind: ConfigMap"));
    match subject.value.get("metadata") {
        Some(Value::Map(_)) => check_metadata(subject, &mut findings),
        None | Some(Value::Null) => {
            let message = "metadata is missing".into();
            findings.push(subject.error("missing-field", &["metadata"], message, "add metadata with a name"));
        }
        Some(other) => {
            findings.push(subject.wrong_type(&["metadata"], other, "a mapping", "write metadata: {name: …}"))
        }
    }
    findings
}

fn check_api_version(subject: &Subject<'_>) -> Option<Finding> {
    let path = ["apiVersion"];
    let missing = subject.required_text(&path, "add the version of the kind, for example apiVersion: v1");
    missing.or_else(|| {
        let text = subject.value.str_at(&path)?;
        if ApiVersion::parse(text).is_some() {
            return None;
        }
        let hint = "it is <version> or <group>/<version>, for example apps/v1";
        let finding = subject.error("bad-api-version", &path, "apiVersion is malformed".into(), hint);
        Some(finding.with_text(text))
    })
}

fn check_metadata(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let metadata = ["metadata", "name"];
    let generated = subject.value.str_at(&["metadata", "generateName"]).is_some();
    let is_hook = || !matches!(Role::of(subject.value), Role::Kept);
    if generated && subject.value.str_at(&metadata).is_none_or(str::is_empty) {
        if is_hook() {
            // Each sync makes one of its own.
            return check_place(subject, findings);
        }
        let message = "metadata.generateName makes a new object with every sync".into();
        let hint = "give the object a metadata.name, or make it a hook with annotation lockstep.dev/hook";
        findings.push(subject.error("generate-name", &["metadata", "generateName"], message, hint));
    } else {
        findings.extend(subject.required_text(&metadata, "give the object a name"));
    }
    check_place(subject, findings);
}

fn check_place(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    match subject.value.at(&["metadata", "namespace"]) {
        None | Some(Value::Null | Value::String(_)) => {}
        Some(other) => {
            let path = ["metadata", "namespace"];
            findings.push(subject.wrong_type(&path, other, "a string", "put the value in quotes"));
        }
    }
    for field in ["labels", "annotations"] {
        check_text_map(subject, field, findings);
    }
}

/// Labels and annotations hold text only; YAML makes numbers and booleans of what has no quotes.
fn check_text_map(subject: &Subject<'_>, field: &str, findings: &mut Vec<Finding>) {
    match subject.value.at(&["metadata", field]) {
        None | Some(Value::Null) => {}
        Some(Value::Map(entries)) => {
            let wrong = entries.iter().filter(|(_, value)| !matches!(value, Value::String(_) | Value::Null));
            for (key, value) in wrong.take(SHOWN) {
                let path = ["metadata", field, key];
                findings.push(subject.wrong_type(&path, value, "a string", "put the value in quotes"));
            }
        }
        Some(other) => {
            let hint = "write one key: value a line";
            findings.push(subject.wrong_type(&["metadata", field], other, "a mapping", hint));
        }
    }
}
