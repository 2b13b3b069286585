//! What would become of objects, for people and for programs.

use std::fmt::Write as _;
use std::sync::Arc;

use controller::Rehearsed;
use diff::{FieldChange, ObjectDiff};
use lockstep_core::{ObjectKey, Value};
use plan::{Change, Verdict};

use crate::output::{Texts, mapping, text};
use crate::paint::Paint;

/// An object with its namespace.
pub(crate) fn name(key: &ObjectKey) -> String {
    match &*key.namespace {
        "" => key.to_string(),
        namespace => format!("{key} in {namespace}"),
    }
}

/// The tools that an object is taken over from.
pub(crate) fn adopted_from(verdict: &Verdict) -> &[Arc<str>] {
    match verdict {
        Verdict::Act(Change::Adopt { from, .. }) | Verdict::Withheld(Change::Adopt { from, .. }, _) => from,
        _ => &[],
    }
}

/// What an adoption means; `None` where nobody's fields are taken over.
pub(crate) fn adoption(from: &[Arc<str>]) -> Option<String> {
    let whose = if from.len() == 1 { "its fields" } else { "their fields" };
    (!from.is_empty()).then(|| format!("{}; {whose} that Git does not have go", from.join(", ")))
}

/// The fields that go.
pub(crate) fn removed(rehearsed: &Rehearsed) -> Vec<String> {
    let Rehearsed::Change(diff) = rehearsed else { return Vec::new() };
    let gone = diff.changes.iter().filter(|change| change.new.is_none());
    gone.map(|change| change.path.to_string()).collect()
}

/// A heading, and the fields that would change. Objects that would go are only named.
pub(crate) fn describe(
    key: &ObjectKey,
    place: Option<&str>,
    rehearsed: &Rehearsed,
    adopted_from: &[Arc<str>],
    (paint, texts): (Paint, Texts),
) -> String {
    let (word, fields, note) = match rehearsed {
        Rehearsed::Create { diff, untried } => {
            let note = untried.as_ref().map(|why| format!("not tried, {}", texts.said(why)));
            (paint.green("create"), Some(diff), note)
        }
        Rehearsed::Change(diff) => (paint.yellow("change"), Some(diff), None),
        Rehearsed::Delete(_) => (paint.red("delete"), None, None),
        Rehearsed::Refused(why) => (paint.red("refused"), None, Some(texts.said(why).into_owned())),
        Rehearsed::Unknown(why) => (paint.red("unknown"), None, Some(texts.said(why).into_owned())),
    };
    let mut out = format!("{word} {}", paint.bold(name(key)));
    // Writing to a String cannot fail.
    if let Some(place) = place {
        let _ = write!(out, " ({place})");
    }
    out.push('\n');
    if let Some(adoption) = adoption(adopted_from) {
        let _ = writeln!(out, "  adopted from {adoption}");
    }
    if let Some(note) = note {
        let _ = writeln!(out, "  {note}");
    }
    if let Some(diff) = fields.filter(|diff| !diff.is_empty()) {
        for line in paint.diff(&diff.to_string()).lines() {
            let _ = writeln!(out, "  {line}");
        }
    }
    out.push('\n');
    out
}

/// For programs.
pub(crate) fn machine(key: &ObjectKey, rehearsed: &Rehearsed) -> Value {
    let (change, fields, message) = match rehearsed {
        Rehearsed::Create { diff, untried } => ("create", Some(diff), untried.clone()),
        Rehearsed::Change(diff) if diff.is_empty() => ("none", None, None),
        Rehearsed::Change(diff) => ("change", Some(diff), None),
        Rehearsed::Delete(_) => ("delete", None, None),
        Rehearsed::Refused(why) => ("refused", None, Some(why.clone())),
        Rehearsed::Unknown(why) => ("unknown", None, Some(why.clone())),
    };
    mapping([
        ("object", text(key.to_reference())),
        ("change", text(change)),
        ("fields", fields.map(|diff: &ObjectDiff| Value::list(diff.changes.iter().map(field).collect()))),
        ("message", message.map(Value::from)),
    ])
}

