//! What is served: the built-in resources as the real server's discovery names them.

use std::sync::LazyLock;

use lockstep_core::{Value, from_json};

/// One resource of one group and version.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// The API group; empty for the core.
    pub group: String,
    /// The version.
    pub version: String,
    /// The kind of its objects.
    pub kind: String,
    /// The name in URLs: `deployments`.
    pub plural: String,
    /// The name of one: `deployment`.
    pub singular: String,
    /// What kubectl takes for it: `deploy`.
    pub short_names: Vec<String>,
    /// The sets it belongs to: `all`.
    pub categories: Vec<String>,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// What can be done with it.
    pub verbs: Vec<String>,
    /// Its further endpoints.
    pub subresources: Vec<Subresource>,
}

/// A further endpoint of a resource's objects.
#[derive(Clone, Debug, PartialEq)]
pub struct Subresource {
    /// Its name: `status`, `scale`.
    pub name: String,
    /// The group, version and kind of what it reads and writes.
    pub kind: (String, String, String),
    /// What can be done with it.
    pub verbs: Vec<String>,
}

/// The answers of a real server to `GET /api` and `GET /apis` in the aggregated form, one list of groups; the order is that of
/// discovery: groups by priority, their versions likewise.
static DISCOVERY: &str = include_str!("../data/discovery.json");

/// The built-in resources, in the order of discovery.
pub fn resources() -> &'static [Resource] {
    static RESOURCES: LazyLock<Vec<Resource>> = LazyLock::new(read);
    &RESOURCES
}

fn read() -> Vec<Resource> {
    let discovery = from_json(DISCOVERY.as_bytes()).unwrap_or_default();
    list(&discovery, "items").iter().flat_map(group).collect()
}

fn group(group: &Value) -> Vec<Resource> {
    let name = text(group.at(&["metadata", "name"]));
    let versions = list(group, "versions").iter();
    versions
        .flat_map(|version| {
            let (name, version_name) = (name.clone(), text(version.get("version")));
            list(version, "resources").iter().map(move |entry| resource(&name, &version_name, entry))
        })
        .collect()
}

fn resource(group: &str, version: &str, entry: &Value) -> Resource {
    Resource {
        group: group.to_owned(),
        version: version.to_owned(),
        kind: text(entry.at(&["responseKind", "kind"])),
        plural: text(entry.get("resource")),
        singular: text(entry.get("singularResource")),
        short_names: texts(entry, "shortNames"),
        categories: texts(entry, "categories"),
        namespaced: entry.str_at(&["scope"]) == Some("Namespaced"),
        verbs: texts(entry, "verbs"),
        subresources: list(entry, "subresources")
            .iter()
            .map(|sub| subresource(group, version, sub))
            .collect(),
    }
}

/// A subresource that does not say otherwise is of its resource's group and version.
fn subresource(group: &str, version: &str, entry: &Value) -> Subresource {
    let kind = |key: &str, or: &str| match text(entry.at(&["responseKind", key])) {
        text if text.is_empty() => or.to_owned(),
        text => text,
    };
    Subresource {
        name: text(entry.get("subresource")),
        kind: (kind("group", group), kind("version", version), kind("kind", "")),
        verbs: texts(entry, "verbs"),
    }
}

fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value.get(key).and_then(Value::as_list).unwrap_or_default()
}

fn text(value: Option<&Value>) -> String {
    value.and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn texts(value: &Value, key: &str) -> Vec<String> {
    list(value, key).iter().map(|item| text(Some(item))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_are_those_of_the_real_server() {
        let find = |group: &str, plural: &str| {
            resources().iter().find(|entry| entry.group == group && entry.plural == plural).unwrap()
        };
        let deployments = find("apps", "deployments");
        assert_eq!((&*deployments.kind, &*deployments.singular), ("Deployment", "deployment"));
        assert_eq!(deployments.short_names, ["deploy"]);
        assert_eq!(deployments.categories, ["all"]);
        let scale = deployments.subresources.iter().find(|sub| sub.name == "scale").unwrap();
        assert_eq!(scale.kind, ("autoscaling".into(), "v1".into(), "Scale".into()));
        assert!(!find("", "nodes").namespaced);
        assert!(find("", "pods").subresources.iter().any(|sub| sub.name == "eviction"));
    }
}
