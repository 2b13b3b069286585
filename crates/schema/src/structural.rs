//! Pruning and defaulting of custom resources by the structural schema of their definition.

use std::sync::Arc;

use lockstep_core::{Map, Value};

/// The `openAPIV3Schema` of one version of a CustomResourceDefinition.
#[derive(Clone, Copy, Debug)]
pub struct Structural<'a>(pub &'a Value);

/// The fields that every object has, whatever its schema says.
const META_FIELDS: [&str; 3] = ["apiVersion", "kind", "metadata"];

impl<'a> Structural<'a> {
    /// Removes from a whole object what the schema does not name, and returns where that was, sorted, as the server warns:
    /// `spec.list[0].field`.
    pub fn prune(self, object: &mut Value) -> Vec<String> {
        let mut pruning = Pruning::default();
        pruning.visit(object, Some(self), Root::Yes);
        pruning.unknown.sort();
        pruning.unknown
    }

    /// Fills in defaults: for what is absent, and for null where that is not allowed.
    pub fn default(self, value: &mut Value) {
        fill(value, Some(self));
    }

    /// Removes null where it is neither allowed nor to be defaulted. The server does so to what it reads, from a request or
    /// from its store, before it fills in defaults; not to what an apply has made, which is validated with its nulls.
    pub fn drop_nulls(self, value: &mut Value) {
        drop_nulls(value, Some(self));
    }

    fn flag(self, name: &str) -> bool {
        self.0.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    fn default_value(self) -> Option<&'a Value> {
        self.0.get("default").filter(|default| !matches!(default, Value::Null))
    }

    fn property(self, name: &str) -> Option<Self> {
        self.0.at(&["properties", name]).map(Self)
    }

    /// The schema of other keys: `Some(None)` where they are allowed without one.
    fn additional(self) -> Option<Option<Self>> {
        match self.0.get("additionalProperties") {
            None | Some(Value::Bool(false)) => None,
            Some(schema) => Some(schema.as_map().map(|_| Self(schema))),
        }
    }

    fn items(self) -> Option<Self> {
        self.0.get("items").map(Self)
    }

    /// The schema of the entry under a key.
    fn entry(self, name: &str) -> Option<Self> {
        self.property(name).or_else(|| self.additional().flatten())
    }

    fn refuses_null(self) -> bool {
        !self.flag("nullable")
    }
}

/// Whether a value is a whole object, and so an embedded one whatever its schema says.
#[derive(Clone, Copy, PartialEq)]
enum Root {
    Yes,
    No,
}

#[derive(Default)]
struct Pruning {
    path: String,
    unknown: Vec<String>,
}

impl Pruning {
    fn within(&mut self, step: &str, visit: impl FnOnce(&mut Self)) {
        let before = self.path.len();
        if !self.path.is_empty() && !step.starts_with('[') {
            self.path.push('.');
        }
        self.path.push_str(step);
        visit(self);
        self.path.truncate(before);
    }

    fn visit(&mut self, value: &mut Value, schema: Option<Structural<'_>>, root: Root) {
        match value {
            Value::Map(entries) => self.entries(Arc::make_mut(entries), schema, root),
            Value::List(items) => {
                let preserves =
                    schema.is_some_and(|schema| schema.flag("x-kubernetes-preserve-unknown-fields"));
                let inner = schema.and_then(Structural::items);
                if preserves && inner.is_none() {
                    return;
                }
                for (index, item) in Arc::make_mut(items).iter_mut().enumerate() {
                    self.within(&format!("[{index}]"), |pruning| match preserves {
                        true => pruning.skip(item, inner),
                        false => pruning.visit(item, inner, Root::No),
                    });
                }
            }
            _ => {}
        }
    }

    /// Items of a list that preserves what is unknown preserve it too; only what is named inside is looked at.
    fn skip(&mut self, value: &mut Value, schema: Option<Structural<'_>>) {
        let Some(schema) = schema else { return };
        match value {
            Value::Map(entries) => self.preserved(Arc::make_mut(entries), schema, Root::No),
            Value::List(items) => {
                for (index, item) in Arc::make_mut(items).iter_mut().enumerate() {
                    self.within(&format!("[{index}]"), |pruning| pruning.skip(item, schema.items()));
                }
            }
            _ => {}
        }
    }

