//! CronJobs: Jobs by the clock. Time zones other than UTC are taken for UTC.

use std::time::Duration;

use kinds::Schedule;
use lockstep_core::{Timestamp, Value};

use crate::client::{Actor, Context, Refused};
use crate::condition;
use crate::controller::{Controller, Due};
use crate::kind::Kind;
use crate::object::{
    controlled_by, controller, flag, is_deleting, items, name, namespace, object, put, size, text, time, uid,
};
use crate::view::{Change, Id, View};

/// Makes the Jobs of CronJobs, and deletes old ones.
#[derive(Clone, Debug)]
pub(crate) struct CronJobs;

impl Controller for CronJobs {
    fn actor(&self) -> Actor<'static> {
        Actor::Controller("cronjob-controller")
    }

    fn touched(&mut self, change: &Change, _view: &View) -> Vec<Id> {
        match change.id.kind {
            Kind::CRON_JOBS => vec![change.id.clone()],
            Kind::JOBS => {
                let owners =
                    change.both().filter_map(controller).filter(|owner| text(owner, &["kind"]) == "CronJob");
                owners
                    .map(|owner| Id::new(Kind::CRON_JOBS, &change.id.key.namespace, text(owner, &["name"])))
                    .collect()
            }
            _ => Vec::new(),
        }
    }

    fn reconcile(&mut self, id: &Id, cx: &mut Context<'_>) -> Result<Due, Refused> {
        let Some(cron) = cx.view.get(Kind::CRON_JOBS, &id.key) else { return Ok(None) };
        let view = cx.view;
        let mut jobs = view.controlled(Kind::JOBS, uid(cron));
        jobs.sort_by_key(|job| {
            (text(job, &["metadata", "creationTimestamp"]).to_owned(), name(job).to_owned())
        });
        clean_up(cron, &jobs, cx)?;
        let mut after = cron.clone();
        note(&mut after, &jobs, cx);
        let due = match Schedule::parse(text(cron, &["spec", "schedule"])) {
            Ok(schedule) if !is_deleting(cron) && !flag(cron, &["spec", "suspend"]) => {
                begin(&mut after, &schedule, &jobs, cx)?
            }
            _ => None,
        };
        if after.get("status") != cron.get("status") {
            cx.update_status(Kind::CRON_JOBS, &after)?;
        }
        Ok(due)
    }
}

fn is_over(job: &Value) -> bool {
    ["Complete", "Failed"].iter().any(|kind| condition::is_true(job, kind))
}

fn reference(job: &Value) -> Value {
    object! {
        "apiVersion": "batch/v1", "kind": "Job", "name": name(job), "namespace": namespace(job), "uid": uid(job),
        "resourceVersion": text(job, &["metadata", "resourceVersion"]),
    }
}

/// Which of its Jobs run, and when the last succeeded.
fn note(cron: &mut Value, jobs: &[&Value], cx: &mut Context<'_>) {
    let known = items(cron, &["status", "active"]).to_vec();
    let running = |entry: &&Value| jobs.iter().any(|job| uid(job) == text(entry, &["uid"]) && !is_over(job));
    let active: Vec<Value> = known.iter().filter(running).cloned().collect();
    for ended in known.iter().filter(|entry| !running(entry)) {
        let job = jobs.iter().find(|job| uid(job) == text(ended, &["uid"]));
        match job {
            Some(job) => {
                let status = if condition::is_true(job, "Complete") { "Complete" } else { "Failed" };
                cx.normal(
                    cron,
                    "SawCompletedJob",
                    &format!("Saw completed job: {}, condition: {status}", name(job)),
                );
            }
            None => {
                cx.normal(cron, "MissingJob", &format!("Active job went missing: {}", text(ended, &["name"])))
            }
        }
    }
    put(cron, &["status", "active"], (!active.is_empty()).then(|| Value::list(active)));
    let ends = jobs.iter().filter(|job| condition::is_true(job, "Complete"));
    let last = ends.map(|job| text(job, &["status", "completionTime"])).max().unwrap_or_default();
    if last > text(cron, &["status", "lastSuccessfulTime"]) {
        cron.set(&["status", "lastSuccessfulTime"], last.into());
    }
}

