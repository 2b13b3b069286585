//! What a cluster has when it starts: namespaces, default roles, priorities, flow control, the Service of the API itself.

use std::sync::Arc;

use lockstep_core::{Timestamp, from_json};

use crate::catalog::Catalog;
use crate::chance::Chance;
use crate::shelf::key;
use crate::state::{Write, WriteKind};

/// One object a line, as a real cluster has it; `TIME` and `DATE` stand for when it was made.
static OBJECTS: &str = include_str!("../data/bootstrap.jsonl");

/// The writes that make it, in their order.
pub(crate) fn writes(catalog: &Catalog, chance: &mut Chance, now: Timestamp) -> Vec<Write> {
    let time = now.to_string();
    let date = time.split('T').next().unwrap_or_default();
    let mut last: Option<(String, Arc<str>)> = None;
    let mut write = |line: &str| {
        let text =
            line.replace("\"TIME\"", &format!("\"{time}\"")).replace("\"DATE\"", &format!("\"{date}\""));
        let mut object = from_json(text.as_bytes()).ok()?;
        object.set(&["metadata", "uid"], chance.uid().into());
        let kind = object.str_at(&["kind"])?.to_owned();
        let shelf = match last.take().filter(|(known, _)| *known == kind) {
            Some((_, shelf)) => shelf,
            None => {
                let version = object.str_at(&["apiVersion"])?;
                let (group, version) = version.split_once('/').unwrap_or(("", version));
                catalog.of_kind(group, version, &kind)?.shelf.clone()
            }
        };
        last = Some((kind, shelf.clone()));
        let namespace = object.str_at(&["metadata", "namespace"]).unwrap_or_default();
        let key = key(namespace, object.str_at(&["metadata", "name"])?);
        Some(Write { shelf, key, change: WriteKind::Put(object) })
    };
    OBJECTS.lines().filter_map(&mut write).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_makes_an_object() {
        let writes = writes(&Catalog::new(), &mut Chance::new(1), Timestamp(0));
        assert_eq!(writes.len(), OBJECTS.lines().count());
        for write in writes {
            let WriteKind::Put(object) = write.change else { panic!("nothing is removed") };
            let text = String::from_utf8(crate::entry::encode(&object)).unwrap();
            assert!(!text.contains("\"TIME\"") && !text.contains("\"DATE\""), "{text}");
        }
    }
}
