//! The hooks of a deletion: before the objects of an Application go, and after.

use std::sync::Arc;

use lockstep_core::{DeletionPolicy, HookDelete, ObjectKey, Phase, Run, RunScope, RunStage};

use super::progress::Progress;
use super::{Course, Director, ended};
use crate::desired::{DesiredSet, HookObject};
use crate::gate::{Gate, Obstacle};
use crate::scene::Scene;

/// How far a deletion with hooks is.
#[derive(Clone, Debug)]
pub(crate) enum Moment {
    /// Nothing may go yet.
    Before(Arc<Gate>),
    /// The objects go.
    During,
    /// Its hooks are through, and that is told: what is left of it goes.
    Over,
}

/// The hooks of a deletion.
pub(crate) struct Farewell<'s, 'i, 'a> {
    director: Director<'s, 'i, 'a>,
    run: Option<Run>,
    pub(crate) moment: Moment,
}

impl<'s, 'i, 'a> Farewell<'s, 'i, 'a> {
    /// `None` where there are none to run: with a deletion policy of Orphan nothing is deleted that they could stand before, and
    /// where nothing was ever applied there is nothing to part with.
    pub(crate) fn of(scene: &'s Scene<'i, 'a>, set: Option<&'a DesiredSet>) -> Option<Self> {
        let set = set.filter(|set| set.has_deletion_hooks())?;
        let (input, target) = (scene.input, set.deletion_target());
        let told = input.run.cloned().filter(|run| run.target == target);
        let is_something = told.is_some() || !input.record.objects.is_empty() || !input.owned.is_empty();
        if input.app.deletion == DeletionPolicy::Orphan || input.app.suspend || !is_something {
            return None;
        }
        let course = Course { run: input.run.cloned(), drafts: Vec::new(), wake: None };
        let director = Director { scene, set, course };
        let mut farewell = Self { director, run: None, moment: Moment::Over };
        farewell.moment = match told {
            None => farewell.begin(target),
            Some(run) => match run.stage {
                RunStage::Succeeded => Moment::Over,
                RunStage::Failed | RunStage::Aborted => farewell.after_failure(&run),
                RunStage::Running | RunStage::Failing => farewell.before(run),
            },
        };
        Some(farewell)
    }

    fn begin(&mut self, target: String) -> Moment {
        self.director.course.run = Some(self.director.new_run(target, RunScope::All));
        Moment::Before(Arc::new(self.director.gate(Obstacle::Beginning, &[])))
    }

    /// What failed is tried again after a pause, or when a user asks.
    fn after_failure(&mut self, run: &Run) -> Moment {
        let director = &mut self.director;
        if let Some(next) = director.another_attempt(run) {
            director.course.run = Some(next);
            return Moment::Before(Arc::new(director.gate(Obstacle::Beginning, &[])));
        }
        director.say_failed(run);
        Moment::Before(Arc::new(director.failed_gate(run)))
    }

    fn before(&mut self, mut run: Run) -> Moment {
        let moment = match self.director.advance(&mut run, Phase::PreDelete) {
            Progress::Through => Moment::During,
            Progress::Waits(gate) => Moment::Before(Arc::new(gate)),
            Progress::Failed(gate) => {
                run = self.failed(run, &gate);
                Moment::Before(Arc::new(gate))
            }
        };
        self.run = Some(run);
        moment
    }

    fn failed(&self, run: Run, gate: &Gate) -> Run {
        let run = ended(run, RunStage::Failed, self.director.scene.input.today);
        Run { failure: Some(gate.to_string()), ..run }
    }

    /// Every object is gone that goes before the last hooks.
    pub(crate) fn after(&mut self) {
        let (Moment::During, Some(mut run)) = (&self.moment, self.run.take()) else { return };
        run = match self.director.advance(&mut run, Phase::PostDelete) {
            Progress::Through => ended(run, RunStage::Succeeded, self.director.scene.input.today),
            Progress::Waits(_) => run,
            Progress::Failed(gate) => self.failed(run, &gate),
        };
        self.run = Some(run);
    }

    /// Whether an object is a hook's, and is not to be deleted as the others are.
    pub(crate) fn keeps(&self, key: &ObjectKey) -> bool {
        let is_kept = |hook: &HookObject| match self.moment {
            Moment::Before(_) => true,
            Moment::During => hook.hook.phases.contains(&Phase::PostDelete),
            Moment::Over => false,
        };
        self.hooks_of(key).any(is_kept)
    }

    /// Whether an object is a hook's that stays for good.
    pub(crate) fn stays(&self, key: &ObjectKey) -> bool {
        let last = |hook: &HookObject| hook.hook.phases.contains(&Phase::PostDelete);
        self.hooks_of(key).any(|hook| last(hook) && hook.hook.delete.contains(&HookDelete::Never))
    }

    fn hooks_of(&self, key: &ObjectKey) -> impl Iterator<Item = &'a HookObject> {
        let hooks = self.director.set.hooks().iter().filter(|hook| hook.is_of_deletion());
        hooks.filter(move |hook| hook.may_be(key))
    }

    /// What the last hooks need stays until they are through.
    pub(crate) fn needs(&self, key: &ObjectKey) -> Option<Arc<Gate>> {
        let hooks = self.director.cases(Phase::PostDelete);
        let lives_in = |hook: &HookObject| key.is("", "Namespace") && hook.object.key.namespace == key.name;
        let case = hooks.into_iter().find(|case| lives_in(case.hook))?;
        let waits = !matches!(self.moment, Moment::Over);
        waits.then(|| Arc::new(case.gate("its time has not come".to_owned(), super::Failing::No)))
    }

    /// What there is to tell, say and do.
    pub(crate) fn finish(mut self) -> Course {
        if let Some(run) = self.run {
            self.director.course.run = Some(run);
        }
        self.director.tidy_up();
        self.director.course
    }
}
