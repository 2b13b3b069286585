//! The names of a custom resource: whether they are names, and whether they are free.

use lockstep_core::{Map, Value};
use schema::{At, FieldError};

use crate::meta::{View, dns_1035_label};

/// What is wrong with names; absent ones are another's business.
pub(super) fn validate(names: &Value, at: &At) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for key in ["plural", "singular"] {
        let name = names.text(key);
        let wrong = dns_1035_label(name);
        if !name.is_empty() && !wrong.is_empty() {
            errors.push(FieldError::invalid(&at.field(key), name, wrong.join(",")));
        }
    }
    for key in ["kind", "listKind"] {
        let name = names.text(key);
        let wrong = dns_1035_label(&name.to_lowercase());
        if !name.is_empty() && !wrong.is_empty() {
            let text = format!("may have mixed case, but should otherwise match: {}", wrong.join(","));
            errors.push(FieldError::invalid(&at.field(key), name, text));
        }
    }
    if !names.text("kind").is_empty() && names.text("kind") == names.text("listKind") {
        errors.push(FieldError::invalid(
            &at.field("listKind"),
            names.text("listKind"),
            "kind and listKind may not be the same",
        ));
    }
    for key in ["shortNames", "categories"] {
        let list = at.field(key);
        for (index, name) in names.items(key).iter().enumerate() {
            let wrong = dns_1035_label(name.as_str().unwrap_or_default());
            if !wrong.is_empty() {
                errors.push(FieldError::invalid(&list.index(index), name.clone(), wrong.join(",")));
            }
        }
    }
    errors
}

/// Whether objects of the kind are served.
pub(super) fn is_established(object: &Value) -> bool {
    crate::condition::is_true(object.child("status"), "Established")
}

/// Every version with its schema (`openAPIV3Schema`), and where the server says the schema is: a schema that all versions share is
/// the definition's own.
pub fn schemas(spec: &Value) -> Vec<(String, &Value)> {
    let versions = spec.items("versions");
    let schema = |version: &'_ Value| -> Value { version.child("schema").child("openAPIV3Schema").clone() };
    let Some(first) = versions.first() else { return Vec::new() };
    let shared = first.has("schema")
        && versions.iter().all(|version| version.child("schema") == first.child("schema"));
    if shared {
        let found = first.at(&["schema", "openAPIV3Schema"]);
        return found
            .map(|schema| ("spec.validation.openAPIV3Schema".to_owned(), schema))
            .into_iter()
            .collect();
    }
    let place = |index: usize| format!("spec.versions[{index}].schema.openAPIV3Schema");
    versions
        .iter()
        .enumerate()
        .filter(|(_, version)| !matches!(schema(version), Value::Null))
        .filter_map(|(index, version)| Some((place(index), version.at(&["schema", "openAPIV3Schema"])?)))
        .collect()
}

/// The status that the server's controllers give a definition: which names it gets, beside the other definitions of its group, and
/// whether it is served. `now` is the time of conditions that change, as RFC 3339.
pub fn accept_names(object: &Value, others: &[Value], now: &str) -> Value {
    let spec = object.child("spec");
    let wanted = spec.child("names");
    let mut taken = Vec::new();
    let peers = others.iter().filter(|other| {
        other.child("spec").text("group") == spec.text("group")
            && other.child("metadata").text("name") != object.child("metadata").text("name")
    });
    for other in peers {
        let names = other.child("status").child("acceptedNames");
        taken.push(names.clone());
    }
    let mut status = object.child("status").clone();
    if matches!(status, Value::Null) {
        status = Value::map(Map::new());
    }
    let accepted = accepted(wanted, &taken);
    let conflict = conflict(wanted, &taken);
    status.set(&["acceptedNames"], accepted);
    let names = match &conflict {
        None => ("NamesAccepted", "True", "NoConflicts", "no conflicts found".to_owned()),
        Some((reason, text)) => ("NamesAccepted", "False", *reason, text.clone()),
    };
    set_condition(&mut status, names, now);
    if conflict.is_none() {
        let text = "the initial names have been accepted".to_owned();
        set_condition(&mut status, ("Established", "True", "InitialNamesAccepted", text), now);
    } else if !is_established(object) {
        let text = "not all names are accepted".to_owned();
        set_condition(&mut status, ("Established", "False", "NotAccepted", text), now);
    }
    status
}

