//! One stored object: its JSON, and the little that must be known without reading it.

use std::fmt;
use std::sync::Arc;

use lockstep_core::{Value, from_json, to_json};

/// An object as it is stored.
pub(crate) struct Entry {
    /// The JSON, `kind` and `apiVersion` first, so that they can be left out where they are not shown.
    pub(crate) object: Arc<[u8]>,
    /// The version of the state in which it was written.
    pub(crate) revision: u64,
    pub(crate) uid: Box<str>,
    pub(crate) labels: Box<[(Box<str>, Box<str>)]>,
    /// Whether a real server has stored something else than it reads of it ([`crate::state::WriteKind::PutRaw`]).
    pub(crate) raw: bool,
}

/// It may be a Secret: only how long it is is shown.
impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entry({}, {} bytes)", self.revision, self.object.len())
    }
}

impl Entry {
    /// The object as written in the version `revision` of the state, which it then names.
    pub(crate) fn write(mut object: Value, revision: u64) -> Self {
        object.set(&["metadata", "resourceVersion"], revision.to_string().into());
        Self::of(&object, revision)
    }

    /// The object as it is; it names its version.
    pub(crate) fn of(object: &Value, revision: u64) -> Self {
        let labels = object.at(&["metadata", "labels"]).and_then(Value::as_map);
        let labels = labels.into_iter().flatten();
        Self {
            object: kind_first(object).into(),
            revision,
            uid: object.str_at(&["metadata", "uid"]).unwrap_or_default().into(),
            labels: labels
                .filter_map(|(key, value)| Some(((**key).into(), value.as_str()?.into())))
                .collect(),
            raw: false,
        }
    }

    /// The object to work with.
    pub(crate) fn value(&self) -> Value {
        // What is in a store was written by it and is not too deep, or was read once when it was restored. Nothing may go on
        // with less than the object: the rest would be overwritten.
        from_json(&self.object).unwrap_or_else(|_| unreachable!("an object in the store cannot be read"))
    }

    pub(crate) fn label(&self, key: &str) -> Option<&str> {
        self.labels.iter().find(|(name, _)| **name == *key).map(|(_, value)| &**value)
    }
}

/// The JSON of an object with `kind` and `apiVersion`, where it has them, first.
pub fn kind_first(value: &Value) -> Vec<u8> {
    let mut rest = value.clone();
    let mut json = vec![b'{'];
    for key in ["kind", "apiVersion"] {
        if let Some(text) = value.get(key).filter(|text| text.as_str().is_some()) {
            json.extend_from_slice(format!("\"{key}\":").as_bytes());
            json.extend(to_json(text));
            json.push(b',');
            rest.remove(&[key]);
        }
    }
    let rest = to_json(&rest);
    match (json.len(), rest.strip_prefix(b"{")) {
        (1, _) | (_, None) => return rest,
        (_, Some(b"}")) => _ = json.pop(),
        _ => {}
    }
    json.extend_from_slice(&rest[1..]);
    json
}

/// How many bytes of the JSON of an object come before what is neither `kind` nor `apiVersion`.
pub(crate) fn head_length(kind: &str, api_version: &str) -> usize {
    let text = |text: &str| to_json(&Value::from(text)).len();
    "{\"kind\":,\"apiVersion\":,".len() + text(kind) + text(api_version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kind_and_version_come_first_and_can_be_left_out() {
        let object =
            from_json(br#"{"a":1,"apiVersion":"v1","kind":"K","metadata":{"labels":{"x":"y"},"uid":"u"}}"#)
                .unwrap();
        let entry = Entry::write(object.clone(), 7);
        let text = std::str::from_utf8(&entry.object).unwrap();
        let rest = r#""a":1,"metadata":{"labels":{"x":"y"},"resourceVersion":"7","uid":"u"}}"#;
        assert_eq!(text, format!(r#"{{"kind":"K","apiVersion":"v1",{rest}"#));
        assert_eq!(&text[head_length("K", "v1")..], rest);
        assert_eq!((entry.label("x"), entry.label("z"), &*entry.uid), (Some("y"), None, "u"));
        let mut read = entry.value();
        read.remove(&["metadata", "resourceVersion"]);
        assert_eq!(read, object);
    }

    #[test]
    fn the_kind_comes_first() {
        let check = |json: &str, want: &str| {
            assert_eq!(String::from_utf8(kind_first(&from_json(json.as_bytes()).unwrap())).unwrap(), want);
        };
        check(r#"{"a":1,"apiVersion":"v1","kind":"K"}"#, r#"{"kind":"K","apiVersion":"v1","a":1}"#);
        check(r#"{"kind":"K"}"#, r#"{"kind":"K"}"#);
        check(r#"{"a":1}"#, r#"{"a":1}"#);
        check(r#"{"kind":{},"a":1}"#, r#"{"a":1,"kind":{}}"#);
        check("[1]", "[1]");
    }
}
