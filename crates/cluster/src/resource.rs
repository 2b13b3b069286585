//! What the server serves for a kind, and where.

use std::fmt::Write as _;
use std::sync::Arc;

use lockstep_core::{Gvk, ObjectKey};

/// Whether a kind's objects live in namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceScope {
    /// One set of names a namespace.
    Namespaced,
    /// One set of names a cluster.
    Cluster,
}

/// The verbs that a resource offers, as discovery lists them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verbs(u16);

const VERBS: [&str; 8] = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];

impl Verbs {
    /// From their names; unknown ones are left out.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let bit = |name| VERBS.iter().position(|verb| *verb == name).map_or(0, |at| 1 << at);
        Self(names.into_iter().fold(0, |bits, name| bits | bit(name)))
    }

    /// Whether the verb of this name is offered.
    pub fn has(self, name: &str) -> bool {
        VERBS.iter().position(|verb| *verb == name).is_some_and(|at| self.0 & (1 << at) != 0)
    }
}

/// One resource in one version, as discovery describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Its kind and version.
    pub gvk: Gvk,
    /// The name in paths, for example `deployments`.
    pub plural: Arc<str>,
    /// For example `deployment`; may be empty.
    pub singular: Arc<str>,
    /// For example `deploy`.
    pub short_names: Vec<Arc<str>>,
    /// Whether objects live in namespaces.
    pub scope: ResourceScope,
    /// What can be done.
    pub verbs: Verbs,
    /// For example `status` and `scale`.
    pub subresources: Vec<Arc<str>>,
}

impl Resource {
    /// A resource with every verb and no short names, for kinds that are known without asking.
    pub fn new(gvk: Gvk, plural: &str, scope: ResourceScope) -> Self {
        let singular = gvk.kind.to_lowercase().into();
        let verbs = Verbs::of(VERBS);
        Self { gvk, plural: plural.into(), singular, short_names: vec![], scope, verbs, subresources: vec![] }
    }

    /// Whether objects live in namespaces.
    pub fn namespaced(&self) -> bool {
        self.scope == ResourceScope::Namespaced
    }

    /// The path of all objects, or of those in one namespace.
    pub fn collection_path(&self, namespace: Option<&str>) -> String {
        let api = &self.gvk.api;
        let mut path = match &*api.group {
            "" => format!("/api/{}", api.version),
            group => format!("/apis/{group}/{}", api.version),
        };
        if let (Some(namespace), true) = (namespace, self.namespaced()) {
            path.push_str("/namespaces/");
            encode(&mut path, namespace);
        }
        path.push('/');
        path.push_str(&self.plural);
        path
    }

    /// The path of one object.
    pub fn object_path(&self, key: &ObjectKey) -> String {
        let mut path = self.collection_path(Some(&key.namespace));
        path.push('/');
        encode(&mut path, &key.name);
        path
    }
}

/// Appends text percent-encoded for a path segment or a query value.
pub(crate) fn encode(out: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' => {
                out.push(byte.into())
            }
            // Writing to a String cannot fail.
            _ => _ = write!(out, "%{byte:02X}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_follow_group_scope_and_name() {
        let deployment =
            Resource::new(Gvk::new("apps", "v1", "Deployment"), "deployments", ResourceScope::Namespaced);
        let role = Resource::new(
            Gvk::new("rbac.authorization.k8s.io", "v1", "ClusterRole"),
            "clusterroles",
            ResourceScope::Cluster,
        );
        let pod = Resource::new(Gvk::new("", "v1", "Pod"), "pods", ResourceScope::Namespaced);
        assert_eq!(deployment.collection_path(None), "/apis/apps/v1/deployments");
        assert_eq!(pod.collection_path(Some("n")), "/api/v1/namespaces/n/pods");
        let key = ObjectKey::new("rbac.authorization.k8s.io", "ClusterRole", "", "system:a/b c");
        assert_eq!(
            role.object_path(&key),
            "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:a%2Fb%20c"
        );
    }

    #[test]
    fn verbs_are_known_by_name() {
        let verbs = Verbs::of(["get", "watch", "impersonate"]);
        assert!(verbs.has("get") && verbs.has("watch"));
        assert!(!verbs.has("list") && !verbs.has("impersonate"));
    }
}
