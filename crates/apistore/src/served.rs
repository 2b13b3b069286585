//! A resource in one version as it is served: what it is, and the rules of its kind.

use std::sync::{Arc, OnceLock};

use kinds::{Resource, Scope, Strategy, Subresource};
use lockstep_core::{FieldPath, Gvk, Value};
use schema::{Definitions, FieldSet, IgnoredFields, Schema};

use crate::custom::Custom;
use crate::failure::GroupResource;
use crate::fallback;

/// A resource in one version.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) resource: Resource,
    pub(crate) gvk: Gvk,
    /// `v1`, `apps/v1`.
    pub(crate) api_version: Arc<str>,
    /// Where its objects are: the group and the plural name of what is stored.
    pub(crate) shelf: Arc<str>,
    /// The kind as it is stored.
    pub(crate) stored: Gvk,
    pub(crate) stored_version: Arc<str>,
    pub(crate) rules: Rules,
    definitions: Arc<Definitions>,
    schema: OnceLock<Option<Schema>>,
    empty: OnceLock<Value>,
    ignored: [OnceLock<IgnoredFields>; 2],
}

/// The rules of a kind.
#[derive(Clone)]
pub(crate) enum Rules {
    BuiltIn(&'static Strategy),
    Custom(Arc<Custom>),
}

impl std::fmt::Debug for Rules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::BuiltIn(strategy) => write!(f, "rules of {}", strategy.kind),
            Self::Custom(custom) => custom.fmt(f),
        }
    }
}

/// The resources of other groups that show what another group stores.
const SHARED: [(&str, &str, &str); 1] = [("events.k8s.io", "events", "")];

impl Served {
    /// A built-in resource.
    pub(crate) fn built_in(resource: &Resource, definitions: &Arc<Definitions>) -> Self {
        let shared =
            SHARED.iter().find(|(group, plural, _)| resource.group == *group && resource.plural == *plural);
        let group = shared.map_or(&*resource.group, |(_, _, group)| group);
        let strategy = kinds::strategy(group, &resource.kind).unwrap_or_else(|| fallback::strategy(resource));
        let version = strategy.versions.first().copied().unwrap_or(&resource.version);
        let stored = Gvk::new(group, version, &resource.kind);
        Self::new(resource.clone(), stored, Rules::BuiltIn(strategy), definitions)
    }

    /// A resource of a definition.
    pub(crate) fn custom(resource: Resource, custom: Arc<Custom>, definitions: &Arc<Definitions>) -> Self {
        let stored = Gvk::new(&resource.group, &custom.storage, &resource.kind);
        Self::new(resource, stored, Rules::Custom(custom), definitions)
    }

    fn new(resource: Resource, stored: Gvk, rules: Rules, definitions: &Arc<Definitions>) -> Self {
        let gvk = Gvk::new(&resource.group, &resource.version, &resource.kind);
        Self {
            api_version: gvk.api.to_string().into(),
            stored_version: stored.api.to_string().into(),
            shelf: format!("{}/{}", stored.api.group, resource.plural).into(),
            gvk,
            stored,
            rules,
            resource,
            definitions: definitions.clone(),
            schema: OnceLock::new(),
            empty: OnceLock::new(),
            ignored: [OnceLock::new(), OnceLock::new()],
        }
    }

    pub(crate) fn group_resource(&self) -> GroupResource {
        GroupResource::new(&self.resource.group, &self.resource.plural)
    }

    /// The kind, for messages about what is wrong with an object.
    pub(crate) fn group_kind(&self) -> GroupResource {
        GroupResource::new(&self.resource.group, &self.resource.kind)
    }

    /// The same for one object: a custom one may say that it is of another kind, which is what is wrong with it then.
    pub(crate) fn group_kind_of(&self, object: &Value) -> GroupResource {
        match object.str_at(&["kind"]).filter(|_| self.is_custom()) {
            Some(kind) => GroupResource::new(&self.resource.group, kind),
            None => self.group_kind(),
        }
    }

    pub(crate) fn is(&self, group: &str, plural: &str) -> bool {
        self.resource.group == group && self.resource.plural == plural
    }

    pub(crate) fn scope(&self) -> Scope {
        if self.resource.namespaced { Scope::Namespaced } else { Scope::Cluster }
    }

