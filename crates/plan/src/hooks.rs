//! Hooks: which of them start, which are through, and what waits for them.
//!
//! A sync with hooks is a [`Run`]. Whatever is decided from it was told before, in the status: that it began, and how each hook ended.
//! The object of a hook carries the run it was made for, so that a process which ends between making it and recording it
//! finds it again and never makes it twice.

mod state;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use lockstep_core::{DesiredObject, Hook, HookDelete, HookEnd, Phase, Run, RunStage, Timestamp, Wave};

use crate::desired::{DesiredSet, HookObject};
use crate::gate::{self, Gate, Obstacle};
use crate::input::Millis;
use crate::live::Live;
use crate::memo::{Memo, PruneMark, PruneMoment};
use crate::report::{Because, Change, Entry, Verdict};
use crate::scene::{Draft, Intent, Scene};
use crate::step::{Action, Apply, Ownership, Why};

use self::state::{RUN_ANNOTATION, State};

/// What hooks add to a plan.
pub(crate) struct Course {
    /// What is to be told of the run before anything else is done because of it.
    pub(crate) run: Option<Run>,
    /// What there is to say and to do about hooks.
    pub(crate) drafts: Vec<Draft>,
    /// When a hook has taken too long, or a failed run is tried again.
    pub(crate) wake: Option<Millis>,
}

/// Decides about hooks, and holds what has to wait for them or for a wave.
pub(crate) fn direct(
    scene: &Scene<'_, '_>,
    entries: &mut [Entry],
    intents: &mut Vec<Intent>,
    memo: &mut Memo,
) -> Course {
    let told = scene.input.run;
    let idle = Course { run: told.cloned(), drafts: Vec::new(), wake: None };
    let Some(set) = scene.set else { return idle };
    let over = told.is_none_or(|run| run.stage.is_over());
    if set.hooks().is_empty() && over {
        gate::hold(scene, entries, intents, memo, None);
        return idle;
    }
    let mut director = Director { scene, set, run: told.cloned(), course: idle };
    director.direct(entries, intents, memo);
    director.tidy_up();
    director.course
}

struct Director<'s, 'i, 'a> {
    scene: &'s Scene<'i, 'a>,
    set: &'a DesiredSet,
    /// As it was told.
    run: Option<Run>,
    course: Course,
}

/// One hook in one phase.
#[derive(Clone, Copy)]
struct Case<'a> {
    object: &'a Arc<DesiredObject>,
    hook: &'a Hook,
    phase: Phase,
}

