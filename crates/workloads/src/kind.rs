//! The kinds of objects that are followed.

use apistore::Store;

use crate::object::{flag, items, text};

/// One kind, as an index into [`Kinds`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Kind(u16);

macro_rules! known {
    ($($name:ident = $index:literal, $group:literal, $plural:literal;)*) => {
        impl Kind {
            $(pub(crate) const $name: Kind = Kind($index);)*
        }
        const KNOWN: &[(&str, &str)] = &[$(($group, $plural)),*];
    };
}

// Those whose objects controllers look into; their order is that in which they are followed.
known! {
    NAMESPACES = 0, "", "namespaces";
    NODES = 1, "", "nodes";
    PODS = 2, "", "pods";
    REPLICA_SETS = 3, "apps", "replicasets";
    DEPLOYMENTS = 4, "apps", "deployments";
    STATEFUL_SETS = 5, "apps", "statefulsets";
    DAEMON_SETS = 6, "apps", "daemonsets";
    REVISIONS = 7, "apps", "controllerrevisions";
    JOBS = 8, "batch", "jobs";
    CRON_JOBS = 9, "batch", "cronjobs";
    SERVICES = 10, "", "services";
    ENDPOINTS = 11, "", "endpoints";
    SLICES = 12, "discovery.k8s.io", "endpointslices";
    CLAIMS = 13, "", "persistentvolumeclaims";
    VOLUMES = 14, "", "persistentvolumes";
    CLASSES = 15, "storage.k8s.io", "storageclasses";
    AUTOSCALERS = 16, "autoscaling", "horizontalpodautoscalers";
    BUDGETS = 17, "policy", "poddisruptionbudgets";
    QUOTAS = 18, "", "resourcequotas";
    CLUSTER_ROLES = 19, "rbac.authorization.k8s.io", "clusterroles";
    ACCOUNTS = 20, "", "serviceaccounts";
    CONFIG_MAPS = 21, "", "configmaps";
    DEFINITIONS = 22, "apiextensions.k8s.io", "customresourcedefinitions";
    SECRETS = 23, "", "secrets";
}

/// Of these only who owns what is followed, and which keys there are.
const SLIM: [Kind; 4] = [Kind::CONFIG_MAPS, Kind::DEFINITIONS, Kind::ACCOUNTS, Kind::SECRETS];

/// What is known of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resource {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) plural: String,
    pub(crate) kind: String,
    pub(crate) namespaced: bool,
    /// Whether the API still serves it.
    pub(crate) served: bool,
}

/// All kinds that can be watched.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kinds(Vec<Resource>);

impl Kind {
    pub(crate) fn index(self) -> usize {
        self.0.into()
    }

    /// Whether whole objects are kept.
    pub(crate) fn is_whole(self) -> bool {
        self.index() < KNOWN.len() && !SLIM.contains(&self)
    }
}

impl Kinds {
    pub(crate) fn get(&self, kind: Kind) -> &Resource {
        &self.0[kind.index()]
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = Kind> + use<> {
        (0..u16::try_from(self.0.len()).unwrap_or(u16::MAX)).map(Kind)
    }

    /// The kind of this group and name.
    pub(crate) fn of(&self, group: &str, kind: &str) -> Option<Kind> {
        self.all().find(|&id| {
            let resource = self.get(id);
            resource.served && resource.kind == kind && resource.group == group
        })
    }

    /// Takes over what the API serves now.
    pub(crate) fn refresh(&mut self, store: &Store) {
        for (group, plural) in KNOWN.iter().skip(self.0.len()) {
            let (group, plural) = ((*group).to_owned(), (*plural).to_owned());
            let (version, kind) = (String::new(), String::new());
            self.0.push(Resource { group, version, plural, kind, namespaced: false, served: false });
        }
        let served: Vec<_> = store
            .resources()
            .into_iter()
            .filter(|resource| resource.plural != "events")
            .filter(|resource| {
                ["list", "watch", "delete"].iter().all(|verb| resource.verbs.iter().any(|have| have == verb))
            })
            .collect();
        self.0.iter_mut().for_each(|resource| resource.served = false);
        for found in served {
            let place = self.0.iter().position(|one| one.group == found.group && one.plural == found.plural);
            let resource = Resource {
                group: found.group,
                version: found.version,
                plural: found.plural,
                kind: found.kind,
                namespaced: found.namespaced,
                served: true,
            };
            match place {
                // The first version that discovery lists is the one that is preferred; but one in which objects are stored can be
                // read without a conversion webhook.
                Some(place) if self.0[place].served && !is_stored(store, &resource) => {}
                Some(place) => self.0[place] = resource,
                None => self.0.push(resource),
            }
        }
    }
}

/// Whether objects of a custom kind are stored in this version.
fn is_stored(store: &Store, resource: &Resource) -> bool {
    let name = format!("{}.{}", resource.plural, resource.group);
    let definition = store.object("apiextensions.k8s.io", "customresourcedefinitions", "", &name);
    definition.is_some_and(|definition| {
        items(&definition, &["spec", "versions"])
            .iter()
            .any(|version| text(version, &["name"]) == resource.version && flag(version, &["storage"]))
    })
}

impl Resource {
    /// The path of all of them, of those of a namespace, or of one.
    pub(crate) fn path(&self, namespace: &str, name: &str) -> String {
        let mut path = match self.group.as_str() {
            "" => format!("/api/{}", self.version),
            group => format!("/apis/{group}/{}", self.version),
        };
        if self.namespaced && !namespace.is_empty() {
            path = format!("{path}/namespaces/{namespace}");
        }
        path = format!("{path}/{}", self.plural);
        if name.is_empty() { path } else { format!("{path}/{name}") }
    }

    pub(crate) fn api_version(&self) -> String {
        match self.group.as_str() {
            "" => self.version.clone(),
            group => format!("{group}/{}", self.version),
        }
    }
}
