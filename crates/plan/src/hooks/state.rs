//! How one hook is: from the object that is there, or is not, for a run.

use std::sync::Arc;

use lockstep_core::{
    DesiredObject, Health, HealthState, HookDelete, HookEnd, LiveObject, ObjectKey, Run, Timestamp,
};

use super::case::{Case, RUN_ANNOTATION};
use super::{Director, seconds};
use crate::compare;
use crate::input::Millis;
use crate::live::{Glance, Live, NamespaceState};
use crate::report::Because;
use crate::step::Prune;

/// How a hook is.
pub(super) enum State {
    /// That is in the status.
    Told(HookEnd),
    /// That has to be told first.
    Ended(HookEnd),
    /// How it fares, and until when it may take.
    Running(String, Option<Millis>),
    /// It has to wait, or cannot be made.
    Waits(Because),
    Unknown(Arc<str>),
    /// An object of an earlier run has to go first.
    Replace(ObjectKey, Prune),
    Make(Arc<DesiredObject>),
}

impl<'a> Director<'_, '_, 'a> {
    pub(super) fn state(&mut self, run: &Run, case: &Case<'a>) -> State {
        if let Some(end) = run.hooks.get(&case.name()) {
            // What ended in this very look has to be told first.
            let told = self.told().and_then(|told| told.hooks.get(&case.name()));
            match end {
                end if told != Some(end) => return State::Ended(end.clone()),
                HookEnd::Again { .. } => {}
                end => return State::Told(end.clone()),
            }
        }
        let (key, gvk) = (case.key(run), &case.hook.object.gvk);
        match self.scene.input.live.glance(&key, gvk) {
            Glance::Unknown(reason) => State::Unknown(reason),
            Glance::Absent => self.absent(run, case),
            Glance::Present { deleting: true, .. } => State::Waits(Because::Terminating),
            Glance::Present { .. } => match self.scene.input.live.get(&key, gvk) {
                Live::Unknown(reason) => State::Unknown(reason),
                Live::Absent => self.absent(run, case),
                Live::Present(live) => self.present(run, case, &live),
            },
        }
    }

    /// It failed: for good, or to be made again.
    fn failed(&self, run: &Run, case: &Case<'a>, why: String) -> State {
        let failures = case.failures(run);
        State::Ended(match failures < case.hook.hook.retries {
            true => HookEnd::Again { failures: failures + 1, why },
            false => HookEnd::failed(why),
        })
    }

    fn absent(&self, run: &Run, case: &Case<'a>) -> State {
        let stamped = self.made(run, case);
        let recorded = self.scene.input.record.objects.get(&stamped.key);
        if recorded.is_some_and(|record| record.rendered == stamped.digest) {
            return self.failed(run, case, "it was gone before its end was seen".to_owned());
        }
        if case.phase.is_of_deletion() && self.is_namespace_going(&stamped.key) {
            return State::Ended(HookEnd::Skipped);
        }
        match self.predecessor(run, case) {
            Some((key, prune)) => State::Replace(key, prune),
            None => self.make(stamped),
        }
    }

    /// Nothing can be made in it any more, and it must not wait for what cannot be.
    fn is_namespace_going(&self, key: &ObjectKey) -> bool {
        let state = || self.scene.input.live.namespace(&key.namespace);
        !key.namespace.is_empty() && matches!(state(), NamespaceState::Terminating | NamespaceState::Missing)
    }

    /// Makes it, unless that failed before.
    fn make(&self, stamped: Arc<DesiredObject>) -> State {
        let failure = self.scene.failure(&stamped.key, Some(stamped.digest));
        match failure {
            Some(failure) if failure.exhausted => State::Ended(HookEnd::failed(failure.message.clone())),
            failure => match self.scene.back_off(&stamped.key, failure) {
                Some(because) => State::Waits(because),
                None => State::Make(stamped),
            },
        }
    }

    fn present(&mut self, run: &Run, case: &Case<'a>, live: &LiveObject) -> State {
        if live.annotation(RUN_ANNOTATION) == Some(&*case.stamp(run)) {
            return self.running(run, case, live);
        }
        if !self.is_ours(live) {
            let why = "an object of its name is there that is not this application's";
            return State::Ended(HookEnd::failed(why));
        }
        if case.hook.hook.delete.contains(&HookDelete::Never) {
            return self.make(self.made(run, case));
        }
        match self.is_known(&live.key) {
            true => State::Replace(live.key.clone(), self.prune(live)),
            false => State::Waits(Because::Terminating),
        }
    }

    /// Whether an object is recorded or owned. One that is neither was deleted a moment ago, and the watch has yet to show it.
    pub(super) fn is_known(&self, key: &ObjectKey) -> bool {
        let input = self.scene.input;
        input.record.objects.contains_key(key) || input.owned.iter().any(|(owned, _)| owned == key)
    }

    pub(super) fn is_ours(&self, live: &LiveObject) -> bool {
        let record = self.scene.input.record.objects.get(&live.key);
        match compare::owner(live) {
            Some(owner) => self.scene.is_us(&owner),
            None => record.is_some_and(|record| record.uid == live.uid),
        }
    }

    fn running(&mut self, run: &Run, case: &Case<'a>, live: &LiveObject) -> State {
        let Health { state, reason } = self.scene.input.live.health(&live.key, &live.gvk);
        let words = if reason.is_empty() { state.to_string() } else { reason };
        match state {
            HealthState::Healthy => return State::Ended(HookEnd::Succeeded),
            HealthState::Degraded => return self.failed(run, case, words),
            _ => {}
        }
        let timeout = case.hook.hook.timeout;
        match time_left(live, seconds(timeout), self.scene.input.today) {
            Some(left) if left <= 0 => {
                self.failed(run, case, format!("it took longer than {} s ({words})", timeout.as_secs()))
            }
            left => State::Running(words, Some(self.in_seconds(left.unwrap_or(1)))),
        }
    }

    pub(super) fn prune(&self, live: &LiveObject) -> Prune {
        let propagation = self.scene.input.app.sync.propagation;
        Prune { gvk: live.gvk.clone(), uid: live.uid.clone(), propagation }
    }
}

/// How many seconds an object may still take that may take so many in all.
pub(super) fn time_left(live: &LiveObject, limit: i64, today: Timestamp) -> Option<i64> {
    let made = live.value.str_at(&["metadata", "creationTimestamp"]).and_then(Timestamp::parse)?;
    Some(made.0.saturating_add(limit) - today.0)
}
