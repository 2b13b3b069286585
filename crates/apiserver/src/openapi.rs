//! The schemas of what is served, for `kubectl explain` and for clients that validate.

use std::collections::BTreeMap;

use lockstep_core::{Map, Value, from_json, to_json};
use schema::OpenApi;
use sha2::{Digest, Sha512};

use crate::discovery::{group_version, map};

/// The answer to `GET /openapi/v3`: every document with the hash by which it may be kept.
pub(crate) fn index(definitions: &[Value]) -> Value {
    let mut paths: BTreeMap<String, String> =
        OpenApi::v3_paths().map(|(path, hash)| (path.to_owned(), hash.to_owned())).collect();
    for path in custom_paths(definitions) {
        if let Some(document) = custom(definitions, &path) {
            let hash = Sha512::digest(&document);
            paths.insert(path, hash.iter().map(|byte| format!("{byte:02X}")).collect());
        }
    }
    let url = |path: &str, hash: &str| {
        map([("serverRelativeURL", format!("/openapi/v3/{path}?hash={hash}").into())])
    };
    let paths: Map = paths.iter().map(|(path, hash)| (path.as_str().into(), url(path, hash))).collect();
    map([("paths", Value::map(paths))])
}

/// The answer to `GET /openapi/v3/PATH`.
pub(crate) fn document(definitions: &[Value], path: &str) -> Option<Vec<u8>> {
    OpenApi::v3(path).or_else(|| custom(definitions, path))
}

/// The answer to `GET /openapi/v2`: the built-in kinds and, without validation, the custom ones.
pub(crate) fn v2(definitions: &[Value]) -> Option<Vec<u8>> {
    let built_in = OpenApi::v2()?;
    if definitions.is_empty() {
        return Some(built_in);
    }
    let mut document = from_json(&built_in).ok()?;
    for definition in definitions {
        for version in served(definition) {
            let kind = Kind::read(definition, version)?;
            document.set(&["definitions", &kind.name()], kind.schema("#/definitions/"));
        }
    }
    Some(to_json(&document))
}

fn custom_paths(definitions: &[Value]) -> Vec<String> {
    let path = |definition: &Value, version: &str| {
        format!("apis/{}", group_version(definition.str_at(&["spec", "group"]).unwrap_or_default(), version))
    };
    let mut paths: Vec<String> = definitions
        .iter()
        .flat_map(|definition| served(definition).into_iter().map(move |version| path(definition, version)))
        .collect();
    paths.sort();
    paths.dedup();
    paths
}

/// The served versions of a CustomResourceDefinition.
fn served(definition: &Value) -> Vec<&str> {
    let versions = definition.at(&["spec", "versions"]).and_then(Value::as_list).unwrap_or_default();
    let served =
        versions.iter().filter(|version| version.get("served").and_then(Value::as_bool) == Some(true));
    served.filter_map(|version| version.str_at(&["name"])).collect()
}

/// The document of one group and version of custom resources.
fn custom(definitions: &[Value], path: &str) -> Option<Vec<u8>> {
    let (group, version) = path.strip_prefix("apis/")?.split_once('/')?;
    let here = definitions.iter().filter(|definition| definition.str_at(&["spec", "group"]) == Some(group));
    let kinds: Vec<Kind<'_>> = here.filter_map(|definition| Kind::read(definition, version)).collect();
    if kinds.is_empty() {
        return None;
    }
    let mut schemas = meta_schemas();
    let mut paths = Map::new();
    for kind in &kinds {
        schemas.insert(kind.name().into(), kind.schema("#/components/schemas/"));
        schemas.insert(format!("{}List", kind.name()).into(), kind.list_schema());
        paths.extend(kind.paths());
    }
    let info = map([("title", "Kubernetes CRD Swagger".into()), ("version", "v0.1.0".into())]);
    Some(to_json(&map([
        ("openapi", "3.0.0".into()),
        ("info", info),
        ("paths", Value::map(paths)),
        ("components", map([("schemas", Value::map(schemas))])),
    ])))
}

/// The schemas of what every object has, out of a built-in document.
fn meta_schemas() -> Map {
    let document = OpenApi::v3("apis/coordination.k8s.io/v1").and_then(|bytes| from_json(&bytes).ok());
    let document = document.unwrap_or_default();
    let schemas = document.at(&["components", "schemas"]).and_then(Value::as_map);
    let meta = |(name, _): &(&std::sync::Arc<str>, &Value)| name.starts_with("io.k8s.apimachinery.");
    schemas
        .map(|all| all.iter().filter(meta).map(|(name, schema)| (name.clone(), schema.clone())).collect())
        .unwrap_or_default()
}