    pub(crate) fn takes(&self, verb: &str) -> bool {
        self.resource.verbs.iter().any(|known| known == verb)
    }

    pub(crate) fn subresource(&self, name: &str) -> Option<&Subresource> {
        self.resource.subresources.iter().find(|subresource| subresource.name == name)
    }

    /// The rules of the kind.
    pub(crate) fn strategy(&self) -> &'static Strategy {
        match &self.rules {
            Rules::BuiltIn(strategy) => strategy,
            Rules::Custom(custom) => custom.strategy(&self.resource.version),
        }
    }

    /// The version in which objects are prepared and validated: custom ones in that of the request.
    pub(crate) fn working_version(&self) -> &Arc<str> {
        if self.is_custom() { &self.api_version } else { &self.stored_version }
    }

    pub(crate) fn is_custom(&self) -> bool {
        matches!(self.rules, Rules::Custom(_))
    }

    /// The schema of the version of the request.
    pub(crate) fn schema(&self) -> Option<&Schema> {
        self.schema.get_or_init(|| self.schema_of(&self.gvk)).as_ref()
    }

    /// The schema of any version.
    pub(crate) fn schema_of(&self, kind: &Gvk) -> Option<Schema> {
        match &self.rules {
            Rules::BuiltIn(_) => self.definitions.kind(kind),
            Rules::Custom(custom) => {
                let version = custom.version(&kind.api.version).filter(|version| version.served)?;
                Some(self.definitions.custom_resource(&version.schema))
            }
        }
    }

    /// An object of which nothing is set, as field management compares with it.
    pub(crate) fn empty(&self) -> &Value {
        self.empty.get_or_init(|| match (&self.rules, self.schema()) {
            (Rules::BuiltIn(_), Some(schema)) => {
                let mut empty = schema.zero(&self.gvk);
                let mut read = self.bare();
                if crate::wire::canonical(&self.gvk, &mut read).is_ok()
                    && schema::Wire::of(&self.gvk).is_some()
                {
                    empty = read;
                }
                empty
            }
            _ => self.bare(),
        })
    }

    fn bare(&self) -> Value {
        let mut bare = Value::default();
        bare.set(&["apiVersion"], self.api_version.clone().into());
        bare.set(&["kind"], self.gvk.kind.clone().into());
        bare
    }

    /// What an endpoint does not let be set.
    pub(crate) fn ignored(&self, subresource: &str) -> &IgnoredFields {
        let index = usize::from(subresource == "status");
        self.ignored[index].get_or_init(|| match &self.rules {
            Rules::BuiltIn(strategy) => reset_fields(strategy, &self.resource.group, subresource),
            Rules::Custom(custom) => custom.reset_fields(&self.gvk, subresource),
        })
    }

    /// The path of an object in etcd, which some messages show.
    pub(crate) fn storage_path(&self, key: &str) -> String {
        let resource = match (&*self.stored.api.group, &*self.resource.plural) {
            ("", "services") => "services/specs".to_owned(),
            ("", "endpoints") => "services/endpoints".to_owned(),
            ("", "nodes") => "minions".to_owned(),
            ("networking.k8s.io", "ingresses") => "ingress".to_owned(),
            (group, plural) if self.is_custom() || group.contains('.') && is_aggregated(group) => {
                format!("{group}/{plural}")
            }
            (_, plural) => plural.to_owned(),
        };
        format!("/registry/{resource}/{key}")
    }
}

/// The groups that servers of their own inside kube-apiserver store.
fn is_aggregated(group: &str) -> bool {
    matches!(group, "apiextensions.k8s.io" | "apiregistration.k8s.io")
}

fn reset_fields(strategy: &Strategy, group: &str, subresource: &str) -> IgnoredFields {
    let mut ignored = IgnoredFields::new();
    for field in strategy.reset.iter().filter(|field| field.subresource == subresource) {
        let version =
            if group.is_empty() { field.version.to_owned() } else { format!("{group}/{}", field.version) };
        let fields: &mut FieldSet = ignored.entry(version.into()).or_default();
        fields.insert(&FieldPath::fields(field.path).0);
    }
    ignored
}
