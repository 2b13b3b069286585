//! What is served, in the aggregated form that the controller asks for.

use apistore::Resource;
use lockstep_core::{Map, Value, to_json};

/// Everything that a store serves, with what discovery answers: of the core and of the groups.
#[derive(Debug)]
pub(crate) struct Services {
    pub(crate) all: Vec<Resource>,
    pub(crate) core: Vec<u8>,
    pub(crate) groups: Vec<u8>,
}

impl Services {
    pub(crate) fn of(store: &apistore::Store) -> Self {
        let all = store.resources();
        let (core, groups) = (aggregated(&all, Core::Yes), aggregated(&all, Core::No));
        Self { all, core, groups }
    }

    /// The kind of what a request is about.
    pub(crate) fn kind(&self, info: &apistore::Info) -> Option<&str> {
        let is = |served: &&Resource| served.group == info.group && served.plural == info.resource;
        self.all.iter().find(is).map(|served| &*served.kind)
    }
}

/// The answer to `GET /api` (the core) or `GET /apis`.
fn aggregated(resources: &[Resource], core: Core) -> Vec<u8> {
    let mut items: Vec<Value> = Vec::new();
    let mut groups: Vec<&str> = Vec::new();
    for resource in resources.iter().filter(|resource| resource.group.is_empty() == (core == Core::Yes)) {
        if !groups.contains(&&*resource.group) {
            groups.push(&resource.group);
            items.push(group(resources, &resource.group));
        }
    }
    to_json(&map([
        ("kind", "APIGroupDiscoveryList".into()),
        ("apiVersion", "apidiscovery.k8s.io/v2".into()),
        ("metadata", Value::map(Map::new())),
        ("items", Value::list(items)),
    ]))
}

/// Whether the core is asked for, or the groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Core {
    Yes,
    No,
}

fn group(resources: &[Resource], name: &str) -> Value {
    let mut versions: Vec<&str> = Vec::new();
    for resource in resources.iter().filter(|resource| resource.group == name) {
        if !versions.contains(&&*resource.version) {
            versions.push(&resource.version);
        }
    }
    let versions = versions.into_iter().map(|version| {
        let here = resources.iter().filter(|r| r.group == name && r.version == version);
        map([
            ("version", version.into()),
            ("resources", Value::list(here.map(resource).collect())),
            ("freshness", "Current".into()),
        ])
    });
    let metadata = if name.is_empty() { Value::map(Map::new()) } else { map([("name", name.into())]) };
    map([("metadata", metadata), ("versions", Value::list(versions.collect()))])
}

fn resource(resource: &Resource) -> Value {
    let kind = map([
        ("group", resource.group.as_str().into()),
        ("version", resource.version.as_str().into()),
        ("kind", resource.kind.as_str().into()),
    ]);
    map([
        ("resource", resource.plural.as_str().into()),
        ("responseKind", kind),
        ("scope", if resource.namespaced { "Namespaced" } else { "Cluster" }.into()),
        ("singularResource", resource.singular.as_str().into()),
        ("verbs", texts(&resource.verbs)),
        ("shortNames", texts(&resource.short_names)),
    ])
}

fn texts(items: &[String]) -> Value {
    Value::list(items.iter().map(|item| item.as_str().into()).collect())
}

/// A mapping of these entries.
pub(crate) fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::map(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
}