fn clean_up(cron: &Value, jobs: &[&Value], cx: &mut Context<'_>) -> Result<(), Refused> {
    for (kind, limit) in [("Complete", "successfulJobsHistoryLimit"), ("Failed", "failedJobsHistoryLimit")] {
        let Some(limit) = cron.int_at(&["spec", limit]) else { continue };
        let ended: Vec<&&Value> =
            jobs.iter().filter(|job| condition::is_true(job, kind) && !is_deleting(job)).collect();
        for job in ended.iter().take(ended.len().saturating_sub(size(limit))) {
            cx.delete_in_background(Kind::JOBS, job)?;
            cx.normal(cron, "SuccessfulDelete", &format!("Deleted job {}", name(job)));
        }
    }
    Ok(())
}

/// Begins the Job whose time has come. Returns the next time.
fn begin(
    cron: &mut Value,
    schedule: &Schedule,
    jobs: &[&Value],
    cx: &mut Context<'_>,
) -> Result<Due, Refused> {
    let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    let now = seconds(cx.now);
    let last = time(cron, &["status", "lastScheduleTime"])
        .or_else(|| time(cron, &["metadata", "creationTimestamp"]));
    let mut from = last.map_or(now, seconds);
    let deadline = cron.int_at(&["spec", "startingDeadlineSeconds"]);
    if let Some(deadline) = deadline {
        from = from.max(now.saturating_sub(deadline));
    }
    // Of those that were missed only the last is begun.
    let due = schedule.last(from, now);
    let next = schedule.next(due.unwrap_or(from));
    if let Some(at) = due {
        start(cron, at, jobs, cx)?;
    }
    Ok(next.and_then(|time| u64::try_from(time).ok()).map(Duration::from_secs))
}

fn start(cron: &mut Value, at: i64, jobs: &[&Value], cx: &mut Context<'_>) -> Result<(), Refused> {
    let mut active = items(cron, &["status", "active"]).to_vec();
    if !active.is_empty() {
        match text(cron, &["spec", "concurrencyPolicy"]) {
            "Forbid" => {
                cx.normal(
                    cron,
                    "JobAlreadyActive",
                    "Not starting job because prior execution is running and concurrency policy is Forbid",
                );
                return Ok(());
            }
            "Replace" => {
                for job in jobs.iter().filter(|job| !is_over(job)) {
                    cx.delete_in_background(Kind::JOBS, job)?;
                    cx.normal(cron, "SuccessfulDelete", &format!("Deleted job {}", name(job)));
                }
                active.clear();
            }
            _ => {}
        }
    }
    let job = job(cron, at);
    let made = match cx.create(Kind::JOBS, &job) {
        Ok(made) => {
            cx.normal(cron, "SuccessfulCreate", &format!("Created job {}", name(&made)));
            made
        }
        // It was begun, and then this process ended.
        Err(Refused::Exists) => {
            let known = cx.view.find(Kind::JOBS, namespace(&job), name(&job)).cloned();
            known.ok_or(Refused::Exists)?
        }
        Err(refused) => return Err(refused),
    };
    if !is_over(&made) {
        active.push(reference(&made));
    }
    put(cron, &["status", "active"], (!active.is_empty()).then(|| Value::list(active)));
    cron.set(&["status", "lastScheduleTime"], Timestamp(at).to_string().into());
    Ok(())
}

fn job(cron: &Value, at: i64) -> Value {
    let template = cron.at(&["spec", "jobTemplate"]).cloned().unwrap_or_default();
    let mut job = object! {"spec": template.get("spec").cloned().unwrap_or_default()};
    job.set(&["metadata", "name"], format!("{}-{}", name(cron), at / 60).into());
    job.set(&["metadata", "namespace"], namespace(cron).into());
    for key in ["labels", "annotations"] {
        if let Some(value) = template.at(&["metadata", key]) {
            job.set(&["metadata", key], value.clone());
        }
    }
    let scheduled = "batch.kubernetes.io/cronjob-scheduled-timestamp";
    job.set(&["metadata", "annotations", scheduled], Timestamp(at).to_string().into());
    job.set(&["metadata", "ownerReferences"], Value::list(vec![controlled_by(cron)]));
    job
}
