//! Jobs: pods that are to end, so and so often.

mod indexes;
mod verdict;

use std::time::Duration;

use lockstep_core::Value;

use crate::client::{Actor, Context, Refused};
use crate::condition;
use crate::controller::{Controller, Due};
use crate::kind::Kind;
use crate::object::{
    annotation, controller, count, flag, is_deleting, items, name, number, object, put, remove_finalizer,
    seconds, size, text, time, uid,
};
use crate::pod::{from_template, is_active, is_finished, is_ready};
use crate::replica_set::create_pod;
use crate::view::{Change, Id, View};
use indexes::Indexes;
use verdict::{Verdict, is_over};

/// Runs the pods of Jobs to their end, and deletes Jobs whose time after it is over.
#[derive(Clone, Debug)]
pub(crate) struct Jobs;

const TRACKING: &str = "batch.kubernetes.io/job-tracking";
const INDEX: &str = "batch.kubernetes.io/job-completion-index";
/// The pause after a failed pod; it doubles up to the longest.
const PAUSE: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_secs(600);

/// A Job while it is looked at.
pub(super) struct Run<'a> {
    job: Value,
    pods: Vec<&'a Value>,
    succeeded: Vec<&'a Value>,
    failed: Vec<&'a Value>,
    active: Vec<&'a Value>,
}

impl Controller for Jobs {
    fn actor(&self) -> Actor<'static> {
        Actor::Controller("job-controller")
    }

    fn touched(&mut self, change: &Change, _view: &View) -> Vec<Id> {
        match change.id.kind {
            Kind::JOBS => vec![change.id.clone()],
            Kind::PODS => {
                let owners =
                    change.both().filter_map(controller).filter(|owner| text(owner, &["kind"]) == "Job");
                owners
                    .map(|owner| Id::new(Kind::JOBS, &change.id.key.namespace, text(owner, &["name"])))
                    .collect()
            }
            _ => Vec::new(),
        }
    }

    fn reconcile(&mut self, id: &Id, cx: &mut Context<'_>) -> Result<Due, Refused> {
        let Some(job) = cx.view.get(Kind::JOBS, &id.key) else {
            return Ok(None);
        };
        let view = cx.view;
        let pods = view.controlled(Kind::PODS, uid(job));
        if is_over(job) || is_deleting(job) {
            for pod in &pods {
                release(pod, cx)?;
            }
            return if is_deleting(job) { Ok(None) } else { retire(job, cx) };
        }
        let mut run = Run::new(job.clone(), pods);
        run.begin(cx);
        let due = run.go_on(cx)?;
        Ok(due)
    }
}

/// A Job that is over is deleted when it says so.
fn retire(job: &Value, cx: &mut Context<'_>) -> Result<Due, Refused> {
    let Some(lasts) = seconds(job, &["spec", "ttlSecondsAfterFinished"]) else { return Ok(None) };
    let over = ["Complete", "Failed"].iter().filter_map(|kind| condition::find(job, kind));
    let Some(since) = over.filter_map(|condition| time(condition, &["lastTransitionTime"])).next() else {
        return Ok(None);
    };
    if since + lasts > cx.now {
        return Ok(Some(since + lasts));
    }
    let mut cx = cx.acting_as(Actor::Controller("ttl-after-finished-controller"));
    cx.delete(Kind::JOBS, job, &[("propagationPolicy", "Foreground".into())]).map(|()| None)
}

/// Lets a pod go that was counted.
fn release(pod: &Value, cx: &mut Context<'_>) -> Result<(), Refused> {
    let mut after = pod.clone();
    if !remove_finalizer(&mut after, TRACKING) {
        return Ok(());
    }
    let kept = after.at(&["metadata", "finalizers"]).cloned().unwrap_or_default();
    let patch = object! {"metadata": object! {"uid": uid(pod), "finalizers": kept}};
    match cx.merge(Kind::PODS, pod, &patch) {
        Err(Refused::NotFound) => Ok(()),
        other => other.map(drop),
    }
}

fn is_tracked(pod: &Value) -> bool {
    crate::object::finalizers(pod).contains(&TRACKING)
}

impl<'a> Run<'a> {
    fn new(job: Value, pods: Vec<&'a Value>) -> Self {
        let tracked = |phase: &str| {
            let of_phase =
                pods.iter().filter(|pod| is_tracked(pod) && text(pod, &["status", "phase"]) == phase);
            of_phase.copied().collect::<Vec<_>>()
        };
        let (succeeded, failed) = (tracked("Succeeded"), tracked("Failed"));
        let active = pods.iter().filter(|pod| is_active(pod)).copied().collect();
        Self { job, succeeded, failed, active, pods }
    }

    fn is_suspended(&self) -> bool {
        flag(&self.job, &["spec", "suspend"])
    }

    fn is_indexed(&self) -> bool {
        text(&self.job, &["spec", "completionMode"]) == "Indexed"
    }

