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
            object: encode(object).into(),
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

/// The JSON of an object with `kind` and `apiVersion` first.
pub(crate) fn encode(object: &Value) -> Vec<u8> {
    let Some((kind, version)) = object.str_at(&["kind"]).zip(object.str_at(&["apiVersion"])) else {
        return to_json(object);
    };
    let mut rest = object.clone();
    rest.remove(&["kind"]);
    rest.remove(&["apiVersion"]);
    let rest = to_json(&rest);
    let mut out = Vec::with_capacity(rest.len() + kind.len() + version.len() + 24);
    out.extend_from_slice(b"{\"kind\":");
    out.extend(to_json(&Value::from(kind)));
    out.extend_from_slice(b",\"apiVersion\":");
    out.extend(to_json(&Value::from(version)));
    if rest.len() > 2 {
        out.push(b',');
    }
    out.extend_from_slice(&rest[1..]);
    out
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
}
