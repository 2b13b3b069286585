//! The definitions of a real API server, as `tests/conformance/schema/record.py` wrote them down.

use std::sync::{Arc, LazyLock};

use lockstep_core::{Gvk, Value, from_json, to_json};
use lockstep_schema::{Definitions, Duplicates, FieldSet, Schema, Typed};

pub(crate) static DEFINITIONS: LazyLock<Arc<Definitions>> = LazyLock::new(|| {
    let document = value(include_str!("../../../../tests/conformance/schema/openapi.json"));
    let mut definitions = Definitions::new();
    definitions.extend(document.as_map().unwrap().iter().map(|(name, source)| (&**name, source)));
    Arc::new(definitions)
});

pub(crate) fn value(json: &str) -> Value {
    from_json(json.as_bytes()).unwrap()
}

pub(crate) fn text(value: &Value) -> String {
    String::from_utf8(to_json(value)).unwrap()
}

pub(crate) fn fields(json: &str) -> FieldSet {
    FieldSet::parse(&value(json)).unwrap()
}

pub(crate) fn kind(api_version: &str, kind: &str) -> Schema {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    DEFINITIONS.kind(&Gvk::new(group, version, kind)).unwrap()
}

/// A Widget with this spec.
pub(crate) fn widget(spec: &str) -> Typed {
    let object = value(&format!(r#"{{"spec":{spec}}}"#));
    kind("example.com/v1", "Widget").typed(object, Duplicates::Allowed).unwrap()
}

/// The spec of an object, as text.
pub(crate) fn spec(widget: &Typed) -> String {
    widget.value().get("spec").map_or("absent".into(), text)
}
