//! What a store holds: the objects, what is served, and how changes get in.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use lockstep_core::Value;

use crate::addresses::{Addresses, SERVICES};
use crate::admission::{Policies, Webhooks};
use crate::authorizer::Rights;
use crate::catalog::Catalog;
use crate::entry::Entry;
use crate::logs::Logs;
use crate::served::Served;
use crate::shelf::{Shelf, key};

/// The state of a store.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) revision: u64,
    pub(crate) catalog: Catalog,
    pub(crate) rights: Rights,
    pub(crate) policies: Policies,
    pub(crate) webhooks: Webhooks,
    shelves: BTreeMap<Arc<str>, Shelf>,
    /// How many changes each shelf remembers.
    pub(crate) history: usize,
    pub(crate) logs: Logs,
    pub(crate) addresses: Addresses,
    /// Up to which version nothing is remembered: that of the start.
    pub(crate) beginning: u64,
}

/// One change that a request makes, once nothing speaks against it any more.
#[derive(Clone, Debug)]
pub(crate) struct Write {
    pub(crate) shelf: Arc<str>,
    pub(crate) key: Arc<str>,
    pub(crate) change: WriteKind,
}

/// What becomes of the object. It is in the version in which it is stored.
#[derive(Clone)]
pub(crate) enum WriteKind {
    Put(Value),
    /// It is put, but what a real server stores of it is less or more than what it reads of that: the next write stores it again,
    /// even where it changes nothing.
    PutRaw(Value),
    /// What it was, for watches.
    Remove(Value),
}

impl WriteKind {
    /// The object that is there then.
    pub(crate) fn put(&self) -> Option<&Value> {
        match self {
            Self::Put(object) | Self::PutRaw(object) => Some(object),
            Self::Remove(_) => None,
        }
    }
}

/// It may be a Secret: only what is done is shown.
impl fmt::Debug for WriteKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Put(_) => "Put(..)",
            Self::PutRaw(_) => "PutRaw(..)",
            Self::Remove(_) => "Remove(..)",
        })
    }
}

impl State {
    pub(crate) fn new(history: usize) -> Self {
        Self {
            revision: 0,
            catalog: Catalog::new(),
            rights: Rights::default(),
            policies: Policies::default(),
            webhooks: Webhooks::default(),
            shelves: BTreeMap::new(),
            history,
            logs: Logs::default(),
            addresses: Addresses::default(),
            beginning: 0,
        }
    }

    pub(crate) fn shelf(&self, name: &str) -> Option<&Shelf> {
        self.shelves.get(name)
    }

    pub(crate) fn shelves(&self) -> impl Iterator<Item = (&Arc<str>, &Shelf)> {
        self.shelves.iter()
    }

    pub(crate) fn shelf_mut(&mut self, name: &Arc<str>) -> &mut Shelf {
        let beginning = self.beginning;
        self.shelves.entry(name.clone()).or_insert_with(|| Shelf::since(beginning))
    }

    pub(crate) fn entry(&self, served: &Served, namespace: &str, name: &str) -> Option<&Arc<Entry>> {
        self.shelf(&served.shelf)?.get(&key(namespace, name))
    }

    /// An object of a built-in resource, by the group and plural name of what is stored.
    pub(crate) fn find(&self, shelf: &str, namespace: &str, name: &str) -> Option<&Arc<Entry>> {
        self.shelf(shelf)?.get(&key(namespace, name))
    }

    /// The objects of a namespace, or all.
    pub(crate) fn objects<'s>(
        &'s self,
        shelf: &str,
        prefix: &'s str,
    ) -> impl Iterator<Item = &'s Arc<Entry>> {
        self.shelf(shelf).into_iter().flat_map(move |shelf| shelf.range(prefix)).map(|(_, entry)| entry)
    }

    /// Makes a change, in the next version of the state.
    pub(crate) fn commit(&mut self, write: Write) -> Arc<Entry> {
        self.revision += 1;
        let (revision, history) = (self.revision, self.history);
        let raw = matches!(write.change, WriteKind::PutRaw(_));
        let (object, gone) = match write.change {
            WriteKind::Put(object) | WriteKind::PutRaw(object) => (object, false),
            WriteKind::Remove(object) => (object, true),
        };
        self.understand(&write.shelf, &write.key, Some(&object).filter(|_| !gone));
        if &*write.shelf == SERVICES {
            self.move_addresses(&write.key, Some(&object).filter(|_| !gone));
        }
        if &*write.shelf == DEFINITIONS {
            self.catalog.define(&write.key, Some(&object).filter(|_| !gone));
        }
        let entry = Arc::new(Entry { raw, ..Entry::write(object, revision) });
        let shelf = self.shelf_mut(&write.shelf);
        match gone {
            false => shelf.put(write.key, entry.clone(), history),
            true => shelf.remove(&write.key, entry.clone(), history),
        }
        if gone && &*write.shelf == PODS {
            self.logs.forget(&entry.uid);
        }
        entry
    }

    /// Reads what an object says of rights and rules, so that requests need not.
    pub(crate) fn understand(&mut self, shelf: &str, key: &str, object: Option<&Value>) {
        self.rights.follow(shelf, key, object);
        self.policies.follow(shelf, key, object);
        self.webhooks.follow(shelf, key, object);
    }

    /// Puts what a new cluster has, in the next version of the state. What it says of rights is known already.
    pub(crate) fn plant(
        &mut self,
        (shelf, key): (&Arc<str>, &Arc<str>),
        entry: Entry,
        object: &Value,
    ) -> Arc<Entry> {
        self.revision = entry.revision;
        if &**shelf == SERVICES {
            self.move_addresses(key, Some(object));
        }
        let (entry, history) = (Arc::new(entry), self.history);
        self.shelf_mut(shelf).put(key.clone(), entry.clone(), history);
        entry
    }

    /// What a Service had is free, what it has is taken.
    fn move_addresses(&mut self, key: &str, service: Option<&Value>) {
        if let Some(old) = self.shelf(SERVICES).and_then(|shelf| shelf.get(key)).map(|entry| entry.value()) {
            self.addresses.take(&old);
        }
        if let Some(service) = service {
            self.addresses.add(service);
        }
    }

    /// Serves what the stored definitions define.
    pub(crate) fn define(&mut self) {
        let shelf = self.shelf(DEFINITIONS).into_iter().flat_map(|shelf| shelf.range(""));
        let definitions: Vec<_> = shelf.map(|(name, entry)| (name.clone(), entry.value())).collect();
        for (name, definition) in definitions {
            self.catalog.define(&name, Some(&definition));
        }
    }
}

/// Where pods are.
pub(crate) const PODS: &str = "/pods";
/// Where definitions of custom resources are.
pub(crate) const DEFINITIONS: &str = "apiextensions.k8s.io/customresourcedefinitions";
