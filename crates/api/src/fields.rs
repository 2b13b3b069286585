//! A cursor over a mapping of the wire that collects every finding and remembers which fields were asked for.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use lockstep_core::{FieldPath, Finding, Map, Origin, PathElement, Value};

use crate::duration::parse_duration;

/// Tells where the name or the value of a field is written; of a field that is not, where it is missing.
pub type Locate<'a> = dyn Fn(&FieldPath, Part) -> Origin + 'a;

/// The part of a mapping's entry that a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The name of the field.
    Name,
    /// What stands behind it.
    Value,
}

/// Findings in the order in which they were made.
#[derive(Default)]
pub(crate) struct Log<'a> {
    findings: RefCell<Vec<Finding>>,
    /// Where the resource is written, if it is in a file.
    locate: Option<&'a Locate<'a>>,
}

impl<'a> Log<'a> {
    /// Findings with their places.
    pub(crate) fn locating(locate: &'a Locate<'a>) -> Self {
        Self { findings: RefCell::default(), locate: Some(locate) }
    }

    fn add(&self, finding: Finding, path: &FieldPath, part: Part) {
        let finding = match self.locate {
            Some(locate) => finding.at(locate(path, part)),
            None => finding,
        };
        self.findings.borrow_mut().push(finding);
    }

    /// The value if no finding refuses it, and all findings.
    pub(crate) fn conclude<T>(self, value: Option<T>) -> (Option<T>, Vec<Finding>) {
        let findings = self.findings.into_inner();
        (value.filter(|_| !findings.iter().any(Finding::is_error)), findings)
    }
}

/// One mapping, its place in the resource, and what was asked of it.
pub(crate) struct Fields<'a> {
    entries: Option<&'a Map>,
    path: FieldPath,
    known: BTreeSet<&'static str>,
    log: &'a Log<'a>,
}

impl<'a> Fields<'a> {
    /// The resource itself. Anything but a mapping is a finding and reads as empty.
    pub(crate) fn root(value: &'a Value, log: &'a Log<'a>) -> Self {
        Self::of(value, FieldPath::default(), log)
    }

    fn of(value: &'a Value, path: FieldPath, log: &'a Log<'a>) -> Self {
        let fields = Self { entries: value.as_map(), path, known: BTreeSet::new(), log };
        if fields.entries.is_none() {
            fields.mistyped(&fields.path, "a mapping", value);
        }
        fields
    }

    /// The path of a field of this mapping.
    fn path_of(&self, name: &str) -> FieldPath {
        self.path.child(PathElement::Field(name.into()))
    }

    fn add(&self, name: &str, part: Part, finding: impl FnOnce(String) -> Finding) {
        let path = self.path_of(name);
        self.log.add(finding(spelt(&path)), &path, part);
    }

    /// Says what was wanted, never the value: it may be a secret in the wrong place.
    fn mistyped(&self, path: &FieldPath, wanted: &str, value: &Value) {
        let name = if path.0.is_empty() { "the document".to_owned() } else { spelt(path) };
        let message = format!("{name}: must be {wanted}, not {}", described(value));
        self.log.add(Finding::error("invalid-field", message), path, Part::Value);
    }

