//! By what an item of a list is known.

use std::sync::Arc;

use lockstep_core::{PathElement, Value};

use crate::definitions::Definitions;
use crate::go_text;
use crate::shape::{ListRelation, ListShape};

/// The path element of an item of a set or a keyed list; else why it has none, in the server's words.
pub(crate) fn element_of(
    definitions: &Definitions,
    list: &ListShape,
    item: &Value,
) -> Result<PathElement, String> {
    match &list.relation {
        ListRelation::Atomic => Err("invalid indexing of non-associative list".into()),
        ListRelation::Set => by_value(item),
        ListRelation::Keyed(keys) => by_keys(definitions, list, (keys, item)),
    }
}

fn by_value(item: &Value) -> Result<PathElement, String> {
    match item {
        Value::Map(_) => Err("associative list without keys has an element that's a map type".into()),
        Value::List(_) => Err("not supported: associative list with lists as elements".into()),
        Value::Null => Err("associative list without keys has an element that's an explicit null".into()),
        scalar => Ok(PathElement::Item(scalar.clone())),
    }
}

fn by_keys(
    definitions: &Definitions,
    list: &ListShape,
    (keys, item): (&[Arc<str>], &Value),
) -> Result<PathElement, String> {
    let entries = match item {
        Value::Map(entries) => entries,
        Value::Null => return Err("associative list with keys may not have a null element".into()),
        _ => return Err("associative list with keys may not have non-map elements".into()),
    };
    let fields = definitions.atom(&list.items).and_then(|atom| atom.map).map(|(map, _)| &map.fields);
    // A key that is not there and has no default is left out: without it, it is another item.
    let value = |key: &Arc<str>| entries.get(key).or_else(|| fields?.get(key)?.default.as_ref()).cloned();
    let mut known: Vec<_> = keys.iter().filter_map(|key| Some((key.clone(), value(key)?))).collect();
    if known.is_empty() {
        let keys: Vec<String> = keys.iter().map(|key| go_text::quoted(key)).collect();
        return Err(format!(
            "associative list with keys has an element that omits all key fields [{}] (and doesn't have default values for any key fields)",
            keys.join(" ")
        ));
    }
    known.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(PathElement::Key(known))
}
