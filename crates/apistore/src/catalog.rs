//! What is served: the built-in resources and those of the definitions.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use kinds::Resource;
use lockstep_core::Value;
use schema::Definitions;

use crate::custom;
use crate::served::Served;

/// Group, version and plural name.
type Path = (String, String, String);

/// All resources.
#[derive(Clone, Debug)]
pub(crate) struct Catalog {
    built_in: Arc<BTreeMap<Path, Arc<Served>>>,
    custom: BTreeMap<Path, Arc<Served>>,
    defined: BTreeMap<Arc<str>, Defined>,
    definitions: Arc<Definitions>,
}

impl Catalog {
    pub(crate) fn new() -> Self {
        let definitions = Definitions::built_in();
        let served = kinds::resources().iter().map(|resource| {
            let path = (resource.group.clone(), resource.version.clone(), resource.plural.clone());
            (path, Arc::new(Served::built_in(resource, &definitions)))
        });
        Self {
            built_in: Arc::new(served.collect()),
            custom: BTreeMap::new(),
            defined: BTreeMap::new(),
            definitions,
        }
    }

    pub(crate) fn get(&self, group: &str, version: &str, plural: &str) -> Option<&Arc<Served>> {
        let path = || (group.to_owned(), version.to_owned(), plural.to_owned());
        self.built_in.get(&path()).or_else(|| self.custom.get(&path()))
    }

    /// The resource that stores in a shelf.
    pub(crate) fn of_shelf(&self, shelf: &str) -> Option<&Arc<Served>> {
        let all = || self.all().filter(|served| *served.shelf == *shelf);
        all().find(|served| served.gvk == served.stored).or_else(|| all().next())
    }

    /// The resource of a kind.
    pub(crate) fn of_kind(&self, group: &str, version: &str, kind: &str) -> Option<&Arc<Served>> {
        self.all().find(|served| {
            let gvk = &served.gvk;
            *gvk.kind == *kind && *gvk.api.group == *group && *gvk.api.version == *version
        })
    }

    /// The other resources that show the same objects.
    pub(crate) fn beside<'c>(&'c self, own: &'c Arc<Served>) -> impl Iterator<Item = &'c Arc<Served>> {
        self.all().filter(move |other| other.shelf == own.shelf && !Arc::ptr_eq(other, own))
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Served>> {
        self.built_in.values().chain(self.custom.values())
    }

    /// The resources as discovery lists them: the built-in ones in their order, then custom ones by group, the newest version
    /// of a group first.
    pub(crate) fn resources(&self) -> Vec<Resource> {
        let mut custom: Vec<Resource> = self.custom.values().map(|served| served.resource.clone()).collect();
        custom.sort_by_cached_key(|one| (one.group.clone(), Reverse(custom::rank(&one.version))));
        kinds::resources().iter().cloned().chain(custom).collect()
    }

    pub(crate) fn definitions(&self) -> &Arc<Definitions> {
        &self.definitions
    }

    /// Serves what a definition defines as it is now; `None` when it is gone. What others define is not looked at.
    pub(crate) fn define(&mut self, name: &str, definition: Option<&Value>) {
        let before = self.defined.remove(name);
        let now = definition.map(Defined::of);
        if let (Some(before), Some(now)) = (&before, &now)
            && before.serves_as(now)
        {
            let now = Defined { paths: before.paths.clone(), ..now.clone() };
            self.defined.insert(name.into(), now);
            return;
        }
        before.into_iter().flat_map(|before| before.paths).for_each(|path| _ = self.custom.remove(&path));
        let (Some(definition), Some(mut now)) = (definition, now) else { return };
        let custom = custom::read(definition).filter(|_| now.established).map(Arc::new);
        for resource in custom.iter().flat_map(|custom| custom::resources(definition, custom)) {
            let path = (resource.group.clone(), resource.version.clone(), resource.plural.clone());
            if let Some(custom) = &custom {
                let served = Served::custom(resource, custom.clone(), &self.definitions);
                self.custom.insert(path.clone(), Arc::new(served));
                now.paths.push(path);
            }
        }
        self.defined.insert(name.into(), now);
    }

    /// The definitions with which something is still to be done.
    pub(crate) fn unsettled(&self) -> impl Iterator<Item = &Arc<str>> {
        self.defined.iter().filter(|(_, defined)| !defined.settled).map(|(name, _)| name)
    }

    /// The names that the definitions of a group have, but for one.
    pub(crate) fn accepted_names<'c>(
        &'c self,
        group: &'c str,
        but: &'c str,
    ) -> impl Iterator<Item = &'c Value> {
        let others =
            self.defined.iter().filter(move |(name, defined)| &***name != but && defined.group == group);
        others.map(|(_, defined)| &defined.accepted)
    }
}

/// What is known of a definition without reading it.
#[derive(Clone, Debug)]
struct Defined {
    group: String,
    spec: Value,
    accepted: Value,
    established: bool,
    terminating: bool,
    /// Whether its names are accepted, it is established, and it is not being deleted.
    settled: bool,
    paths: Vec<Path>,
}

impl Defined {
    fn of(definition: &Value) -> Self {
        let part = |path: &[&str]| definition.at(path).cloned().unwrap_or_default();
        let (accepted, established) =
            (part(&["status", "acceptedNames"]), custom::is_established(definition));
        let terminating = definition.at(&["metadata", "deletionTimestamp"]).is_some();
        Self {
            group: definition.str_at(&["spec", "group"]).unwrap_or_default().to_owned(),
            settled: established && !terminating && accepted == part(&["spec", "names"]),
            spec: part(&["spec"]),
            accepted,
            established,
            terminating,
            paths: Vec::new(),
        }
    }

    /// Whether what is served stays as it is.
    fn serves_as(&self, other: &Self) -> bool {
        self.established == other.established
            && self.terminating == other.terminating
            && self.spec == other.spec
    }
}
