//! What is known of the objects, and how news changes it. No clock, no waiting: news in, changes out.

use std::collections::HashMap;
use std::sync::Arc;

use lockstep_core::{GroupKind, Gvk, ObjectKey, Owner, OwnerRef, Timestamp};

use super::IndexSize;
use super::graph::{Graph, Place};
use super::names::Names;
use super::version::Version;
use crate::raw::{Head, Meta, PodState, RawObject};

/// Where a state of an object comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Via<'a> {
    /// A list or a watch.
    Stream,
    /// The answer to our own write or read; up to here the streams have passed.
    Answer(Option<&'a Version>),
}

/// What news did to an object of interest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing that anybody needs to hear of.
    None,
    /// It is new or changed.
    Applied(ObjectKey),
    /// It is gone.
    Deleted(ObjectKey),
    /// It is as it was, but its pods say something else.
    Below(Gvk, ObjectKey),
}

/// Controllers above each other that are looked through; owner references can form a circle.
const DEPTH: usize = 4;

/// What is kept of one object.
pub(super) struct Entry {
    pub(super) uid: Arc<str>,
    pub(super) version: Version,
    pub(super) generation: i64,
    pub(super) deleting_since: Option<Timestamp>,
    pub(super) owners: Box<[OwnerRef]>,
    /// The annotation says that it belongs to an Application of this installation.
    pub(super) owned: bool,
    /// The bytes as they came, for objects of interest.
    pub(super) body: Option<Arc<[u8]>>,
    pub(super) pod: Option<Box<PodState>>,
    /// The last list that mentioned it.
    seen: u32,
}

impl Entry {
    pub(super) fn raw(&self, key: &ObjectKey) -> Option<RawObject> {
        let meta = Meta {
            namespace: key.namespace.clone(),
            name: key.name.clone(),
            uid: self.uid.clone(),
            resource_version: self.version.text(),
            generation: self.generation,
            deleting_since: self.deleting_since,
        };
        Some(RawObject::assembled(meta, self.body.clone()?))
    }

    /// What a pod says that the objects above it tell on: whether it is ready, and what it waits for. Nothing, once it is on
    /// its way out.
    fn says(&self) -> (bool, &[Arc<str>]) {
        let pod = self.pod.as_deref().filter(|_| self.deleting_since.is_none());
        pod.map_or((false, &[]), |pod| (pod.ready, &pod.waiting))
    }

    /// Whether it is a pod that waits for something.
    fn waits(&self) -> bool {
        !self.says().1.is_empty()
    }

    fn is_controlled_by(&self, uid: &str) -> bool {
        self.owners.iter().any(|owner| owner.controller && *owner.uid == *uid)
    }
}

/// The objects of one kind in one version.
#[derive(Default)]
struct Table {
    objects: Names<Entry>,
    list: u32,
}

/// Everything that is known.
pub(super) struct Store {
    instance: Arc<str>,
    tables: HashMap<Gvk, Table>,
    tracked: HashMap<GroupKind, Names<usize>>,
    graph: Graph,
}

impl Store {
    pub(super) fn new(instance: &str) -> Self {
        Self {
            instance: instance.into(),
            tables: HashMap::new(),
            tracked: HashMap::new(),
            graph: Graph::default(),
        }
    }

    pub(super) fn entry(&self, gvk: &Gvk, namespace: &str, name: &str) -> Option<&Entry> {
        self.tables.get(gvk)?.objects.get(namespace, name)
    }

    pub(super) fn open(&mut self, gvk: &Gvk) {
        self.tables.entry(gvk.clone()).or_default();
    }

    /// Forgets what no stream covers any more.
    pub(super) fn retain(&mut self, gvk: &Gvk, covered: impl Fn(&str) -> bool) {
        let Some(table) = self.tables.get(gvk) else { return };
        let lost = table.objects.iter(None).filter(|(namespace, ..)| !covered(namespace));
        let lost: Vec<_> = lost.map(|(namespace, name, _)| (namespace.clone(), name.clone())).collect();
        for (namespace, name) in lost {
            self.remove(gvk, &namespace, &name);
        }
    }

