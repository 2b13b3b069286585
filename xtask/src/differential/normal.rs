//! What differs from run to run (uids, versions, times, generated names, allocated addresses), as numbers by the order of
//! appearance, so that equal stays equal. crates/apistore/tests/it/conformance.rs does the same with its own types.
use std::collections::HashMap;

use serde_json::{Map, Value};

/// The names that were given in a script.
#[derive(Debug, Default)]
pub(super) struct Names {
    seen: HashMap<&'static str, Vec<String>>,
    namespace: String,
}

impl Names {
    /// For a script in this namespace; none for the empty one.
    pub(super) fn new(namespace: &str) -> Self {
        Self { seen: HashMap::new(), namespace: namespace.to_owned() }
    }

    fn name(&mut self, kind: &'static str, value: &str) -> String {
        let seen = self.seen.entry(kind).or_default();
        let index = seen.iter().position(|known| known == value).unwrap_or_else(|| {
            seen.push(value.to_owned());
            seen.len() - 1
        });
        format!("<{kind}-{}>", index + 1)
    }

    /// A text that may hold such things.
    pub(super) fn text(&mut self, value: &str) -> String {
        let mut text = self.uids(value);
        text = after(&text, "current: ", "<version>");
        if let Some(at) = text.find("too old resource version: ") {
            let (head, rest) = text.split_at(at);
            text = format!("{head}{}", after(rest, " (", "<version>"));
        }
        let mut versions = self.seen.get("version").cloned().unwrap_or_default();
        versions.sort_by_key(|version| std::cmp::Reverse(version.len()));
        for version in versions {
            let name = self.name("version", &version);
            text = replace_word(&text, &version, &name);
        }
        for full in self.seen.get("generated").cloned().unwrap_or_default() {
            let name = self.name("generated", &full);
            text = text.replace(&full, &name);
        }
        if !self.namespace.is_empty() {
            text = text.replace(&self.namespace, "${ns}");
        }
        times(&suffixes(&addresses(&text)))
    }

    fn uids(&mut self, value: &str) -> String {
        let (mut out, mut rest) = (String::new(), value);
        while let Some(first) = rest.chars().next() {
            let length = match rest.get(..36).filter(|text| is_uid(text)) {
                Some(uid) => {
                    let name = self.name("uid", uid);
                    out.push_str(&name);
                    36
                }
                None => {
                    out.push(first);
                    first.len_utf8()
                }
            };
            rest = &rest[length..];
        }
        out
    }

    /// An answer, with the key that it stands under.
    pub(super) fn normal(&mut self, value: &Value, key: &str) -> Value {
        match value {
            Value::Object(entries) => {
                if entries.get("type").is_some_and(|kind| kind == "BOOKMARK") && !self.namespace.is_empty() {
                    return "<bookmark>".into();
                }
                let text = |key: &str| entries.get("metadata").and_then(|meta| meta.get(key)?.as_str());
                if let (Some(prefix), Some(name)) = (text("generateName"), text("name"))
                    && !prefix.is_empty()
                    && name.starts_with(prefix)
                {
                    self.name("generated", name);
                }
                let is_list = entries.contains_key("items") && entries.contains_key("metadata");
                let mut keys: Vec<&String> = entries.keys().collect();
                keys.sort();
                let mut normal = Map::new();
                for key in keys {
                    let mut value = self.normal(&entries[key], key);
                    // What others write meanwhile counts as well.
                    if key == "metadata" && is_list && !self.namespace.is_empty() {
                        value["resourceVersion"] = "<version>".into();
                    }
                    let key = match self.namespace.is_empty() {
                        true => key.clone(),
                        false => self.uids(key).replace(&self.namespace, "${ns}"),
                    };
                    normal.insert(key, value);
                }
                Value::Object(normal)
            }
            Value::Array(items) => {
                let items = items.iter().filter(|item| !is_noise(item));
                Value::Array(items.map(|item| self.normal(item, key)).collect())
            }
            Value::String(text) => Value::String(match key {
                "resourceVersion" if !text.is_empty() => self.name("version", text),
                "continue" if !text.is_empty() => "<continue>".into(),
                "token" if text.starts_with("ey") => "<token>".into(),
                "manager" if text.starts_with("kubeone") => "kube-apiserver".into(),
                _ if is_time(text) => "<time>".into(),
                _ => self.text(text),
            }),
            Value::Number(number)
                if number.as_i64() != Some(0) && matches!(key, "nodePort" | "healthCheckNodePort") =>
            {
                "<port>".into()
            }
            other => other.clone(),
        }
    }
}

