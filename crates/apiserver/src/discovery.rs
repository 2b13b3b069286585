//! What is served, told to clients in the two forms that they ask for.

use base64::Engine;
use base64::prelude::BASE64_STANDARD as STANDARD;
use kinds::{Resource, Subresource};
use lockstep_core::{Map, Value};
use sha2::{Digest, Sha256};

/// The answer to `GET /api`: the one version of the core.
pub(crate) fn api_versions(address: &str) -> Value {
    let server = map([("clientCIDR", "0.0.0.0/0".into()), ("serverAddress", address.into())]);
    map([
        ("kind", "APIVersions".into()),
        ("versions", Value::list(vec!["v1".into()])),
        ("serverAddressByClientCIDRs", Value::list(vec![server])),
    ])
}

/// The answer to `GET /apis`: every group but the core.
pub(crate) fn groups(resources: &[Resource]) -> Value {
    let names = names(resources).into_iter().filter(|name| !name.is_empty());
    let groups = names.map(|name| {
        let mut group = group_value(resources, name);
        group.remove(&["kind"]);
        group.remove(&["apiVersion"]);
        group
    });
    map([
        ("kind", "APIGroupList".into()),
        ("apiVersion", "v1".into()),
        ("groups", Value::list(groups.collect())),
    ])
}

/// The answer to `GET /apis/GROUP`; `None` where nothing is served of it.
pub(crate) fn group(resources: &[Resource], name: &str) -> Option<Value> {
    resources.iter().any(|entry| entry.group == name).then(|| group_value(resources, name))
}

/// The answer to `GET /apis/GROUP/VERSION`; `None` where nothing is served of it.
pub(crate) fn resource_list(
    resources: &[Resource],
    (group, version): (&str, &str),
    definitions: &[Value],
) -> Option<Value> {
    let here: Vec<_> =
        resources.iter().filter(|entry| entry.group == group && entry.version == version).collect();
    (!here.is_empty()).then(|| {
        let mut entries: Vec<Value> =
            here.iter().flat_map(|resource| entries(resource, definitions)).collect();
        entries.sort_by(|a, b| a.str_at(&["name"]).cmp(&b.str_at(&["name"])));
        let mut list = map([
            ("kind", "APIResourceList".into()),
            ("groupVersion", group_version(group, version).into()),
            ("resources", Value::list(entries)),
        ]);
        // That of the core is older than this field.
        if !group.is_empty() {
            list.set(&["apiVersion"], "v1".into());
        }
        list
    })
}

/// The answer to `GET /api` or `GET /apis` in the aggregated form.
pub(crate) fn aggregated(resources: &[Resource], part: Part) -> Value {
    let names = names(resources).into_iter().filter(|name| name.is_empty() == (part == Part::Core));
    let groups = names.map(|name| {
        let versions = versions(resources, name).into_iter().map(|version| {
            let here = resources.iter().filter(|entry| entry.group == name && entry.version == version);
            map([
                ("version", version.into()),
                ("resources", Value::list(here.map(aggregated_resource).collect())),
                ("freshness", "Current".into()),
            ])
        });
        let metadata = if name.is_empty() { Value::map(Map::new()) } else { map([("name", name.into())]) };
        map([("metadata", metadata), ("versions", Value::list(versions.collect()))])
    });
    map([
        ("kind", "APIGroupDiscoveryList".into()),
        ("apiVersion", "apidiscovery.k8s.io/v2".into()),
        ("metadata", Value::map(Map::new())),
        ("items", Value::list(groups.collect())),
    ])
}

/// One of the two places of discovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// `/api`
    Core,
    /// `/apis`
    Groups,
}

/// `apps/v1`, `v1`.
pub(crate) fn group_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

fn group_value(resources: &[Resource], name: &str) -> Value {
    let version = |version: &str| {
        map([("groupVersion", group_version(name, version).into()), ("version", version.into())])
    };
    let versions: Vec<Value> = versions(resources, name).into_iter().map(version).collect();
    map([
        ("kind", "APIGroup".into()),
        ("apiVersion", "v1".into()),
        ("name", name.into()),
        ("preferredVersion", versions.first().cloned().unwrap_or_default()),
        ("versions", Value::list(versions)),
    ])
}

