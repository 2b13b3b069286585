//! Hooks: which of them start, which are through, and what waits for them.
//!
//! A sync with hooks, or with a limit of time, is a [`Run`], and so is a deletion with hooks. Whatever is decided from it was told
//! before, in the status: that it began, and how each hook ended. The object of a hook carries the run it was made for, so that a
//! process which ends between making it and recording it finds it again and never makes it twice.

mod case;
mod farewell;
mod leftover;
mod progress;
mod state;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use lockstep_core::{HookEnd, HookOn, ObjectKey, Phase, Run, RunScope, RunStage, Timestamp, Wave};

use crate::desired::{DesiredSet, HookObject};
use crate::gate::{self, Gate, Obstacle};
use crate::input::Millis;
use crate::memo::Memo;
use crate::report::{Because, Change, Entry, Verdict};
use crate::scene::{Draft, Intent, Scene};

use self::case::{Case, Failing};
pub use self::case::{hook_object, hook_objects};
pub(crate) use self::farewell::{Farewell, Moment};
pub(crate) use self::leftover::{left_by_hook, lets_finish};
use self::progress::Progress;

/// What is said of a sync that a user ended.
const ABORTED: &str = "it was aborted; a newer revision or `lockstep app sync` starts afresh";

/// What hooks add to a plan.
pub(crate) struct Course {
    /// What is to be told of the run before anything else is done because of it.
    pub(crate) run: Option<Run>,
    /// What there is to say and to do about hooks.
    pub(crate) drafts: Vec<Draft>,
    /// When a sync has taken too long, or a failed run is tried again.
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
    let mut director = Director { scene, set, course: idle };
    let settled = told.is_none_or(|run| matches!(run.stage, RunStage::Succeeded | RunStage::Failed));
    // A sync of some objects has no hooks.
    let runs = director.has_runs() && scene.input.request.only.is_all();
    if !runs && settled && !scene.input.request.abort {
        gate::hold(scene, entries, intents, memo, None);
        return director.course;
    }
    director.direct(entries, intents, memo);
    director.tidy_up();
    director.course
}

struct Director<'s, 'i, 'a> {
    scene: &'s Scene<'i, 'a>,
    set: &'a DesiredSet,
    course: Course,
}

