//! The definitions of the kinds that the API server has of its own: text that is searched, and parsed a definition at a time.

use std::fmt;
use std::sync::{LazyLock, OnceLock};

use lockstep_core::{Gvk, from_json};

use crate::definitions::Definition;

/// A line a definition, in the order of names: its name, its kinds as `group/version/kind` with commas between them, and the
/// definition as JSON without descriptions. Written by `cargo xtask openapi`.
static TEXT: &str = include_str!("../data/definitions.tsv");

static INDEX: LazyLock<Index> = LazyLock::new(|| Index::of(TEXT));

/// Where things are in the text.
struct Index {
    lines: Vec<Line>,
    /// Kinds with their line, in the order of kinds.
    kinds: Vec<([&'static str; 3], usize)>,
}

#[derive(Clone, Copy)]
struct Line {
    name: &'static str,
    json: &'static str,
}

impl Index {
    fn of(text: &'static str) -> Self {
        let (mut lines, mut kinds) = (Vec::new(), Vec::new());
        for line in text.lines() {
            let mut columns = line.splitn(3, '\t');
            let mut column = || columns.next().unwrap_or_default();
            let (name, described, json) = (column(), column(), column());
            for kind in described.split_terminator(',') {
                let mut parts = kind.splitn(3, '/');
                kinds.push((std::array::from_fn(|_| parts.next().unwrap_or_default()), lines.len()));
            }
            lines.push(Line { name, json });
        }
        kinds.sort_unstable();
        Self { lines, kinds }
    }

    fn named(&self, name: &str) -> Option<usize> {
        self.lines.binary_search_by(|line| line.name.cmp(name)).ok()
    }
}

/// The built-in definitions that were needed so far.
pub(crate) struct BuiltIn {
    /// One for each line.
    parsed: Box<[OnceLock<Box<Definition>>]>,
}

impl BuiltIn {
    pub(crate) fn new() -> Self {
        Self { parsed: INDEX.lines.iter().map(|_| OnceLock::new()).collect() }
    }

    /// The definition `name`.
    pub(crate) fn definition(&self, name: &str) -> Option<&Definition> {
        let index = INDEX.named(name)?;
        let (line, parsed) = (INDEX.lines.get(index)?, self.parsed.get(index)?);
        // What does not parse would be a fault of the committed file, which a test reads whole.
        let parse = || Box::new(Definition::new(from_json(line.json.as_bytes()).unwrap_or_default()));
        Some(parsed.get_or_init(parse))
    }

    /// The name of the definition of a kind.
    pub(crate) fn name_of(&self, kind: &Gvk) -> Option<&'static str> {
        let key = [&*kind.api.group, &*kind.api.version, &*kind.kind];
        let found = INDEX.kinds.binary_search_by(|(kind, _)| kind.as_slice().cmp(&key)).ok()?;
        let (_, line) = INDEX.kinds.get(found)?;
        Some(INDEX.lines.get(*line)?.name)
    }
}

impl fmt::Debug for BuiltIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parsed = self.parsed.iter().filter(|definition| definition.get().is_some()).count();
        write!(f, "{parsed} of {} built-in definitions", self.parsed.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_core::Value;

    #[test]
    fn the_text_is_in_order_and_every_definition_parses() {
        assert!(INDEX.lines.windows(2).all(|pair| pair[0].name < pair[1].name));
        assert!(INDEX.kinds.windows(2).all(|pair| pair[0].0 < pair[1].0), "a kind has one definition");
        let built_in = BuiltIn::new();
        for line in &INDEX.lines {
            assert!(from_json(line.json.as_bytes()).is_ok(), "{}", line.name);
            assert!(built_in.definition(line.name).is_some(), "{}", line.name);
        }
        assert!(built_in.definition("io.k8s.api.core.v1.Pot").is_none());
    }

    #[test]
    fn every_reference_leads_to_a_definition() {
        fn check(value: &Value) {
            match value {
                Value::List(items) => items.iter().for_each(check),
                Value::Map(entries) => entries.iter().for_each(|(key, value)| match value.as_str() {
                    Some(target) if &**key == "$ref" => {
                        let name = target.rsplit('/').next().unwrap();
                        assert!(INDEX.named(name).is_some(), "{target}");
                    }
                    _ => check(value),
                }),
                _ => {}
            }
        }
        INDEX.lines.iter().for_each(|line| check(&from_json(line.json.as_bytes()).unwrap()));
    }

    #[test]
    fn kinds_lead_to_their_definitions() {
        let check = |group: &str, version: &str, kind: &str, name: Option<&str>| {
            assert_eq!(
                BuiltIn::new().name_of(&Gvk::new(group, version, kind)),
                name,
                "{group}/{version} {kind}"
            );
        };
        check("", "v1", "Pod", Some("io.k8s.api.core.v1.Pod"));
        check("apps", "v1", "Deployment", Some("io.k8s.api.apps.v1.Deployment"));
        check("apps", "v1", "DeleteOptions", Some("io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"));
        check("apps", "v1", "Pod", None);
        check("apps", "v1beta1", "Deployment", None);
    }

    #[test]
    fn nothing_is_parsed_before_it_is_needed() {
        let built_in = BuiltIn::new();
        let parsed = || format!("{built_in:?}").split(' ').next().unwrap().to_owned();
        assert_eq!(parsed(), "0");
        built_in.definition("io.k8s.api.core.v1.Pod").unwrap();
        built_in.definition("io.k8s.api.core.v1.Pod").unwrap();
        assert_eq!(parsed(), "1");
    }
}
