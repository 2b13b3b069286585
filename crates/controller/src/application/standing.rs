//! From the final report and the health of objects to what the Application says of itself. Pure.

use std::collections::BTreeSet;
use std::sync::Arc;

use ::plan::{Because, Entry, Gate, Reason, Report, SyncState, Verdict};
use api::{Counts, Obstacle, Standing};
use lockstep_core::{
    CommitId, Finding, Health, HealthState, HookEnd, ObjectKey, Run, RunStage, Timestamp, elide,
};

use super::render::Outcome;
use super::state::{RenderFailure, Rendering};
use crate::clock::Clock;

/// Images and addresses that a status names at most.
const NAMED: usize = 20;

/// The report as lists of lines.
#[derive(Debug, Default)]
pub(super) struct Lines {
    conflicts: Vec<String>,
    failures: Vec<String>,
    pending: Vec<String>,
    fights: Vec<String>,
    exhausted: bool,
    /// When the first of the failed steps is tried again.
    retry_at: Option<Timestamp>,
    /// What later waves wait for, and how many of their objects do.
    gate: Option<(Arc<Gate>, usize)>,
}

impl Lines {
    pub(super) fn of(report: &Report, clock: &Clock) -> Self {
        let mut lines = Self { fights: report.fights.clone(), ..Self::default() };
        report.entries.iter().for_each(|entry| lines.add(entry, clock));
        if report.run.as_ref().is_some_and(|run| run.stage == RunStage::Failed) {
            // Of a whole sync that failed.
            lines.retry_at = lines.retry_at.or(report.wake.map(|at| clock.date(at)));
        }
        lines.tell_gate();
        lines
    }

    /// Everything that is not as it should be, the failures first.
    pub(super) fn outstanding(self) -> Vec<String> {
        [self.failures, self.conflicts, self.pending].concat()
    }

    /// One line for all that wait, before everything else of its kind.
    fn tell_gate(&mut self) {
        let Some((gate, waiting)) = self.gate.take() else { return };
        let objects = if waiting == 1 { "object" } else { "objects" };
        let line = format!("{waiting} {objects}: {gate}");
        let lines = if gate.is_failed() { &mut self.failures } else { &mut self.pending };
        lines.insert(0, line);
    }

    fn add(&mut self, entry: &Entry, clock: &Clock) {
        let key = &entry.key;
        if let Some(other) = &entry.contested {
            self.conflicts.push(format!("{key} is also wanted by {other}"));
        }
        match &entry.verdict {
            Verdict::InSync | Verdict::Kept(_) => {}
            Verdict::Conflict(owner) => self.conflicts.push(format!("{key} belongs to {}", owner.app)),
            Verdict::Unknown(reason) => self.pending.push(format!("{key}: {reason}")),
            Verdict::Withheld(_, Because::Failed(failure, hint)) => {
                self.exhausted |= failure.exhausted;
                let at = clock.date(failure.not_before);
                self.retry_at = Some(self.retry_at.map_or(at, |first| first.min(at)));
                let hint = hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
                self.failures.push(format!("{key}: {}{hint}", elide(&failure.message)));
            }
            Verdict::Withheld(_, Because::Refused(message)) => {
                self.failures.push(format!("{key}: {}", elide(message)))
            }
            Verdict::Withheld(_, because @ Because::Fighting { until, .. }) => {
                self.pending.push(format!("{key} {because}, the next time at {}", clock.date(*until)));
            }
            Verdict::Withheld(_, Because::Wave(gate)) => {
                self.gate.get_or_insert_with(|| (gate.clone(), 0)).1 += 1;
            }
            Verdict::Withheld(_, because) if is_failure(because) => {
                self.failures.push(format!("{key} {because}"))
            }
            Verdict::Withheld(_, because) => self.pending.push(format!("{key} {because}")),
            Verdict::Act(_) => self.pending.push(key.to_string()),
        }
    }
}

/// Whether a difference stays because the step cannot be taken, not because something else comes first or is wished.
pub(super) fn is_failure(because: &Because) -> bool {
    match because {
        Because::Wave(gate) => gate.is_failed(),
        Because::HookFailed(_)
        | Because::Failed(..)
        | Because::Refused(_)
        | Because::KindMissing
        | Because::OtherVersion(_)
        | Because::NamespaceMissing => true,
        _ => false,
    }
}

