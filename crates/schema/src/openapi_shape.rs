//! OpenAPI definitions read as types.

use std::collections::BTreeMap;
use std::sync::Arc;

use lockstep_core::Value;

use crate::shape::{
    Field, ListRelation, ListShape, MapRelation, MapShape, Presence, Scalar, Shape, TypeRef, untyped,
};

/// These two are of a type in Go that says how it is read, which no definition can.
const QUANTITY: &str = "io.k8s.apimachinery.pkg.api.resource.Quantity";
const RAW_EXTENSION: &str = "io.k8s.apimachinery.pkg.runtime.RawExtension";

/// Whether keys without a declaration are taken; passed on to what is written in place, never through a reference.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unknown {
    Refused,
    Preserved,
}

/// The type of the definition `name`.
pub(crate) fn read_definition(name: &str, source: &Value) -> Shape {
    match name {
        QUANTITY => Shape { scalar: Some(Scalar::Any), ..Shape::default() },
        RAW_EXTENSION => untyped(),
        _ => read_shape(source, Unknown::Refused),
    }
}

/// The type that a definition, or a schema in place, describes.
pub(crate) fn read_shape(source: &Value, unknown: Unknown) -> Shape {
    let preserves = source.get("x-kubernetes-preserve-unknown-fields").and_then(Value::as_bool) == Some(true);
    let unknown = if preserves { Unknown::Preserved } else { unknown };
    let scalar = |scalar| Shape { scalar: Some(scalar), ..Shape::default() };
    match type_name(source) {
        "" => Shape {
            scalar: Some(Scalar::Any),
            list: Some(read_list(source, unknown)),
            map: Some(read_map(source, unknown)),
        },
        "object" => Shape { map: Some(read_map(source, unknown)), ..Shape::default() },
        "array" => Shape { list: Some(read_list(source, unknown)), ..Shape::default() },
        "integer" | "number" => scalar(Scalar::Number),
        "boolean" => scalar(Scalar::Boolean),
        "string" => match source.str_at(&["format"]).unwrap_or_default() {
            "" | "byte" => scalar(Scalar::String),
            _ => scalar(Scalar::Any),
        },
        _ => scalar(Scalar::Any),
    }
}

fn type_name(source: &Value) -> &str {
    match source.get("type") {
        Some(Value::List(names)) => names.first().and_then(Value::as_str).unwrap_or_default(),
        Some(name) => name.as_str().unwrap_or_default(),
        None => "",
    }
}

fn read_map(source: &Value, unknown: Unknown) -> MapShape {
    let properties = source.get("properties").and_then(Value::as_map);
    let required = source.get("required").and_then(Value::as_list).unwrap_or_default();
    let is_required = |name: &Arc<str>| required.iter().any(|field| field.as_str() == Some(&**name));
    let field = |name: &Arc<str>, member: &Value| Field {
        schema: read_reference(member, unknown),
        default: member.get("default").filter(|default| !matches!(default, Value::Null)).cloned(),
        presence: if is_required(name) { Presence::Required } else { Presence::Optional },
    };
    let fields: BTreeMap<Arc<str>, Field> =
        properties.into_iter().flatten().map(|(name, member)| (name.clone(), field(name, member))).collect();
    let rest = match source.get("additionalProperties") {
        // A mapping about which nothing is said is a free one.
        None if unknown == Unknown::Preserved || fields.is_empty() => Some(TypeRef::Deduced),
        None | Some(Value::Bool(false)) => None,
        Some(Value::Bool(true)) => Some(TypeRef::Deduced),
        Some(schema) => Some(read_reference(schema, unknown)),
    };
    MapShape { fields, rest, relation: map_relation(source).unwrap_or_default() }
}

fn map_relation(source: &Value) -> Option<MapRelation> {
    source.str_at(&["x-kubernetes-map-type"]).map(|relation| match relation {
        "granular" => MapRelation::Granular,
        _ => MapRelation::Atomic,
    })
}

fn read_list(source: &Value, unknown: Unknown) -> ListShape {
    let items = source.get("items").map_or(TypeRef::Untyped, |items| read_reference(items, unknown));
    ListShape { items, relation: list_relation(source) }
}

fn list_relation(source: &Value) -> ListRelation {
    let keys = |value: Option<&Value>| -> Option<Vec<Arc<str>>> {
        Some(value?.as_list()?.iter().filter_map(Value::as_str).map(Arc::from).collect())
    };
    if let Some(kind) = source.str_at(&["x-kubernetes-list-type"]) {
        return match (kind, keys(source.get("x-kubernetes-list-map-keys"))) {
            ("set", _) => ListRelation::Set,
            ("map", Some(keys)) if !keys.is_empty() => ListRelation::Keyed(keys),
            _ => ListRelation::Atomic,
        };
    }
    // Older kinds say it by the strategy of strategic merge patches only.
    match source.str_at(&["x-kubernetes-patch-strategy"]) {
        Some("merge" | "merge,retainKeys") => match source.str_at(&["x-kubernetes-patch-merge-key"]) {
            Some(key) => ListRelation::Keyed(vec![key.into()]),
            None => ListRelation::Set,
        },
        _ => ListRelation::Atomic,
    }
}

