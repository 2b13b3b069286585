//! Waves: what waits until an earlier one is applied and healthy.
//!
//! Nothing is remembered of a running sync to know its wave: the first one that is not applied, or not healthy, holds the later
//! ones. So a process that ends anywhere goes on where it was, and a newer revision starts from what is live.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use lockstep_core::{
    Health, HealthState, LiveObject, ObjectKey, Phase, Timestamp, Value, Wave, ignores_health,
};

use crate::dependency::Unready;
use crate::live::{Glance, Live};
use crate::memo::{Memo, PruneMoment};
use crate::report::{Because, Change, Drift, Entry, KeptBecause, Verdict};
use crate::scene::{Intent, Scene};
use crate::step::Action;

/// What later waves wait for.
#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    /// The wave that is not through.
    pub wave: Wave,
    /// An object of it, the one that tells most.
    pub key: ObjectKey,
    /// What is the matter with it.
    pub obstacle: Obstacle,
}

/// Why a wave is not through.
#[derive(Clone, Debug, PartialEq)]
pub enum Obstacle {
    /// The object is not as Git has it yet.
    Outstanding,
    /// It is, and it is not healthy; since when, where it says so.
    Unhealthy(Health, Option<Timestamp>),
    /// It cannot be applied, however often that is tried.
    Refused(String),
    /// It is a hook.
    Hook {
        /// The phase that it runs in.
        phase: Phase,
        /// How it is.
        words: String,
        /// Whether it failed.
        failed: bool,
    },
    /// That the sync begins has to be told first.
    Beginning,
    /// The sync failed, or was ended, and why.
    SyncFailed(String),
    /// These have to be ready first.
    Dependencies(Vec<Unready>),
}

impl Gate {
    /// Whether the wave failed: waiting alone will not open it.
    pub fn is_failed(&self) -> bool {
        match &self.obstacle {
            Obstacle::Unhealthy(health, _) => health.state == HealthState::Degraded,
            Obstacle::Hook { failed, .. } => *failed,
            Obstacle::SyncFailed(_) | Obstacle::Refused(_) => true,
            Obstacle::Outstanding | Obstacle::Beginning | Obstacle::Dependencies(_) => false,
        }
    }

    fn rank(&self) -> u8 {
        match &self.obstacle {
            // While steps of the wave are outstanding they may be what mends the rest.
            Obstacle::Outstanding => 0,
            _ if self.is_failed() => 1,
            _ => 2,
        }
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.obstacle {
            Obstacle::Hook { phase, words, .. } => {
                return write!(f, "waits for hook {} of {phase}: {words}", self.key);
            }
            Obstacle::Beginning => return f.write_str("waits for the sync to begin"),
            Obstacle::SyncFailed(why) => return write!(f, "waits for another sync: {why}"),
            Obstacle::Dependencies(unready) => {
                let all: Vec<String> = unready.iter().map(ToString::to_string).collect();
                return write!(f, "waits for {}", all.join(", and for "));
            }
            Obstacle::Outstanding | Obstacle::Unhealthy(..) | Obstacle::Refused(_) => {}
        }
        write!(f, "waits for wave {}: {}", self.wave, self.key)?;
        let (health, since) = match &self.obstacle {
            Obstacle::Unhealthy(health, since) => (health, since),
            Obstacle::Refused(why) => return write!(f, " {why}"),
            _ => return f.write_str(" is not applied yet"),
        };
        write!(f, " is {}", health.state)?;
        if !health.reason.is_empty() {
            write!(f, " ({})", health.reason)?;
        }
        since.map_or(Ok(()), |since| write!(f, " since {since}"))
    }
}

/// Drops what has to wait for an earlier wave, and deletions that come too early. With `hooks`, those of phase Sync that are not
/// through, all waves have to be: the first one that is not is returned.
pub(crate) fn hold(
    scene: &Scene<'_, '_>,
    entries: &mut [Entry],
    intents: &mut Vec<Intent>,
    memo: &mut Memo,
    hooks: Option<&[Gate]>,
) -> Option<Gate> {
    let last = match hooks {
        Some(_) => Some(Wave(i64::MAX)),
        None => scene.set.filter(|set| set.has_waves()).and_then(|_| last_waiting(entries)),
    };
    let closed = last.and_then(|last| first_closed(scene, entries, memo, (last, hooks.unwrap_or_default())));
    let waits_for_it = |gate: &&Gate| last_waiting(entries).is_some_and(|last| last > gate.wave);
    let gate = closed.as_ref().filter(waits_for_it).cloned().map(Arc::new);
    if let Some(gate) = &gate {
        let later = entries.iter_mut().filter(|entry| entry.wave > gate.wave || is_prune(&entry.verdict));
        later.for_each(|entry| shut(entry, gate));
    } else if intents.iter().any(|intent| intent.moment == PruneMoment::Last) {
        hold_last(scene, entries, intents, memo);
    }
    order_prunes(entries, intents);
    keep_steps(entries, intents);
    if closed.is_none() {
        memo.healthy.clear();
    }
    closed
}