/// What the controllers of a real cluster put into every namespace.
pub(super) fn is_noise(item: &Value) -> bool {
    item.pointer("/metadata/name").and_then(Value::as_str) == Some("kube-root-ca.crt")
}

pub(crate) fn is_uid(text: &str) -> bool {
    text.bytes().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        14 => byte == b'4',
        _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
    })
}

/// `2024-01-02T03:04:05Z`, with or without a fraction.
fn is_time(text: &str) -> bool {
    let Some((head, tail)) = text.split_at_checked(19) else { return false };
    let date = head.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'-',
        10 => byte == b'T',
        13 | 16 => byte == b':',
        _ => byte.is_ascii_digit(),
    });
    let fraction = tail.strip_suffix('Z').map(|fraction| fraction.strip_prefix('.').unwrap_or(fraction));
    date && fraction.is_some_and(|fraction| fraction.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The digits behind a text, replaced.
pub(crate) fn after(text: &str, before: &str, name: &str) -> String {
    let Some(at) = text.find(before) else { return text.to_owned() };
    let start = at + before.len();
    let digits = text[start..].bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 { text.to_owned() } else { format!("{}{name}{}", &text[..start], &text[start + digits..]) }
}

pub(crate) fn replace_word(text: &str, word: &str, name: &str) -> String {
    let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let (mut out, mut rest, mut before) = (String::new(), text, None);
    while let Some(at) = rest.find(word) {
        let (head, tail) = (&rest[..at], &rest[at + word.len()..]);
        let free = !is_word(head.chars().last().or(before)) && !is_word(tail.chars().next());
        out.push_str(head);
        out.push_str(if free { name } else { word });
        before = word.chars().last();
        rest = tail;
    }
    out + rest
}

/// Times within a text.
fn times(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some(first) = rest.chars().next() {
        let length =
            match rest.find('Z').map(|end| end + 1).filter(|end| *end <= 27 && is_time(&rest[..*end])) {
                Some(length) => {
                    out.push_str("<time>");
                    length
                }
                None => {
                    out.push(first);
                    first.len_utf8()
                }
            };
        rest = &rest[length..];
    }
    out
}

/// The five letters behind the volumes of tokens.
fn suffixes(text: &str) -> String {
    let mut parts = text.split("kube-api-access-");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str("kube-api-access-<suffix>");
        out.push_str(part.get(5..).unwrap_or_default());
    }
    out
}

fn addresses(text: &str) -> String {
    let Some(at) = text.find("10.96.") else { return text.to_owned() };
    let length = text[at..].bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
    format!("{}<ip>{}", &text[..at], addresses(&text[at + length..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_differs_from_run_to_run_is_numbered() {
        let mut names = Names::new("d-a-12ab");
        let uid = "0f2e4d6c-1a2b-4c3d-8e9f-001122334455";
        let answer = json!({
            "metadata": {"name": "x-7kq", "generateName": "x-", "uid": uid, "resourceVersion": "12", "namespace": "d-a-12ab",
                "creationTimestamp": "2024-01-02T03:04:05Z"},
            "list": [{"metadata": {"name": "kube-root-ca.crt"}}, {"nodePort": 30000, "clusterIP": "10.96.3.4"}],
            "message": format!("x-7kq at 12, not 312, of {uid} in d-a-12ab"),
        });
        assert_eq!(
            names.normal(&answer, ""),
            json!({
                "metadata": {"name": "<generated-1>", "generateName": "x-", "uid": "<uid-1>", "resourceVersion": "<version-1>",
                    "namespace": "${ns}", "creationTimestamp": "<time>"},
                "list": [{"nodePort": "<port>", "clusterIP": "<ip>"}],
                // Keys are taken in their order, and the version comes later than this one.
                "message": "<generated-1> at 12, not 312, of <uid-1> in ${ns}",
            })
        );
        assert_eq!(names.text("at 12"), "at <version-1>");
        assert!(
            is_time("2024-01-02T03:04:05.123Z")
                && !is_time("2024-01-02")
                && !is_time("2024-01-02T03:04:05+1")
        );
    }
}
