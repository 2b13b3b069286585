//! OpenAPI definitions as types.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use lockstep_core::{Gvk, Map, Value};

use crate::shape::{
    Atom, DEDUCED, Field, ListRelation, ListShape, MapRelation, MapShape, Presence, Scalar, Shape, TypeRef,
    UNTYPED, untyped,
};

/// Named OpenAPI definitions, of version 2 or 3. A definition is turned into a type when it is first needed.
///
/// The rules are those by which the API server reads its own document for field management (`k8s.io/kube-openapi`,
/// package schemaconv). Values of `x-kubernetes-*` that the server refuses in a CustomResourceDefinition are read as the
/// most careful ones: such a list or mapping is atomic.
#[derive(Debug, Default)]
pub struct Definitions {
    by_name: BTreeMap<Arc<str>, Definition>,
    by_kind: BTreeMap<Gvk, Arc<str>>,
}

#[derive(Debug)]
struct Definition {
    source: Value,
    shape: OnceLock<Shape>,
}

/// These two are of a type in Go that says how it is read, which no definition can.
const QUANTITY: &str = "io.k8s.apimachinery.pkg.api.resource.Quantity";
const RAW_EXTENSION: &str = "io.k8s.apimachinery.pkg.runtime.RawExtension";
/// The definition of `metadata` that custom resources refer to.
const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

impl Definitions {
    /// No definitions yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds what `definitions` (version 2) or `components.schemas` (version 3) of a document holds, by name. Later ones
    /// take the place of earlier ones.
    pub fn extend<'a>(&mut self, definitions: impl IntoIterator<Item = (&'a str, &'a Value)>) {
        for (name, source) in definitions {
            self.insert(name, source.clone());
        }
    }

    /// Adds one definition.
    pub fn insert(&mut self, name: &str, source: Value) {
        let name: Arc<str> = name.into();
        let kinds =
            source.get("x-kubernetes-group-version-kind").and_then(Value::as_list).unwrap_or_default();
        for kind in kinds {
            let text = |key| kind.str_at(&[key]).unwrap_or_default();
            self.by_kind.insert(Gvk::new(text("group"), text("version"), text("kind")), name.clone());
        }
        self.by_name.insert(name, Definition { source, shape: OnceLock::new() });
    }

    /// The schema of a kind; `None` where no definition names it.
    pub fn kind(self: &Arc<Self>, kind: &Gvk) -> Option<Schema> {
        self.by_kind.get(kind).map(|name| self.schema(TypeRef::Named(name.clone(), None)))
    }

    /// The schema of the definition `name`.
    pub fn named(self: &Arc<Self>, name: &str) -> Option<Schema> {
        let (name, _) = self.by_name.get_key_value(name)?;
        Some(self.schema(TypeRef::Named(name.clone(), None)))
    }

    /// The schema of a custom resource from the `openAPIV3Schema` of one of its versions, with the fields that every
    /// object has. `metadata` is typed where these definitions hold ObjectMeta.
    pub fn custom_resource(self: &Arc<Self>, structural: &Value) -> Schema {
        let definition = with_object_fields(&with_embedded(structural));
        self.schema(TypeRef::Inline(Arc::new(read_shape(&definition, Unknown::Refused))))
    }

    /// The definition `name` as it came.
    pub(crate) fn source(&self, name: &str) -> Option<&Value> {
        self.by_name.get(name).map(|definition| &definition.source)
    }

    fn schema(self: &Arc<Self>, root: TypeRef) -> Schema {
        Schema { definitions: self.clone(), root }
    }

    /// The type behind a reference; `None` for a name that is not defined.
    pub(crate) fn atom<'s>(&'s self, reference: &'s TypeRef) -> Option<Atom<'s>> {
        match reference {
            TypeRef::Untyped => Some(Atom::of(&UNTYPED, None)),
            TypeRef::Deduced => Some(Atom::of(&DEDUCED, None)),
            TypeRef::Inline(shape) => Some(Atom::of(shape, None)),
            TypeRef::Named(name, relation) => {
                let definition = self.by_name.get(name)?;
                let shape = definition.shape.get_or_init(|| read_definition(name, &definition.source));
                Some(Atom::of(shape, *relation))
            }
        }
    }
}

/// The schema of one kind in one version. A clone costs a reference count.
#[derive(Clone, Debug)]
pub struct Schema {
    pub(crate) definitions: Arc<Definitions>,
    pub(crate) root: TypeRef,
}