/// What everything waits for, where a dependency is not ready.
pub(crate) fn dependencies(scene: &Scene<'_, '_>) -> Option<Arc<Gate>> {
    let unready = scene.input.unready;
    let key = unready.first()?.key.clone();
    let obstacle = Obstacle::Dependencies(unready.to_vec());
    Some(Arc::new(Gate { wave: Wave::default(), key, obstacle }))
}

/// Drops everything that waits for a wave or a hook, and every deletion.
pub(crate) fn hold_all(entries: &mut [Entry], intents: &mut Vec<Intent>, gate: &Arc<Gate>) {
    entries.iter_mut().for_each(|entry| shut(entry, gate));
    keep_steps(entries, intents);
}

fn keep_steps(entries: &[Entry], intents: &mut Vec<Intent>) {
    intents.retain(|intent| matches!(entries[intent.entry].verdict, Verdict::Act(_) | Verdict::Kept(_)));
}

fn last_waiting(entries: &[Entry]) -> Option<Wave> {
    entries.iter().filter(|entry| waits(&entry.verdict)).map(|entry| entry.wave).max()
}

/// The first wave up to `last` that is not through.
fn first_closed(
    scene: &Scene<'_, '_>,
    entries: &[Entry],
    memo: &mut Memo,
    (last, hooks): (Wave, &[Gate]),
) -> Option<Gate> {
    let mut waves: BTreeMap<Wave, Vec<&Entry>> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.origin.is_some() && entry.wave <= last) {
        waves.entry(entry.wave).or_default().push(entry);
    }
    for hook in hooks {
        waves.entry(hook.wave).or_default();
    }
    waves.into_iter().find_map(|(wave, all)| {
        let hook = || hooks.iter().find(|hook| hook.wave == wave).cloned();
        closed(scene, &all, memo).or_else(hook)
    })
}

/// What keeps a wave from being through.
fn closed(scene: &Scene<'_, '_>, wave: &[&Entry], memo: &mut Memo) -> Option<Gate> {
    let gates = wave.iter().filter_map(|entry| {
        let obstacle = obstacle(scene, entry, memo)?;
        Some(Gate { wave: entry.wave, key: entry.key.clone(), obstacle })
    });
    let mut gate = gates.min_by_key(Gate::rank)?;
    if let Obstacle::Unhealthy(_, since) = &mut gate.obstacle {
        // Of this one only: to tell, the object has to be read.
        *since = last_change(scene, &gate.key);
    }
    Some(gate)
}

/// When a condition of an object last changed.
fn last_change(scene: &Scene<'_, '_>, key: &ObjectKey) -> Option<Timestamp> {
    let object = scene.set?.get(key)?;
    match scene.input.live.get(key, &object.gvk) {
        Live::Present(live) => transition(&live),
        Live::Absent | Live::Unknown(_) => None,
    }
}

fn transition(live: &LiveObject) -> Option<Timestamp> {
    let conditions = live.value.at(&["status", "conditions"]).and_then(Value::as_list).unwrap_or_default();
    let times = conditions.iter().filter_map(|condition| condition.str_at(&["lastTransitionTime"]));
    let changed = times.filter_map(Timestamp::parse).max();
    changed.or_else(|| Timestamp::parse(live.value.str_at(&["metadata", "creationTimestamp"])?))
}

fn obstacle(scene: &Scene<'_, '_>, entry: &Entry, memo: &mut Memo) -> Option<Obstacle> {
    match &entry.verdict {
        Verdict::Kept(KeptBecause::Exists) => unhealthy(scene, entry, memo),
        Verdict::Kept(_) => None,
        Verdict::InSync | Verdict::Conflict(_) | Verdict::Act(Change::Recover | Change::Forget) => {
            unhealthy(scene, entry, memo)
        }
        Verdict::Act(_) | Verdict::Unknown(_) => Some(Obstacle::Outstanding),
        // What the policy leaves as it is, and what another writer keeps changing, would be waited for in vain.
        Verdict::Withheld(_, because) => match because {
            // What others were asked for does not wait for it either.
            Because::Manual if scene.input.request.sync => None,
            Because::Notify
            | Because::Manual
            | Because::Suspended
            | Because::SelfHealOff
            | Because::DryRun
            | Because::Fighting { .. } => unhealthy(scene, entry, memo),
            _ => Some(Obstacle::Outstanding),
        },
    }
}