    /// How many have ended so, with those that are not counted in the status yet.
    fn succeeded(&self) -> i64 {
        match self.is_indexed() {
            true => self.completed().len(),
            false => number(&self.job, &["status", "succeeded"]) + count(self.succeeded.len()),
        }
    }

    fn failed(&self) -> i64 {
        number(&self.job, &["status", "failed"]) + count(self.failed.len())
    }

    fn completed(&self) -> Indexes {
        let mut indexes = Indexes::parse(text(&self.job, &["status", "completedIndexes"]));
        let completions = number(&self.job, &["spec", "completions"]);
        let new = self.succeeded.iter().filter_map(|pod| index(pod)).filter(|index| *index < completions);
        new.for_each(|index| indexes.insert(index));
        indexes
    }

    /// The times and the conditions of a start, a pause and its end.
    fn begin(&mut self, cx: &mut Context<'_>) {
        let now = cx.stamp();
        let suspended = condition::is_true(&self.job, "Suspended");
        match (self.is_suspended(), suspended) {
            (true, false) => {
                set_condition(&mut self.job, ("Suspended", "True"), ("JobSuspended", "Job suspended"), &now);
                self.job.remove(&["status", "startTime"]);
                cx.normal(&self.job, "Suspended", "Job suspended");
            }
            (false, true) => {
                set_condition(&mut self.job, ("Suspended", "False"), ("JobResumed", "Job resumed"), &now);
                self.job.set(&["status", "startTime"], now.into());
                cx.normal(&self.job, "Resumed", "Job resumed");
            }
            (false, false) if self.job.at(&["status", "startTime"]).is_none() => {
                self.job.set(&["status", "startTime"], now.into());
            }
            _ => {}
        }
    }

    fn go_on(&mut self, cx: &mut Context<'_>) -> Result<Due, Refused> {
        let before = cx.view.find(Kind::JOBS, crate::object::namespace(&self.job), name(&self.job)).cloned();
        let verdict = self.verdict(cx.now);
        let mut due = self.deadline();
        let result = match verdict {
            Verdict::Runs if !self.is_suspended() => self.manage(cx),
            _ => self.stop(cx).map(|()| None),
        };
        due = [due, *result.as_ref().unwrap_or(&None)].into_iter().flatten().min();
        let pods: Vec<&Value> = self.succeeded.iter().chain(&self.failed).copied().collect();
        self.count();
        self.tell(verdict, cx);
        let before = before.unwrap_or_default();
        if self.job.get("status") != before.get("status") {
            // The pods are let go between the two, so that none is counted twice or not at all.
            let mut counted = self.job.clone();
            if !pods.is_empty() {
                counted = cx.update_status(Kind::JOBS, &self.noted(&before))?;
                pods.iter().try_for_each(|pod| release(pod, cx))?;
                let version = counted.at(&["metadata", "resourceVersion"]).cloned().unwrap_or_default();
                counted = self.job.clone();
                counted.set(&["metadata", "resourceVersion"], version);
            }
            cx.update_status(Kind::JOBS, &counted)?;
        }
        result?;
        Ok(due.filter(|at| *at > cx.now))
    }

    /// The status in which pods are noted that are not counted yet.
    fn noted(&self, before: &Value) -> Value {
        let uids = |pods: &[&Value]| Value::list(pods.iter().map(|pod| uid(pod).into()).collect());
        let mut noted = before.clone();
        put(&mut noted, &["status", "startTime"], self.job.at(&["status", "startTime"]).cloned());
        let mut uncounted = Value::map(lockstep_core::Map::new());
        for (key, pods) in [("succeeded", &self.succeeded), ("failed", &self.failed)] {
            if !pods.is_empty() {
                uncounted.set(&[key], uids(pods));
            }
        }
        noted.set(&["status", "uncountedTerminatedPods"], uncounted);
        noted
    }

    fn count(&mut self) {
        let (succeeded, failed) = (self.succeeded(), self.failed());
        let completed = self.is_indexed().then(|| self.completed());
        let gone = |pod: &&&Value| is_deleting(pod) && !is_finished(pod);
        let terminating = count(self.pods.iter().filter(gone).count());
        let active = count(self.active.len());
        let ready = count(self.active.iter().filter(|pod| is_ready(pod)).count());
        let some = |number: i64| (number > 0).then(|| number.into());
        put(&mut self.job, &["status", "succeeded"], some(succeeded));
        put(&mut self.job, &["status", "failed"], some(failed));
        put(&mut self.job, &["status", "active"], some(active));
        self.job.set(&["status", "ready"], ready.into());
        self.job.set(&["status", "terminating"], terminating.into());
        self.job.set(&["status", "uncountedTerminatedPods"], Value::map(lockstep_core::Map::new()));
        if let Some(completed) = completed {
            put(
                &mut self.job,
                &["status", "completedIndexes"],
                (completed.len() > 0).then(|| completed.to_string().into()),
            );
        }
    }

