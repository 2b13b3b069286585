//! One object on its way from the file to the cluster.

use std::collections::{BTreeMap, BTreeSet};

use lockstep_core::{Digest, Finding, GroupKind, Gvk, ObjectKey, Value, to_json};
use manifest::Object;

use crate::metadata::{check_annotations, drop_server_fields};
use crate::repeated::{Schemas, drop_repeated};
use crate::scope::{Scope, Scopes, built_in_scope};
use crate::secret::canonical_bytes;

/// What becomes of namespaced objects that name no namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Namespaces<'a> {
    /// They get this one.
    Fill(&'a str),
    /// Each is a finding: the Application's destination names none.
    Required,
    /// They stay as they are.
    AsWritten,
}

/// What completing an object needs to know, and what it learned.
pub(crate) struct Completion<'a> {
    pub(crate) namespaces: Namespaces<'a>,
    pub(crate) scopes: &'a dyn Scopes,
    /// Of the CustomResourceDefinitions in the set.
    pub(crate) defined: BTreeMap<GroupKind, Scope>,
    /// Of the kinds in the set.
    pub(crate) schemas: Schemas<'a>,
    /// Kinds that nobody knew.
    pub(crate) unknown: BTreeSet<Gvk>,
    /// Kinds that the cluster was asked about.
    pub(crate) asked: BTreeSet<Gvk>,
    pub(crate) findings: Vec<Finding>,
}

/// A hook whose name begins as it says is told from others by its content; the object that it is in a sync has a name of its own.
fn name_generated(value: &mut Value) {
    let named = value.str_at(&["metadata", "name"]).is_some_and(|name| !name.is_empty());
    let Some(base) = value.str_at(&["metadata", "generateName"]).filter(|_| !named) else { return };
    let digest = Digest::of(&to_json(value)).short();
    let name = format!("{base}{}", &digest[..8]);
    value.set(&["metadata", "name"], name.into());
}

impl Completion<'_> {
    /// The object as it is applied, without the owner annotation, and its key.
    pub(crate) fn complete(&mut self, object: &Object) -> (ObjectKey, Gvk, Value) {
        let mut value = object.value.clone();
        drop_server_fields(object, &mut value, &mut self.findings);
        drop_repeated(object, &mut value, &mut self.schemas, &mut self.findings);
        check_annotations(object, &mut value, &mut self.findings);
        canonical_bytes(object, &mut value, &mut self.findings);
        self.place(object, &mut value);
        name_generated(&mut value);
        let gvk = object.gvk();
        let text = |key: &str| value.str_at(&["metadata", key]).unwrap_or_default().to_owned();
        let key = ObjectKey::new(&gvk.api.group, &gvk.kind, &text("namespace"), &text("name"));
        (key, gvk, value)
    }

    fn place(&mut self, object: &Object, value: &mut Value) {
        let path = ["metadata", "namespace"];
        let written = value.str_at(&path).is_some_and(|namespace| !namespace.is_empty());
        let scope = self.scope(&object.gvk());
        if !written {
            // An empty or null namespace is none, as the server sees it.
            value.remove(&path);
        }
        match (scope, self.namespaces) {
            (Some(Scope::Cluster), _) if written => {
                value.remove(&path);
                let message = format!("{} objects have no namespace; it is left out", object.gvk().kind);
                let finding = Finding::warning("cluster-scoped", message);
                self.findings.push(finding.at(object.origin_of_fields(&path)).with_hint("remove it"));
            }
            (Some(Scope::Namespaced), Namespaces::Fill(namespace)) if !written => {
                value.set(&path, namespace.into());
            }
            (Some(Scope::Namespaced), Namespaces::Required) if !written => {
                let message =
                    format!("{} names no namespace, and neither does the destination", object.key());
                let hint = "set metadata.namespace or the Application's spec.destination.namespace";
                let finding = Finding::error("no-namespace", message);
                self.findings.push(finding.at(object.origin.clone()).with_hint(hint));
            }
            _ => {}
        }
    }

    fn scope(&mut self, gvk: &Gvk) -> Option<Scope> {
        let defined = || self.defined.get(&gvk.group_kind()).copied();
        if let Some(scope) = built_in_scope(&gvk.api.group, &gvk.kind).or_else(defined) {
            return Some(scope);
        }
        self.asked.insert(gvk.clone());
        let scope = self.scopes.scope(gvk);
        if scope.is_none() {
            self.unknown.insert(gvk.clone());
        }
        scope
    }
}