/// Names of resources share one space, those of kinds another.
fn is_taken(name: &str, keys: &[&str], taken: &[Value]) -> bool {
    taken.iter().any(|names| {
        keys.iter().any(|key| names.text(key) == name)
            || (keys.contains(&"plural")
                && names.items("shortNames").iter().any(|short| short.as_str() == Some(name)))
    })
}

const RESOURCES: [&str; 2] = ["plural", "singular"];
const KINDS: [&str; 2] = ["kind", "listKind"];

fn conflict(wanted: &Value, taken: &[Value]) -> Option<(&'static str, String)> {
    let words = [
        ("plural", "PluralConflict", &RESOURCES),
        ("singular", "SingularConflict", &RESOURCES),
        ("kind", "KindConflict", &KINDS),
        ("listKind", "ListKindConflict", &KINDS),
    ];
    let in_use = |name: &str| format!("{name:?} is already in use");
    let word = words.iter().find(|(key, _, keys)| is_taken(wanted.text(key), *keys, taken));
    if let Some((key, reason, _)) = word {
        return Some((reason, in_use(wanted.text(key))));
    }
    let short = wanted
        .items("shortNames")
        .iter()
        .filter_map(Value::as_str)
        .find(|name| is_taken(name, &RESOURCES, taken));
    short.map(|name| ("ShortNamesConflict", in_use(name)))
}

fn accepted(wanted: &Value, taken: &[Value]) -> Value {
    let mut names = Map::new();
    for key in RESOURCES.iter().chain(&KINDS) {
        let keys = if RESOURCES.contains(key) { &RESOURCES } else { &KINDS };
        // A name that is not accepted is empty, and is written.
        let free = !is_taken(wanted.text(key), keys, taken);
        if free && !wanted.text(key).is_empty() {
            names.insert((*key).into(), wanted.text(key).into());
        } else if matches!(*key, "plural" | "kind") {
            names.insert((*key).into(), "".into());
        }
    }
    let short: Vec<Value> = wanted.items("shortNames").to_vec();
    let free = short.iter().filter_map(Value::as_str).all(|name| !is_taken(name, &RESOURCES, taken));
    if free && !short.is_empty() {
        names.insert("shortNames".into(), Value::list(short));
    }
    if !wanted.items("categories").is_empty() {
        names.insert("categories".into(), wanted.child("categories").clone());
    }
    Value::map(names)
}

fn set_condition(status: &mut Value, (of, state, reason, message): (&str, &str, &str, String), now: &str) {
    let mut conditions = status.items("conditions").to_vec();
    let mut condition = Value::map(Map::new());
    for (key, text) in [("type", of), ("status", state), ("reason", reason), ("message", &*message)] {
        condition.set(&[key], text.into());
    }
    let known = conditions.iter_mut().find(|condition| condition.text("type") == of);
    let since = known
        .as_ref()
        .filter(|known| known.text("status") == state)
        .map(|known| known.child("lastTransitionTime").clone());
    condition.set(&["lastTransitionTime"], since.unwrap_or_else(|| now.into()));
    match known {
        // Once served, a definition stays so with the reason that it first had.
        Some(known) if known.text("status") == state && of == "Established" => {}
        Some(known) => *known = condition,
        None => conditions.push(condition),
    }
    status.set(&["conditions"], Value::list(conditions));
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_core::from_json;

    fn value(json: &str) -> Value {
        from_json(json.as_bytes()).unwrap()
    }

    #[test]
    fn names_are_accepted_where_nobody_else_has_them() {
        let object = value(
            r#"{"metadata":{"name":"as.g"},"spec":{"group":"g","names":{"plural":"as","singular":"a","kind":"A","listKind":"AList","shortNames":["x"]}}}"#,
        );
        let alone = accept_names(&object, &[], "t");
        assert_eq!(alone.child("acceptedNames"), object.child("spec").child("names"));
        assert!(is_established(&value(
            r#"{"status":{"conditions":[{"type":"Established","status":"True"}]}}"#
        )));
        let other = value(
            r#"{"metadata":{"name":"bs.g"},"spec":{"group":"g"},"status":{"acceptedNames":{"plural":"bs","kind":"A"}}}"#,
        );
        let beside = accept_names(&object, &[other], "t");
        let conditions = beside.items("conditions");
        assert_eq!(
            (conditions[0].text("reason"), conditions[0].text("message")),
            ("KindConflict", "\"A\" is already in use")
        );
        assert_eq!(conditions[1].text("reason"), "NotAccepted");
        assert_eq!(beside.child("acceptedNames").text("kind"), "");
    }
}
