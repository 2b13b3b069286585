//! What the server serves, as far as is known.

use std::collections::HashMap;
use std::sync::Arc;

use lockstep_core::{GroupKind, Gvk};

use crate::resource::Resource;

/// The answer to "is this kind served?".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// Yes, as this.
    Served(Arc<Resource>),
    /// No, and the server is sure of it.
    NotServed,
    /// The group cannot say at the moment: never to be read as "gone".
    GroupFailing(Arc<str>),
}

impl Lookup {
    /// The resource, if it is served.
    pub fn served(self) -> Option<Arc<Resource>> {
        match self {
            Self::Served(resource) => Some(resource),
            _ => None,
        }
    }
}

/// A version of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) name: Arc<str>,
    /// Why it cannot be trusted at the moment.
    pub(crate) failing: Option<Arc<str>>,
    pub(crate) resources: Vec<Arc<Resource>>,
}

/// A group with its versions, the preferred one first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) name: Arc<str>,
    pub(crate) versions: Vec<Version>,
}

/// A snapshot of discovery; groups in the server's order, core first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog {
    groups: Vec<Group>,
    by_name: HashMap<Arc<str>, usize>,
}

impl Catalog {
    /// A failing version that lists nothing keeps what was known of it.
    pub(crate) fn new(mut groups: Vec<Group>, before: &Self) -> Self {
        for group in &mut groups {
            let name = group.name.clone();
            for version in group.versions.iter_mut().filter(|version| version.failing.is_some()) {
                if let (true, Some(known)) =
                    (version.resources.is_empty(), before.version(&name, &version.name))
                {
                    version.resources.clone_from(&known.resources);
                }
            }
        }
        let by_name = groups.iter().enumerate().map(|(at, group)| (group.name.clone(), at)).collect();
        Self { groups, by_name }
    }

    fn group(&self, name: &str) -> Option<&Group> {
        self.groups.get(*self.by_name.get(name)?)
    }

    fn version(&self, group: &str, version: &str) -> Option<&Version> {
        self.group(group)?.versions.iter().find(|candidate| &*candidate.name == version)
    }

    /// Looks a kind up in exactly this version.
    pub fn resource(&self, gvk: &Gvk) -> Lookup {
        match self.version(&gvk.api.group, &gvk.api.version) {
            None => Lookup::NotServed,
            Some(version) => find(version, |resource| resource.gvk.kind == gvk.kind),
        }
    }

    /// Looks a kind up in the version that the server prefers among those that have it.
    pub fn preferred(&self, kind: &GroupKind) -> Lookup {
        let Some(group) = self.group(&kind.group) else { return Lookup::NotServed };
        in_group(group, &|resource| resource.gvk.kind == kind.kind)
    }

    /// Finds what a person calls a resource, as kubectl does: kind, plural, singular or short name in any case, alone or
    /// followed by `.group`, `.version.group` or `.version`.
    pub fn by_name(&self, text: &str) -> Lookup {
        let text = text.to_lowercase();
        let (name, rest) = text.split_once('.').unwrap_or((&text, ""));
        if name.is_empty() {
            return Lookup::NotServed;
        }
        let full = |resource: &Resource| named(resource, name);
        let short = |resource: &Resource| resource.short_names.iter().any(|short| &**short == name);
        let (version, group) = match rest {
            "" => return self.anywhere(&[&full, &short]),
            group if self.by_name.contains_key(group) => (None, group),
            _ => match rest.split_once('.') {
                Some((version, group)) => (Some(version), group),
                None => (Some(rest), ""),
            },
        };
        let Some(group) = self.group(group) else { return Lookup::NotServed };
        let within = |wanted: &dyn Fn(&Resource) -> bool| match version {
            None => in_group(group, wanted),
            Some(version) => match group.versions.iter().find(|candidate| &*candidate.name == version) {
                Some(version) => find(version, wanted),
                None => Lookup::NotServed,
            },
        };
        match within(&full) {
            Lookup::NotServed => within(&short),
            found => found,
        }
    }

    fn anywhere(&self, tests: &[&dyn Fn(&Resource) -> bool]) -> Lookup {
        let mut failing = None;
        for test in tests {
            for group in &self.groups {
                match in_group(group, test) {
                    Lookup::NotServed => (),
                    Lookup::GroupFailing(reason) => _ = failing.get_or_insert(reason),
                    served => return served,
                }
            }
        }
        failing.map_or(Lookup::NotServed, Lookup::GroupFailing)
    }

    /// Everything served in the preferred versions, in the server's order.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Resource>> {
        self.groups.iter().filter_map(|group| group.versions.first()).flat_map(|version| &version.resources)
    }

    /// Every `group/version` and `group/version/Kind` that charts may ask `.Capabilities.APIVersions` for.
    pub fn api_versions(&self) -> Vec<String> {
        let versions = self.groups.iter().flat_map(|group| &group.versions);
        let mut names = vec![];
        for version in versions {
            for resource in &version.resources {
                names.push(resource.gvk.api.to_string());
                names.push(format!("{}/{}", resource.gvk.api, resource.gvk.kind));
            }
        }
        names.sort();
        names.dedup();
        names
    }

    /// The versions that cannot say what they serve at the moment, with the reason.
    pub fn failing(&self) -> Vec<(String, Arc<str>)> {
        let all =
            self.groups.iter().flat_map(|group| group.versions.iter().map(move |version| (group, version)));
        let name = |group: &Group, version: &Version| match &*group.name {
            "" => version.name.to_string(),
            name => format!("{name}/{}", version.name),
        };
        all.filter_map(|(group, version)| Some((name(group, version), version.failing.clone()?))).collect()
    }
}

fn named(resource: &Resource, name: &str) -> bool {
    &*resource.plural == name || &*resource.singular == name || resource.gvk.kind.to_lowercase() == name
}

fn find(version: &Version, wanted: impl Fn(&Resource) -> bool) -> Lookup {
    let found = version.resources.iter().find(|resource| wanted(resource));
    match (&version.failing, found) {
        (Some(reason), _) => Lookup::GroupFailing(reason.clone()),
        (None, Some(resource)) => Lookup::Served(resource.clone()),
        (None, None) => Lookup::NotServed,
    }
}

fn in_group(group: &Group, wanted: &dyn Fn(&Resource) -> bool) -> Lookup {
    let mut failing = None;
    for version in &group.versions {
        match find(version, wanted) {
            Lookup::NotServed => (),
            Lookup::GroupFailing(reason) => _ = failing.get_or_insert(reason),
            served => return served,
        }
    }
    failing.map_or(Lookup::NotServed, Lookup::GroupFailing)
}

#[cfg(test)]
mod tests;