    /// A field's value; null counts as absent, as it does for the API server.
    pub(crate) fn get(&mut self, name: &'static str) -> Option<&'a Value> {
        self.known.insert(name);
        self.entries?.get(name).filter(|value| !matches!(value, Value::Null))
    }

    fn read<T>(
        &mut self,
        name: &'static str,
        wanted: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Option<T> {
        let value = self.get(name)?;
        let read = read(value);
        if read.is_none() {
            self.mistyped(&self.path_of(name), wanted, value);
        }
        read
    }

    /// A string.
    pub(crate) fn text(&mut self, name: &'static str) -> Option<&'a str> {
        self.read(name, "a string", Value::as_str)
    }

    /// A string that is not empty; an empty one counts as absent.
    pub(crate) fn word(&mut self, name: &'static str) -> Option<&'a str> {
        self.text(name).filter(|text| !text.is_empty())
    }

    /// A boolean.
    pub(crate) fn flag(&mut self, name: &'static str) -> Option<bool> {
        self.read(name, "a boolean", Value::as_bool)
    }

    /// An integer within bounds.
    pub(crate) fn integer(&mut self, name: &'static str, least: i64, most: i64) -> Option<i64> {
        let number = self.read(name, "an integer", Value::as_int)?;
        let fits = (least..=most).contains(&number);
        if !fits {
            self.error(name, format!("must be between {least} and {most}, not {number}"));
        }
        fits.then_some(number)
    }

    /// A duration as Go writes it.
    pub(crate) fn duration(&mut self, name: &'static str) -> Option<Duration> {
        let text = self.text(name)?;
        let duration = parse_duration(text);
        if duration.is_none() {
            self.error(name, format!("'{text}' is no duration; write 30s, 5m or 1h30m"));
        }
        duration
    }

    /// One of a few words.
    pub(crate) fn choice<T: Copy>(&mut self, name: &'static str, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(name)?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.error(name, format!("must be one of {}, not '{text}'", words.join(", ")));
        }
        found
    }

    /// A list of strings.
    pub(crate) fn texts(&mut self, name: &'static str) -> Vec<String> {
        let items = self.read(name, "a list", Value::as_list).unwrap_or_default();
        let mut texts = Vec::new();
        for (index, item) in items.iter().enumerate() {
            match item.as_str() {
                Some(text) => texts.push(text.to_owned()),
                None => {
                    let path = self.path_of(name).child(PathElement::Index(index));
                    self.mistyped(&path, "a string", item);
                }
            }
        }
        texts
    }

    /// A mapping of strings.
    pub(crate) fn words(&mut self, name: &'static str) -> Vec<(&'a str, &'a str)> {
        let Some(entries) = self.read(name, "a mapping", Value::as_map) else { return Vec::new() };
        let mut words = Vec::new();
        for (key, value) in entries {
            match value.as_str() {
                Some(text) => words.push((&**key, text)),
                None => {
                    let path = self.path_of(name).child(PathElement::Field(key.clone()));
                    self.mistyped(&path, "a string", value);
                }
            }
        }
        words
    }

    /// A mapping, where there is one.
    pub(crate) fn mapping(&mut self, name: &'static str) -> Option<Fields<'a>> {
        let value = self.get(name)?;
        Some(Self::of(value, self.path_of(name), self.log))
    }

    /// A mapping; an absent one reads as empty.
    pub(crate) fn mapping_or_empty(&mut self, name: &'static str) -> Fields<'a> {
        let (path, log) = (self.path_of(name), self.log);
        self.mapping(name).unwrap_or(Self { entries: None, path, known: BTreeSet::new(), log })
    }

    /// A list of mappings. An item that is none is a finding, and left out.
    pub(crate) fn mappings(&mut self, name: &'static str) -> Vec<Fields<'a>> {
        let items = self.read(name, "a list", Value::as_list).unwrap_or_default();
        let path = self.path_of(name);
        let item = |(index, item)| Self::of(item, path.child(PathElement::Index(index)), self.log);
        items.iter().enumerate().map(item).filter(|fields| fields.entries.is_some()).collect()
    }

    /// Whether a field is there and says anything.
    pub(crate) fn says(&mut self, name: &'static str) -> bool {
        self.get(name).is_some_and(|value| !value.is_empty_container())
    }

    /// Fields of the model that this binary does not act on: each that says anything is a finding.
    pub(crate) fn refuse(&mut self, names: &[&'static str]) {
        for name in names {
            if self.says(name) {
                self.not_built(name);
            }
        }
    }

    /// A finding that what this field asks for is not built.
    pub(crate) fn not_built(&self, name: &str) {
        self.add(name, Part::Name, |path| {
            let message = format!("{path}: not built yet, so that it would have no effect");
            Finding::error("not-built", message).with_hint("remove it")
        });
    }

    /// A finding that refuses a field.
    pub(crate) fn error(&self, name: &str, message: impl AsRef<str>) {
        let text = |path| format!("{path}: {}", message.as_ref());
        self.add(name, Part::Value, |path| Finding::error("invalid-field", text(path)));
    }

    /// Marks fields that somebody else reads.
    pub(crate) fn skip(&mut self, names: &[&'static str]) {
        self.known.extend(names);
    }

    /// A finding for each field that nobody asked for.
    pub(crate) fn finish(self) {
        for name in self.entries.into_iter().flat_map(Map::keys) {
            if !self.known.contains(&**name) {
                self.add(name, Part::Name, |path| {
                    let finding = Finding::error("unknown-field", format!("{path}: unknown field"));
                    match nearest(name, &self.known) {
                        Some(near) => finding.with_hint(format!("did you mean {near}?")),
                        None => finding,
                    }
                });
            }
        }
    }
}

/// A path as users write it: `spec.sources[0].git`.
fn spelt(path: &FieldPath) -> String {
    path.to_string().trim_start_matches('.').to_owned()
}

fn described(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Int(_) | Value::Uint(_) => "an integer".to_owned(),
        other => format!("a {}", other.type_name()),
    }
}

fn nearest(name: &str, known: &BTreeSet<&'static str>) -> Option<&'static str> {
    let (distance, near) = known.iter().map(|near| (distance(name, near), *near)).min()?;
    (distance <= 2 && distance < name.chars().count()).then_some(near)
}

/// How many letters must be added, removed or replaced, upper and lower case being the same.
fn distance(a: &str, b: &str) -> usize {
    let letters = |text: &str| text.to_lowercase().chars().collect::<Vec<char>>();
    let (a, b) = (letters(a), letters(b));
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_field_is_named_when_it_is_near() {
        let known = BTreeSet::from(["sources", "suspend", "sync", "selfHeal"]);
        for (name, near) in [
            ("source", Some("sources")),
            ("selfheal", Some("selfHeal")),
            ("syncs", Some("sync")),
            ("x", None),
            ("replicas", None),
        ] {
            assert_eq!(nearest(name, &known), near, "{name}");
        }
    }
}