    /// Forgets a kind.
    pub(super) fn close(&mut self, gvk: &Gvk) {
        self.retain(gvk, |_| false);
        self.tables.remove(gvk);
    }

    /// Counts an interest in an object, whatever its version and whether it exists or not.
    pub(super) fn track(&mut self, key: &ObjectKey) {
        let names = self.tracked.entry(key.group_kind()).or_default();
        match names.get_mut(&key.namespace, &key.name) {
            Some(count) => *count += 1,
            None => _ = names.insert(&key.namespace, &key.name, 1),
        }
    }

    /// Takes an interest back; with the last one the bytes go, unless the annotation keeps them.
    pub(super) fn untrack(&mut self, key: &ObjectKey) {
        let kind = key.group_kind();
        let Some(names) = self.tracked.get_mut(&kind) else { return };
        match names.get_mut(&key.namespace, &key.name) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                names.remove(&key.namespace, &key.name);
                let tables = self.tables.iter_mut().filter(|(gvk, _)| gvk.group_kind() == kind);
                let entries =
                    tables.filter_map(|(_, table)| table.objects.get_mut(&key.namespace, &key.name));
                entries.filter(|entry| !entry.owned).for_each(|entry| entry.body = None);
            }
        }
    }

    fn is_tracked(&self, gvk: &Gvk, namespace: &str, name: &str) -> bool {
        let names = self.tracked.get(&gvk.group_kind());
        names.is_some_and(|names| names.get(namespace, name).is_some())
    }

    /// The tracked names of a kind.
    pub(super) fn tracked(&self, kind: &GroupKind, namespace: Option<&str>) -> Vec<ObjectKey> {
        let key = |(namespace, name, _): (&Arc<str>, &Arc<str>, &usize)| ObjectKey {
            group: kind.group.clone(),
            kind: kind.kind.clone(),
            namespace: namespace.clone(),
            name: name.clone(),
        };
        self.tracked.get(kind).map(|names| names.iter(namespace).map(key).collect()).unwrap_or_default()
    }

    /// Takes in a state of an object.
    pub(super) fn apply(&mut self, gvk: &Gvk, head: &Head<'_>, object: &[u8], via: Via<'_>) -> Effect {
        let (namespace, name) = (head.namespace(), head.name());
        let tracked = self.is_tracked(gvk, namespace, name);
        let Some(table) = self.tables.get_mut(gvk) else { return Effect::None };
        let version = Version::parse(head.resource_version());
        let list = table.list;
        match (table.objects.get_mut(namespace, name), via) {
            // The streams are past this state and do not know the object: it is deleted already.
            (None, Via::Answer(Some(passed)))
                if !version.after(passed) && matches!(passed, Version::Number(_)) =>
            {
                return Effect::None;
            }
            (Some(known), _) => {
                if via == Via::Stream {
                    known.seen = list;
                }
                if known.version == version && *known.uid == *head.metadata.uid.0 {
                    return complete(known, tracked, object, via);
                }
                if known.version.after(&version) {
                    return Effect::None;
                }
            }
            _ => (),
        }
        self.replace(gvk, head, object, tracked)
    }

    fn replace(&mut self, gvk: &Gvk, head: &Head<'_>, object: &[u8], tracked: bool) -> Effect {
        let (namespace, name) = (head.namespace(), head.name());
        let owned = head.owner_annotation().is_some_and(|text| self.owns(gvk, head, text));
        let Some(table) = self.tables.get_mut(gvk) else { return Effect::None };
        let is_pod = gvk.api.group.is_empty() && &*gvk.kind == "Pod";
        let entry = Entry {
            uid: (&*head.metadata.uid.0).into(),
            version: Version::parse(head.resource_version()),
            generation: head.metadata.generation.unwrap_or(0),
            deleting_since: head.deleting_since(),
            owners: head.owners(),
            owned,
            body: (tracked || owned).then(|| object.into()),
            pod: if is_pod { head.pod().map(Box::new) } else { None },
            seen: table.list,
        };
        let owners = entry.owners.clone();
        let (namespace, name, before) = table.objects.insert(namespace, name, entry);
        let place = Place { gvk: gvk.clone(), namespace, name };
        let was_owned = before.as_ref().is_some_and(|entry| entry.owned);
        let old_owners = before.as_ref().map(|entry| &*entry.owners).unwrap_or_default();
        if *old_owners != *owners {
            self.graph.remove(&place, old_owners);
            self.graph.insert(&place, &owners);
        }
        match tracked || owned || was_owned {
            true => Effect::Applied(place.key()),
            false => self.heard(&place, before.as_ref()).unwrap_or(Effect::None),
        }
    }

    /// What an object that nobody is interested in means for one that somebody is: a pod says something else than before, or
    /// what joins waiting pods to the object that controls it has come after them.
    fn heard(&self, place: &Place, before: Option<&Entry>) -> Option<Effect> {
        let entry = self.entry(&place.gvk, &place.namespace, &place.name)?;
        let joins = || self.children(&entry.uid).iter().any(|(_, child)| child.waits());
        let news = match before {
            Some(before) => before.says() != entry.says(),
            // A pod that is well from the start, as those of a first list, is no news.
            None => entry.waits() || entry.pod.is_none() && !entry.owners.is_empty() && joins(),
        };
        news.then(|| self.above(entry, &place.namespace)).flatten()
    }

    /// The nearest of the objects that control an entry, each other in turn, that somebody is interested in.
    fn above(&self, entry: &Entry, namespace: &str) -> Option<Effect> {
        let mut below = entry;
        for _ in 0..DEPTH {
            let controller = below.owners.iter().find(|owner| owner.controller)?;
            let (place, owner) = self.find(controller, namespace)?;
            if owner.owned || self.is_tracked(&place.gvk, &place.namespace, &place.name) {
                let key = place.key();
                return Some(Effect::Below(place.gvk, key));
            }
            below = owner;
        }
        None
    }

    fn owns(&self, gvk: &Gvk, head: &Head<'_>, annotation: &str) -> bool {
        if !annotation.starts_with(&*self.instance) {
            return false;
        }
        let key = ObjectKey::new(&gvk.api.group, &gvk.kind, head.namespace(), head.name());
        Owner::of(&key, annotation).is_some_and(|owner| owner.instance == self.instance)
    }

    /// Takes in that an object was deleted; an older deletion than what is known concerns its predecessor.
    pub(super) fn delete(&mut self, gvk: &Gvk, head: &Head<'_>) -> Effect {
        let (namespace, name) = (head.namespace(), head.name());
        let Some(known) = self.entry(gvk, namespace, name) else { return Effect::None };
        let same = *known.uid == *head.metadata.uid.0;
        if known.version.after(&Version::parse(head.resource_version()))
            || (!same && !comparable(known, head))
        {
            return Effect::None;
        }
        self.remove(gvk, namespace, name)
    }

    fn remove(&mut self, gvk: &Gvk, namespace: &str, name: &str) -> Effect {
        let tracked = self.is_tracked(gvk, namespace, name);
        let entry = self.tables.get_mut(gvk).and_then(|table| table.objects.remove(namespace, name));
        let Some(entry) = entry else { return Effect::None };
        let place = Place { gvk: gvk.clone(), namespace: namespace.into(), name: name.into() };
        self.graph.remove(&place, &entry.owners);
        match tracked || entry.owned {
            true => Effect::Deleted(place.key()),
            false if entry.waits() => self.above(&entry, namespace).unwrap_or(Effect::None),
            false => Effect::None,
        }
    }

    /// A list begins.
    pub(super) fn begin(&mut self, gvk: &Gvk) -> u32 {
        let Some(table) = self.tables.get_mut(gvk) else { return 0 };
        table.list += 1;
        table.list
    }

    /// A list is complete: what it did not mention is gone, unless it is newer than the list.
    pub(super) fn end(
        &mut self,
        gvk: &Gvk,
        namespace: Option<&str>,
        list: u32,
        version: &Version,
    ) -> Vec<Effect> {
        let Some(table) = self.tables.get(gvk) else { return vec![] };
        let gone = |entry: &Entry| entry.seen < list && !entry.version.after(version);
        let gone = table.objects.iter(namespace).filter(|(.., entry)| gone(entry));
        let gone: Vec<_> = gone.map(|(namespace, name, _)| (namespace.clone(), name.clone())).collect();
        gone.into_iter().map(|(namespace, name)| self.remove(gvk, &namespace, &name)).collect()
    }

    /// The server's clock ran backwards: any version that comes counts as newer.
    pub(super) fn forget_versions(&mut self, gvk: &Gvk, namespace: Option<&str>) {
        if let Some(table) = self.tables.get_mut(gvk) {
            table.objects.iter_mut(namespace).for_each(|entry| entry.version = Version::Number(0));
        }
    }

    pub(super) fn size(&self) -> IndexSize {
        let mut size = IndexSize::default();
        for (.., entry) in self.tables.values().flat_map(|table| table.objects.iter(None)) {
            size.objects += 1;
            size.bodies += usize::from(entry.body.is_some());
            size.bytes += entry.body.as_ref().map_or(0, |body| body.len());
        }
        size
    }

    /// The objects that name this uid as an owner.
    pub(super) fn children(&self, uid: &str) -> Vec<(Place, &Entry)> {
        let places = self.graph.children(uid);
        places
            .filter_map(|place| Some((place.clone(), self.entry(&place.gvk, &place.namespace, &place.name)?)))
            .collect()
    }

    /// The owner that an entry names, if it is known: the controller, else the first.
    pub(super) fn owner(&self, entry: &Entry, namespace: &str) -> Option<(Place, &Entry)> {
        let reference = entry.owners.iter().find(|owner| owner.controller).or(entry.owners.first())?;
        self.find(reference, namespace)
    }

    /// The pods that an object controls, itself or through others, and that wait for something.
    pub(super) fn waiting_pods(&self, uid: &str) -> Vec<(Place, &Entry)> {
        let controlled = |uid: &str| {
            let children = self.children(uid).into_iter();
            children.filter(|(_, child)| child.is_controlled_by(uid)).collect::<Vec<_>>()
        };
        let (mut waiting, mut level) = (vec![], controlled(uid));
        for _ in 0..DEPTH {
            let (pods, others): (Vec<_>, Vec<_>) = level.into_iter().partition(|(_, it)| it.pod.is_some());
            waiting.extend(pods.into_iter().filter(|(_, pod)| pod.waits()));
            level = others.iter().flat_map(|(_, other)| controlled(&other.uid)).collect();
        }
        waiting
    }

    fn find(&self, reference: &OwnerRef, namespace: &str) -> Option<(Place, &Entry)> {
        self.tables.iter().filter(|(gvk, _)| gvk.kind == reference.kind).find_map(|(gvk, table)| {
            let spaces = [namespace, ""];
            let found =
                spaces.iter().find_map(|space| Some((*space, table.objects.get(space, &reference.name)?)));
            let (space, owner) = found.filter(|(_, owner)| owner.uid == reference.uid)?;
            let place = Place { gvk: gvk.clone(), namespace: space.into(), name: reference.name.clone() };
            Some((place, owner))
        })
    }
}

fn comparable(known: &Entry, head: &Head<'_>) -> bool {
    matches!(
        (&known.version, Version::parse(head.resource_version())),
        (Version::Number(_), Version::Number(_))
    )
}

/// The state is known, but perhaps not yet its bytes. Where the bytes differ, those of an answer count: after a
/// CustomResourceDefinition changed, a watch goes on for a while without the fields that it did not know.
fn complete(known: &mut Entry, tracked: bool, object: &[u8], via: Via<'_>) -> Effect {
    let stale = matches!(via, Via::Answer(_)) && known.body.as_deref().is_some_and(|body| body != object);
    if (known.body.is_none() || stale) && (tracked || known.owned) {
        known.body = Some(object.into());
    }
    Effect::None
}

#[cfg(test)]
mod tests;