    /// Deletes what still runs.
    fn stop(&mut self, cx: &mut Context<'_>) -> Result<(), Refused> {
        for pod in std::mem::take(&mut self.active) {
            cx.delete(Kind::PODS, pod, &[])?;
            cx.normal(&self.job, "SuccessfulDelete", &format!("Deleted pod: {}", name(pod)));
        }
        Ok(())
    }

    /// Makes the pods that are missing. Returns when more may be made.
    fn manage(&mut self, cx: &mut Context<'_>) -> Result<Due, Refused> {
        let parallelism = number(&self.job, &["spec", "parallelism"]);
        let completions = self.job.int_at(&["spec", "completions"]);
        let wanted = match completions {
            Some(completions) => parallelism.min(completions - self.succeeded()),
            // Once one has succeeded, no more are begun.
            None if self.succeeded() > 0 => count(self.active.len()),
            None => parallelism,
        };
        let leaving = self.pods.iter().filter(|pod| is_deleting(pod) && !is_finished(pod)).count();
        let replaces = text(&self.job, &["spec", "podReplacementPolicy"]) != "Failed";
        let there = self.active.len() + if replaces { 0 } else { leaving };
        if self.active.len() > size(wanted) {
            for pod in self.active.split_off(size(wanted)) {
                cx.delete(Kind::PODS, pod, &[])?;
            }
            return Ok(None);
        }
        let missing = size(wanted).saturating_sub(there);
        if let Some(at) = self.pause().filter(|at| missing > 0 && *at > cx.now) {
            return Ok(Some(at));
        }
        let indexes = self.free_indexes(missing);
        for place in 0..missing {
            let index = indexes.get(place).copied().filter(|_| self.is_indexed());
            if self.is_indexed() && index.is_none() {
                break;
            }
            create_pod(&self.job, &self.pod(index), cx)?;
        }
        Ok(None)
    }

    fn free_indexes(&self, most: usize) -> Vec<i64> {
        let completed = self.completed();
        let running: Vec<i64> = self.active.iter().filter_map(|pod| index(pod)).collect();
        let all = 0..number(&self.job, &["spec", "completions"]);
        all.filter(|index| !completed.contains(*index) && !running.contains(index)).take(most).collect()
    }

    /// Until when no pod is made after failures.
    fn pause(&self) -> Due {
        let ends = self
            .pods
            .iter()
            .filter(|pod| text(pod, &["status", "phase"]) == "Failed")
            .filter_map(|pod| ended(pod));
        let last = ends.max()?;
        let times = u32::try_from(self.failed()).unwrap_or(u32::MAX).saturating_sub(1).min(10);
        Some(last + (PAUSE * (1 << times)).min(LONGEST))
    }

    fn pod(&self, index: Option<i64>) -> Value {
        let template = self.job.at(&["spec", "template"]).cloned().unwrap_or_default();
        let mut pod = from_template(&self.job, &template);
        let mut held = items(&pod, &["metadata", "finalizers"]).to_vec();
        held.push(TRACKING.into());
        pod.set(&["metadata", "finalizers"], Value::list(held));
        let Some(index) = index else { return pod };
        let base = format!("{}-{index}", name(&self.job));
        pod.set(&["metadata", "generateName"], format!("{base}-").into());
        for kind in ["annotations", "labels"] {
            pod.set(&["metadata", kind, INDEX], index.to_string().into());
        }
        if pod.at(&["spec", "hostname"]).is_none() {
            pod.set(&["spec", "hostname"], base.into());
        }
        let variable = object! {
            "name": "JOB_COMPLETION_INDEX",
            "valueFrom": object! {"fieldRef": object! {"apiVersion": "v1", "fieldPath": format!("metadata.labels['{INDEX}']")}},
        };
        for list in ["containers", "initContainers"] {
            let mut containers = items(&pod, &["spec", list]).to_vec();
            for container in &mut containers {
                let mut env = items(container, &["env"]).to_vec();
                env.push(variable.clone());
                container.set(&["env"], Value::list(env));
            }
            if !containers.is_empty() {
                pod.set(&["spec", list], Value::list(containers));
            }
        }
        pod
    }
}

fn index(pod: &Value) -> Option<i64> {
    annotation(pod, INDEX)?.parse().ok()
}

/// When the last container of a pod ended.
fn ended(pod: &Value) -> Option<Duration> {
    let statuses = items(pod, &["status", "containerStatuses"]).iter();
    statuses.filter_map(|status| time(status, &["state", "terminated", "finishedAt"])).max()
}

/// A condition with the times that those of Jobs have.
pub(super) fn set_condition(
    job: &mut Value,
    (kind, status): (&str, &str),
    (reason, message): (&str, &str),
    now: &str,
) {
    let known = condition::find(job, kind).is_some_and(|known| text(known, &["status"]) == status);
    if known {
        return;
    }
    let mut condition = condition::condition(kind, status, reason, message);
    condition.set(&["lastProbeTime"], now.into());
    condition::set(job, condition, now);
}