impl Case<'_> {
    /// Its name in a run.
    fn name(&self) -> String {
        format!("{} {}", self.phase, self.object.key.to_reference())
    }

    fn gate(&self, words: String, failed: Failing) -> Gate {
        let obstacle = Obstacle::Hook { phase: self.phase, words, failed: failed == Failing::Yes };
        Gate { wave: self.hook.wave, key: self.object.key.clone(), obstacle }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Failing {
    Yes,
    No,
}

/// How far the hooks of a phase are.
enum Progress {
    Through,
    Waits(Gate),
    Failed(Gate),
}

impl<'a> Director<'_, '_, 'a> {
    fn direct(&mut self, entries: &mut [Entry], intents: &mut Vec<Intent>, memo: &mut Memo) {
        let target = self.set.target();
        let same = self.run.clone().filter(|run| run.target == target);
        match same {
            Some(run) if run.stage == RunStage::Failed => self.after_failure(run, entries, intents),
            Some(run) if run.stage.is_over() => _ = gate::hold(self.scene, entries, intents, memo, None),
            // What the policy does not let be done waits, and so do its hooks.
            Some(_) if self.scene.policy(&Change::Create).is_some() => {
                gate::hold(self.scene, entries, intents, memo, None);
            }
            Some(run) if run.stage == RunStage::Failing => self.fail(run, entries, intents),
            Some(run) => self.go_on(run, entries, intents, memo),
            None if !self.set.hooks().is_empty() && changes(entries) => {
                self.begin(target, entries, intents);
            }
            None => {
                // What it was for is not wanted any more, and nothing is to be done.
                let superseded = self.run.clone().filter(|run| !run.stage.is_over());
                if let Some(run) = superseded {
                    self.course.run = Some(ended(run, RunStage::Failed, self.scene.input.today));
                }
                gate::hold(self.scene, entries, intents, memo, None);
            }
        }
    }

    /// The first thing that is done is to tell that the run begins.
    fn begin(&mut self, target: String, entries: &mut [Entry], intents: &mut Vec<Intent>) {
        let number = self.run.as_ref().map_or(0, |run| run.number).saturating_add(1);
        let (stage, hooks) = (RunStage::Running, BTreeMap::new());
        self.announce(Run { target, number, attempt: 1, stage, ended: None, hooks }, entries, intents);
    }

    fn announce(&mut self, run: Run, entries: &mut [Entry], intents: &mut Vec<Intent>) {
        let first = self.set.hooks()[0].object.key.clone();
        let gate = Gate { wave: Wave::default(), key: first, obstacle: Obstacle::Beginning };
        self.course.run = Some(run);
        gate::hold_all(entries, intents, &Arc::new(gate));
    }

    /// A run that failed is tried again after a pause, or when a user asks; what succeeded is not repeated.
    fn after_failure(&mut self, run: Run, entries: &mut [Entry], intents: &mut Vec<Intent>) {
        let input = self.scene.input;
        let retry = &input.app.sync.retry;
        let due = run.ended.map_or(input.today.0, |ended| ended.0 + seconds(retry.pause(run.attempt)));
        let may = self.scene.policy(&Change::Create).is_none();
        let again = input.request.sync || !retry.is_exhausted(run.attempt) && input.today.0 >= due;
        if may && again {
            let attempt = if input.request.sync { 1 } else { run.attempt.saturating_add(1) };
            let mut hooks = run.hooks;
            hooks.retain(|name, end| *end == HookEnd::Succeeded && !name.starts_with("SyncFail "));
            let next = Run {
                number: run.number.saturating_add(1),
                attempt,
                stage: RunStage::Running,
                ended: None,
                hooks,
                ..run
            };
            return self.announce(next, entries, intents);
        }
        if may && !retry.is_exhausted(run.attempt) {
            self.wake(due - input.today.0);
        }
        let gate = Arc::new(self.failed_gate(&run));
        self.say_failed(&run);
        gate::hold_all(entries, intents, &gate);
    }

    fn fail(&mut self, mut run: Run, entries: &mut [Entry], intents: &mut Vec<Intent>) {
        let gate = Arc::new(self.failed_gate(&run));
        self.say_failed(&run);
        gate::hold_all(entries, intents, &gate);
        match self.advance(&mut run, Phase::SyncFail) {
            Progress::Waits(_) => self.course.run = Some(run),
            Progress::Through | Progress::Failed(_) => {
                self.course.run = Some(ended(run, RunStage::Failed, self.scene.input.today));
            }
        }
    }

    fn go_on(&mut self, mut run: Run, entries: &mut [Entry], intents: &mut Vec<Intent>, memo: &mut Memo) {
        match self.advance(&mut run, Phase::PreSync) {
            Progress::Through => {
                let failed = self.sync(&mut run, entries, intents, memo);
                if failed {
                    run.stage = RunStage::Failing;
                }
            }
            Progress::Waits(gate) => gate::hold_all(entries, intents, &Arc::new(gate)),
            Progress::Failed(gate) => {
                run.stage = RunStage::Failing;
                gate::hold_all(entries, intents, &Arc::new(gate));
            }
        }
        self.course.run = Some(run);
    }

    /// The objects with the hooks among them, then what comes after. Returns whether it failed.
    fn sync(
        &mut self,
        run: &mut Run,
        entries: &mut [Entry],
        intents: &mut Vec<Intent>,
        memo: &mut Memo,
    ) -> bool {
        let unfinished: Vec<Case<'a>> = self
            .cases(Phase::Sync)
            .into_iter()
            .filter(|case| run.hooks.get(&case.name()) != Some(&HookEnd::Succeeded))
            .collect();
        let gates: Vec<Gate> =
            unfinished.iter().map(|case| case.gate("is not through yet".to_owned(), Failing::No)).collect();
        let closed = gate::hold(self.scene, entries, intents, memo, Some(&gates));
        let mut failed = closed.as_ref().is_some_and(Gate::is_failed) || entries.iter().any(is_exhausted);
        let open = closed.as_ref().map(|gate| gate.wave);
        for case in unfinished {
            if open == Some(case.hook.wave) {
                failed |= matches!(self.step(run, case), Progress::Failed(_));
            }
        }
        if failed || closed.is_some() || entries.iter().any(is_outstanding) {
            return failed;
        }
        match self.advance(run, Phase::PostSync) {
            Progress::Waits(_) => false,
            Progress::Failed(_) => true,
            Progress::Through => {
                run.stage = RunStage::Succeeded;
                run.ended = Some(self.scene.input.today);
                false
            }
        }
    }

    fn cases(&self, phase: Phase) -> Vec<Case<'a>> {
        let hooks = self.set.hooks().iter().filter(|hook| hook.hook.phases.contains(&phase));
        let case = |HookObject { object, hook }: &'a HookObject| Case { object, hook, phase };
        let mut cases: Vec<Case<'a>> = hooks.map(case).collect();
        cases.sort_by_key(|case| case.hook.wave);
        cases
    }

    fn all_cases(&self) -> Vec<Case<'a>> {
        Phase::ALL.into_iter().flat_map(|phase| self.cases(phase)).collect()
    }

    /// Takes the hooks of a phase on: wave by wave, each when all of the one before succeeded.
    fn advance(&mut self, run: &mut Run, phase: Phase) -> Progress {
        let mut waits: Option<Gate> = None;
        let mut failed = None;
        for case in self.cases(phase) {
            let earlier = waits.clone().filter(|gate| gate.wave < case.hook.wave);
            if let Some(gate) = earlier {
                self.say(case, Verdict::Withheld(Change::Hook(phase), Because::Wave(Arc::new(gate))), None);
                continue;
            }
            match self.step(run, case) {
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
    fn step(&mut self, run: &mut Run, case: Case<'a>) -> Progress {
        let change = Change::Hook(case.phase);
        let waits = |words: &str| Progress::Waits(case.gate(words.to_owned(), Failing::No));
        match self.state(run, case) {
            State::Told(HookEnd::Succeeded) => {
                self.say(case, Verdict::InSync, None);
                Progress::Through
            }
            State::Told(HookEnd::Failed(why)) => {
                self.say(case, Verdict::Withheld(change, Because::HookFailed(why.clone())), None);
                Progress::Failed(case.gate(why, Failing::Yes))
            }
            State::Ended(end) => {
                run.hooks.insert(case.name(), end);
                self.say(
                    case,
                    Verdict::Withheld(change, Because::HookRuns("it came to its end".into())),
                    None,
                );
                waits("came to its end just now")
            }
            State::Running(words) => {
                let progress = waits(&format!("runs, {words}"));
                self.say(case, Verdict::Withheld(change, Because::HookRuns(words)), None);
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
            State::Replace(prune) => {
                self.say(case, Verdict::Act(Change::HookEnded), Some(Action::Prune(prune)));
                waits("replaces one of an earlier sync")
            }
            State::Make(desired) => {
                self.say(case, Verdict::Act(change), Some(make(*desired)));
                waits("is about to start")
            }
        }
    }

    /// Deletes the objects of hooks that are through, where they say so.
    fn tidy_up(&mut self) {
        let Some(run) = self.run.clone().filter(|run| run.target == self.set.target()) else { return };
        for case in self.all_cases() {
            let policy = match run.hooks.get(&case.name()) {
                Some(HookEnd::Succeeded) => HookDelete::Succeeded,
                Some(HookEnd::Failed(_)) => HookDelete::Failed,
                None => continue,
            };
            if !case.hook.delete.contains(&policy) {
                continue;
            }
            let live = self.scene.input.live.get(&case.object.key, &case.object.gvk);
            let Live::Present(live) = live else { continue };
            let its = live.annotation(RUN_ANNOTATION).is_some_and(|of| of.ends_with(case.phase.as_str()));
            let acts = |draft: &Draft| draft.action.is_some() && draft.entry.key == live.key;
            if its && live.deleting_since.is_none() && !self.course.drafts.iter().any(acts) {
                let prune = Action::Prune(self.prune(&live));
                self.course.drafts.retain(|draft| draft.entry.key != live.key);
                self.say(case, Verdict::Act(Change::HookEnded), Some(prune));
            }
        }
    }

    /// What a failed run failed of.
    fn failed_gate(&self, run: &Run) -> Gate {
        let mut failed = self.all_cases().into_iter().filter_map(|case| match run.hooks.get(&case.name()) {
            Some(HookEnd::Failed(why)) => Some(case.gate(why.clone(), Failing::Yes)),
            _ => None,
        });
        let of_objects = || {
            let key = self.set.hooks()[0].object.key.clone();
            Gate { wave: Wave::default(), key, obstacle: Obstacle::SyncFailed }
        };
        failed.next().unwrap_or_else(of_objects)
    }

    /// Tells of the hooks that failed.
    fn say_failed(&mut self, run: &Run) {
        for case in self.all_cases() {
            if let Some(HookEnd::Failed(why)) = run.hooks.get(&case.name()) {
                let because = Because::HookFailed(why.clone());
                self.say(case, Verdict::Withheld(Change::Hook(case.phase), because), None);
            }
        }
    }

    /// One entry an object: what is told first stands, unless there is something to do.
    fn say(&mut self, case: Case<'a>, verdict: Verdict, action: Option<Action>) {
        let known = self.course.drafts.iter().position(|draft| draft.entry.key == case.object.key);
        match known {
            Some(known) if action.is_some() || self.course.drafts[known].entry.verdict == Verdict::InSync => {
                self.course.drafts.remove(known);
            }
            Some(_) => return,
            None => {}
        }
        let entry = Entry {
            key: case.object.key.clone(),
            origin: None,
            commit: Some(case.object.commit.clone()),
            wave: case.hook.wave,
            verdict,
            extras: self.scene.no_extras.clone(),
            contested: None,
        };
        let (mark, moment) = (PruneMark::default(), PruneMoment::default());
        self.course.drafts.push(Draft { entry, action, mark, moment });
    }

    fn wake(&mut self, seconds: i64) {
        let pause = Duration::from_secs(u64::try_from(seconds).unwrap_or(1).max(1));
        let at = self.scene.input.now.after(pause);
        self.course.wake = Some(self.course.wake.map_or(at, |known| known.min(at)));
    }
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX / 2)
}

fn ended(run: Run, stage: RunStage, today: Timestamp) -> Run {
    Run { stage, ended: Some(today), ..run }
}

fn make(desired: DesiredObject) -> Action {
    let (rewrite, handover, seen) = (None, None, None);
    let (why, ownership) = (Why::Create, Ownership::Force);
    Action::Apply(Box::new(Apply { desired: Arc::new(desired), why, rewrite, ownership, handover, seen }))
}

/// Whether there is anything to do that hooks are for: to heal is none of it.
fn changes(entries: &[Entry]) -> bool {
    entries.iter().any(|entry| match &entry.verdict {
        Verdict::Act(Change::Heal(_) | Change::Recover | Change::Forget) => false,
        Verdict::Act(_) => true,
        _ => false,
    })
}

fn is_exhausted(entry: &Entry) -> bool {
    matches!(&entry.verdict, Verdict::Withheld(_, Because::Failed(failure, _)) if failure.exhausted)
}

/// Whether steps of it are to come.
fn is_outstanding(entry: &Entry) -> bool {
    match &entry.verdict {
        Verdict::Act(_) => true,
        Verdict::Withheld(_, because) => {
            matches!(because, Because::Wave(_) | Because::Order | Because::Terminating | Because::Failed(..))
        }
        _ => false,
    }
}
