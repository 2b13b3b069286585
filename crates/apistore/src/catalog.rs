//! What is served: the built-in resources and those of the definitions.

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
    definitions: Arc<Definitions>,
}

impl Catalog {
    pub(crate) fn new() -> Self {
        let definitions = Definitions::built_in();
        let served = kinds::resources().iter().map(|resource| {
            let path = (resource.group.clone(), resource.version.clone(), resource.plural.clone());
            (path, Arc::new(Served::built_in(resource, &definitions)))
        });
        Self { built_in: Arc::new(served.collect()), custom: BTreeMap::new(), definitions }
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

    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Served>> {
        self.built_in.values().chain(self.custom.values())
    }

    /// The resources as discovery lists them: the built-in ones in their order, then custom ones by group.
    pub(crate) fn resources(&self) -> Vec<Resource> {
        let custom = self.custom.values().map(|served| served.resource.clone());
        kinds::resources().iter().cloned().chain(custom).collect()
    }

    pub(crate) fn definitions(&self) -> &Arc<Definitions> {
        &self.definitions
    }

    /// Serves what these definitions define, and no other.
    pub(crate) fn define<'d>(&mut self, definitions: impl Iterator<Item = &'d Value>) {
        self.custom.clear();
        for definition in definitions.filter(|definition| custom::is_established(definition)) {
            let Some(custom) = custom::read(definition).map(Arc::new) else { continue };
            for resource in custom::resources(definition, &custom) {
                let path = (resource.group.clone(), resource.version.clone(), resource.plural.clone());
                let served = Served::custom(resource, custom.clone(), &self.definitions);
                self.custom.insert(path, Arc::new(served));
            }
        }
    }
}
