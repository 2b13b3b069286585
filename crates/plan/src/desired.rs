//! What Git wants.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use lockstep_core::{
    CommitId, DesiredObject, Digest, Finding, GroupKind, Hook, Manner, ObjectKey, Role, Treatment, Value,
    Wave,
};

/// What the target of a deletion begins with. Without a hyphen, as stamps are divided by them.
pub const DELETION: &str = "deletion.";

/// The objects of one render, indexed once so that planning them again costs little.
#[derive(Clone, Debug)]
pub struct DesiredSet {
    revision: CommitId,
    objects: Vec<Arc<DesiredObject>>,
    definitions: BTreeSet<GroupKind>,
    autoscaled: BTreeSet<ObjectKey>,
    /// Of the objects that are in another wave than 0.
    waves: BTreeMap<ObjectKey, Wave>,
    /// Of the objects that say anything of it.
    treatments: BTreeMap<ObjectKey, Treatment>,
    hooks: Vec<HookObject>,
    /// The digest of all that a sync brings about, once it was asked for.
    target: OnceLock<String>,
}

/// An object that is a hook.
#[derive(Clone, Debug)]
pub struct HookObject {
    /// As it was rendered.
    pub object: Arc<DesiredObject>,
    /// What it says of being a hook.
    pub hook: Hook,
}

impl DesiredSet {
    /// From a render's objects; `revision` is the first source's. Of two objects with one key the later one stands, as render
    /// has already told with a finding.
    pub fn new(revision: CommitId, objects: impl IntoIterator<Item = DesiredObject>) -> Self {
        let mut names = BTreeSet::new();
        let share = |object| Arc::new(with_shared_names(object, &mut names));
        let mut objects: Vec<Arc<DesiredObject>> = objects.into_iter().map(share).collect();
        objects.reverse();
        objects.sort_by(|a, b| a.key.cmp(&b.key));
        objects.dedup_by(|a, b| a.key == b.key);
        let hooks = take_hooks(&mut objects);
        let definitions = objects.iter().filter_map(|object| defined_kind(object)).collect();
        let autoscaled = objects.iter().filter_map(|object| scale_target(object)).collect();
        let waves = waves(&objects);
        let treatments = objects.iter().map(|object| (object, Treatment::of(&object.value)));
        let treatments = treatments.filter(|(_, treatment)| *treatment != Treatment::default());
        let treatments = treatments.map(|(object, treatment)| (object.key.clone(), treatment)).collect();
        let target = OnceLock::new();
        Self { revision, objects, definitions, autoscaled, waves, treatments, hooks, target }
    }

    /// The commit that was rendered.
    pub fn revision(&self) -> &CommitId {
        &self.revision
    }

    /// The objects that are hooks, sorted by key. They are not among the others.
    pub fn hooks(&self) -> &[HookObject] {
        &self.hooks
    }

    /// Whether an object is a hook, or what an earlier run made of one.
    pub(crate) fn is_hook(&self, key: &ObjectKey) -> bool {
        self.hooks.iter().any(|hook| hook.may_be(key))
    }

    /// Whether there are hooks of a sync.
    pub(crate) fn has_sync_hooks(&self) -> bool {
        self.hooks.iter().any(HookObject::is_of_sync)
    }

    /// Whether there are hooks of the Application's deletion.
    pub fn has_deletion_hooks(&self) -> bool {
        self.hooks.iter().any(HookObject::is_of_deletion)
    }

    /// A digest of everything that a sync is to bring about.
    pub(crate) fn target(&self) -> String {
        let digest = || {
            let hooks = self.hooks_that(HookObject::is_of_sync);
            digest(self.objects.iter().chain(hooks))
        };
        self.target.get_or_init(digest).clone()
    }

    /// The same for the Application's deletion.
    pub(crate) fn deletion_target(&self) -> String {
        format!("{DELETION}{}", digest(self.hooks_that(HookObject::is_of_deletion)))
    }

    fn hooks_that(&self, are_meant: fn(&HookObject) -> bool) -> impl Iterator<Item = &Arc<DesiredObject>> {
        self.hooks.iter().filter(move |hook| are_meant(hook)).map(|hook| &hook.object)
    }

    /// The objects, sorted by key.
    pub fn objects(&self) -> &[Arc<DesiredObject>] {
        &self.objects
    }

    /// The object of a key.
    pub fn get(&self, key: &ObjectKey) -> Option<&Arc<DesiredObject>> {
        let index = self.objects.binary_search_by(|object| object.key.cmp(key)).ok()?;
        self.objects.get(index)
    }

    /// The wave of an object.
    pub fn wave(&self, key: &ObjectKey) -> Wave {
        match self.waves.is_empty() {
            true => Wave::default(),
            false => self.waves.get(key).copied().unwrap_or_default(),
        }
    }

    /// What an object says of its own sync.
    pub fn treatment(&self, key: &ObjectKey) -> Treatment {
        match self.treatments.is_empty() {
            true => Treatment::default(),
            false => self.treatments.get(key).copied().unwrap_or_default(),
        }
    }

    /// The objects that this set takes from nobody: they are left alone, or made only where they are missing.
    pub fn modest(&self) -> impl Iterator<Item = &ObjectKey> {
        let is_modest = |manner| matches!(manner, Some(Manner::Untouched | Manner::Once));
        self.treatments.iter().filter(move |(_, of)| is_modest(of.manner)).map(|(key, _)| key)
    }

    /// Whether there are objects in another wave than 0.
    pub fn has_waves(&self) -> bool {
        !self.waves.is_empty()
    }

