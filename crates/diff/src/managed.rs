//! The entries of `metadata.managedFields` as they came.

use lockstep_core::{Map, Value};
use schema::FieldSet;

/// The entries of an object.
pub(crate) fn entries(object: &Value) -> &[Value] {
    object.at(&["metadata", "managedFields"]).and_then(Value::as_list).unwrap_or_default()
}

/// A text field of an entry, empty where it is absent.
pub(crate) fn text<'a>(entry: &'a Value, field: &str) -> &'a str {
    entry.str_at(&[field]).unwrap_or_default()
}

/// Whether an entry tracks what was written through the object itself rather than through `status` or `scale`.
pub(crate) fn is_main(entry: &Value) -> bool {
    text(entry, "subresource").is_empty()
}

/// Whether an entry is what this manager applied.
pub(crate) fn is_applied_by(entry: &Value, manager: &str) -> bool {
    text(entry, "manager") == manager && text(entry, "operation") == "Apply" && is_main(entry)
}

/// The entry of what this manager applied. There is at most one: the server tells appliers apart by name only.
pub(crate) fn applied_entry<'a>(object: &'a Value, manager: &str) -> Option<&'a Value> {
    entries(object).iter().find(|entry| is_applied_by(entry, manager))
}

/// The fields of an entry; `None` where they are not in the form FieldsV1.
pub(crate) fn fields_of(entry: &Value) -> Option<FieldSet> {
    FieldSet::parse(entry.get("fieldsV1")?).ok()
}

/// An entry with other fields and another version. `time` stays that of the entry.
pub(crate) fn rewritten(entry: &Value, api_version: &str, fields: &FieldSet) -> Value {
    let mut entries = entry.as_map().cloned().unwrap_or_default();
    put(&mut entries, "apiVersion", api_version.into());
    put(&mut entries, "fieldsType", "FieldsV1".into());
    put(&mut entries, "fieldsV1", fields.to_fields_v1());
    Value::map(entries)
}

/// Sets one field of an entry.
pub(crate) fn put(entries: &mut Map, field: &str, value: Value) {
    entries.insert(field.into(), value);
}
