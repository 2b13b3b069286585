//! Reading values as the server's types are read: what is absent is empty.

use lockstep_core::Value;

/// What is not there.
pub(crate) static NULL: Value = Value::Null;

/// Reading a mapping whose absent fields have Go's zero value.
pub(crate) trait View {
    /// The field, or [`NULL`].
    fn child(&self, key: &str) -> &Value;

    /// The field as a text; empty where it is absent.
    fn text(&self, key: &str) -> &str {
        self.child(key).as_str().unwrap_or_default()
    }

    /// The items of a list field.
    fn items(&self, key: &str) -> &[Value] {
        self.child(key).as_list().unwrap_or_default()
    }

    /// The entries of a mapping field.
    fn entries(&self, key: &str) -> impl Iterator<Item = (&str, &Value)> {
        self.child(key).as_map().into_iter().flatten().map(|(key, value)| (&**key, value))
    }

    /// The field as a truth; false where it is absent.
    fn flag(&self, key: &str) -> bool {
        self.child(key).as_bool().unwrap_or_default()
    }

    /// The field as a number; `None` where it is absent.
    fn int(&self, key: &str) -> Option<i64> {
        self.child(key).as_int()
    }

    /// The field as a number; zero where it is absent.
    fn number(&self, key: &str) -> i64 {
        self.int(key).unwrap_or_default()
    }

    /// Whether the field is there (a pointer that is not nil).
    fn has(&self, key: &str) -> bool {
        !matches!(self.child(key), Value::Null)
    }
}

impl View for Value {
    fn child(&self, key: &str) -> &Value {
        self.get(key).unwrap_or(&NULL)
    }
}