    /// Whether a CustomResourceDefinition of this set defines a kind.
    pub(crate) fn defines(&self, kind: &GroupKind) -> bool {
        !self.definitions.is_empty() && self.definitions.contains(kind)
    }

    /// Whether a HorizontalPodAutoscaler of this set targets an object.
    pub(crate) fn autoscales(&self, key: &ObjectKey) -> bool {
        !self.autoscaled.is_empty() && self.autoscaled.contains(key)
    }
}

/// Of one set, equal groups, kinds and namespaces become one string each: keys are cloned and compared for every object of every
/// plan, and what they share stays in the processor's cache.
fn with_shared_names(mut object: DesiredObject, names: &mut BTreeSet<Arc<str>>) -> DesiredObject {
    for name in [&mut object.key.group, &mut object.key.kind, &mut object.key.namespace] {
        match names.get(name) {
            Some(known) => *name = known.clone(),
            None => drop(names.insert(name.clone())),
        }
    }
    object
}

fn defined_kind(object: &DesiredObject) -> Option<GroupKind> {
    if !object.key.is("apiextensions.k8s.io", "CustomResourceDefinition") {
        return None;
    }
    let text = |path: &[&str]| object.value.str_at(path);
    Some(GroupKind::new(text(&["spec", "group"])?, text(&["spec", "names", "kind"])?))
}

/// Takes out what is not kept as Git has it.
fn take_hooks(objects: &mut Vec<Arc<DesiredObject>>) -> Vec<HookObject> {
    let mut hooks = Vec::new();
    objects.retain(|object| match Role::of(&object.value) {
        Role::Kept => true,
        Role::Skipped => false,
        Role::Hook(hook) => {
            hooks.push(HookObject { object: object.clone(), hook });
            false
        }
    });
    hooks
}

fn digest<'a>(objects: impl Iterator<Item = &'a Arc<DesiredObject>>) -> String {
    let lines = objects.map(|object| format!("{} {}\n", object.key.to_reference(), object.digest));
    Digest::of(lines.collect::<String>().as_bytes()).short()
}

/// The waves that are not 0. What others need to exist at all, their namespace or their kind, goes no later than the first of them:
/// it could not be waited for otherwise.
fn waves(objects: &[Arc<DesiredObject>]) -> BTreeMap<ObjectKey, Wave> {
    let named = objects.iter().map(|object| (object, Wave::of(&object.value)));
    let named: Vec<(&Arc<DesiredObject>, Wave)> = named.collect();
    if named.iter().all(|(_, wave)| *wave == Wave::default()) {
        return BTreeMap::new();
    }
    let mut first_in: BTreeMap<&Arc<str>, Wave> = BTreeMap::new();
    let mut first_of: BTreeMap<GroupKind, Wave> = BTreeMap::new();
    let earlier = |slot: &mut Wave, wave: Wave| *slot = wave.min(*slot);
    for (object, wave) in &named {
        earlier(first_in.entry(&object.key.namespace).or_insert(*wave), *wave);
        earlier(first_of.entry(object.key.group_kind()).or_insert(*wave), *wave);
    }
    let needed = |object: &DesiredObject| match &*object.key.kind {
        "Namespace" if object.key.group.is_empty() => first_in.get(&object.key.name).copied(),
        _ => defined_kind(object).and_then(|kind| first_of.get(&kind).copied()),
    };
    let placed = named.iter().map(|(object, wave)| {
        let wave = needed(object).map_or(*wave, |needed| needed.min(*wave));
        (object.key.clone(), wave)
    });
    placed.filter(|(_, wave)| *wave != Wave::default()).collect()
}

fn scale_target(object: &DesiredObject) -> Option<ObjectKey> {
    if !object.key.is("autoscaling", "HorizontalPodAutoscaler") {
        return None;
    }
    let target: &Value = object.value.at(&["spec", "scaleTargetRef"])?;
    let version = target.str_at(&["apiVersion"]).unwrap_or_default();
    let group = version.split_once('/').map_or("", |(group, _)| group);
    Some(ObjectKey::new(group, target.str_at(&["kind"])?, &object.key.namespace, target.str_at(&["name"])?))
}

/// What the render gave, with the reason where it gave nothing. Only `Ready` may lead to deletions.
#[derive(Clone, Copy, Debug)]
pub enum Desired<'a> {
    /// Everything was rendered.
    Ready(&'a DesiredSet),
    /// The render was refused. What was rendered last, if it is still at hand, is kept as it is.
    Failed {
        /// Why, the errors among them.
        findings: &'a [Finding],
        /// The last set that was rendered without errors.
        last_good: Option<&'a DesiredSet>,
    },
    /// The source cannot be reached and the wanted revision is not cached.
    Unavailable {
        /// The source's error, fit for a condition.
        reason: &'a str,
        /// The last set that was rendered without errors.
        last_good: Option<&'a DesiredSet>,
    },
    /// The path of a source does not exist in the revision: never read as "no objects".
    VanishedPath {
        /// The path as written.
        path: &'a str,
        /// The last set that was rendered without errors.
        last_good: Option<&'a DesiredSet>,
    },
}

impl<'a> Desired<'a> {
    /// The set that objects are compared with.
    pub fn set(&self) -> Option<&'a DesiredSet> {
        match self {
            Self::Ready(set) => Some(set),
            Self::Failed { last_good, .. }
            | Self::Unavailable { last_good, .. }
            | Self::VanishedPath { last_good, .. } => *last_good,
        }
    }
}
