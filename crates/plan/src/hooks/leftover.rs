//! What hooks leave, and when it goes: as the object itself says.

use std::collections::BTreeSet;

use lockstep_core::{
    Gvk, Health, HealthState, Hook, HookDelete, HookEnd, LiveObject, ObjectKey, Role, Run, RunStage,
    Timestamp,
};

use super::Director;
use super::case::{Case, RUN_ANNOTATION, is_stamp_of};
use super::state::time_left;
use crate::live::{Glance, Live, LiveSet};
use crate::report::{Change, Verdict};
use crate::scene::Draft;
use crate::step::{Action, Prune};

/// What an object says that a hook has left.
pub(crate) fn left_by_hook(live: &LiveObject) -> Option<Hook> {
    live.annotation(RUN_ANNOTATION)?;
    match Role::of(&live.value) {
        Role::Hook(hook) => Some(hook),
        Role::Kept | Role::Skipped => None,
    }
}

/// Whether what a hook has left, and Git does not have any more, is let finish first: its words.
pub(crate) fn lets_finish(
    live: &dyn LiveSet,
    (object, hook): (&LiveObject, &Hook),
    today: Timestamp,
) -> Option<(String, i64)> {
    if hook.delete.contains(&HookDelete::BeforeCreation) {
        return None;
    }
    let Health { state, reason } = live.health(&object.key, &object.gvk);
    let runs = !matches!(state, HealthState::Healthy | HealthState::Degraded);
    let left = time_left(object, super::seconds(hook.timeout), today).unwrap_or(1);
    let words = if reason.is_empty() { state.to_string() } else { reason };
    (runs && left > 0).then_some((words, left))
}

impl<'a> Director<'_, '_, 'a> {
    /// Deletes the objects of hooks that are through, or aborted, where they say so.
    pub(super) fn tidy_up(&mut self) {
        if let Some(run) = self.told() {
            for case in self.all_cases() {
                self.tidy(run, &case);
            }
        }
        self.tidy_generated();
    }

    fn tidy(&mut self, run: &Run, case: &Case<'a>) {
        let policies = match run.hooks.get(&case.name()) {
            Some(HookEnd::Succeeded) => &[HookDelete::Succeeded][..],
            Some(HookEnd::Failed(_)) => &[HookDelete::Failed],
            Some(HookEnd::Skipped) => return,
            Some(HookEnd::Again { .. }) | None if run.stage == RunStage::Aborted => {
                &[HookDelete::Failed, HookDelete::BeforeCreation]
            }
            Some(HookEnd::Again { .. }) | None => return,
        };
        if !case.hook.hook.delete.iter().any(|policy| policies.contains(policy)) {
            return;
        }
        let live = self.scene.input.live.get(&case.key(run), &case.hook.object.gvk);
        let Live::Present(live) = live else { return };
        let its = live.annotation(RUN_ANNOTATION).is_some_and(|stamp| is_stamp_of(stamp, case.phase));
        if its {
            self.dispose(case, &live);
        }
    }

    fn dispose(&mut self, case: &Case<'a>, live: &LiveObject) {
        let acts = |draft: &Draft| draft.action.is_some() && draft.entry.key == live.key;
        let goes = live.deleting_since.is_none() && self.is_known(&live.key);
        if goes && !self.course.drafts.iter().any(acts) {
            let prune = Action::Prune(self.prune(live));
            self.course.drafts.retain(|draft| draft.entry.key != live.key);
            self.say_of(live.key.clone(), case, Verdict::Act(Change::HookEnded), Some(prune));
        }
    }

    /// Objects with a name of their own that earlier runs made: gone when they say so, and then forgotten.
    fn tidy_generated(&mut self) {
        for case in self.generating() {
            for (key, gvk) in self.earlier(&case) {
                match self.scene.input.live.glance(&key, &gvk) {
                    Glance::Absent if self.scene.input.record.objects.contains_key(&key) => {
                        self.say_of(key, &case, Verdict::Act(Change::Forget), Some(Action::Forget));
                    }
                    Glance::Present { deleting: false, .. } => self.tidy_earlier(&case, &key, &gvk),
                    Glance::Absent | Glance::Present { .. } | Glance::Unknown(_) => {}
                }
            }
        }
    }

    fn tidy_earlier(&mut self, case: &Case<'a>, key: &ObjectKey, gvk: &Gvk) {
        let Live::Present(live) = self.scene.input.live.get(key, gvk) else { return };
        let Some(hook) = left_by_hook(&live).filter(|_| self.is_ours(&live)) else { return };
        let policy = match self.scene.input.live.health(key, gvk).state {
            HealthState::Healthy => HookDelete::Succeeded,
            HealthState::Degraded => HookDelete::Failed,
            _ => return,
        };
        if hook.delete.contains(&policy) {
            self.dispose(case, &live);
        }
    }

    /// One case for each hook whose objects have names of their own.
    fn generating(&self) -> Vec<Case<'a>> {
        let hooks = self.set.hooks().iter().filter(|hook| hook.generated_from().is_some());
        hooks.filter_map(|hook| Some(Case { hook, phase: *hook.hook.phases.first()? })).collect()
    }

    /// The objects of earlier runs that a hook may have made.
    fn earlier(&self, case: &Case<'a>) -> Vec<(ObjectKey, Gvk)> {
        let input = self.scene.input;
        let now: BTreeSet<ObjectKey> = [self.told(), self.course.run.as_ref()]
            .into_iter()
            .flatten()
            .flat_map(|run| super::hook_objects(self.set, Some(run)))
            .map(|(key, _)| key)
            .collect();
        let recorded = input.record.objects.iter().map(|(key, record)| (key, &record.gvk));
        let owned = input.owned.iter().map(|(key, gvk)| (key, gvk));
        let its = recorded.chain(owned).filter(|(key, _)| case.hook.generates(key) && !now.contains(*key));
        let mut all: Vec<(ObjectKey, Gvk)> = its.map(|(key, gvk)| (key.clone(), gvk.clone())).collect();
        all.sort();
        all.dedup_by(|a, b| a.0 == b.0);
        all
    }

    /// What an earlier run left of a hook whose objects have names of their own, and what goes before the next one is made.
    pub(super) fn predecessor(&self, run: &Run, case: &Case<'a>) -> Option<(ObjectKey, Prune)> {
        case.hook.generated_from()?;
        let now = case.key(run);
        self.earlier(case).into_iter().filter(|(key, _)| *key != now).find_map(|(key, gvk)| {
            let Live::Present(live) = self.scene.input.live.get(&key, &gvk) else { return None };
            let goes = |hook: Hook| hook.delete.contains(&HookDelete::BeforeCreation);
            let goes = left_by_hook(&live).is_some_and(goes) && live.deleting_since.is_none();
            (goes && self.is_ours(&live)).then(|| (key, self.prune(&live)))
        })
    }
}
