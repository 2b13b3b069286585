//! The steps of a rollout.

use lockstep_core::Value;

use super::replicas::{available, wants};
use super::{Rollout, revision, status};
use crate::client::{Context, Refused};
use crate::controller::Due;
use crate::kind::Kind;
use crate::object::{is_deleting, number, uid};
use crate::pod::is_finished;

impl Rollout {
    /// One step of replacing pods little by little.
    pub(super) fn roll(&mut self, cx: &mut Context<'_>) -> Result<Due, Refused> {
        self.make_new(cx)?;
        let grown = self.grow_new(cx)?;
        if !grown && !self.shrink_old(cx)? && status::is_complete(&self.deployment, &self.deployment) {
            self.clean_up(cx)?;
        }
        self.progress(cx)
    }

    /// One step of replacing all pods at once.
    pub(super) fn recreate(&mut self, cx: &mut Context<'_>) -> Result<Due, Refused> {
        self.revise(cx)?;
        let mut shrunk = false;
        for index in 0..self.old.len() {
            shrunk |= self.resize_old(index, 0, cx)?;
        }
        if shrunk || self.old_pods_run(cx) {
            return self.progress(cx);
        }
        self.make_new(cx)?;
        self.resize_new(self.wanted(), cx)?;
        if status::is_complete(&self.deployment, &self.deployment) {
            self.clean_up(cx)?;
        }
        self.progress(cx)
    }

    fn old_pods_run(&self, cx: &Context<'_>) -> bool {
        let pods = self.old.iter().flat_map(|set| cx.view.controlled(Kind::PODS, uid(set)));
        pods.into_iter().any(|pod| !is_finished(pod))
    }

    fn resize_new(&mut self, size: i64, cx: &mut Context<'_>) -> Result<bool, Refused> {
        let Some(mut set) = self.new.take() else { return Ok(false) };
        let done = self.resize(&mut set, size, cx);
        self.new = Some(set);
        done
    }

    fn resize_old(&mut self, index: usize, size: i64, cx: &mut Context<'_>) -> Result<bool, Refused> {
        let mut set = self.old[index].clone();
        let done = self.resize(&mut set, size, cx)?;
        self.old[index] = set;
        Ok(done)
    }

    fn grow_new(&mut self, cx: &mut Context<'_>) -> Result<bool, Refused> {
        let Some(has) = self.new.as_ref().map(wants) else { return Ok(false) };
        let size = if has > self.wanted() { self.wanted() } else { self.new_size() };
        self.resize_new(size, cx)
    }

    /// Takes away old pods as far as enough are available without them.
    fn shrink_old(&mut self, cx: &mut Context<'_>) -> Result<bool, Refused> {
        if self.old.iter().map(wants).sum::<i64>() == 0 {
            return Ok(false);
        }
        let least = self.wanted() - self.max_unavailable();
        let unavailable = self.new.as_ref().map_or(0, |set| wants(set) - available(set));
        let spare = self.sets().map(wants).sum::<i64>() - least - unavailable;
        if spare <= 0 {
            return Ok(false);
        }
        // Those that do not work anyway go first.
        let mut gone = 0;
        for index in 0..self.old.len() {
            let (has, works) = (wants(&self.old[index]), available(&self.old[index]));
            let down = (spare - gone).min(has - works);
            if has > 0 && down > 0 {
                self.resize_old(index, has - down, cx)?;
                gone += down;
            }
        }
        let mut spare = self.sets().map(available).sum::<i64>() - least;
        let broken = gone > 0;
        let mut shrunk = false;
        for index in 0..self.old.len() {
            let has = wants(&self.old[index]);
            let down = has.min(spare);
            if down > 0 {
                shrunk |= self.resize_old(index, has - down, cx)?;
                spare -= down;
            }
        }
        Ok(broken || shrunk)
    }

    /// Deletes old ReplicaSets beyond the history that is kept.
    fn clean_up(&mut self, cx: &mut Context<'_>) -> Result<(), Refused> {
        let Some(limit) = self.deployment.int_at(&["spec", "revisionHistoryLimit"]) else { return Ok(()) };
        let mut sets: Vec<&Value> = self.old.iter().filter(|set| !is_deleting(set)).collect();
        sets.sort_by_key(|set| revision::of(set));
        let surplus = sets.len().saturating_sub(crate::object::size(limit));
        for set in sets.into_iter().take(surplus) {
            let told =
                number(set, &["metadata", "generation"]) <= number(set, &["status", "observedGeneration"]);
            if number(set, &["status", "replicas"]) == 0 && wants(set) == 0 && told {
                cx.delete_in_background(Kind::REPLICA_SETS, set)?;
            }
        }
        Ok(())
    }
}
