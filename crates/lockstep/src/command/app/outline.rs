//! What a sync would do, in its order.

use std::fmt::Write as _;

use controller::Inspection;
use lockstep_core::Value;
use plan::Outline;

use crate::output::{mapping, text};
use crate::paint::Paint;
use crate::rehearsed;

/// For people: a heading a wave, a line an object.
pub(super) fn describe(inspection: &Inspection, paint: Paint) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    for unready in &inspection.unready {
        let _ = writeln!(out, "waits for {unready}");
    }
    out.push_str(&sections(&inspection.outline, paint));
    if inspection.outline.is_empty() {
        out.push_str("nothing to do\n");
    }
    out
}

fn sections(outline: &Outline, paint: Paint) -> String {
    let mut out = String::new();
    for (section, items) in &outline.sections {
        let _ = writeln!(out, "{}", paint.bold(section));
        for item in items {
            let _ = writeln!(out, "  {}: {}", rehearsed::name(&item.key), item.words);
        }
    }
    out
}

/// For programs.
pub(super) fn machine(inspection: &Inspection) -> Value {
    let sections = inspection.outline.sections.iter().map(|(section, items)| {
        let steps = items
            .iter()
            .map(|item| mapping([("object", text(item.key.to_reference())), ("change", text(&item.words))]));
        mapping([("section", text(section)), ("steps", Some(Value::list(steps.collect())))])
    });
    let unready = inspection.unready.iter().map(|unready| {
        mapping([("object", text(unready.key.to_reference())), ("reason", text(&unready.why))])
    });
    mapping([
        ("application", text(&inspection.application.key)),
        ("revision", inspection.wanted.first().and_then(|commit| text(&commit.id))),
        ("waitsFor", (!inspection.unready.is_empty()).then(|| Value::list(unready.collect()))),
        ("sections", Some(Value::list(sections.collect()))),
    ])
}

#[cfg(test)]
mod tests {
    use lockstep_core::{ObjectKey, Phase, Wave};
    use plan::{Item, Section};

    use super::*;

    #[test]
    fn a_heading_a_wave_and_a_line_an_object() {
        let item = |kind: &str, words: &str| {
            vec![Item { key: ObjectKey::new("", kind, "n", "a"), words: words.to_owned() }]
        };
        let sections_ = vec![
            (Section::Hooks(Phase::PreSync, Wave(0)), item("Pod", "starts, a hook of PreSync")),
            (Section::Wave(Wave(2)), item("ConfigMap", "creates, it does not exist")),
            (Section::Deletions(Wave(0)), item("Secret", "deletes, Git does not have it")),
        ];
        let expected = "\
PreSync
  Pod/a in n: starts, a hook of PreSync
wave 2
  ConfigMap/a in n: creates, it does not exist
deletions
  Secret/a in n: deletes, Git does not have it
";
        assert_eq!(sections(&Outline { sections: sections_ }, Paint::Plain), expected);
    }
}
