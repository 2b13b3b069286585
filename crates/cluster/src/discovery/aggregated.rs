//! Aggregated discovery, v2 and v2beta1: everything in one document.

use std::sync::Arc;

use lockstep_core::Gvk;
use serde::Deserialize;

use crate::catalog::{Group, Version};
use crate::resource::{Resource, ResourceScope, Verbs};

#[derive(Deserialize)]
struct Document {
    kind: String,
    #[serde(default)]
    items: Option<Vec<Item>>,
}

#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    metadata: Metadata,
    versions: Option<Vec<ItemVersion>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Metadata {
    name: Option<Arc<str>>,
}

#[derive(Deserialize)]
struct ItemVersion {
    version: Arc<str>,
    freshness: Option<String>,
    resources: Option<Vec<ItemResource>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ItemResource {
    resource: Arc<str>,
    response_kind: Option<ResponseKind>,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    singular_resource: Arc<str>,
    verbs: Option<Vec<String>>,
    short_names: Option<Vec<Arc<str>>>,
    subresources: Option<Vec<Subresource>>,
}

#[derive(Deserialize)]
struct ResponseKind {
    kind: Arc<str>,
}

#[derive(Deserialize)]
struct Subresource {
    subresource: Arc<str>,
}

/// `None` where the server answered in the old form.
pub(super) fn parse(body: &[u8]) -> Option<Vec<Group>> {
    let document: Document = serde_json::from_slice(body).ok()?;
    (document.kind == "APIGroupDiscoveryList")
        .then(|| document.items.unwrap_or_default().into_iter().map(group).collect())
}

fn group(item: Item) -> Group {
    let name = item.metadata.name.unwrap_or_default();
    let versions = item.versions.unwrap_or_default().into_iter().map(|item| version(&name, item)).collect();
    Group { name, versions }
}

fn version(group: &str, item: ItemVersion) -> Version {
    let stale = item.freshness.as_deref() == Some("Stale");
    let resources = item.resources.unwrap_or_default();
    Version {
        failing: stale.then(|| "the server that provides the group does not answer".into()),
        resources: resources.into_iter().filter_map(|item_| resource(group, &item.version, item_)).collect(),
        name: item.version,
    }
}

fn resource(group: &str, version: &str, item: ItemResource) -> Option<Arc<Resource>> {
    let kind = item.response_kind?.kind;
    Some(Arc::new(Resource {
        gvk: Gvk::new(group, version, &kind),
        plural: item.resource,
        singular: item.singular_resource,
        short_names: item.short_names.unwrap_or_default(),
        scope: if item.scope == "Namespaced" { ResourceScope::Namespaced } else { ResourceScope::Cluster },
        verbs: Verbs::of(item.verbs.iter().flatten().map(String::as_str)),
        subresources: item.subresources.into_iter().flatten().map(|sub| sub.subresource).collect(),
    }))
}
