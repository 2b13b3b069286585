//! A sync as a whole, in its order: what is done now, and what comes later when its turn has come.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;

use lockstep_core::{ObjectKey, Phase, Selection, Wave};

use crate::desired::DesiredSet;
use crate::order::place;
use crate::report::{Because, Change, Entry, Report, Verdict};

/// A sync in its order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outline {
    /// What is done one after the other; none of them empty.
    pub sections: Vec<(Section, Vec<Item>)>,
}

/// A part of a sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// The hooks of a phase, in a wave of it.
    Hooks(Phase, Wave),
    /// A wave of objects, with the hooks among them.
    Wave(Wave),
    /// The deletions of a wave.
    Deletions(Wave),
}

/// One thing that is done.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The object.
    pub key: ObjectKey,
    /// What is done, and why: `creates, it does not exist`.
    pub words: String,
}

impl Section {
    /// Where an object belongs that a set has, or that only the cluster has. A hook of several phases is in several.
    pub fn of(set: &DesiredSet, key: &ObjectKey) -> Vec<Self> {
        let hook = set.hooks().iter().find(|hook| hook.object.key == *key);
        match hook {
            Some(hook) => hook.hook.phases.iter().map(|phase| Self::hooks(*phase, hook.hook.wave)).collect(),
            None if set.get(key).is_some() => vec![Self::Wave(set.wave(key))],
            None => vec![Self::Deletions(Wave::default())],
        }
    }

    fn hooks(phase: Phase, wave: Wave) -> Self {
        match phase {
            Phase::Sync => Self::Wave(wave),
            _ => Self::Hooks(phase, wave),
        }
    }

    fn rank(self) -> (u8, Wave, Reverse<Wave>) {
        let (none, last) = (Wave::default(), Reverse(Wave::default()));
        match self {
            Self::Hooks(Phase::PreDelete, wave) => (0, wave, last),
            Self::Hooks(Phase::PreSync | Phase::Sync, wave) => (1, wave, last),
            Self::Wave(wave) => (2, wave, last),
            Self::Deletions(wave) => (3, none, Reverse(wave)),
            Self::Hooks(Phase::PostSync, wave) => (4, wave, last),
            Self::Hooks(Phase::PostDelete, wave) => (5, wave, last),
            Self::Hooks(Phase::SyncFail, wave) => (6, wave, last),
        }
    }
}

impl Ord for Section {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl PartialOrd for Section {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// `PreSync`, `wave 2`, `deletions`.
impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, wave) = match self {
            Self::Wave(wave) => return write!(f, "wave {wave}"),
            Self::Hooks(phase, wave) => (phase.as_str(), wave),
            Self::Deletions(wave) => ("deletions", wave),
        };
        f.write_str(name)?;
        if *wave != Wave::default() {
            write!(f, ", wave {wave}")?;
        }
        if matches!(self, Self::Hooks(Phase::SyncFail, _)) {
            f.write_str(" (only if it fails)")?;
        }
        Ok(())
    }
}

impl Outline {
    /// Of what a report says is to be done, for objects of a selection.
    pub fn of(set: Option<&DesiredSet>, report: &Report, only: &Selection) -> Self {
        let mut sections: BTreeMap<Section, Vec<Item>> = BTreeMap::new();
        let is_hook = |key: &ObjectKey| set.is_some_and(|set| set.is_hook(key));
        let entries = report.entries.iter().filter(|entry| !is_hook(&entry.key) && only.contains(&entry.key));
        for entry in entries {
            let Some((change, words)) = words(entry) else { continue };
            let section = match change {
                Change::Prune { .. } | Change::Forget => Section::Deletions(entry.wave),
                _ => Section::Wave(entry.wave),
            };
            sections.entry(section).or_default().push(Item { key: entry.key.clone(), words });
        }
        let runs = only.is_all() && report.entries.iter().any(calls_for_hooks);
        for hook in set.filter(|_| runs).map(DesiredSet::hooks).unwrap_or_default() {
            for phase in &hook.hook.phases {
                let words = Change::Hook(*phase).to_string();
                let item = Item { key: hook.object.key.clone(), words };
                sections.entry(Section::hooks(*phase, hook.hook.wave)).or_default().push(item);
            }
        }
        for (section, items) in &mut sections {
            items.sort_by_key(|item| (place(&item.key), item.key.clone()));
            if matches!(section, Section::Deletions(_)) {
                items.reverse();
            }
        }
        Self { sections: sections.into_iter().collect() }
    }

    /// Nothing is to be done.
    pub fn is_empty(&self) -> bool {
        self.sections.is_empty()
    }
}

/// What is to be done about an object, in words. What only waits for its turn is told as what it is.
fn words(entry: &Entry) -> Option<(&Change, String)> {
    match &entry.verdict {
        Verdict::Act(change) => Some((change, change.to_string())),
        Verdict::Withheld(change, Because::Wave(_) | Because::Order) => Some((change, change.to_string())),
        Verdict::Withheld(change, _) => Some((change, entry.verdict.to_string())),
        Verdict::InSync | Verdict::Conflict(_) | Verdict::Kept(_) | Verdict::Unknown(_) => None,
    }
}

/// Whether anything is to be done that hooks are for.
fn calls_for_hooks(entry: &Entry) -> bool {
    match &entry.verdict {
        Verdict::Act(change) | Verdict::Withheld(change, Because::Wave(_) | Because::Order) => {
            !matches!(change, Change::Heal(_) | Change::Recover | Change::Forget)
        }
        _ => false,
    }
}
