//! Filling in what a writer has left out.

use std::sync::Arc;

use lockstep_core::Value;

/// Edits of mappings; what is shared is copied first.
pub(crate) trait Edit {
    /// The field, if it is there.
    fn child_mut(&mut self, key: &str) -> Option<&mut Value>;

    /// The items of a list field.
    fn items_mut(&mut self, key: &str) -> &mut [Value];

    /// Sets the field where it is absent.
    fn default_to(&mut self, key: &str, value: impl Into<Value>);

    /// Sets the field where it is absent or the empty text.
    fn default_text(&mut self, key: &str, text: &str);

    /// Sets the field where it is absent or zero.
    fn default_number(&mut self, key: &str, number: i64);

    /// Sets the field to what `from` has, or removes it.
    fn take_from(&mut self, from: &Value, path: &[&str]);
}

impl Edit for Value {
    fn child_mut(&mut self, key: &str) -> Option<&mut Value> {
        match self.get(key) {
            None | Some(Value::Null) => None,
            Some(_) => self.make_map().get_mut(key),
        }
    }

    fn items_mut(&mut self, key: &str) -> &mut [Value] {
        match self.child_mut(key) {
            Some(Value::List(items)) => Arc::make_mut(items).as_mut_slice(),
            _ => &mut [],
        }
    }

    fn default_to(&mut self, key: &str, value: impl Into<Value>) {
        if matches!(self.get(key), None | Some(Value::Null)) {
            self.set(&[key], value.into());
        }
    }

    fn default_text(&mut self, key: &str, text: &str) {
        if self.get(key).and_then(Value::as_str).unwrap_or_default().is_empty() {
            self.set(&[key], text.into());
        }
    }

    fn default_number(&mut self, key: &str, number: i64) {
        if self.get(key).and_then(Value::as_int).unwrap_or_default() == 0 {
            self.set(&[key], number.into());
        }
    }

    fn take_from(&mut self, from: &Value, path: &[&str]) {
        match from.at(path) {
            Some(value) => self.set(path, value.clone()),
            None => drop(self.remove(path)),
        }
    }
}