fn unhealthy(scene: &Scene<'_, '_>, entry: &Entry, memo: &mut Memo) -> Option<Obstacle> {
    let object = scene.set?.get(&entry.key)?;
    if ignores_health(&object.value) {
        return None;
    }
    let gvk = &object.gvk;
    let version = match scene.input.live.glance(&entry.key, gvk) {
        Glance::Present { resource_version, .. } => Some(resource_version),
        Glance::Absent | Glance::Unknown(_) => None,
    };
    if version.is_some() && memo.healthy.get(&entry.key) == version.as_ref() {
        return None;
    }
    let health = scene.input.live.health(&entry.key, gvk);
    let through = match health.state {
        // What is meant not to run is as it should be.
        HealthState::Healthy | HealthState::Suspended => true,
        // A claim may be bound by its first use only, and that may come in a later wave.
        HealthState::Progressing => entry.key.is("", "PersistentVolumeClaim"),
        HealthState::Missing | HealthState::Degraded | HealthState::Unknown => false,
    };
    if !through {
        return Some(Obstacle::Unhealthy(health, None));
    }
    memo.healthy.extend(version.map(|version| (entry.key.clone(), version)));
    None
}

/// Whether an object that is desired has yet to become what Git has, so that its wave counts. Drift of fields is healed in any case:
/// the object was through its wave before.
fn waits(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Act(change) => is_held(change),
        Verdict::Withheld(change, because) => is_held(change) && is_early(because),
        Verdict::InSync | Verdict::Conflict(_) | Verdict::Kept(_) | Verdict::Unknown(_) => false,
    }
}

fn is_held(change: &Change) -> bool {
    match change {
        Change::Create | Change::Update | Change::Adopt { .. } | Change::Recreate => true,
        Change::Heal(drift) => matches!(drift, Drift::Deleted | Drift::Replaced),
        Change::Recover | Change::Prune { .. } | Change::Forget | Change::Hook(_) | Change::HookEnded => {
            false
        }
    }
}

/// Whether it is no wonder that a step cannot be taken yet: an earlier wave may bring what is missing.
fn is_early(because: &Because) -> bool {
    matches!(
        because,
        Because::KindAwaited | Because::KindMissing | Because::OtherVersion(_) | Because::NamespaceMissing
    )
}

fn is_prune(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Act(Change::Prune { .. }))
}

fn shut(entry: &mut Entry, gate: &Arc<Gate>) {
    let change = match &entry.verdict {
        verdict if !waits(verdict) && !is_prune(verdict) => return,
        Verdict::Act(change) | Verdict::Withheld(change, _) => change.clone(),
        _ => return,
    };
    entry.verdict = Verdict::Withheld(change, Because::Wave(gate.clone()));
}

/// Deletions that come last wait for all that is desired.
fn hold_last(scene: &Scene<'_, '_>, entries: &mut [Entry], intents: &[Intent], memo: &mut Memo) {
    let desired: Vec<&Entry> = entries.iter().filter(|entry| entry.origin.is_some()).collect();
    let Some(gate) = closed(scene, &desired, memo).map(Arc::new) else { return };
    for intent in intents.iter().filter(|intent| intent.moment == PruneMoment::Last) {
        shut(&mut entries[intent.entry], &gate);
    }
}

/// Deletions go wave by wave from the last to the first, each when the objects of the one before are gone.
fn order_prunes(entries: &mut [Entry], intents: &[Intent]) {
    if !intents.iter().any(|intent| matches!(intent.action, Action::Prune(_))) {
        return;
    }
    let goes = |verdict: &Verdict| match verdict {
        Verdict::Act(Change::Prune { .. }) => true,
        Verdict::Withheld(Change::Prune { .. }, because) => {
            matches!(because, Because::Terminating | Because::Failed(..) | Because::Wave(_))
        }
        _ => false,
    };
    let Some(top) = entries.iter().filter(|entry| goes(&entry.verdict)).map(|entry| entry.wave).max() else {
        return;
    };
    for entry in entries.iter_mut().filter(|entry| entry.wave < top && is_prune(&entry.verdict)) {
        if let Verdict::Act(change) = &entry.verdict {
            entry.verdict = Verdict::Withheld(change.clone(), Because::Order);
        }
    }
}
