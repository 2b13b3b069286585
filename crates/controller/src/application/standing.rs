//! From the final report and the health of objects to what the Application says of itself. Pure.

use std::collections::BTreeSet;
use std::sync::Arc;

use ::plan::{Because, Entry, Gate, Reason, Report, SyncState, Verdict};
use api::{Counts, Obstacle, Standing};
use lockstep_core::{CommitId, Finding, Health, HealthState, ObjectKey};

use super::render::Outcome;
use super::state::{RenderFailure, Rendering};

/// Images and addresses that a status names at most.
const NAMED: usize = 20;

/// Characters that a long message of the API server keeps of its beginning and of its end: with a hint they fit into an item.
const ELIDED: (usize, usize) = (130, 90);

/// The report as lists of lines.
#[derive(Debug, Default)]
pub(super) struct Lines {
    conflicts: Vec<String>,
    failures: Vec<String>,
    pending: Vec<String>,
    fights: Vec<String>,
    exhausted: bool,
    /// What later waves wait for, and how many of their objects do.
    gate: Option<(Arc<Gate>, usize)>,
}

impl Lines {
    pub(super) fn of(report: &Report) -> Self {
        let mut lines = Self { fights: report.fights.clone(), ..Self::default() };
        report.entries.iter().for_each(|entry| lines.add(entry));
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

    fn add(&mut self, entry: &Entry) {
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
                let hint = hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
                self.failures.push(format!("{key}: {}{hint}", elide(&failure.message)));
            }
            Verdict::Withheld(_, Because::Refused(message)) => {
                self.failures.push(format!("{key}: {message}"))
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
    if let Because::HookFailed(_) = because {
        return true;
    }
    if let Because::Wave(gate) = because {
        return gate.is_failed();
    }
    matches!(
        because,
        Because::Failed(..)
            | Because::Refused(_)
            | Because::KindMissing
            | Because::OtherVersion(_)
            | Because::NamespaceMissing
    )
}

/// An API server repeats the whole of a refused value in the middle of what it says: what failed is before it, why is behind it.
fn elide(message: &str) -> std::borrow::Cow<'_, str> {
    let (head, tail) = ELIDED;
    let start = message.char_indices().nth(head).map(|(at, _)| at);
    let end = message.char_indices().nth_back(tail).map(|(at, _)| at);
    match start.zip(end).filter(|(start, end)| start < end) {
        Some((start, end)) => format!("{}… {}", &message[..start], &message[end..]).into(),
        None => message.into(),
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
}

/// Puts the standing together and hands it to `tell`, which may borrow it.
pub(super) fn with_standing<T>(grounds: &Grounds<'_>, tell: impl FnOnce(&Standing<'_>) -> T) -> T {
    let lines = Lines::of(grounds.report);
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
        pending: &lines.pending,
        stalled: lines.exhausted.then_some("the retries of sync.retry are used up; a new revision, a change of the spec or lockstep app sync starts afresh"),
        fights: &lines.fights,
        health: grounds.health,
    })
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
            lines.add(&Entry { key, origin, commit, wave, verdict, extras, contested });
            assert_eq!(
                (lines.failures.len() == 1, lines.pending.len() == 1),
                (failure, !failure),
                "{because:?}"
            );
        }
    }

    #[test]
    fn a_long_message_keeps_what_failed_and_why() {
        let long = format!("Job is invalid: {}: field is immutable", "é{}".repeat(300));
        for (message, begins, ends) in
            [("short", "short", "short"), (&long, "Job is invalid: é{}", "é{}: field is immutable")]
        {
            let found = elide(message);
            assert!(found.starts_with(begins) && found.ends_with(ends), "{found}");
            assert!(found.chars().count() <= ELIDED.0 + ELIDED.1 + 3, "{found}");
        }
    }
}
