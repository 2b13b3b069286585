//! What a cluster has when it starts: namespaces, default roles, priorities, flow control, the Service of the API itself.

use std::sync::{Arc, LazyLock};

use lockstep_core::{Timestamp, Value, from_json};

use crate::authorizer::Rights;
use crate::chance::Chance;
use crate::entry::Entry;
use crate::shelf::key;

/// One object a line, as a real cluster has it; `TIME` and `DATE` stand for when it was made.
static OBJECTS: &str = include_str!("../data/bootstrap.jsonl");

/// What a new cluster has. It is read once in a process: tests make thousands of clusters.
pub(crate) struct Beginning {
    pub(crate) objects: Vec<Prepared>,
    /// What its roles and bindings say.
    pub(crate) rights: Rights,
}

/// One object, ready but for what differs between clusters.
pub(crate) struct Prepared {
    pub(crate) shelf: Arc<str>,
    pub(crate) key: Arc<str>,
    pub(crate) value: Value,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Uid,
    Revision,
    Time,
    Date,
}

const PLACES: [(&str, Piece); 4] = [
    ("\"<uid>\"", Piece::Uid),
    ("\"<version>\"", Piece::Revision),
    ("\"TIME\"", Piece::Time),
    ("\"DATE\"", Piece::Date),
];

/// What every new cluster has.
pub(crate) fn beginning() -> &'static Beginning {
    static BEGINNING: LazyLock<Beginning> = LazyLock::new(|| {
        let objects: Vec<Prepared> = OBJECTS.lines().filter_map(Prepared::read).collect();
        let mut rights = Rights::default();
        for object in &objects {
            rights.follow(&object.shelf, &object.key, Some(&object.value));
        }
        Beginning { objects, rights }
    });
    &BEGINNING
}

impl Prepared {
    fn read(line: &str) -> Option<Self> {
        let mut value = from_json(line.as_bytes()).ok()?;
        value.set(&["metadata", "uid"], "<uid>".into());
        value.set(&["metadata", "resourceVersion"], "<version>".into());
        let text = |path: &[&str]| value.str_at(path).unwrap_or_default();
        let (group, version) = text(&["apiVersion"]).split_once('/').unwrap_or(("", text(&["apiVersion"])));
        let kind = text(&["kind"]);
        let resource = kinds::resources().iter().find(|resource| {
            resource.kind == kind && resource.group == group && resource.version == version
        })?;
        Some(Self {
            shelf: format!("{group}/{}", resource.plural).into(),
            key: key(text(&["metadata", "namespace"]), text(&["metadata", "name"])),
            pieces: pieces(&String::from_utf8(crate::entry::kind_first(&value)).ok()?),
            value,
        })
    }

    /// The object of one cluster.
    pub(crate) fn entry(&self, chance: &mut Chance, now: Timestamp, revision: u64) -> Entry {
        let (time, uid, version) = (now.to_string(), chance.uid(), revision.to_string());
        let mut json = String::new();
        for piece in &self.pieces {
            let text = match piece {
                Piece::Text(text) => {
                    json.push_str(text);
                    continue;
                }
                Piece::Uid => &*uid,
                Piece::Revision => &*version,
                Piece::Time => &*time,
                Piece::Date => time.split('T').next().unwrap_or_default(),
            };
            json.extend(["\"", text, "\""]);
        }
        let labels = self.value.at(&["metadata", "labels"]).and_then(Value::as_map).into_iter().flatten();
        Entry {
            object: json.into_bytes().into(),
            revision,
            uid: uid.into(),
            labels: labels
                .filter_map(|(key, value)| Some(((**key).into(), value.as_str()?.into())))
                .collect(),
            raw: false,
        }
    }
}

/// A text between the places where clusters differ.
fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = text;
    loop {
        let next = PLACES
            .iter()
            .filter_map(|(place, piece)| Some((rest.find(place)?, place, piece)))
            .min_by_key(|(at, ..)| *at);
        let Some((at, place, piece)) = next else { break };
        pieces.push(Piece::Text(rest[..at].to_owned()));
        pieces.push(piece.clone());
        rest = &rest[at + place.len()..];
    }
    pieces.push(Piece::Text(rest.to_owned()));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_makes_an_object_as_if_it_had_been_written() {
        let objects = &beginning().objects;
        assert_eq!(objects.len(), OBJECTS.lines().count());
        let mut chance = Chance::new(1);
        for (prepared, revision) in objects.iter().zip(1..) {
            let entry = prepared.entry(&mut chance, Timestamp(0), revision);
            let text = std::str::from_utf8(&entry.object).unwrap();
            assert!(
                !["TIME", "DATE", "<uid>", "<version>"].iter().any(|place| text.contains(place)),
                "{text}"
            );
            let written = Entry::write(entry.value(), revision);
            assert_eq!(
                (&entry.object, &entry.uid, &entry.labels),
                (&written.object, &written.uid, &written.labels)
            );
        }
    }
}
