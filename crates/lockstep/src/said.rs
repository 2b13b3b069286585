//! What the controller last told of single objects, in the conditions of their Application.

use std::collections::BTreeMap;

use api::{Condition, ConditionType, Reason, Status};
use lockstep_core::{ObjectKey, Value};
use plan::Entry;

use crate::output::{mapping, text};

/// What a condition says of one object.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Said<'a> {
    pub(crate) condition: &'a Condition,
    pub(crate) text: String,
}

/// What the controller told of each object: steps that failed, and fights with other writers. A controller remembers more than
/// whoever looks from outside: dry runs show no fight.
pub(crate) fn said<'a>(status: &'a Status, entries: &[Entry]) -> BTreeMap<ObjectKey, Vec<Said<'a>>> {
    let failed = |ready: &&Condition| !ready.holds && ready.reason == Reason::SyncFailed.as_str();
    let ready = status.condition(ConditionType::Ready).filter(failed);
    let fighting = status.condition(ConditionType::Fighting).filter(|fighting| fighting.holds);
    let names: Vec<String> = entries.iter().map(|entry| entry.key.to_string()).collect();
    let mut all: BTreeMap<ObjectKey, Vec<Said<'_>>> = BTreeMap::new();
    for condition in ready.into_iter().chain(fighting) {
        for item in items(&condition.message, &names) {
            for (entry, name) in entries.iter().zip(&names) {
                if let Some(text) = about(&item, name) {
                    let said = Said { condition, text: text.to_owned() };
                    all.entry(entry.key.clone()).or_default().push(said);
                }
            }
        }
    }
    all
}

/// For programs.
pub(crate) fn machine(condition: &Condition, message: &str) -> Value {
    mapping([
        ("type", text(condition.kind.as_str())),
        ("reason", text(&condition.reason)),
        ("message", text(message)),
        ("since", text(condition.since)),
    ])
}

/// The items of a message. What follows a semicolon without naming an object belongs to the item before it.
fn items(message: &str, names: &[String]) -> Vec<String> {
    let mut items: Vec<String> = Vec::new();
    for piece in message.split("; ") {
        let rest = piece.strip_prefix("and ").and_then(|rest| rest.strip_suffix(" more"));
        match items.last_mut() {
            _ if rest.is_some_and(|count| count.parse::<usize>().is_ok()) => {}
            Some(last) if !names.iter().any(|name| about(piece, name).is_some()) => {
                last.push_str("; ");
                last.push_str(piece);
            }
            _ => items.push(piece.to_owned()),
        }
    }
    items
}

/// What an item says, if it is about this object: `Kind/name: what`, `Kind/name what` or `what of Kind/name, and more`.
fn about<'a>(item: &'a str, name: &str) -> Option<&'a str> {
    let behind = item.strip_prefix(name).and_then(|rest| rest.strip_prefix(": ").or(rest.strip_prefix(' ')));
    behind.or_else(|| {
        let of = format!(" of {name}");
        let rest = &item[item.find(&of)? + of.len()..];
        (rest.is_empty() || rest.starts_with([',', ';'])).then_some(item)
    })
}

#[cfg(test)]
mod tests {
    use lockstep_core::{Timestamp, from_json};
    use plan::Verdict;

    use super::*;

    #[test]
    fn an_object_hears_what_was_told_of_it_and_nothing_else() {
        let status = r#"{"status":{"conditions":[
            {"type":"Ready","status":"False","reason":"SyncFailed","lastTransitionTime":"2026-11-24T06:50:00Z",
             "message":"Service/web: bad port; try another; ConfigMap/a its namespace does not exist; and 3 more"},
            {"type":"Fighting","status":"True","reason":"Fighting","lastTransitionTime":"2026-11-24T06:51:00Z",
             "message":"rival keeps changing .data.x of ConfigMap/a, which is slow"}]}}"#;
        let status = Status::read(&from_json(status.as_bytes()).unwrap());
        let entry = |kind: &str, name: &str| Entry {
            wave: lockstep_core::Wave::default(),
            key: ObjectKey::new("", kind, "shop", name),
            origin: None,
            commit: None,
            verdict: Verdict::InSync,
            extras: Vec::new().into(),
            contested: None,
        };
        let entries = [
            entry("ConfigMap", "a"),
            entry("ConfigMap", "a.b"),
            entry("Service", "we"),
            entry("Service", "web"),
        ];
        let all = said(&status, &entries);
        let heard: Vec<(String, Vec<(&str, &str)>)> = all
            .iter()
            .map(|(key, said)| {
                let said = said.iter().map(|said| (&*said.condition.reason, &*said.text));
                (key.to_string(), said.collect())
            })
            .collect();
        let expected = [
            (
                "ConfigMap/a".to_owned(),
                vec![
                    ("SyncFailed", "its namespace does not exist"),
                    ("Fighting", "rival keeps changing .data.x of ConfigMap/a, which is slow"),
                ],
            ),
            ("Service/web".to_owned(), vec![("SyncFailed", "bad port; try another")]),
        ];
        assert_eq!(heard, expected);
        assert_eq!(
            all[&entries[0].key][1].condition.since,
            Timestamp::parse("2026-11-24T06:51:00Z").unwrap()
        );
    }
}