    fn entries(&mut self, entries: &mut Map, schema: Option<Structural<'_>>, root: Root) {
        if let Some(schema) = schema.filter(|schema| schema.flag("x-kubernetes-preserve-unknown-fields")) {
            return self.preserved(entries, schema, root);
        }
        let embedded = is_embedded(schema, root);
        let names: Vec<Arc<str>> = entries.keys().cloned().collect();
        for name in names.iter().filter(|name| !(embedded && META_FIELDS.contains(&&***name))) {
            let inner = schema.and_then(|schema| match schema.property(name) {
                Some(property) => Some(Some(property)),
                None => schema.additional(),
            });
            match (inner, entries.get_mut(name)) {
                (Some(inner), Some(value)) => {
                    self.within(name, |pruning| pruning.visit(value, inner, Root::No));
                }
                _ => {
                    entries.remove(name);
                    self.within(name, |pruning| pruning.unknown.push(pruning.path.clone()));
                }
            }
        }
    }

    /// The entries that are named are pruned inside; others stay.
    fn preserved(&mut self, entries: &mut Map, schema: Structural<'_>, root: Root) {
        let embedded = is_embedded(Some(schema), root);
        for (name, value) in
            entries.iter_mut().filter(|(name, _)| !(embedded && META_FIELDS.contains(&&***name)))
        {
            let inner = match schema.property(name) {
                Some(property) => Some(property),
                None => match schema.additional() {
                    Some(inner) => inner,
                    None => continue,
                },
            };
            self.within(name, |pruning| pruning.visit(value, inner, Root::No));
        }
    }
}

fn is_embedded(schema: Option<Structural<'_>>, root: Root) -> bool {
    root == Root::Yes || schema.is_some_and(|schema| schema.flag("x-kubernetes-embedded-resource"))
}

fn fill(value: &mut Value, schema: Option<Structural<'_>>) {
    let Some(schema) = schema else { return };
    match value {
        Value::Map(entries) => fill_entries(Arc::make_mut(entries), schema),
        Value::List(items) => {
            let Some(inner) = schema.items() else { return };
            for item in Arc::make_mut(items) {
                if matches!(item, Value::Null) && inner.refuses_null() {
                    *item = inner.default_value().cloned().unwrap_or_default();
                }
                fill(item, Some(inner));
            }
        }
        _ => {}
    }
}

fn fill_entries(entries: &mut Map, schema: Structural<'_>) {
    let refused =
        |value: &Value, schema: Structural<'_>| matches!(value, Value::Null) && schema.refuses_null();
    let properties = schema.0.get("properties").and_then(Value::as_map);
    for (name, property) in properties.into_iter().flatten() {
        let property = Structural(property);
        let Some(default) = property.default_value() else { continue };
        if entries.get(name).is_none_or(|value| refused(value, property)) {
            entries.insert(name.clone(), default.clone());
        }
    }
    for (name, value) in entries.iter_mut() {
        if schema.property(name).is_none()
            && let Some(inner) = schema.additional().flatten()
            && refused(value, inner)
        {
            *value = inner.default_value().cloned().unwrap_or_default();
        }
        fill(value, schema.entry(name));
    }
}

