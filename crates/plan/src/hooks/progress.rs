//! How far the hooks of a phase are, and what is said and done about each.

use std::sync::Arc;

use lockstep_core::{DesiredObject, HookEnd, ObjectKey, Phase, Run};

use super::Director;
use super::case::{Case, Failing};
use super::state::State;
use crate::gate::Gate;
use crate::memo::{PruneMark, PruneMoment};
use crate::report::{Because, Change, Entry, Verdict};
use crate::scene::Draft;
use crate::step::{Action, Apply, Ownership, Why};

/// How far the hooks of a phase are.
pub(super) enum Progress {
    Through,
    Waits(Gate),
    Failed(Gate),
}

impl<'a> Director<'_, '_, 'a> {
    /// Takes the hooks of a phase on: wave by wave, each when all of the one before succeeded.
    pub(super) fn advance(&mut self, run: &mut Run, phase: Phase) -> Progress {
        let mut waits: Option<Gate> = None;
        let mut failed = None;
        for case in self.cases_of(run, phase) {
            let earlier = waits.clone().filter(|gate| gate.wave < case.hook.hook.wave);
            if let Some(gate) = earlier {
                let because = Because::Wave(Arc::new(gate));
                self.say(&case, Verdict::Withheld(Change::Hook(phase), because), None);
                continue;
            }
            match self.step(run, &case) {
                Progress::Through => {}
                Progress::Waits(gate) => waits = waits.or(Some(gate)),
                Progress::Failed(gate) => {
                    failed = failed.or_else(|| Some(gate.clone()));
                    waits = waits.or(Some(gate));
                }
            }
        }
        match (failed, waits) {
            (Some(gate), _) => Progress::Failed(gate),
            (None, Some(gate)) => Progress::Waits(gate),
            (None, None) => Progress::Through,
        }
    }

    /// One hook whose turn it is.
    pub(super) fn step(&mut self, run: &mut Run, case: &Case<'a>) -> Progress {
        let change = Change::Hook(case.phase);
        let waits = |words: &str| Progress::Waits(case.gate(words.to_owned(), Failing::No));
        let runs = |words: &str| Because::HookRuns { words: words.to_owned(), until: None };
        match self.state(run, case) {
            State::Told(HookEnd::Failed(failure)) => {
                let because = Because::HookFailed(failure.why.clone());
                self.say(case, Verdict::Withheld(change, because), None);
                Progress::Failed(case.gate(failure.why, Failing::Yes))
            }
            State::Told(_) => {
                self.say(case, Verdict::InSync, None);
                Progress::Through
            }
            State::Ended(end) => {
                let words = match &end {
                    HookEnd::Again { failures, why } => {
                        format!("failed {failures} times and is made again: {why}")
                    }
                    _ => "came to its end just now".to_owned(),
                };
                run.hooks.insert(case.name(), end);
                self.say(case, Verdict::Withheld(change, runs(&words)), None);
                waits(&words)
            }
            State::Running(words, until) => {
                let progress = waits(&format!("runs, {words}"));
                self.say(case, Verdict::Withheld(change, Because::HookRuns { words, until }), None);
                progress
            }
            State::Waits(because) => {
                let progress = waits(&because.to_string());
                self.say(case, Verdict::Withheld(change, because), None);
                progress
            }
            State::Unknown(reason) => {
                let progress = waits(&reason);
                self.say(case, Verdict::Unknown(reason), None);
                progress
            }
            State::Replace(key, prune) => {
                self.say_of(key, case, Verdict::Act(Change::HookEnded), Some(Action::Prune(prune)));
                waits("replaces one of an earlier sync")
            }
            State::Make(desired) => {
                let key = desired.key.clone();
                self.say_of(key, case, Verdict::Act(change), Some(make(desired)));
                waits("is about to start")
            }
        }
    }

    /// One entry an object: what is told first stands, unless there is something to do.
    pub(super) fn say(&mut self, case: &Case<'a>, verdict: Verdict, action: Option<Action>) {
        let run = self.course.run.as_ref().or(self.told());
        let key = run.map_or_else(|| case.hook.object.key.clone(), |run| case.key(run));
        self.say_of(key, case, verdict, action);
    }

    pub(super) fn say_of(
        &mut self,
        key: ObjectKey,
        case: &Case<'a>,
        verdict: Verdict,
        action: Option<Action>,
    ) {
        let known = self.course.drafts.iter().position(|draft| draft.entry.key == key);
        match known {
            Some(known) if action.is_some() || self.course.drafts[known].entry.verdict == Verdict::InSync => {
                self.course.drafts.remove(known);
            }
            Some(_) => return,
            None => {}
        }
        let entry = Entry {
            key,
            origin: None,
            commit: Some(case.hook.object.commit.clone()),
            wave: case.hook.hook.wave,
            verdict,
            extras: self.scene.no_extras.clone(),
            contested: None,
        };
        let (mark, moment) = (PruneMark::default(), PruneMoment::default());
        self.course.drafts.push(Draft { entry, action, mark, moment });
    }
}

fn make(desired: Arc<DesiredObject>) -> Action {
    let (rewrite, handover, seen) = (None, None, None);
    let (why, ownership) = (Why::Create, Ownership::Force);
    Action::Apply(Box::new(Apply { desired, why, rewrite, ownership, handover, seen }))
}