/// How many objects are wanted, differ, and are degraded.
pub(super) fn counts(report: &Report, healths: &[(ObjectKey, Health)]) -> Counts {
    let differs = |entry: &&Entry| !matches!(entry.verdict, Verdict::InSync | Verdict::Kept(_));
    Counts {
        total: report.entries.iter().filter(|entry| entry.origin.is_some()).count(),
        out_of_sync: report.entries.iter().filter(differs).count(),
        degraded: healths.iter().filter(|(_, health)| health.state == HealthState::Degraded).count(),
    }
}

/// Everything that conditions are made of.
pub(super) struct Grounds<'a> {
    pub(super) generation: i64,
    pub(super) outcome: &'a Outcome,
    pub(super) unreachable: Option<&'a str>,
    pub(super) report: &'a Report,
    pub(super) recorded: usize,
    pub(super) health: &'a Health,
    pub(super) clock: &'a Clock,
}

/// Puts the standing together and hands it to `tell`, which may borrow it.
pub(super) fn with_standing<T>(grounds: &Grounds<'_>, tell: impl FnOnce(&Standing<'_>) -> T) -> T {
    let lines = Lines::of(grounds.report, grounds.clock);
    let findings: Vec<Finding> = match grounds.outcome {
        Outcome::Refused(refused, _) => match &refused.failure {
            RenderFailure::Findings(findings) => {
                findings.iter().filter(|finding| finding.is_error()).cloned().collect()
            }
            RenderFailure::VanishedPath(path) => vec![vanished(path)],
        },
        Outcome::Ready(_) | Outcome::Unavailable(..) => Vec::new(),
    };
    let obstacle = match grounds.outcome {
        Outcome::Refused(..) => Some(Obstacle::RenderFailed(&findings)),
        _ if grounds.report.reason == Reason::EmptyRender => Some(Obstacle::EmptyRender(grounds.recorded)),
        _ => None,
    };
    let logs = logs(grounds.report.run.as_ref());
    let revision = revision(grounds.outcome.rendering().map(|rendering| &**rendering));
    tell(&Standing {
        generation: grounds.generation,
        suspended: false,
        obstacle,
        source_error: grounds.unreachable,
        sync: sync_state(grounds.report.state),
        revision,
        objects: grounds.report.entries.iter().filter(|entry| entry.origin.is_some()).count(),
        conflicts: &lines.conflicts,
        failures: &lines.failures,
        logs: &logs,
        pending: &lines.pending,
        retry_at: lines.retry_at,
        stalled: lines.exhausted.then_some("the retries of sync.retry are used up; a new revision, a change of the spec or lockstep app sync starts afresh"),
        fights: &lines.fights,
        health: grounds.health,
    })
}

/// What the pods of hooks that failed wrote at last.
pub(super) fn logs(run: Option<&Run>) -> Vec<String> {
    let run = run.filter(|run| run.stage != RunStage::Succeeded);
    let log = |(name, end): (&String, &HookEnd)| match end {
        HookEnd::Failed(failure) if !failure.log.is_empty() => {
            Some(format!("the last lines of hook {name}:\n{}", failure.log))
        }
        _ => None,
    };
    run.into_iter().flat_map(|run| &run.hooks).filter_map(log).collect()
}

/// The hooks that the deletion has to run.
pub(super) fn deletion_hooks(rendering: &Rendering) -> Vec<String> {
    let hooks = rendering.set.hooks().iter().filter(|hook| hook.is_of_deletion());
    hooks.map(|hook| hook.object.key.to_string()).collect()
}

/// What is wrong where the path of a source is not there.
pub(crate) fn vanished(path: &str) -> Finding {
    Finding::error(
        "path-not-found",
        format!("the path {path} does not exist in this revision; nothing is deleted"),
    )
    .with_hint("correct spec.sources[].git.path, or delete the Application to delete its objects")
}

fn revision(rendering: Option<&Rendering>) -> Option<&CommitId> {
    rendering?.revisions.first()
}

pub(super) fn sync_state(state: SyncState) -> api::SyncState {
    match state {
        SyncState::Synced => api::SyncState::Synced,
        SyncState::OutOfSync => api::SyncState::OutOfSync,
        SyncState::Syncing => api::SyncState::Syncing,
        SyncState::Blocked => api::SyncState::Blocked,
        SyncState::Unknown => api::SyncState::Unknown,
    }
}