/// The groups in their order.
fn names(resources: &[Resource]) -> Vec<&str> {
    unique(resources.iter().map(|entry| &*entry.group))
}

/// The versions of a group in their order, the preferred one first.
fn versions<'r>(resources: &'r [Resource], group: &str) -> Vec<&'r str> {
    unique(resources.iter().filter(|entry| entry.group == group).map(|entry| &*entry.version))
}

fn unique<'r>(items: impl Iterator<Item = &'r str>) -> Vec<&'r str> {
    let mut seen = Vec::new();
    for item in items {
        if !seen.contains(&item) {
            seen.push(item);
        }
    }
    seen
}

/// The versions in which the real server of this release stores kinds that it serves in another; all others it stores as they
/// are served.
const STORED: [(&str, &str, &str); 7] = [
    ("events.k8s.io", "Event", "/v1"),
    ("autoscaling", "HorizontalPodAutoscaler", "autoscaling/v2"),
    ("certificates.k8s.io", "ClusterTrustBundle", "certificates.k8s.io/v1beta1"),
    ("certificates.k8s.io", "PodCertificateRequest", "certificates.k8s.io/v1beta1"),
    ("apiextensions.k8s.io", "CustomResourceDefinition", "apiextensions.k8s.io/v1beta1"),
    ("resource.k8s.io", "DeviceTaintRule", "resource.k8s.io/v1beta2"),
    ("storagemigration.k8s.io", "StorageVersionMigration", "storagemigration.k8s.io/v1beta1"),
];

/// By what clients can tell that a kind has come to be stored in another version; `None` for what is not stored.
fn storage_version_hash(resource: &Resource, definitions: &[Value]) -> Option<String> {
    resource.verbs.iter().find(|verb| *verb == "watch")?;
    let (group, kind) = (&*resource.group, &*resource.kind);
    let known = STORED.iter().find(|(stored_group, stored, _)| (*stored_group, *stored) == (group, kind));
    let own = |definition: &&Value| {
        definition.str_at(&["spec", "group"]) == Some(group)
            && definition.str_at(&["spec", "names", "plural"]) == Some(&resource.plural)
    };
    let defined = definitions.iter().find(own).and_then(|definition| {
        let versions = definition.at(&["spec", "versions"])?.as_list()?;
        let stored =
            versions.iter().find(|version| version.get("storage").and_then(Value::as_bool) == Some(true));
        stored?.str_at(&["name"])
    });
    let version = match known {
        Some((_, _, version)) => (*version).to_owned(),
        None => format!("{group}/{}", defined.unwrap_or(&resource.version)),
    };
    let digest = Sha256::digest(format!("{version}/{kind}"));
    Some(STANDARD.encode(&digest[..8]))
}

fn entries(resource: &Resource, definitions: &[Value]) -> Vec<Value> {
    let mut entry = map([
        ("name", resource.plural.as_str().into()),
        ("singularName", resource.singular.as_str().into()),
        ("namespaced", resource.namespaced.into()),
        ("kind", resource.kind.as_str().into()),
        ("verbs", texts(&resource.verbs)),
    ]);
    set_unless_empty(&mut entry, "shortNames", &resource.short_names);
    set_unless_empty(&mut entry, "categories", &resource.categories);
    if let Some(hash) = storage_version_hash(resource, definitions) {
        entry.set(&["storageVersionHash"], hash.into());
    }
    let further = resource.subresources.iter().map(|sub| subresource_entry(resource, sub));
    // A resource of which only an endpoint can be used is listed by the endpoint alone.
    std::iter::once(entry).filter(|_| !resource.verbs.is_empty()).chain(further).collect()
}

