//! How a command prints what it found.

use std::borrow::Cow;

use clap::ValueEnum;
use lockstep_core::{RepoUrl, Value, elide, from_json, to_json};
use plan::Verdict;

use crate::terminal::Terminal;

/// `-o`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people.
    #[default]
    Table,
    /// For people with wide screens: more columns, and whole texts.
    Wide,
    /// For programs.
    Json,
    /// For programs and files.
    Yaml,
    /// One name a line.
    Name,
}

/// Prints one value, and its name where only that is wanted. `false`: the format is for people, and nothing was printed.
pub(crate) fn value(
    terminal: &mut Terminal,
    output: Output,
    value: &Value,
    name: &str,
) -> anyhow::Result<bool> {
    let text = match output {
        Output::Table | Output::Wide => return Ok(false),
        Output::Json => manifest::json(value),
        Output::Yaml => manifest::yaml([value]),
        Output::Name => format!("{name}\n"),
    };
    terminal.out.write_all(text.as_bytes())?;
    Ok(true)
}

/// How much is shown of what an API server says, which may repeat a whole object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Texts {
    /// The beginning and the end.
    Elided,
    /// All of it.
    Whole,
}

impl Output {
    /// For people with wide screens, and for programs, all of it.
    pub(crate) fn texts(self) -> Texts {
        if self == Self::Table { Texts::Elided } else { Texts::Whole }
    }
}

impl Texts {
    pub(crate) fn said(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Elided => elide(text),
            Self::Whole => text.into(),
        }
    }

    pub(crate) fn verdict(self, verdict: &Verdict) -> String {
        match self {
            Self::Elided => format!("{verdict}"),
            Self::Whole => format!("{verdict:#}"),
        }
    }
}

/// A resource without what the API server keeps for itself, as kubectl prints it, and without the user information of addresses: it
/// may be a password.
pub(crate) fn cleaned(mut resource: Value) -> Value {
    resource.remove(&["metadata", "managedFields"]);
    anonymous(resource)
}

fn anonymous(value: Value) -> Value {
    match &value {
        Value::String(text) if text.contains("://") => match from_json(text.as_bytes()) {
            // The annotation with which kubectl remembers what it applied.
            Ok(inner @ (Value::Map(_) | Value::List(_))) => {
                Value::string(String::from_utf8_lossy(&to_json(&anonymous(inner))).into_owned())
            }
            _ => Value::string(without_user_information(text)),
        },
        Value::List(items) => Value::list(items.iter().cloned().map(anonymous).collect()),
        Value::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| (key.clone(), anonymous(value.clone())));
            Value::map(entries.collect())
        }
        _ => value,
    }
}

/// A text whose addresses end at blanks and quotes.
fn without_user_information(text: &str) -> String {
    let ends = |character: char| character.is_whitespace() || matches!(character, '"' | '\'' | '`');
    text.split_inclusive(ends)
        .map(|word| {
            let bare = word.trim_end_matches(ends);
            match bare.contains("://") {
                true => format!("{}{}", RepoUrl::new(bare), &word[bare.len()..]),
                false => word.to_owned(),
            }
        })
        .collect()
}

/// A mapping of what is there.
pub(crate) fn mapping<const N: usize>(entries: [(&str, Option<Value>); N]) -> Value {
    let present = entries.into_iter().filter_map(|(name, value)| Some((name.into(), value?)));
    Value::map(present.collect())
}

/// A text.
pub(crate) fn text(text: impl ToString) -> Option<Value> {
    Some(Value::string(text.to_string()))
}

/// A text that is left out where it is empty.
pub(crate) fn some_text(text: &str) -> Option<Value> {
    (!text.is_empty()).then(|| text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_printed_holds_user_information() {
        let resource = r#"{"metadata":{"name":"a","managedFields":[],"annotations":{
              "kubectl.kubernetes.io/last-applied-configuration":"{\"spec\":{\"sources\":[{\"git\":{\"url\":\"https://u:hunter2@h/x\"}}]}}\n"}},
            "spec":{"sources":[{"git":{"url":"https://u:hun/ter2@h/x","path":"a@b"}},{"git":{"url":"file:///x@y"}}]},
            "status":{"conditions":[{"message":"cannot fetch 'https://u:hunter2@h:1/x' now, ask me@h"}]}}"#;
        let expected = r#"{"metadata":{"name":"a","annotations":{
              "kubectl.kubernetes.io/last-applied-configuration":"{\"spec\":{\"sources\":[{\"git\":{\"url\":\"https://h/x\"}}]}}"}},
            "spec":{"sources":[{"git":{"url":"https://h/x","path":"a@b"}},{"git":{"url":"file:///x@y"}}]},
            "status":{"conditions":[{"message":"cannot fetch 'https://h:1/x' now, ask me@h"}]}}"#;
        let value = |text: &str| from_json(text.as_bytes()).unwrap();
        assert_eq!(cleaned(value(resource)), value(expected));
    }
}
