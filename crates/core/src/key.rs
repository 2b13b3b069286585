//! Names of kinds and of objects.

use std::fmt;
use std::sync::Arc;

/// An API group and version, written `v1` or `apps/v1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiVersion {
    /// Empty for the core group.
    pub group: Arc<str>,
    /// For example `v1`.
    pub version: Arc<str>,
}

impl ApiVersion {
    /// Parses `version` or `group/version`; `None` for anything with an empty part or a second slash.
    pub fn parse(text: &str) -> Option<Self> {
        let (group, version) = text.split_once('/').unwrap_or(("", text));
        let malformed =
            version.is_empty() || version.contains('/') || (group.is_empty() && text.contains('/'));
        (!malformed).then(|| Self { group: group.into(), version: version.into() })
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.group {
            "" => f.write_str(&self.version),
            group => write!(f, "{group}/{}", self.version),
        }
    }
}

/// A kind whatever its version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupKind {
    /// Empty for the core group.
    pub group: Arc<str>,
    /// For example `Deployment`.
    pub kind: Arc<str>,
}

impl GroupKind {
    /// From its two parts.
    pub fn new(group: &str, kind: &str) -> Self {
        Self { group: group.into(), kind: kind.into() }
    }

    /// Whether this is the kind of these two parts.
    pub fn is(&self, group: &str, kind: &str) -> bool {
        &*self.group == group && &*self.kind == kind
    }
}

/// As kubectl prints it: `Deployment.apps`, `ConfigMap`.
impl fmt::Display for GroupKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.group {
            "" => f.write_str(&self.kind),
            group => write!(f, "{}.{group}", self.kind),
        }
    }
}

/// A kind in one version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gvk {
    /// Group and version.
    pub api: ApiVersion,
    /// For example `Deployment`.
    pub kind: Arc<str>,
}

impl Gvk {
    /// From a group (empty for core), a version and a kind.
    pub fn new(group: &str, version: &str, kind: &str) -> Self {
        Self { api: ApiVersion { group: group.into(), version: version.into() }, kind: kind.into() }
    }

    /// The kind without its version.
    pub fn group_kind(&self) -> GroupKind {
        GroupKind { group: self.api.group.clone(), kind: self.kind.clone() }
    }
}

impl fmt::Display for Gvk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, Kind={}", self.api, self.kind)
    }
}

/// One object of a cluster, whatever its version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// Empty for the core group.
    pub group: Arc<str>,
    /// For example `Deployment`.
    pub kind: Arc<str>,
    /// Empty for cluster-scoped kinds.
    pub namespace: Arc<str>,
    /// The object's name.
    pub name: Arc<str>,
}

impl ObjectKey {
    /// From its four parts.
    pub fn new(group: &str, kind: &str, namespace: &str, name: &str) -> Self {
        Self { group: group.into(), kind: kind.into(), namespace: namespace.into(), name: name.into() }
    }

    /// The kind without its version.
    pub fn group_kind(&self) -> GroupKind {
        GroupKind { group: self.group.clone(), kind: self.kind.clone() }
    }

    /// Whether this object is of the kind of these two parts.
    pub fn is(&self, group: &str, kind: &str) -> bool {
        &*self.group == group && &*self.kind == kind
    }

    /// The form `<group>/<kind>:<namespace>/<name>`, as in the owner annotation and in records.
    pub fn to_reference(&self) -> String {
        format!("{}/{}:{}/{}", self.group, self.kind, self.namespace, self.name)
    }

    /// Parses the form of [`ObjectKey::to_reference`]. Names may hold colons (RBAC), so only the first one divides.
    pub fn parse_reference(text: &str) -> Option<Self> {
        let (kind, name) = text.split_once(':')?;
        let (group, kind) = kind.split_once('/')?;
        let (namespace, name) = name.split_once('/')?;
        (!kind.is_empty() && !name.is_empty()).then(|| Self::new(group, kind, namespace, name))
    }
}

/// For people: `Deployment/web` or, of another group than Kubernetes' own, `Certificate.cert-manager.io/web`.
impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own = !self.group.contains('.') || self.group.ends_with(".k8s.io");
        match own {
            true => write!(f, "{}/{}", self.kind, self.name),
            false => write!(f, "{}.{}/{}", self.kind, self.group, self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn api_versions_parse_or_are_refused() {
        for text in ["v1", "apps/v1", "lockstep.dev/v1alpha1"] {
            assert_eq!(ApiVersion::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "/v1", "apps/", "a/b/c"] {
            assert_eq!(ApiVersion::parse(text), None, "{text}");
        }
    }

    #[test]
    fn references_round_trip_also_with_colons_in_names() {
        let key = ObjectKey::new("rbac.authorization.k8s.io", "ClusterRole", "", "system:node:x");
        assert_eq!(key.to_reference(), "rbac.authorization.k8s.io/ClusterRole:/system:node:x");
        assert_eq!(ObjectKey::parse_reference(&key.to_reference()), Some(key));
        for text in ["", "x", "a/b", "a/b:c", "a/:n/x", "a/b:n/"] {
            assert_eq!(ObjectKey::parse_reference(text), None, "{text}");
        }
    }
}