impl<'a> Director<'_, '_, 'a> {
    /// The run as it was told.
    fn told(&self) -> Option<&'a Run> {
        self.scene.input.run
    }

    /// Whether syncs of this set are runs.
    fn has_runs(&self) -> bool {
        self.set.has_sync_hooks() || self.scene.input.app.sync.timeout.is_some()
    }

    fn direct(&mut self, entries: &mut [Entry], intents: &mut Vec<Intent>, memo: &mut Memo) {
        if self.scene.input.request.abort {
            return self.abort(entries, intents, memo);
        }
        let told = self.told().filter(|run| run.target == self.set.target()).cloned();
        let may = self.scene.policy(&Change::Create).is_none();
        match told {
            Some(run) if run.stage == RunStage::Aborted && !self.starts_afresh(&run) => {
                self.hold_all(entries, intents, self.failed_gate(&run));
            }
            Some(run) if run.stage == RunStage::Aborted => self.begin_if_due(entries, intents, memo),
            Some(run) if run.stage.is_over() && may && self.is_always_due() => {
                let failed = run.stage == RunStage::Failed;
                let scope = if failed { RunScope::All } else { scope(entries) };
                self.begin(scope, entries, intents);
            }
            Some(run) if run.stage == RunStage::Failed => self.after_failure(run, entries, intents),
            Some(run) if run.stage.is_over() => _ = gate::hold(self.scene, entries, intents, memo, None),
            // What the policy does not let be done waits, and so do its hooks.
            Some(_) if !may => _ = gate::hold(self.scene, entries, intents, memo, None),
            Some(run) if run.stage == RunStage::Failing => self.fail(run, entries, intents),
            Some(run) => self.go_on(run, entries, intents, memo),
            None => self.begin_if_due(entries, intents, memo),
        }
    }

    fn begin_if_due(&mut self, entries: &mut [Entry], intents: &mut Vec<Intent>, memo: &mut Memo) {
        let may = self.scene.policy(&Change::Create).is_none();
        if self.has_runs() && (changes(entries) || may && self.is_always_due()) {
            return self.begin(scope(entries), entries, intents);
        }
        // What it was for is not wanted any more.
        let superseded = self.told().filter(|run| !run.stage.is_over()).cloned();
        if let Some(run) = superseded {
            let failure = Some("a newer revision took its place".to_owned());
            let run = Run { failure, ..run };
            self.course.run = Some(ended(run, RunStage::Failed, self.scene.input.today));
        }
        gate::hold(self.scene, entries, intents, memo, None);
    }

    /// Whether hooks have to run for this revision that run for each.
    fn is_always_due(&self) -> bool {
        let always = |hook: &HookObject| hook.hook.on == HookOn::Always && hook.is_of_sync();
        let known = self.told().is_some_and(|run| run.revision == self.revision());
        !known && self.scene.is_ready() && self.set.hooks().iter().any(always)
    }

    /// Whether what was aborted is not what is to be done now.
    fn starts_afresh(&self, run: &Run) -> bool {
        self.scene.input.request.sync || run.revision != self.revision()
    }

    /// The revisions of the set, in short.
    fn revision(&self) -> String {
        let short = |id: &lockstep_core::CommitId| id.short().to_owned();
        self.scene.input.revisions.iter().map(short).collect::<Vec<_>>().join("+")
    }

    fn new_run(&self, target: String, scope: RunScope) -> Run {
        Run {
            target,
            revision: self.revision(),
            number: self.told().map_or(0, |run| run.number).saturating_add(1),
            attempt: 1,
            scope,
            stage: RunStage::Running,
            started: Some(self.scene.input.today),
            ended: None,
            failure: None,
            hooks: BTreeMap::new(),
        }
    }

    /// The first thing that is done is to tell that the run begins.
    fn begin(&mut self, scope: RunScope, entries: &mut [Entry], intents: &mut Vec<Intent>) {
        self.announce(self.new_run(self.set.target(), scope), entries, intents);
    }

    fn announce(&mut self, run: Run, entries: &mut [Entry], intents: &mut Vec<Intent>) {
        self.course.run = Some(run);
        let gate = self.gate(Obstacle::Beginning, entries);
        self.hold_all(entries, intents, gate);
        if !entries.iter().any(is_outstanding) {
            // Nothing else would tell that there is something to come.
            let first = self.cases(Phase::PreSync).into_iter().chain(self.all_cases()).next();
            if let Some(case) = first {
                let words = "the sync begins".to_owned();
                let because = Because::HookRuns { words, until: None };
                self.say(&case, Verdict::Withheld(Change::Hook(case.phase), because), None);
            }
        }
    }

    /// What waits where there is no one object to wait for.
    fn gate(&self, obstacle: Obstacle, entries: &[Entry]) -> Gate {
        let hook = || self.set.hooks().first().map(|hook| &hook.object.key);
        let waiting = entries.iter().find(|entry| is_outstanding(entry)).or(entries.first());
        let key = hook().or(waiting.map(|entry| &entry.key)).cloned();
        let key = key.unwrap_or_else(|| ObjectKey::new("", "", "", ""));
        Gate { wave: Wave::default(), key, obstacle }
    }

    fn hold_all(&mut self, entries: &mut [Entry], intents: &mut Vec<Intent>, gate: Gate) {
        gate::hold_all(entries, intents, &Arc::new(gate));
    }

    /// A user ends what is under way; what is outstanding stays so until there is another revision, or somebody asks for a sync.
    fn abort(&mut self, entries: &mut [Entry], intents: &mut Vec<Intent>, memo: &mut Memo) {
        let target = self.set.target();
        let is_unfinished = |run: &&Run| !run.stage.is_over() || run.stage == RunStage::Failed;
        let run = match self.told().filter(|run| run.target == target).filter(is_unfinished) {
            Some(run) => run.clone(),
            None if changes(entries) || entries.iter().any(is_outstanding) => {
                self.new_run(target, RunScope::All)
            }
            None => {
                gate::hold(self.scene, entries, intents, memo, None);
                return;
            }
        };
        let run = Run { failure: Some(ABORTED.to_owned()), revision: self.revision(), ..run };
        let run = ended(run, RunStage::Aborted, self.scene.input.today);
        self.hold_all(entries, intents, self.failed_gate(&run));
        self.course.run = Some(run);
    }

    /// A run that failed is tried again after a pause, or when a user asks; what succeeded is not repeated.
    fn after_failure(&mut self, run: Run, entries: &mut [Entry], intents: &mut Vec<Intent>) {
        if self.scene.policy(&Change::Create).is_none()
            && let Some(next) = self.another_attempt(&run)
        {
            return self.announce(next, entries, intents);
        }
        let gate = self.failed_gate(&run);
        self.say_failed(&run);
        self.hold_all(entries, intents, gate);
    }

    /// The next attempt at what failed, if it is due; else the moment is remembered.
    fn another_attempt(&mut self, run: &Run) -> Option<Run> {
        let input = self.scene.input;
        let retry = &input.app.sync.retry;
        let due = run.ended.map_or(input.today.0, |ended| ended.0 + seconds(retry.pause(run.attempt)));
        let exhausted = retry.is_exhausted(run.attempt);
        if !input.request.sync && (exhausted || input.today.0 < due) {
            if !exhausted {
                self.wake(due - input.today.0);
            }
            return None;
        }
        let mut hooks = run.hooks.clone();
        hooks.retain(|name, end| end.is_through() && !name.starts_with("SyncFail "));
        Some(Run {
            number: run.number.saturating_add(1),
            attempt: if input.request.sync { 1 } else { run.attempt.saturating_add(1) },
            stage: RunStage::Running,
            started: Some(input.today),
            ended: None,
            failure: None,
            hooks,
            ..run.clone()
        })
    }

    fn fail(&mut self, mut run: Run, entries: &mut [Entry], intents: &mut Vec<Intent>) {
        let gate = self.failed_gate(&run);
        self.say_failed(&run);
        self.hold_all(entries, intents, gate);
        match self.advance(&mut run, Phase::SyncFail) {
            Progress::Waits(_) => self.course.run = Some(run),
            Progress::Through | Progress::Failed(_) => {
                self.course.run = Some(ended(run, RunStage::Failed, self.scene.input.today));
            }
        }
    }

    fn go_on(&mut self, mut run: Run, entries: &mut [Entry], intents: &mut Vec<Intent>, memo: &mut Memo) {
        let progress = match self.advance(&mut run, Phase::PreSync) {
            Progress::Through => self.sync(&mut run, entries, intents, memo),
            held => {
                if let Progress::Waits(gate) | Progress::Failed(gate) = &held {
                    self.hold_all(entries, intents, gate.clone());
                }
                held
            }
        };
        match progress {
            Progress::Through => run = ended(run, RunStage::Succeeded, self.scene.input.today),
            Progress::Failed(gate) => (run.stage, run.failure) = (RunStage::Failing, Some(gate.to_string())),
            Progress::Waits(gate) if is_late(self.scene, &run) => {
                let limit = self.scene.input.app.sync.timeout.unwrap_or_default().as_secs();
                let why = format!("it took longer than {limit} s: {gate}");
                self.course.drafts.retain(|draft| draft.action.is_none());
                (run.stage, run.failure) = (RunStage::Failing, Some(why));
                self.hold_all(entries, intents, self.failed_gate(&run));
            }
            Progress::Waits(_) => self.wake_at_limit(&run),
        }
        self.course.run = Some(run);
    }

    fn wake_at_limit(&mut self, run: &Run) {
        if let Some(left) = left(self.scene, run) {
            self.wake(left);
        }
    }

    /// The objects with the hooks among them, then what comes after.
    fn sync(
        &mut self,
        run: &mut Run,
        entries: &mut [Entry],
        intents: &mut Vec<Intent>,
        memo: &mut Memo,
    ) -> Progress {
        let is_through = |case: &Case<'_>| run.hooks.get(&case.name()).is_some_and(HookEnd::is_through);
        let unfinished: Vec<Case<'a>> =
            self.cases_of(run, Phase::Sync).into_iter().filter(|case| !is_through(case)).collect();
        let gates: Vec<Gate> =
            unfinished.iter().map(|case| case.gate("is not through yet".to_owned(), Failing::No)).collect();
        let closed = gate::hold(self.scene, entries, intents, memo, Some(&gates));
        let mut failed = closed.clone().filter(Gate::is_failed).or_else(|| used_up(entries));
        let open = closed.as_ref().map(|gate| gate.wave);
        for case in unfinished.iter().filter(|case| open == Some(case.hook.hook.wave)) {
            if let Progress::Failed(gate) = self.step(run, case) {
                failed = failed.or(Some(gate));
            }
        }
        if let Some(gate) = failed {
            return Progress::Failed(gate);
        }
        let outstanding = || {
            let entry = entries.iter().find(|entry| is_outstanding(entry))?;
            Some(Gate { wave: entry.wave, key: entry.key.clone(), obstacle: Obstacle::Outstanding })
        };
        match closed.or_else(outstanding) {
            Some(gate) => Progress::Waits(gate),
            None => self.advance(run, Phase::PostSync),
        }
    }

    /// What a failed run failed of.
    fn failed_gate(&self, run: &Run) -> Gate {
        let mut failed = self.all_cases().into_iter().filter_map(|case| match run.hooks.get(&case.name()) {
            Some(HookEnd::Failed(failure)) if run.stage != RunStage::Aborted => {
                Some(case.gate(failure.why.clone(), Failing::Yes))
            }
            _ => None,
        });
        let why = || run.failure.clone().unwrap_or_else(|| "the sync failed".to_owned());
        failed.next().unwrap_or_else(|| self.gate(Obstacle::SyncFailed(why()), &[]))
    }

    /// Tells of the hooks that failed.
    fn say_failed(&mut self, run: &Run) {
        for case in self.all_cases() {
            if let Some(HookEnd::Failed(failure)) = run.hooks.get(&case.name()) {
                let because = Because::HookFailed(failure.why.clone());
                self.say(&case, Verdict::Withheld(Change::Hook(case.phase), because), None);
            }
        }
    }

    fn wake(&mut self, seconds: i64) {
        let at = self.in_seconds(seconds);
        self.course.wake = Some(self.course.wake.map_or(at, |known| known.min(at)));
    }

    fn in_seconds(&self, seconds: i64) -> Millis {
        let pause = Duration::from_secs(u64::try_from(seconds).unwrap_or(1).max(1));
        self.scene.input.now.after(pause)
    }
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX / 2)
}