fn subresource_entry(resource: &Resource, sub: &Subresource) -> Value {
    let (group, version, kind) = &sub.kind;
    let mut entry = map([
        ("name", format!("{}/{}", resource.plural, sub.name).into()),
        ("singularName", "".into()),
        ("namespaced", resource.namespaced.into()),
        ("kind", kind.as_str().into()),
        ("verbs", texts(&sub.verbs)),
    ]);
    if (group, version) != (&resource.group, &resource.version) {
        entry.set(&["group"], group.as_str().into());
        entry.set(&["version"], version.as_str().into());
    }
    entry
}

fn aggregated_resource(resource: &Resource) -> Value {
    let (group, version) = (&resource.group, &resource.version);
    let mut entry = map([
        ("resource", resource.plural.as_str().into()),
        ("responseKind", kind_value(group, version, &resource.kind)),
        ("scope", if resource.namespaced { "Namespaced" } else { "Cluster" }.into()),
        ("singularResource", resource.singular.as_str().into()),
        ("verbs", texts(&resource.verbs)),
    ]);
    set_unless_empty(&mut entry, "shortNames", &resource.short_names);
    set_unless_empty(&mut entry, "categories", &resource.categories);
    let further = resource.subresources.iter().map(|sub| {
        let (group, version, kind) = &sub.kind;
        map([
            ("subresource", sub.name.as_str().into()),
            ("responseKind", kind_value(group, version, kind)),
            ("verbs", texts(&sub.verbs)),
        ])
    });
    let further: Vec<Value> = further.collect();
    if !further.is_empty() {
        entry.set(&["subresources"], Value::list(further));
    }
    entry
}

fn kind_value(group: &str, version: &str, kind: &str) -> Value {
    map([("group", group.into()), ("version", version.into()), ("kind", kind.into())])
}

fn set_unless_empty(entry: &mut Value, key: &str, items: &[String]) {
    if !items.is_empty() {
        entry.set(&[key], texts(items));
    }
}

fn texts(items: &[String]) -> Value {
    Value::list(items.iter().map(|item| item.as_str().into()).collect())
}

/// A mapping of these entries.
pub(crate) fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::map(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_name_the_same_resources() {
        let resources = kinds::resources();
        let list = resource_list(resources, ("apps", "v1"), &[]).unwrap();
        let named = |list: &Value, name: &str| {
            let entries = list.get("resources").and_then(Value::as_list).unwrap();
            entries.iter().find(|entry| entry.str_at(&["name"]) == Some(name)).cloned()
        };
        assert_eq!(
            named(&list, "controllerrevisions").unwrap().str_at(&["storageVersionHash"]),
            Some("85nkx63pcBU=")
        );
        let hash = |group: &str, version: &str, name: &str| {
            let list = resource_list(resources, (group, version), &[]).unwrap();
            named(&list, name).unwrap().str_at(&["storageVersionHash"]).map(str::to_owned)
        };
        assert_eq!(hash("", "v1", "configmaps").as_deref(), Some("qFsyl6wFWjQ="));
        assert_eq!(hash("events.k8s.io", "v1", "events"), hash("", "v1", "events"));
        assert_eq!(hash("autoscaling", "v1", "horizontalpodautoscalers").as_deref(), Some("qwQve8ut294="));
        assert_eq!(hash("", "v1", "bindings"), None);
        let scale = named(&list, "deployments/scale").unwrap();
        assert_eq!(scale.str_at(&["group"]), Some("autoscaling"));
        assert_eq!(named(&list, "deployments/status").unwrap().get("group"), None);
        assert_eq!(
            group(resources, "autoscaling").unwrap().str_at(&["preferredVersion", "version"]),
            Some("v2")
        );
        assert_eq!((group(resources, "nope"), resource_list(resources, ("apps", "v9"), &[])), (None, None));
        let groups = groups(resources);
        let aggregated = aggregated(resources, Part::Groups);
        let count = |value: &Value, key: &str| value.get(key).and_then(Value::as_list).unwrap().len();
        assert_eq!(count(&groups, "groups"), count(&aggregated, "items"));
        assert_eq!(count(&super::aggregated(resources, Part::Core), "items"), 1);
    }
}