/// The container images of the wanted objects, the first of them by name.
pub(super) fn images(rendering: &Rendering) -> Vec<String> {
    let mut images = BTreeSet::new();
    for object in rendering.set.objects() {
        for path in [
            &["spec", "template", "spec"][..],
            &["spec", "jobTemplate", "spec", "template", "spec"],
            &["spec"],
        ] {
            let pod = object.value.at(path);
            for list in ["containers", "initContainers"] {
                let containers = pod.and_then(|pod| pod.get(list)).and_then(lockstep_core::Value::as_list);
                let names =
                    containers.into_iter().flatten().filter_map(|container| container.str_at(&["image"]));
                images.extend(names.map(str::to_owned));
            }
        }
    }
    images.into_iter().take(NAMED).collect()
}

/// The addresses at which the wanted Ingresses serve.
pub(super) fn urls(rendering: &Rendering) -> Vec<String> {
    let mut urls = BTreeSet::new();
    for object in
        rendering.set.objects().iter().filter(|object| object.key.is("networking.k8s.io", "Ingress"))
    {
        let list =
            |path: &[&str]| object.value.at(path).and_then(lockstep_core::Value::as_list).unwrap_or_default();
        let secure = !list(&["spec", "tls"]).is_empty();
        let scheme = if secure { "https" } else { "http" };
        let hosts = list(&["spec", "rules"]).iter().filter_map(|rule| rule.str_at(&["host"]));
        urls.extend(hosts.map(|host| format!("{scheme}://{host}")));
    }
    urls.into_iter().take(NAMED).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_done_is_a_failure_and_what_waits_is_pending() {
        for (because, failure) in [
            (Because::NamespaceMissing, true),
            (Because::KindMissing, true),
            (Because::Refused("no".into()), true),
            (Because::KindAwaited, false),
            (Because::NamespaceTerminating, false),
            (Because::Manual, false),
        ] {
            let verdict = Verdict::Withheld(::plan::Change::Create, because.clone());
            let (origin, commit, extras, contested) = (None, None, [].into(), None);
            let wave = lockstep_core::Wave::default();
            let mut lines = Lines::default();
            let key = ObjectKey::new("", "ConfigMap", "n", "a");
            lines.add(&Entry { key, origin, commit, wave, verdict, extras, contested }, &clock());
            assert_eq!(
                (lines.failures.len() == 1, lines.pending.len() == 1),
                (failure, !failure),
                "{because:?}"
            );
        }
    }

    fn clock() -> Clock {
        Clock::new(runtime::Clock::system())
    }

    fn entry(name: &str, because: Because) -> Entry {
        Entry {
            key: ObjectKey::new("", "ConfigMap", "n", name),
            origin: None,
            commit: None,
            wave: lockstep_core::Wave::default(),
            verdict: Verdict::Withheld(::plan::Change::Update, because),
            extras: [].into(),
            contested: None,
        }
    }

    fn failed(not_before: u64) -> Because {
        let attempt = ::plan::Attempt { revision: None, generation: 1, digest: None };
        let message = format!("no: {}: because", "x".repeat(1000));
        let (refusal, not_before) = (::plan::Refusal::Invalid, ::plan::Millis(not_before));
        let failure =
            ::plan::Failure { attempt, refusal, message, attempts: 1, not_before, exhausted: false };
        Because::Failed(Box::new(failure), None)
    }

    #[test]
    fn the_first_of_the_next_attempts_is_named_and_long_texts_are_shortened() {
        let (clock, mut lines) = (clock(), Lines::default());
        for (name, at) in [("a", 9_001), ("b", 5_000), ("c", 7_000)] {
            lines.add(&entry(name, failed(at)), &clock);
        }
        assert_eq!(lines.retry_at, Some(clock.date(::plan::Millis(5_000))));
        assert!(lines.failures[0].starts_with("ConfigMap/a: no: xxx") && lines.failures[0].len() < 300);
        assert!(lines.failures[0].ends_with("xxx: because"), "{}", lines.failures[0]);
        let until = ::plan::Millis(60_000);
        lines.add(&entry("d", Because::Fighting { manager: Some("rival".into()), until }), &clock);
        let expected =
            format!("ConfigMap/d fighting rival, heals less often, the next time at {}", clock.date(until));
        assert_eq!(lines.pending, [expected]);
    }
}
