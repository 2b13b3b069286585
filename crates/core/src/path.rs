//! Where a field is inside an object.

use std::fmt;
use std::sync::Arc;

use crate::value::Value;

/// One step from a value to a child, with the four forms of structured-merge-diff's path elements.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PathElement {
    /// A field of a struct or a key of a map: `f:name`.
    Field(Arc<str>),
    /// An item of an associative list by its key fields, sorted by name: `k:{"name":"web"}`.
    Key(Vec<(Arc<str>, Value)>),
    /// An item of a set by its value: `v:"text"`.
    Item(Value),
    /// An item of any list by position: `i:0`.
    Index(usize),
}

/// A chain of path elements from an object's root.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldPath(pub Vec<PathElement>);

impl FieldPath {
    /// The path of a chain of field names.
    pub fn fields(names: &[&str]) -> Self {
        Self(names.iter().map(|name| PathElement::Field(Arc::from(*name))).collect())
    }

    /// This path with one more element.
    #[must_use]
    pub fn child(&self, element: PathElement) -> Self {
        let mut elements = self.0.clone();
        elements.push(element);
        Self(elements)
    }
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.to_string(),
        other => String::from_utf8_lossy(&crate::json::to_json(other)).into_owned(),
    }
}

impl fmt::Display for PathElement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) if is_plain(name) => write!(f, ".{name}"),
            Self::Field(name) => write!(f, "[{}]", text_of(&Value::String(name.clone()))),
            Self::Key(fields) => {
                let keys: Vec<String> = fields.iter().map(|(k, v)| format!("{k}={}", text_of(v))).collect();
                write!(f, "[{}]", keys.join(","))
            }
            Self::Item(value) => write!(f, "[={}]", text_of(value)),
            Self::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// As structured-merge-diff prints paths: `.spec.template.spec.containers[name=web].image`.
impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str(".");
        }
        self.0.iter().try_for_each(|element| element.fmt(f))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_print_readably() {
        let path = FieldPath(vec![
            PathElement::Field("spec".into()),
            PathElement::Key(vec![("containerPort".into(), 80.into()), ("protocol".into(), "TCP".into())]),
            PathElement::Field("app.kubernetes.io/name".into()),
            PathElement::Item("a b".into()),
            PathElement::Index(3),
        ]);
        assert_eq!(
            path.to_string(),
            r#".spec[containerPort=80,protocol=TCP]["app.kubernetes.io/name"][="a b"][3]"#
        );
    }
}
