//! Whether a kind lives in namespaces.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use lockstep_core::{GroupKind, Gvk, Value};

/// Whether the objects of a kind live in namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// They do.
    Namespaced,
    /// They do not.
    Cluster,
}

/// What the destination cluster says of kinds that are neither built in nor defined in the same set.
pub trait Scopes {
    /// The scope of a kind; `None` if the cluster does not know the kind.
    fn scope(&self, kind: &Gvk) -> Option<Scope>;
}

/// No cluster: nothing is known beyond the built-in kinds.
#[derive(Clone, Copy, Debug)]
pub struct NoScopes;

impl Scopes for NoScopes {
    fn scope(&self, _: &Gvk) -> Option<Scope> {
        None
    }
}

/// Kubernetes' own kinds (recorded from the discovery of kube-apiserver 1.37.2 with every API switched on) and ours.
static BUILT_IN: LazyLock<HashMap<(&str, &str), Scope>> = LazyLock::new(|| {
    let row = |line: &'static str| {
        let mut cells = line.split('\t');
        let (group, kind) = (cells.next()?, cells.next()?);
        let scope = if cells.next()? == "Cluster" { Scope::Cluster } else { Scope::Namespaced };
        Some(((group, kind), scope))
    };
    include_str!("../data/kinds.tsv").lines().filter_map(row).collect()
});

/// The scope of a built-in kind.
pub(crate) fn built_in_scope(group: &str, kind: &str) -> Option<Scope> {
    BUILT_IN.get(&(group, kind)).copied()
}

/// The scopes of the kinds that CustomResourceDefinitions in the set define.
pub(crate) fn defined_scopes<'a>(objects: impl Iterator<Item = &'a Value>) -> BTreeMap<GroupKind, Scope> {
    let scope = |object: &Value| {
        let is_definition = object.str_at(&["kind"]) == Some("CustomResourceDefinition")
            && object.str_at(&["apiVersion"])?.starts_with("apiextensions.k8s.io/");
        let kind =
            GroupKind::new(object.str_at(&["spec", "group"])?, object.str_at(&["spec", "names", "kind"])?);
        let scope = match object.str_at(&["spec", "scope"])? {
            "Cluster" => Scope::Cluster,
            "Namespaced" => Scope::Namespaced,
            _ => return None,
        };
        is_definition.then_some((kind, scope))
    };
    objects.filter_map(scope).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_kinds_are_known() {
        for (group, kind, scope) in [
            ("", "ConfigMap", Some(Scope::Namespaced)),
            ("", "Namespace", Some(Scope::Cluster)),
            ("apps", "Deployment", Some(Scope::Namespaced)),
            ("rbac.authorization.k8s.io", "ClusterRole", Some(Scope::Cluster)),
            ("lockstep.dev", "Application", Some(Scope::Namespaced)),
            ("lockstep.dev", "Project", Some(Scope::Cluster)),
            ("cert-manager.io", "Certificate", None),
            ("", "Deployment", None),
        ] {
            assert_eq!(built_in_scope(group, kind), scope, "{group}/{kind}");
        }
        assert!(BUILT_IN.len() > 70);
    }
}