fn field(change: &FieldChange) -> Value {
    mapping([("path", text(&change.path)), ("old", change.old.clone()), ("new", change.new.clone())])
}

#[cfg(test)]
mod tests {
    use diff::object_diff;
    use lockstep_core::from_json;
    use plan::Because;

    use super::*;

    fn check(rehearsed: &Rehearsed, human: &str, json: &str) {
        let key = ObjectKey::new("apps", "Deployment", "shop", "web");
        assert_eq!(describe(&key, Some("web.yaml:1"), rehearsed, &[], (Paint::Plain, Texts::Elided)), human);
        assert_eq!(machine(&key, rehearsed), from_json(json.as_bytes()).unwrap());
    }

    #[test]
    fn an_adoption_names_the_tools_and_what_goes() {
        let key = ObjectKey::new("", "ConfigMap", "shop", "a");
        let value = |text: &str| from_json(text.as_bytes()).unwrap();
        let before = value(r#"{"data":{"keep":"1","lost":"1"}}"#);
        let rehearsed = Rehearsed::Change(object_diff(&before, &value(r#"{"data":{"keep":"1"}}"#), &key));
        let change = Change::Adopt { from: vec!["helm".into(), "kubectl".into()], owner: None };
        let verdict = Verdict::Withheld(change, Because::Manual);
        let text = describe(&key, None, &rehearsed, adopted_from(&verdict), (Paint::Plain, Texts::Elided));
        let expected = "change ConfigMap/a in shop\n  adopted from helm, kubectl; their fields that Git does not have go\n  - .data.lost\n";
        assert!(text.starts_with(expected), "{text}");
        assert_eq!(removed(&rehearsed), [".data.lost"]);
        assert_eq!(adopted_from(&Verdict::InSync), []);
    }

    #[test]
    fn every_fate_reads_well() {
        let key = ObjectKey::new("apps", "Deployment", "shop", "web");
        let value =
            |replicas: u32| from_json(format!(r#"{{"spec":{{"replicas":{replicas}}}}}"#).as_bytes()).unwrap();
        let change = object_diff(&value(1), &value(2), &key);
        check(
            &Rehearsed::Change(change),
            "change Deployment/web in shop (web.yaml:1)\n  ~ .spec.replicas\n      - 1\n      + 2\n\n",
            r#"{"object":"apps/Deployment:shop/web","change":"change","fields":[{"path":".spec.replicas","old":1,"new":2}]}"#,
        );
        check(
            &Rehearsed::Create { diff: ObjectDiff::default(), untried: Some("no namespace".to_owned()) },
            "create Deployment/web in shop (web.yaml:1)\n  not tried, no namespace\n\n",
            r#"{"object":"apps/Deployment:shop/web","change":"create","fields":[],"message":"no namespace"}"#,
        );
        check(
            &Rehearsed::Delete(ObjectDiff::default()),
            "delete Deployment/web in shop (web.yaml:1)\n\n",
            r#"{"object":"apps/Deployment:shop/web","change":"delete"}"#,
        );
        check(
            &Rehearsed::Refused("bad".to_owned()),
            "refused Deployment/web in shop (web.yaml:1)\n  bad\n\n",
            r#"{"object":"apps/Deployment:shop/web","change":"refused","message":"bad"}"#,
        );
    }

    #[test]
    fn long_texts_are_shortened_for_people_unless_the_screen_is_wide() {
        let key = ObjectKey::new("apps", "Deployment", "shop", "web");
        let rehearsed = Rehearsed::Refused(format!("bad: {}: why", "x".repeat(1000)));
        let shown = |texts| describe(&key, None, &rehearsed, &[], (Paint::Plain, texts));
        assert!(shown(Texts::Elided).len() < 300 && shown(Texts::Elided).contains("xxx: why\n"));
        assert!(shown(Texts::Whole).len() > 1000);
        assert!(machine(&key, &rehearsed).str_at(&["message"]).unwrap().len() > 1000);
    }
}