impl Schema {
    /// The schema of an object about which nothing is known: mappings are granular, lists are atomic.
    pub fn deduced() -> Self {
        Self { definitions: Arc::default(), root: TypeRef::Deduced }
    }
}

impl Schema {
    /// The object of a built-in kind of which nothing is set, as the API server's own types write it: structs are always
    /// there, required fields are zero or null. What is created is compared with it, which decides what its creator owns.
    pub fn zero(&self, kind: &Gvk) -> Value {
        let mut zero = self.definitions.zero(&self.root);
        zero.set(&["apiVersion"], kind.api.to_string().into());
        zero.set(&["kind"], kind.kind.clone().into());
        zero
    }
}

impl Definitions {
    fn zero(&self, reference: &TypeRef) -> Value {
        let Some((map, _)) = self.atom(reference).and_then(|atom| atom.map) else { return Value::Null };
        let zero = |field: &Field| match &field.default {
            // The document gives such a default exactly to what is written without being set.
            Some(Value::Map(entries)) if entries.is_empty() => Some(self.zero(&field.schema)),
            Some(Value::String(text)) if text.is_empty() => Some(Value::string("")),
            Some(default @ (Value::Int(0) | Value::Bool(false))) => Some(default.clone()),
            _ => (field.presence == Presence::Required).then_some(Value::Null),
        };
        let entry = |(name, field): (&Arc<str>, &Field)| Some((name.clone(), zero(field)?));
        Value::map(map.fields.iter().filter_map(entry).collect())
    }
}

/// Whether keys without a declaration are taken; passed on to what is written in place, never through a reference.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unknown {
    Refused,
    Preserved,
}

fn read_definition(name: &str, source: &Value) -> Shape {
    match name {
        QUANTITY => Shape { scalar: Some(Scalar::Any), ..Shape::default() },
        RAW_EXTENSION => untyped(),
        _ => read_shape(source, Unknown::Refused),
    }
}

fn read_shape(source: &Value, unknown: Unknown) -> Shape {
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

/// Adds `apiVersion`, `kind` and `metadata` to the properties of a schema.
fn with_object_fields(schema: &Value) -> Value {
    let text = || Value::map(Map::from([("type".into(), "string".into())]));
    let meta = Value::map(Map::from([("$ref".into(), format!("#/components/schemas/{OBJECT_META}").into())]));
    let mut schema = schema.clone();
    schema.set(&["properties", "apiVersion"], text());
    schema.set(&["properties", "kind"], text());
    schema.set(&["properties", "metadata"], meta);
    schema
}

/// Gives every embedded resource the fields that every object has.
fn with_embedded(schema: &Value) -> Value {
    let mut schema = schema.clone();
    for key in ["items", "additionalProperties"] {
        if let Some(child) = schema.get(key).filter(|child| child.as_map().is_some()).map(with_embedded) {
            schema.set(&[key], child);
        }
    }
    if let Some(properties) = schema.get("properties").and_then(Value::as_map) {
        let properties = properties.iter().map(|(name, member)| (name.clone(), with_embedded(member)));
        let properties = Value::map(properties.collect());
        schema.set(&["properties"], properties);
    }
    match schema.get("x-kubernetes-embedded-resource").and_then(Value::as_bool) {
        Some(true) => with_object_fields(&schema),
        _ => schema,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::Form;
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
        definitions
            .insert(OBJECT_META, value(r#"{"type":"object","properties":{"name":{"type":"string"}}}"#));
        let definitions = Arc::new(definitions);
        assert_eq!(
            describe(&definitions, &definitions.custom_resource(&structural).root),
            "<apiVersion:s kind:s metadata:<name:s> spec:<list:[<apiVersion:s kind:s metadata:<name:s> n:n>]>>"
        );
    }

    #[test]
    fn kinds_are_found() {
        let mut definitions = Definitions::new();
        let source = r#"{"type":"object","x-kubernetes-group-version-kind":[
            {"group":"","version":"v1","kind":"A"},{"group":"g","version":"v2","kind":"A"}]}"#;
        definitions.extend([("a", &value(source)), ("b", &value("{}"))]);
        let definitions = Arc::new(definitions);
        assert!(definitions.kind(&Gvk::new("", "v1", "A")).is_some());
        assert!(definitions.kind(&Gvk::new("g", "v2", "A")).is_some());
        assert!(definitions.kind(&Gvk::new("g", "v1", "A")).is_none());
        assert!(definitions.named("b").is_some() && definitions.named("c").is_none());
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