/// One served version of a custom resource.
struct Kind<'d> {
    group: &'d str,
    version: &'d str,
    kind: &'d str,
    plural: &'d str,
    namespaced: bool,
    schema: Value,
}

impl<'d> Kind<'d> {
    fn read(definition: &'d Value, version: &'d str) -> Option<Self> {
        let versions = definition.at(&["spec", "versions"])?.as_list()?;
        let entry = versions.iter().find(|entry| entry.str_at(&["name"]) == Some(version))?;
        (entry.get("served")?.as_bool()?).then_some(())?;
        Some(Self {
            group: definition.str_at(&["spec", "group"])?,
            version,
            kind: definition.str_at(&["spec", "names", "kind"])?,
            plural: definition.str_at(&["spec", "names", "plural"])?,
            namespaced: definition.str_at(&["spec", "scope"]) == Some("Namespaced"),
            schema: entry.at(&["schema", "openAPIV3Schema"]).cloned().unwrap_or_default(),
        })
    }

    /// The name of its schema: the group from behind, the version and the kind.
    fn name(&self) -> String {
        let mut parts: Vec<&str> = self.group.split('.').rev().collect();
        parts.extend([self.version, self.kind]);
        parts.join(".")
    }

    fn gvk(&self) -> Value {
        map([("group", self.group.into()), ("version", self.version.into()), ("kind", self.kind.into())])
    }

    /// The schema with the fields that every object has.
    fn schema(&self, references: &str) -> Value {
        let described = |text: &str| map([("description", text.into()), ("type", "string".into())]);
        let mut schema = self.schema.clone();
        let meta = format!("{references}io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
        schema.set(&["type"], "object".into());
        schema.set(&["properties", "apiVersion"], described(API_VERSION));
        schema.set(&["properties", "kind"], described(KIND));
        schema.set(
            &["properties", "metadata"],
            map([
                ("description", METADATA.into()),
                ("allOf", Value::list(vec![map([("$ref", meta.into())])])),
            ]),
        );
        schema.set(&["x-kubernetes-group-version-kind"], Value::list(vec![self.gvk()]));
        schema
    }

    fn list_schema(&self) -> Value {
        let reference = |name: &str| map([("$ref", format!("#/components/schemas/{name}").into())]);
        let items = map([("type", "array".into()), ("items", reference(&self.name()))]);
        let meta = reference("io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta");
        let mut schema = Value::default();
        schema.set(&["type"], "object".into());
        schema.set(&["required"], Value::list(vec!["items".into()]));
        schema.set(&["properties", "items"], items);
        schema.set(&["properties", "metadata"], meta);
        schema.set(
            &["x-kubernetes-group-version-kind"],
            Value::list(vec![map([
                ("group", self.group.into()),
                ("version", self.version.into()),
                ("kind", format!("{}List", self.kind).into()),
            ])]),
        );
        schema
    }

    /// Where it is served, with the operations by which clients find its kind and what a patch may ask for.
    fn paths(&self) -> Vec<(std::sync::Arc<str>, Value)> {
        let base = format!("/apis/{}/{}", self.group, self.version);
        let place = if self.namespaced { "/namespaces/{namespace}" } else { "" };
        let collection = format!("{base}{place}/{}", self.plural);
        let operation = |action: &str| {
            let response = map([("200", map([("description", "OK".into())]))]);
            map([
                ("responses", response),
                ("x-kubernetes-action", action.into()),
                ("x-kubernetes-group-version-kind", self.gvk()),
                ("parameters", Value::list(PARAMETERS.iter().map(|name| parameter(name)).collect())),
            ])
        };
        let of = |actions: &[(&str, &str)]| {
            Value::map(actions.iter().map(|(method, action)| ((*method).into(), operation(action))).collect())
        };
        let many = of(&[("get", "list"), ("post", "post"), ("delete", "deletecollection")]);
        let one = of(&[("get", "get"), ("put", "put"), ("patch", "patch"), ("delete", "delete")]);
        vec![(format!("{collection}/{{name}}").into(), one), (collection.into(), many)]
    }
}

/// What a write may ask for.
const PARAMETERS: [&str; 5] = ["dryRun", "fieldManager", "fieldValidation", "force", "pretty"];

fn parameter(name: &str) -> Value {
    let kind = if name == "force" { "boolean" } else { "string" };
    map([("name", name.into()), ("in", "query".into()), ("schema", map([("type", kind.into())]))])
}

const API_VERSION: &str = "APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized schemas to the latest internal value, and may reject unrecognized values. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources";
const KIND: &str = "Kind is a string value representing the REST resource this object represents. Servers may infer this from the endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds";
const METADATA: &str = "Standard object's metadata. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata";
