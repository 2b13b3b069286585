//! `lockstep app wait`, and the waiting of other commands: a watch, no polling.

use std::fmt;
use std::time::Duration;

use api::{ConditionType, Status, SyncState};
use clap::ValueEnum;
use cluster::{ApiError, WatchEvent};
use lockstep_core::{HealthState, Value, from_json};

use super::qualified;
use crate::applications::{Applications, Place};
use crate::argument;
use crate::exit::Exit;
use crate::terminal::Terminal;

/// Arguments of `lockstep app wait`.
#[derive(Debug, clap::Args)]
pub(crate) struct Wait {
    #[command(flatten)]
    place: Place,
    /// The name of the Application.
    name: String,
    /// What to wait for.
    #[arg(long = "for", value_enum, default_value_t = Goal::Ready, value_name = "STATE")]
    goal: Goal,
    /// How long at most, for example 90s or 5m.
    #[arg(long, default_value = "5m", value_parser = argument::duration)]
    timeout: Duration,
}

/// What to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Goal {
    /// Synced and healthy, with the source reachable.
    Ready,
    /// Live is what Git wants, whatever the health.
    Synced,
    /// Its objects work.
    Healthy,
    /// It is gone.
    Deleted,
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ready => "ready",
            Self::Synced => "synced",
            Self::Healthy => "healthy",
            Self::Deleted => "deleted",
        })
    }
}

impl Wait {
    pub(crate) async fn run(self, terminal: &mut Terminal) -> anyhow::Result<Exit> {
        let here = self.place.open().await?;
        if self.goal != Goal::Deleted {
            // A name with a slip in it would be waited for in vain.
            here.get(&self.name).await?;
        }
        let judge = |application: Option<&Value>| self.goal.judge(application);
        match until(&here, &self.name, self.timeout, judge).await? {
            End::Done(_) => {
                writeln!(terminal.out, "{} {}", qualified(&self.name), self.goal)?;
                Ok(Exit::Success)
            }
            End::TimedOut(seen) => {
                let after = self.timeout.as_secs();
                writeln!(terminal.err, "{} is not {} after {after}s: {seen}", self.name, self.goal)?;
                Ok(Exit::No)
            }
        }
    }
}

/// What one state of an Application means to somebody who waits.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Judgement<T> {
    /// The waiting is over.
    Done(T),
    /// Not yet; in words what is seen.
    Not(String),
}

/// How waiting ended.
pub(super) enum End<T> {
    /// As hoped.
    Done(T),
    /// In words what was seen last.
    TimedOut(String),
}

impl Goal {
    fn judge(self, application: Option<&Value>) -> Judgement<()> {
        let Some(application) = application else {
            return match self {
                Self::Deleted => Judgement::Done(()),
                _ => Judgement::Not("it does not exist".to_owned()),
            };
        };
        let status = Status::read(application);
        let current = application.int_at(&["metadata", "generation"]) == Some(status.observed_generation);
        let ready = status.condition(ConditionType::Ready);
        let reached = match self {
            Self::Ready => ready.is_some_and(|ready| ready.holds),
            Self::Synced => status.sync.state == SyncState::Synced,
            Self::Healthy => status.health.as_ref().is_some_and(|h| h.state == HealthState::Healthy),
            Self::Deleted => false,
        };
        match reached && current {
            true => Judgement::Done(()),
            false => Judgement::Not(seen(application, &status)),
        }
    }
}

/// What keeps an Application from being as it should be.
pub(super) fn seen(application: &Value, status: &Status) -> String {
    if application.at(&["metadata", "deletionTimestamp"]).is_some() {
        return "it is being deleted".to_owned();
    }
    if application.int_at(&["metadata", "generation"]) != Some(status.observed_generation) {
        return "the controller has not seen its spec yet; is it running?".to_owned();
    }
    match status.condition(ConditionType::Ready) {
        Some(ready) if !ready.holds => format!("{}: {}", ready.reason, ready.message),
        Some(_) => "it is ready".to_owned(),
        None => "the controller has not said anything of it yet; is it running?".to_owned(),
    }
}

/// Follows an Application until the judge is content, or time is up.
pub(super) async fn until<T>(
    here: &Applications,
    name: &str,
    timeout: Duration,
    mut judge: impl FnMut(Option<&Value>) -> Judgement<T>,
) -> anyhow::Result<End<T>> {
    let watch = here.watch(name);
    let deadline = tokio::time::Instant::now() + timeout;
    let mut last = "nothing was heard of it".to_owned();
    let mut exists = false;
    loop {
        let Ok(event) = tokio::time::timeout_at(deadline, watch.next()).await else {
            return Ok(End::TimedOut(last));
        };
        let application = match event {
            WatchEvent::Applied(raw) => Some(from_json(raw.bytes()).unwrap_or_default()),
            WatchEvent::Synced if exists => continue,
            WatchEvent::Deleted(_) | WatchEvent::Synced => None,
            WatchEvent::Failing(cluster::Failure::Request(
                error @ (ApiError::Forbidden { .. } | ApiError::Unauthorized),
            )) => return Err(anyhow::Error::new(error).context("cannot watch the Application")),
            WatchEvent::Failing(failure) => {
                last = failure.to_string();
                continue;
            }
        };
        exists = application.is_some();
        match judge(application.as_ref()) {
            Judgement::Done(result) => return Ok(End::Done(result)),
            Judgement::Not(words) => last = words,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn application(ready: bool, generation: i64) -> Value {
        let text = format!(
            r#"{{"metadata":{{"generation":{generation}}},"status":{{"observedGeneration":1,"sync":{{"state":"Synced"}},
            "health":{{"state":"Progressing","since":"2026-11-24T06:50:00Z"}},
            "conditions":[{{"type":"Ready","status":"{}","reason":"Progressing","message":"m","lastTransitionTime":"2026-11-24T06:50:00Z"}}]}}}}"#,
            if ready { "True" } else { "False" }
        );
        from_json(text.as_bytes()).unwrap()
    }

    #[test]
    fn goals_are_judged_by_the_current_generation() {
        let not = |text: &str| Judgement::Not(text.to_owned());
        let stale = "the controller has not seen its spec yet; is it running?";
        for (goal, ready, generation, expected) in [
            (Goal::Ready, true, 1, Judgement::Done(())),
            (Goal::Ready, true, 2, not(stale)),
            (Goal::Ready, false, 1, not("Progressing: m")),
            (Goal::Synced, false, 1, Judgement::Done(())),
            (Goal::Synced, false, 2, not(stale)),
            (Goal::Healthy, false, 1, not("Progressing: m")),
            (Goal::Deleted, true, 1, not("it is ready")),
        ] {
            let judged = goal.judge(Some(&application(ready, generation)));
            assert_eq!(judged, expected, "{goal} {ready} {generation}");
        }
        assert_eq!(Goal::Deleted.judge(None), Judgement::Done(()));
        assert_eq!(Goal::Ready.judge(None), not("it does not exist"));
    }
}
