//! What two servers answered differently, but for what is known and excluded.
use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::script::{ANSWER, Step};

/// The differences that are known: script, place (a prefix) and reason, with tabs between them.
pub(super) struct Exclusions(Vec<Exclusion>);

struct Exclusion {
    script: String,
    place: String,
    /// Whether something was found that it excludes.
    met: Cell<bool>,
}

impl Exclusions {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let columns = lines.map(|line| {
            let columns: Vec<&str> = line.split('\t').collect();
            ensure!(columns.len() == 3 && !columns[2].is_empty(), "{}: {line:?}", path.display());
            let text = |index: usize| columns[index].to_owned();
            Ok(Exclusion { script: text(0), place: text(1), met: Cell::new(false) })
        });
        columns.collect::<Result<_>>().map(Self)
    }

    pub(super) fn none() -> Self {
        Self(Vec::new())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Those that excluded nothing so far: of no use, if all scripts were played.
    pub(super) fn unmet(&self) -> Vec<String> {
        let unmet = self.0.iter().filter(|exclusion| !exclusion.met.get());
        unmet
            .map(|exclusion| format!("{} {}", exclusion.script, exclusion.place).trim_end().to_owned())
            .collect()
    }

    /// A line for each difference that is not excluded: `SCRIPT:STEP PLACE: THIS instead of THAT`.
    pub(super) fn differences(&self, name: &str, want: &[Step], got: &[Step]) -> Vec<String> {
        let mut told = Vec::new();
        for (index, (want, got)) in want.iter().zip(got).enumerate() {
            let place = format!("{name}:{}", index + 1);
            for key in ANSWER {
                let null = Value::Null;
                let side = |step: &Step| sorted(step.get(key).unwrap_or(&null));
                differences(&side(want), &side(got), key, &mut |path, text| {
                    let excluding = self.0.iter().find(|exclusion| {
                        (exclusion.script == place || exclusion.script == name)
                            && path.starts_with(exclusion.place.as_str())
                    });
                    if let Some(excluding) = excluding {
                        excluding.met.set(true);
                    } else {
                        told.push(format!("{place} {path}: {text}"));
                    }
                });
            }
        }
        told
    }
}

/// Lists that the server keeps by the second in which something was written, or in no order.
const UNORDERED: [&str; 4] = ["managedFields", "causes", "resourceRules", "nonResourceRules"];

/// The answer with its managers, and its conflicts with them, in an order of their own: the server has those by the second in
/// which they wrote, and these in none.
fn sorted(answer: &Value) -> Value {
    match answer {
        Value::Object(entries) => {
            let entry = |(key, value): (&String, &Value)| {
                let mut value = sorted(value);
                if let Some(items) = value.as_array_mut().filter(|_| UNORDERED.contains(&key.as_str())) {
                    items.sort_by_cached_key(|item| {
                        let text = |key: &str| item.get(key).map(Value::to_string);
                        (["manager", "operation", "subresource", "apiVersion"].map(text), item.to_string())
                    });
                }
                (key.clone(), value)
            };
            Value::Object(entries.iter().map(entry).collect())
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::String(text) => in_order(&without_object(text)).into(),
        other => other.clone(),
    }
}

/// A message without the object in it, whose fields stand in the order of a Go struct there.
///
/// An age of some seconds, in a table, is one.
fn without_object(text: &str) -> String {
    if let [b'0'..=b'9', b's'] = text.as_bytes() {
        return "<age>".to_owned();
    }
    let object = text.find("Invalid value: \"{").zip(text.rfind("}\": "));
    match object.filter(|(start, end)| start < end) {
        Some((start, end)) => format!("{}Invalid value: <object>{}", &text[..start], &text[end + 2..]),
        None => text.to_owned(),
    }
}

/// A message with the mistakes of a custom resource in an order of their own: they come from a Go map, in none.
fn in_order(text: &str) -> String {
    const BETWEEN: &str = ", spec.";
    let Some((head, list)) = text.split_once(" is invalid: [") else { return text.to_owned() };
    let Some(list) = list.strip_suffix(']').filter(|list| list.contains(" in body ")) else {
        return text.to_owned();
    };
    let mut mistakes: Vec<&str> = list.trim_start_matches("spec.").split(BETWEEN).collect();
    mistakes.sort_unstable();
    format!("{head} is invalid: <in any order: {}>", mistakes.join("; "))
}

fn differences(want: &Value, got: &Value, path: &str, tell: &mut impl FnMut(&str, String)) {
    match (want, got) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let path = format!("{path}.{key}");
                match (a.get(key), b.get(key)) {
                    (Some(want), Some(got)) => differences(want, got, &path, tell),
                    (want, got) => {
                        let text = |value: Option<&Value>| value.map_or("nothing".into(), Value::to_string);
                        tell(&path, format!("{} instead of {}", text(got), text(want)));
                    }
                }
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (want, got)) in a.iter().zip(b).enumerate() {
                differences(want, got, &format!("{path}[{index}]"), tell);
            }
        }
        (want, got) if want == got => {}
        (want, got) => tell(path, format!("{got} instead of {want}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn differences_are_told_but_for_those_that_are_excluded() {
        let step = |code: u16, answer: Value| {
            json!({"code": code, "answer": answer}).as_object().cloned().unwrap_or_default()
        };
        let want = [step(200, json!({"a": [1, {"b": 2}], "c": 1}))];
        let got = [step(201, json!({"a": [1, {"b": 3}]}))];
        let none = Exclusions(Vec::new());
        assert_eq!(
            none.differences("s", &want, &got),
            [
                "s:1 code: 201 instead of 200",
                "s:1 answer.a[1].b: 3 instead of 2",
                "s:1 answer.c: nothing instead of 1"
            ]
        );
        let exclude = |script: &str, place: &str| Exclusion {
            script: script.into(),
            place: place.into(),
            met: Cell::new(false),
        };
        let some = Exclusions(vec![exclude("s", "answer.a"), exclude("s:1", "code"), exclude("s:2", "")]);
        assert_eq!(some.differences("s", &want, &got), ["s:1 answer.c: nothing instead of 1"]);
        assert_eq!(some.unmet(), ["s:2"]);
        assert!(none.differences("s", &want, &want).is_empty());
    }

    #[test]
    fn mistakes_of_custom_resources_have_no_order() {
        let text = |mistakes: &str| in_order(&format!("Widget.example.com \"a\" is invalid: {mistakes}"));
        let (deep, open) = ("spec.deep: Invalid value: spec.deep in body x", "spec.open: Required value");
        assert_eq!(text(&format!("[{deep}, {open}]")), text(&format!("[{open}, {deep}]")));
        assert_ne!(text(&format!("[{deep}, {open}]")), text(&format!("[{deep}, {deep}]")));
        assert_eq!(
            text("[spec.b: x, spec.a: x]"),
            "Widget.example.com \"a\" is invalid: [spec.b: x, spec.a: x]"
        );
    }
}
