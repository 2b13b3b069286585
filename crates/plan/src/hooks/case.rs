//! One hook in one phase, and the object that it is in one run.

use std::sync::Arc;

use lockstep_core::{
    DesiredObject, Digest, Gvk, HookEnd, HookOn, OWNER_ANNOTATION, ObjectKey, Owner, Phase, Run, RunScope,
};

use super::Director;
use crate::desired::{DesiredSet, HookObject};
use crate::gate::{Gate, Obstacle};

/// The annotation on the object of a hook that names the run it was made for.
pub(crate) const RUN_ANNOTATION: &str = "lockstep.dev/hook-run";

/// So much of `generateName` is kept: no kind of workload likes names of more than 63 characters.
const LONGEST_BASE: usize = 54;
/// What follows it.
const LETTERS: usize = 8;

/// One hook in one phase.
#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) hook: &'a HookObject,
    pub(super) phase: Phase,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Failing {
    Yes,
    No,
}

impl Case<'_> {
    /// Its name in a run.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.phase, self.hook.object.key.to_reference())
    }

    pub(super) fn gate(&self, words: String, failed: Failing) -> Gate {
        let obstacle = Obstacle::Hook { phase: self.phase, words, failed: failed == Failing::Yes };
        Gate { wave: self.hook.hook.wave, key: self.hook.object.key.clone(), obstacle }
    }

    /// How many times it failed in a run and is made again.
    pub(super) fn failures(&self, run: &Run) -> u32 {
        match run.hooks.get(&self.name()) {
            Some(HookEnd::Again { failures, .. }) => *failures,
            _ => 0,
        }
    }

    /// What the object of it carries that is made for a run.
    pub(super) fn stamp(&self, run: &Run) -> String {
        let stamp = format!("{}-{}-{}", run.target, run.number, self.phase);
        match self.failures(run) {
            0 => stamp,
            failures => format!("{stamp}-{failures}"),
        }
    }

    /// The name of the object that it is in a run: another one for each, where Git names only its beginning. From the run alone,
    /// so that a process which ends after making it finds it again.
    pub(super) fn key(&self, run: &Run) -> ObjectKey {
        let key = &self.hook.object.key;
        let Some(base) = self.hook.generated_from() else { return key.clone() };
        let letters =
            Digest::of(format!("{} {}", key.to_reference(), self.stamp(run)).as_bytes()).to_string();
        let name = format!("{}{}", base_of(base), &letters[..LETTERS]);
        ObjectKey { name: name.into(), ..key.clone() }
    }
}

/// Whether a stamp was made in a phase, of whatever run.
pub(super) fn is_stamp_of(stamp: &str, phase: Phase) -> bool {
    stamp.split('-').nth(2) == Some(phase.as_str())
}

fn base_of(base: &str) -> &str {
    let end =
        base.char_indices().map(|(at, letter)| at + letter.len_utf8()).take_while(|end| *end <= LONGEST_BASE);
    &base[..end.last().unwrap_or(0)]
}

impl HookObject {
    /// `metadata.generateName`, where each run makes an object of its own.
    pub(super) fn generated_from(&self) -> Option<&str> {
        self.object.value.str_at(&["metadata", "generateName"]).filter(|base| !base.is_empty())
    }

    /// Whether it belongs to the Application's deletion.
    pub fn is_of_deletion(&self) -> bool {
        self.hook.phases.iter().any(|phase| phase.is_of_deletion())
    }

    /// Whether it belongs to a sync. It may be one of both.
    pub(crate) fn is_of_sync(&self) -> bool {
        self.hook.phases.iter().any(|phase| !phase.is_of_deletion())
    }

    /// Whether an object is this hook, or may be one that an earlier run made of it.
    pub(crate) fn may_be(&self, key: &ObjectKey) -> bool {
        self.object.key == *key || self.generates(key)
    }

    /// Whether an object may be one that an earlier run made of this hook.
    pub(crate) fn generates(&self, key: &ObjectKey) -> bool {
        let own = &self.object.key;
        let same = key.is(&own.group, &own.kind) && key.namespace == own.namespace;
        let letters = |base: &str| {
            let rest = key.name.strip_prefix(base_of(base))?;
            Some(rest.len() == LETTERS && rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
        };
        same && self.generated_from().and_then(letters).unwrap_or(false)
    }
}

/// The objects that hooks are in the run that was told: what has to be looked at to decide.
pub fn hook_objects(set: &DesiredSet, run: Option<&Run>) -> Vec<(ObjectKey, Gvk)> {
    let mut objects = Vec::new();
    for hook in set.hooks() {
        let key = |phase: &Phase| run.map(|run| Case { hook, phase: *phase }.key(run));
        match hook.generated_from() {
            None => objects.push((hook.object.key.clone(), hook.object.gvk.clone())),
            Some(_) => {
                let keys = hook.hook.phases.iter().filter_map(key);
                objects.extend(keys.map(|key| (key, hook.object.gvk.clone())));
            }
        }
    }
    objects
}

/// The object that a hook is in a run that was told, by the name that the run has for it.
pub fn hook_object(set: &DesiredSet, run: &Run, name: &str) -> Option<(ObjectKey, Gvk)> {
    let cases = set.hooks().iter().flat_map(|hook| hook.hook.phases.iter().map(move |phase| (hook, *phase)));
    let mut cases = cases.map(|(hook, phase)| Case { hook, phase });
    let case = cases.find(|case| case.name() == name)?;
    Some((case.key(run), case.hook.object.gvk.clone()))
}

impl<'a> Director<'_, '_, 'a> {
    /// The hooks of a phase, by wave.
    pub(super) fn cases(&self, phase: Phase) -> Vec<Case<'a>> {
        let hooks = self.set.hooks().iter().filter(|hook| hook.hook.phases.contains(&phase));
        let mut cases: Vec<Case<'a>> = hooks.map(|hook| Case { hook, phase }).collect();
        cases.sort_by_key(|case| case.hook.hook.wave);
        cases
    }

    /// Those of them that a run has.
    pub(super) fn cases_of(&self, run: &Run, phase: Phase) -> Vec<Case<'a>> {
        let mut cases = self.cases(phase);
        cases.retain(|case| run.scope == RunScope::All || case.hook.hook.on == HookOn::Always);
        cases
    }

    pub(super) fn all_cases(&self) -> Vec<Case<'a>> {
        Phase::ALL.into_iter().flat_map(|phase| self.cases(phase)).collect()
    }

    /// The object as it is made for a run: shared with the step.
    pub(super) fn made(&self, run: &Run, case: &Case<'a>) -> Arc<DesiredObject> {
        let mut object = DesiredObject::clone(&case.hook.object);
        object.key = case.key(run);
        if object.key != case.hook.object.key {
            let owner = Owner::new(self.scene.input.instance, &self.scene.input.app.key, &object.key);
            object.value.set(&["metadata", "name"], (&*object.key.name).into());
            object.value.remove(&["metadata", "generateName"]);
            object.value.set(&["metadata", "annotations", OWNER_ANNOTATION], owner.to_string().into());
        }
        object.value.set(&["metadata", "annotations", RUN_ANNOTATION], case.stamp(run).into());
        object.digest = self.scene.input.key.digest(&object.value);
        Arc::new(object)
    }
}
