//! How one hook is: from the object that is there, or is not, for a run.

use std::sync::Arc;

use lockstep_core::{
    DesiredObject, Health, HealthState, HookDelete, HookEnd, LiveObject, Phase, Run, Timestamp,
};

use super::{Case, Director, seconds};
use crate::compare;
use crate::live::{Glance, Live};
use crate::report::Because;
use crate::step::Prune;

/// The annotation on the object of a hook that names the run it was made for.
pub(super) const RUN_ANNOTATION: &str = "lockstep.dev/hook-run";

/// How a hook is.
pub(super) enum State {
    /// That is in the status.
    Told(HookEnd),
    /// That has to be told first.
    Ended(HookEnd),
    Running(String),
    /// It has to wait, or cannot be made.
    Waits(Because),
    Unknown(Arc<str>),
    /// An object of an earlier run is in its place.
    Replace(Prune),
    Make(Box<DesiredObject>),
}

impl<'a> Director<'_, '_, 'a> {
    pub(super) fn state(&mut self, run: &Run, case: Case<'a>) -> State {
        if let Some(end) = run.hooks.get(&case.name()) {
            // What ended in this very look has to be told first.
            let told = self.run.as_ref().is_some_and(|told| told.hooks.contains_key(&case.name()));
            return if told { State::Told(end.clone()) } else { State::Ended(end.clone()) };
        }
        let (key, gvk) = (&case.object.key, &case.object.gvk);
        match self.scene.input.live.glance(key, gvk) {
            Glance::Unknown(reason) => State::Unknown(reason),
            Glance::Absent => self.absent(run, case),
            Glance::Present { deleting: true, .. } => State::Waits(Because::Terminating),
            Glance::Present { .. } => match self.scene.input.live.get(key, gvk) {
                Live::Unknown(reason) => State::Unknown(reason),
                Live::Absent => self.absent(run, case),
                Live::Present(live) => self.present(run, case, &live),
            },
        }
    }

    fn absent(&self, run: &Run, case: Case<'a>) -> State {
        let stamped = self.stamped(run, case);
        let recorded = self.scene.input.record.objects.get(&case.object.key);
        if recorded.is_some_and(|record| record.rendered == stamped.digest) {
            return State::Ended(HookEnd::Failed("it was gone before its end was seen".to_owned()));
        }
        self.make(stamped)
    }

    /// Makes it, unless that failed before.
    fn make(&self, stamped: DesiredObject) -> State {
        let failure = self.scene.failure(&stamped.key, Some(stamped.digest));
        match failure {
            Some(failure) if failure.exhausted => State::Ended(HookEnd::Failed(failure.message.clone())),
            failure => match self.scene.back_off(failure) {
                Some(because) => State::Waits(because),
                None => State::Make(Box::new(stamped)),
            },
        }
    }

    fn present(&mut self, run: &Run, case: Case<'a>, live: &LiveObject) -> State {
        if live.annotation(RUN_ANNOTATION) == Some(&*stamp(run, case.phase)) {
            return self.running(case, live);
        }
        let input = self.scene.input;
        let record = input.record.objects.get(&live.key).is_some_and(|record| record.uid == live.uid);
        let ours = match compare::owner(live) {
            Some(owner) => &*owner.instance == input.instance && owner.app == input.app.key,
            None => record,
        };
        if !ours {
            let why = "an object of its name is there that is not this application's";
            return State::Ended(HookEnd::Failed(why.to_owned()));
        }
        if case.hook.delete.contains(&HookDelete::Never) {
            return self.make(self.stamped(run, case));
        }
        State::Replace(self.prune(live))
    }

    fn running(&mut self, case: Case<'a>, live: &LiveObject) -> State {
        let Health { state, reason } = self.scene.input.live.health(&live.key, &live.gvk);
        let words = if reason.is_empty() { state.to_string() } else { reason };
        match state {
            HealthState::Healthy => return State::Ended(HookEnd::Succeeded),
            HealthState::Degraded => return State::Ended(HookEnd::Failed(words)),
            _ => {}
        }
        let made = live.value.str_at(&["metadata", "creationTimestamp"]).and_then(Timestamp::parse);
        let left = made.map(|made| made.0 + seconds(case.hook.timeout) - self.scene.input.today.0);
        match left {
            Some(left) if left <= 0 => {
                let limit = case.hook.timeout.as_secs();
                State::Ended(HookEnd::Failed(format!("it took longer than {limit} s ({words})")))
            }
            left => {
                self.wake(left.unwrap_or(1));
                State::Running(words)
            }
        }
    }

    /// The object as it is made for this run.
    fn stamped(&self, run: &Run, case: Case<'a>) -> DesiredObject {
        let mut object = DesiredObject::clone(case.object);
        object.value.set(&["metadata", "annotations", RUN_ANNOTATION], stamp(run, case.phase).into());
        object.digest = self.scene.input.key.digest(&object.value);
        object
    }

    pub(super) fn prune(&self, live: &LiveObject) -> Prune {
        let propagation = self.scene.input.app.sync.propagation;
        Prune { gvk: live.gvk.clone(), uid: live.uid.clone(), propagation }
    }
}

fn stamp(run: &Run, phase: Phase) -> String {
    format!("{}-{}-{phase}", run.target, run.number)
}