fn drop_nulls(value: &mut Value, schema: Option<Structural<'_>>) {
    match value {
        Value::Map(entries) => {
            let entries = Arc::make_mut(entries);
            entries.retain(|name, value| {
                let inner = schema.and_then(|schema| schema.entry(name));
                let dropped =
                    inner.is_some_and(|inner| inner.refuses_null() && inner.default_value().is_none());
                !(matches!(value, Value::Null) && dropped)
            });
            for (name, value) in entries {
                drop_nulls(value, schema.and_then(|schema| schema.entry(name)));
            }
        }
        Value::List(items) => {
            let inner = schema.and_then(Structural::items);
            Arc::make_mut(items).iter_mut().for_each(|item| drop_nulls(item, inner));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_core::{from_json, to_json};

    fn value(json: &str) -> Value {
        from_json(json.as_bytes()).unwrap()
    }

    fn text(value: &Value) -> String {
        String::from_utf8(to_json(value)).unwrap()
    }

    #[track_caller]
    fn check_prune(schema: &str, object: &str, want: &str, unknown: &[&str]) {
        let (schema, mut object) = (value(schema), value(object));
        assert_eq!(Structural(&schema).prune(&mut object), unknown);
        assert_eq!(text(&object), want);
    }

    #[test]
    fn what_is_not_named_is_pruned() {
        check_prune(
            r#"{"properties":{"spec":{"properties":{"a":{},"l":{"items":{"properties":{"x":{}}}}}}}}"#,
            r#"{"kind":"K","metadata":{"any":1},"z":1,"spec":{"a":{"b":1},"c":1,"l":[{"x":1,"y":2},3]}}"#,
            r#"{"kind":"K","metadata":{"any":1},"spec":{"a":{},"l":[{"x":1},3]}}"#,
            &["spec.a.b", "spec.c", "spec.l[0].y", "z"],
        );
    }

    #[test]
    fn additional_properties_are_kept() {
        check_prune(
            r#"{"properties":{"m":{"additionalProperties":{"properties":{"x":{}}}},"b":{"additionalProperties":true}}}"#,
            r#"{"m":{"k":{"x":1,"y":1}},"b":{"k":{"x":1},"s":1}}"#,
            r#"{"b":{"k":{},"s":1},"m":{"k":{"x":1}}}"#,
            &["b.k.x", "m.k.y"],
        );
    }

    #[test]
    fn what_is_unknown_can_be_preserved() {
        check_prune(
            r#"{"properties":{"p":{"x-kubernetes-preserve-unknown-fields":true,"properties":{"in":{"properties":{"a":{}}}}}}}"#,
            r#"{"p":{"x":{"y":[{"z":1}]},"in":{"a":1,"b":2}}}"#,
            r#"{"p":{"in":{"a":1},"x":{"y":[{"z":1}]}}}"#,
            &["p.in.b"],
        );
        check_prune(
            r#"{"x-kubernetes-preserve-unknown-fields":true,"properties":{"l":{"x-kubernetes-preserve-unknown-fields":true,"items":{"properties":{"a":{"properties":{}}}}}}}"#,
            r#"{"k":1,"l":[{"a":{"x":1},"b":1}]}"#,
            r#"{"k":1,"l":[{"a":{},"b":1}]}"#,
            &["l[0].a.x"],
        );
    }

    #[test]
    fn embedded_objects_keep_what_every_object_has() {
        check_prune(
            r#"{"properties":{"t":{"x-kubernetes-embedded-resource":true,"properties":{"spec":{}}}}}"#,
            r#"{"t":{"kind":"K","apiVersion":"v1","metadata":{"a":1},"spec":1,"x":1}}"#,
            r#"{"t":{"apiVersion":"v1","kind":"K","metadata":{"a":1},"spec":1}}"#,
            &["t.x"],
        );
    }

    #[track_caller]
    fn check_default(schema: &str, object: &str, want: &str) {
        let (schema, mut object) = (value(schema), value(object));
        Structural(&schema).drop_nulls(&mut object);
        Structural(&schema).default(&mut object);
        assert_eq!(text(&object), want);
    }

    #[test]
    fn defaults_are_filled_in() {
        let schema = r#"{"properties":{"a":{"default":1},"n":{"nullable":true,"default":2},"o":{"default":{"x":1},"properties":{"y":{"default":3}}},
            "l":{"items":{"default":"i","properties":{"d":{"default":4}}}},"m":{"additionalProperties":{"default":5}},"p":{},"q":{"nullable":true}}}"#;
        check_default(schema, "{}", r#"{"a":1,"n":2,"o":{"x":1,"y":3}}"#);
        check_default(
            schema,
            r#"{"a":null,"n":null,"o":{},"l":[{},null,7],"m":{"k":null,"j":6},"p":null,"q":null,"other":null}"#,
            r#"{"a":1,"l":[{"d":4},"i",7],"m":{"j":6,"k":5},"n":null,"o":{"y":3},"other":null,"q":null}"#,
        );
    }
}