fn read_reference(source: &Value, unknown: Unknown) -> TypeRef {
    let only_one = source.get("allOf").and_then(Value::as_list).filter(|all| all.len() == 1);
    let target = source.str_at(&["$ref"]).or_else(|| only_one?.first()?.str_at(&["$ref"]));
    match target.and_then(|target| target.rsplit('/').next()) {
        Some(name) => TypeRef::Named(name.into(), map_relation(source)),
        None => TypeRef::Inline(Arc::new(read_shape(source, unknown))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definitions::Definitions;
    use crate::shape::{Atom, DEDUCED, Form};
    use lockstep_core::from_json;

    fn value(json: &str) -> Value {
        from_json(json.as_bytes()).unwrap()
    }

    /// A type in one line: `?` any scalar, `n`, `s`, `b`; `[x]` atomic, `{x}` set and `(k:x)` keyed lists; `<...>` granular
    /// and `!<...>` atomic mappings, with `*x` for other keys.
    fn describe(definitions: &Definitions, reference: &TypeRef) -> String {
        let atom = match reference {
            TypeRef::Deduced => return "deduced".into(),
            TypeRef::Untyped => return "untyped".into(),
            _ => match definitions.atom(reference) {
                Some(atom) => atom,
                None => return "undefined".into(),
            },
        };
        let mut parts = Vec::new();
        parts.extend(atom.scalar.map(|scalar| {
            match scalar {
                Scalar::Any => "?",
                Scalar::Boolean => "b",
                Scalar::Number => "n",
                Scalar::String => "s",
            }
            .to_owned()
        }));
        parts.extend(atom.list.map(|list| {
            let items = describe(definitions, &list.items);
            match &list.relation {
                ListRelation::Atomic => format!("[{items}]"),
                ListRelation::Set => format!("{{{items}}}"),
                ListRelation::Keyed(keys) => format!("({}:{items})", keys.join(",")),
            }
        }));
        parts.extend(atom.map.map(|(map, relation)| {
            let fields = map.fields.iter().map(|(name, field)| {
                let default = field.default.as_ref().and_then(Value::as_str).map(|text| format!("={text}"));
                format!("{name}{}:{}", default.unwrap_or_default(), describe(definitions, &field.schema))
            });
            let rest = map.rest.iter().map(|rest| format!("*{}", describe(definitions, rest)));
            let entries: Vec<String> = fields.chain(rest).collect();
            format!("{}<{}>", if relation == MapRelation::Atomic { "!" } else { "" }, entries.join(" "))
        }));
        parts.join("|")
    }

    #[track_caller]
    fn check(schema: &str, want: &str) {
        let mut definitions = Definitions::new();
        definitions.insert("a.b.Leaf", value(r#"{"type":"object","properties":{"x":{"type":"string"}}}"#));
        definitions.insert(QUANTITY, value(r#"{"oneOf":[{"type":"string"},{"type":"number"}]}"#));
        definitions.insert(RAW_EXTENSION, value(r#"{"type":"object"}"#));
        definitions.insert("it", value(schema));
        let definitions = Arc::new(definitions);
        let schema = definitions.named("it").unwrap();
        assert_eq!(describe(&definitions, &schema.root), want, "{:?}", schema.root);
    }

    #[test]
    fn scalars_are_read() {
        check(r#"{"type":"integer","format":"int32"}"#, "n");
        check(r#"{"type":"number"}"#, "n");
        check(r#"{"type":["boolean"]}"#, "b");
        check(r#"{"type":"string"}"#, "s");
        check(r#"{"type":"string","format":"byte"}"#, "s");
        check(r#"{"type":"string","format":"int-or-string"}"#, "?");
        check(r#"{"type":"string","format":"date-time"}"#, "?");
        check(
            r#"{"type":"object","properties":{"q":{"$ref":"x/io.k8s.apimachinery.pkg.api.resource.Quantity"}}}"#,
            "<q:?>",
        );
        check(
            r#"{"x-kubernetes-int-or-string":true,"anyOf":[{"type":"integer"},{"type":"string"}]}"#,
            "?|[untyped]|<*deduced>",
        );
    }

    #[test]
    fn lists_are_read() {
        let text = r#""type":"array","items":{"type":"string"}"#;
        check(&format!("{{{text}}}"), "[s]");
        check(&format!(r#"{{{text},"x-kubernetes-list-type":"atomic"}}"#), "[s]");
        check(&format!(r#"{{{text},"x-kubernetes-list-type":"set"}}"#), "{s}");
        check(&format!(r#"{{{text},"x-kubernetes-patch-strategy":"merge"}}"#), "{s}");
        check(&format!(r#"{{{text},"x-kubernetes-list-type":"bad"}}"#), "[s]");
        check(&format!(r#"{{{text},"x-kubernetes-list-type":"map"}}"#), "[s]");
        check(
            r#"{"type":"array","items":{"$ref":"a.b.Leaf"},"x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["x","y"]}"#,
            "(x,y:<x:s>)",
        );
        // The list type is preferred to the patch strategy, which knows one key only.
        check(
            r#"{"type":"array","items":{"$ref":"a.b.Leaf"},"x-kubernetes-patch-strategy":"merge,retainKeys","x-kubernetes-patch-merge-key":"x"}"#,
            "(x:<x:s>)",
        );
        check(
            r#"{"type":"array","items":{"$ref":"a.b.Leaf"},"x-kubernetes-list-type":"atomic","x-kubernetes-patch-strategy":"merge","x-kubernetes-patch-merge-key":"x"}"#,
            "[<x:s>]",
        );
    }

    #[test]
    fn mappings_are_read() {
        check(r#"{"type":"object"}"#, "<*deduced>");
        check(r#"{"type":"object","properties":{"a":{"type":"string","default":"d"}}}"#, "<a=d:s>");
        check(r#"{"type":"object","additionalProperties":{"type":"string"}}"#, "<*s>");
        check(r#"{"type":"object","additionalProperties":true}"#, "<*deduced>");
        check(r#"{"type":"object","additionalProperties":false}"#, "<>");
        check(
            r#"{"type":"object","additionalProperties":{"type":"string"},"x-kubernetes-map-type":"atomic"}"#,
            "!<*s>",
        );
        check(
            r#"{"type":"object","properties":{"r":{"$ref":"x/io.k8s.apimachinery.pkg.runtime.RawExtension"}}}"#,
            "<r:?|[untyped]|!<*untyped>>",
        );
        check(r#"{"type":"object","properties":{"r":{"$ref":"x/Absent"}}}"#, "<r:undefined>");
    }

    #[test]
    fn references_may_say_more_about_a_mapping() {
        check(
            r##"{"type":"object","properties":{"l":{"$ref":"#/components/schemas/a.b.Leaf"}}}"##,
            "<l:<x:s>>",
        );
        check(
            r#"{"type":"object","properties":{"l":{"allOf":[{"$ref":"a.b.Leaf"}],"default":{},"x-kubernetes-map-type":"atomic"}}}"#,
            "<l:!<x:s>>",
        );
    }

    #[test]
    fn preserving_unknown_fields_holds_for_what_is_written_in_place() {
        check(
            r#"{"type":"object","x-kubernetes-preserve-unknown-fields":true,"properties":{
                "in":{"type":"object","properties":{"a":{"type":"string"}}},"ref":{"$ref":"a.b.Leaf"}}}"#,
            "<in:<a:s *deduced> ref:<x:s> *deduced>",
        );
        check(r#"{"x-kubernetes-preserve-unknown-fields":true}"#, "?|[untyped]|<*deduced>");
    }

    #[test]
    fn custom_resources_get_the_fields_of_every_object() {
        let structural = value(
            r#"{"type":"object","properties":{"spec":{"type":"object","properties":{
                "list":{"type":"array","items":{"type":"object","x-kubernetes-embedded-resource":true,"properties":{"n":{"type":"number"}}}}}}}}"#,
        );
        let mut definitions = Definitions::new();
        definitions.insert(
            "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta",
            value(r#"{"type":"object","properties":{"name":{"type":"string"}}}"#),
        );
        let definitions = Arc::new(definitions);
        assert_eq!(
            describe(&definitions, &definitions.custom_resource(&structural).root),
            "<apiVersion:s kind:s metadata:<name:s> spec:<list:[<apiVersion:s kind:s metadata:<name:s> n:n>]>>"
        );
    }

    #[test]
    fn the_value_decides_where_the_type_does_not() {
        for (json, form) in
            [("1", "scalar"), ("\"s\"", "scalar"), ("[]", "list"), ("{}", "map"), ("null", "map")]
        {
            let value = value(json);
            let got = match Atom::of(&DEDUCED, None).deduce(Some(&value)).form() {
                Form::Map(..) => "map",
                Form::Scalar(_) => "scalar",
                Form::List(_) => "list",
                Form::Unknown => "unknown",
            };
            assert_eq!(got, form, "{json}");
        }
    }
}
