//! Named OpenAPI definitions, and the schemas that are made of them.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use lockstep_core::{Gvk, Map, Value};

use crate::built_in::BuiltIn;
use crate::openapi_shape::{Unknown, read_definition, read_shape};
use crate::shape::{Atom, DEDUCED, Field, Presence, Shape, TypeRef, UNTYPED};

/// Named OpenAPI definitions, of version 2 or 3. A definition is turned into a type when it is first needed, and the built-in
/// ones are not even parsed before. A clone shares what was read; so a set of definitions can change without its readers
/// noticing: clone, insert or remove, and use the clone from then on.
///
/// The rules are those by which the API server reads its own document for field management (`k8s.io/kube-openapi`,
/// package schemaconv). Values of `x-kubernetes-*` that the server refuses in a CustomResourceDefinition are read as the
/// most careful ones: such a list or mapping is atomic.
#[derive(Clone, Debug, Default)]
pub struct Definitions {
    built_in: Option<Arc<BuiltIn>>,
    by_name: BTreeMap<Arc<str>, Arc<Definition>>,
    by_kind: BTreeMap<Gvk, Arc<str>>,
}

/// One definition as it came, and as a type once it was needed.
#[derive(Debug)]
pub(crate) struct Definition {
    source: Value,
    shape: OnceLock<Shape>,
}

impl Definition {
    pub(crate) fn new(source: Value) -> Self {
        Self { source, shape: OnceLock::new() }
    }
}

/// The definition of `metadata` that custom resources refer to.
const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

impl Definitions {
    /// No definitions yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The definitions of the kinds that the API server has of its own, in the release of [`OpenApi`](crate::OpenApi). Costs
    /// microseconds; each definition is parsed when it is first needed, once for the result and all of its clones.
    pub fn built_in() -> Arc<Self> {
        Arc::new(Self { built_in: Some(Arc::new(BuiltIn::new())), ..Self::default() })
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
        for kind in kinds(&source) {
            self.by_kind.insert(kind, name.clone());
        }
        self.by_name.insert(name, Arc::new(Definition::new(source)));
    }

    /// Takes one definition away; the built-in ones stay.
    pub fn remove(&mut self, name: &str) {
        self.by_name.remove(name);
        self.by_kind.retain(|_, defined| &**defined != name);
    }

    /// The schema of a kind; `None` where no definition names it.
    pub fn kind(self: &Arc<Self>, kind: &Gvk) -> Option<Schema> {
        let added = self.by_kind.get(kind).cloned();
        let name = added.or_else(|| self.built_in.as_ref()?.name_of(kind).map(Arc::from))?;
        Some(self.schema(TypeRef::Named(name, None)))
    }

    /// The schema of the definition `name`.
    pub fn named(self: &Arc<Self>, name: &str) -> Option<Schema> {
        self.definition(name)?;
        Some(self.schema(TypeRef::Named(name.into(), None)))
    }

    /// The schema of a custom resource from the `openAPIV3Schema` of one of its versions, with the fields that every
    /// object has. `metadata` is typed where these definitions hold ObjectMeta.
    pub fn custom_resource(self: &Arc<Self>, structural: &Value) -> Schema {
        let definition = with_object_fields(&with_embedded(structural));
        self.schema(TypeRef::Inline(Arc::new(read_shape(&definition, Unknown::Refused))))
    }

    /// The definition `name` as it came; the built-in ones without descriptions.
    pub fn source(&self, name: &str) -> Option<&Value> {
        self.definition(name).map(|definition| &definition.source)
    }

    fn definition(&self, name: &str) -> Option<&Definition> {
        let added = self.by_name.get(name).map(|definition| &**definition);
        added.or_else(|| self.built_in.as_ref()?.definition(name))
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
                let definition = self.definition(name)?;
                let shape = definition.shape.get_or_init(|| read_definition(name, &definition.source));
                Some(Atom::of(shape, *relation))
            }
        }
    }
}

/// The kinds that a definition says it describes.
fn kinds(source: &Value) -> impl Iterator<Item = Gvk> {
    let kinds = source.get("x-kubernetes-group-version-kind").and_then(Value::as_list).unwrap_or_default();
    kinds.iter().map(|kind| {
        let text = |key| kind.str_at(&[key]).unwrap_or_default();
        Gvk::new(text("group"), text("version"), text("kind"))
    })
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
    use lockstep_core::from_json;

    fn value(json: &str) -> Value {
        from_json(json.as_bytes()).unwrap()
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
    fn what_is_added_to_the_built_in_ones_shares_them() {
        let built_in = Definitions::built_in();
        let (pod, gadget) = (Gvk::new("", "v1", "Pod"), Gvk::new("g", "v1", "Gadget"));
        let before = built_in.source("io.k8s.api.core.v1.PodSpec").unwrap();
        let mut more = (*built_in).clone();
        more.insert(
            "g.v1.Gadget",
            value(r#"{"x-kubernetes-group-version-kind":[{"group":"g","version":"v1","kind":"Gadget"}]}"#),
        );
        let mut fewer = more.clone();
        fewer.remove("g.v1.Gadget");
        let (more, fewer) = (Arc::new(more), Arc::new(fewer));
        assert!(built_in.kind(&pod).is_some() && built_in.kind(&gadget).is_none());
        assert!(more.kind(&pod).is_some() && more.kind(&gadget).is_some());
        assert!(fewer.kind(&pod).is_some() && fewer.kind(&gadget).is_none());
        assert!(
            std::ptr::eq(before, fewer.source("io.k8s.api.core.v1.PodSpec").unwrap()),
            "read once for all"
        );
    }
}
