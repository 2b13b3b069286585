//! Discovery as it was before it was aggregated: one document a group version.

use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use lockstep_core::Gvk;
use serde::Deserialize;

use crate::catalog::{Group, Version};
use crate::connection::{Call, Connection, malformed};
use crate::error::ApiError;
use crate::requests::Verb;
use crate::resource::{Resource, ResourceScope, Verbs};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Root {
    /// `/api`
    versions: Option<Vec<Arc<str>>>,
    /// `/apis`
    groups: Option<Vec<RootGroup>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RootGroup {
    name: Arc<str>,
    versions: Vec<RootVersion>,
    preferred_version: Option<RootVersion>,
}

#[derive(Deserialize, PartialEq)]
struct RootVersion {
    version: Arc<str>,
}

#[derive(Deserialize)]
struct ResourceList {
    resources: Option<Vec<ListedResource>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListedResource {
    name: Arc<str>,
    #[serde(default)]
    singular_name: Arc<str>,
    namespaced: bool,
    kind: Arc<str>,
    verbs: Option<Vec<String>>,
    short_names: Option<Vec<Arc<str>>>,
}

/// Reads what the answer of `/api` or `/apis` names, version by version. A version that fails is remembered as failing.
pub(super) async fn ask(connection: &Connection, path: &str, body: &[u8]) -> Result<Vec<Group>, ApiError> {
    let root: Root = serde_json::from_slice(body).map_err(|_| malformed())?;
    let mut wanted: Vec<(Arc<str>, Vec<Arc<str>>)> = vec![];
    if let Some(versions) = root.versions {
        wanted.push(("".into(), versions));
    }
    for group in root.groups.into_iter().flatten() {
        let mut versions = group.versions;
        versions.sort_by_key(|version| Some(version) != group.preferred_version.as_ref());
        wanted.push((group.name, versions.into_iter().map(|version| version.version).collect()));
    }
    let groups = wanted.into_iter().map(|(name, versions)| group(connection, path, name, versions));
    stream::iter(groups).buffered(8).try_collect().await
}

async fn group(
    connection: &Connection,
    root: &str,
    name: Arc<str>,
    names: Vec<Arc<str>>,
) -> Result<Group, ApiError> {
    let mut versions = vec![];
    for version in names {
        let path = match &*name {
            "" => format!("{root}/{version}"),
            name => format!("{root}/{name}/{version}"),
        };
        let (resources, failing) = match connection.fetch(&Call::new(Verb::Get, path)).await {
            Ok(answer) => (resources(&name, &version, &answer.body)?, None),
            Err(error @ (ApiError::Unauthorized | ApiError::TooManyRequests { .. })) => return Err(error),
            Err(error) => (vec![], Some(error.to_string().into())),
        };
        versions.push(Version { name: version, failing, resources });
    }
    Ok(Group { name, versions })
}

fn resources(group: &str, version: &str, body: &[u8]) -> Result<Vec<Arc<Resource>>, ApiError> {
    let list: ResourceList = serde_json::from_slice(body).map_err(|_| malformed())?;
    let listed = list.resources.unwrap_or_default();
    let (subs, plain): (Vec<_>, Vec<_>) =
        listed.into_iter().partition(|resource| resource.name.contains('/'));
    let subresources = |plural: &str| {
        let parts = subs.iter().filter_map(|sub| sub.name.split_once('/'));
        parts.filter(|(parent, _)| *parent == plural).map(|(_, sub)| sub.into()).collect()
    };
    let resource = |listed: ListedResource| Resource {
        gvk: Gvk::new(group, version, &listed.kind),
        subresources: subresources(&listed.name),
        plural: listed.name,
        singular: listed.singular_name,
        short_names: listed.short_names.unwrap_or_default(),
        scope: if listed.namespaced { ResourceScope::Namespaced } else { ResourceScope::Cluster },
        verbs: Verbs::of(listed.verbs.iter().flatten().map(String::as_str)),
    };
    Ok(plain.into_iter().map(|listed| Arc::new(resource(listed))).collect())
}