fn ended(run: Run, stage: RunStage, today: Timestamp) -> Run {
    Run { stage, ended: Some(today), ..run }
}

/// How many seconds a run may still take, where there is a limit.
fn left(scene: &Scene<'_, '_>, run: &Run) -> Option<i64> {
    let limit = scene.input.app.sync.timeout?;
    Some(run.started?.0 + seconds(limit) - scene.input.today.0)
}

fn is_late(scene: &Scene<'_, '_>, run: &Run) -> bool {
    left(scene, run).is_some_and(|left| left <= 0)
}

fn scope(entries: &[Entry]) -> RunScope {
    if changes(entries) { RunScope::All } else { RunScope::Always }
}

/// Whether there is anything to do that hooks are for: to heal is none of it.
fn changes(entries: &[Entry]) -> bool {
    entries.iter().any(|entry| match &entry.verdict {
        Verdict::Act(Change::Heal(_) | Change::Recover | Change::Forget | Change::HookEnded) => false,
        Verdict::Act(_) => true,
        _ => false,
    })
}

/// An object that cannot be applied, however often it is tried.
fn used_up(entries: &[Entry]) -> Option<Gate> {
    entries.iter().find_map(|entry| match &entry.verdict {
        Verdict::Withheld(_, because @ Because::Failed(failure, _)) if failure.exhausted => {
            let obstacle = Obstacle::Refused(because.to_string());
            Some(Gate { wave: entry.wave, key: entry.key.clone(), obstacle })
        }
        _ => None,
    })
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
