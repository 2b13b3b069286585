//! Conditions: what an Application says of itself in four words and one text.

use std::fmt::Display;

use lockstep_core::{CommitId, Finding, Health, HealthState, Timestamp};

use crate::status::{Condition, ConditionType, SyncState, cut, words};

words! {
    /// Why Ready holds or does not.
    Reason {
        /// It holds: synced and healthy, of the current spec, and the source was reachable.
        Ready,
        /// It is being deleted, and objects of it are not gone yet.
        Deleting,
        /// Nothing is done while `spec.suspend` is set.
        Suspended,
        /// The spec is refused.
        InvalidSpec,
        /// The Project that the spec names does not exist.
        ProjectNotFound,
        /// The Project has a limit that cannot be enforced yet.
        ProjectBlocked,
        /// The source could not be reached at its last attempt.
        SourceUnavailable,
        /// The source could not be rendered; the last good state is kept.
        RenderFailed,
        /// The source holds nothing while objects are recorded; nothing is deleted.
        EmptyRender,
        /// An object belongs to another Application.
        Conflict,
        /// A step failed.
        SyncFailed,
        /// Deletions wait for an approval.
        Blocked,
        /// Steps are outstanding.
        Syncing,
        /// Live differs and nothing is running.
        OutOfSync,
        /// An object is degraded.
        Degraded,
        /// An object is missing.
        Missing,
        /// An object is on its way.
        Progressing,
        /// An object is deliberately not running.
        HealthSuspended,
        /// Nothing is known yet.
        Unknown,
    }
}

/// What stopped the pipeline before there was anything to compare.
#[derive(Clone, Debug)]
pub enum Obstacle<'a> {
    /// The Application is being deleted, and these objects are not gone yet.
    Deleting(&'a [String]),
    /// The spec is refused.
    InvalidSpec(&'a [Finding]),
    /// The Project of this name does not exist.
    ProjectNotFound(&'a str),
    /// The Project has limits that cannot be enforced.
    ProjectBlocked(&'a [Finding]),
    /// The source could not be rendered.
    RenderFailed(&'a [Finding]),
    /// The source's path is there and holds nothing, while so many objects are recorded.
    EmptyRender(usize),
}

/// Everything that conditions are made of.
#[derive(Clone, Debug)]
pub struct Standing<'a> {
    /// `metadata.generation` of the spec that this speaks of.
    pub generation: i64,
    /// Whether `spec.suspend` is set.
    pub suspended: bool,
    /// What stopped the pipeline.
    pub obstacle: Option<Obstacle<'a>>,
    /// Why the source could not be reached at its last attempt.
    pub source_error: Option<&'a str>,
    /// How live compares with the sources.
    pub sync: SyncState,
    /// The first source's commit.
    pub revision: Option<&'a CommitId>,
    /// How many objects the sources name.
    pub objects: usize,
    /// Objects of others, as `Kind/name belongs to ns/app`.
    pub conflicts: &'a [String],
    /// Steps that failed, as `Kind/name: why`.
    pub failures: &'a [String],
    /// What the pods of failed hooks wrote at last, each with a heading.
    pub logs: &'a [String],
    /// Objects that are outstanding, differ, or wait to be deleted, as `Kind/name`.
    pub pending: &'a [String],
    /// When the first of the failed steps is tried again, if nothing else happens.
    pub retry_at: Option<Timestamp>,
    /// Why the controller cannot get on without help, for example that its retries are used up.
    pub stalled: Option<&'a str>,
    /// Objects that another writer keeps undoing, as `x keeps changing path of Kind/name`.
    pub fights: &'a [String],
    /// How well the objects are.
    pub health: &'a Health,
}

/// Items that a message names; the rest is counted.
const NAMED: usize = 20;
/// Characters of one item in a message.
const LONGEST_ITEM: usize = 400;

/// Logs that a message has, and characters of each: the whole may not be longer than 32,768.
const LOGS: usize = 3;
const LONGEST_LOG: usize = 4200;

/// Why Ready holds or does not. The first thing that a user must mend comes first.
pub fn ready_reason(standing: &Standing<'_>) -> Reason {
    let obstacle = standing.obstacle.as_ref().map(|obstacle| match obstacle {
        Obstacle::Deleting(_) => Reason::Deleting,
        Obstacle::InvalidSpec(_) => Reason::InvalidSpec,
        Obstacle::ProjectNotFound(_) => Reason::ProjectNotFound,
        Obstacle::ProjectBlocked(_) => Reason::ProjectBlocked,
        Obstacle::RenderFailed(_) => Reason::RenderFailed,
        Obstacle::EmptyRender(_) => Reason::EmptyRender,
    });
    let before = match obstacle {
        Some(Reason::RenderFailed | Reason::EmptyRender) | None => None,
        refused => refused,
    };
    let suspended = standing.suspended.then_some(Reason::Suspended);
    let unreachable = standing.source_error.map(|_| Reason::SourceUnavailable);
    let conflict = (!standing.conflicts.is_empty()).then_some(Reason::Conflict);
    let failed = (!standing.failures.is_empty()).then_some(Reason::SyncFailed);
    let sync = match standing.sync {
        SyncState::Synced => None,
        SyncState::OutOfSync => Some(Reason::OutOfSync),
        SyncState::Syncing => Some(Reason::Syncing),
        SyncState::Blocked => Some(Reason::Blocked),
        SyncState::Unknown => Some(Reason::Unknown),
    };
    let chain = [before, suspended, unreachable, obstacle, conflict, failed, sync];
    chain.into_iter().flatten().next().unwrap_or(match standing.health.state {
        HealthState::Healthy => Reason::Ready,
        HealthState::Suspended => Reason::HealthSuspended,
        HealthState::Progressing => Reason::Progressing,
        HealthState::Missing => Reason::Missing,
        HealthState::Degraded => Reason::Degraded,
        HealthState::Unknown => Reason::Unknown,
    })
}

/// The conditions of a standing: Ready always, the others while they hold (so kstatus reads their absence).
///
/// The time of a condition whose status is as before is kept, so that an unchanged standing gives an unchanged list.
pub fn conditions(standing: &Standing<'_>, before: &[Condition], now: Timestamp) -> Vec<Condition> {
    let reason = ready_reason(standing);
    let message = message(standing, reason);
    let all = [
        Some((ConditionType::Ready, reason == Reason::Ready, reason.as_str(), message.clone())),
        reconciling(standing, reason).map(|text| (ConditionType::Reconciling, true, reason.as_str(), text)),
        stalled(standing, reason, message).map(|text| (ConditionType::Stalled, true, reason.as_str(), text)),
        fighting(standing).map(|text| (ConditionType::Fighting, true, "Fighting", text)),
    ];
    let since = |kind, holds| {
        let known = before.iter().find(|known| known.kind == kind && known.holds == holds);
        known.map_or(now, |known| known.since)
    };
    let condition = |(kind, holds, reason, message): (_, _, &str, _)| Condition {
        kind,
        holds,
        reason: reason.to_owned(),
        message,
        since: since(kind, holds),
        observed_generation: standing.generation,
    };
    all.into_iter().flatten().map(condition).collect()
}

fn reconciling(standing: &Standing<'_>, reason: Reason) -> Option<String> {
    let text = match reason {
        Reason::Syncing => {
            // Objects that Git does not have any more are among them, and in no other number.
            let are = if standing.pending.len() == 1 { "is" } else { "are" };
            format!("{} {are} outstanding", counted(standing.pending.len()))
        }
        Reason::Progressing => standing.health.reason.clone(),
        Reason::Unknown if standing.sync == SyncState::Unknown => match standing.pending {
            [] => "nothing was rendered yet".to_owned(),
            _ => "what is live cannot be read; it goes on by itself".to_owned(),
        },
        Reason::SyncFailed if standing.stalled.is_none() => match standing.retry_at {
            Some(at) => format!("failed steps are tried again at {at}, or when something changes"),
            None => "failed steps are tried again when something changes".to_owned(),
        },
        _ => return None,
    };
    Some(cut(&text, LONGEST_ITEM))
}

fn stalled(standing: &Standing<'_>, reason: Reason, message: String) -> Option<String> {
    if let Some(why) = standing.stalled {
        return Some(cut(why, LONGEST_ITEM));
    }
    let helpless = matches!(
        reason,
        Reason::InvalidSpec
            | Reason::ProjectNotFound
            | Reason::ProjectBlocked
            | Reason::RenderFailed
            | Reason::EmptyRender
            | Reason::Conflict
            | Reason::Blocked
    );
    helpless.then_some(message)
}

fn fighting(standing: &Standing<'_>) -> Option<String> {
    let fights = standing.fights;
    (!fights.is_empty()).then(|| list_items(fights))
}

fn message(standing: &Standing<'_>, reason: Reason) -> String {
    let at = standing.revision.map(|id| format!(" at {}", id.short())).unwrap_or_default();
    match reason {
        Reason::Ready => format!("{} in sync and healthy{at}", counted(standing.objects)),
        Reason::Suspended => "suspended by spec.suspend".to_owned(),
        Reason::SourceUnavailable => cut(standing.source_error.unwrap_or_default(), LONGEST_ITEM),
        Reason::Conflict => list_items(standing.conflicts),
        Reason::SyncFailed => with_logs(list_items(standing.failures), standing.logs),
        Reason::Blocked => format!("deletions wait for an approval: {}", list_items(standing.pending)),
        Reason::Syncing => format!("outstanding{at}: {}", list_items(standing.pending)),
        Reason::OutOfSync => format!("out of sync{at}: {}", list_items(standing.pending)),
        Reason::Unknown if standing.sync == SyncState::Unknown => match standing.pending {
            [] => "nothing was rendered yet".to_owned(),
            pending => format!("what is live is not known: {}", list_items(pending)),
        },
        Reason::Deleting => {
            let left = standing.obstacle.as_ref().map(describe).unwrap_or_default();
            with_logs(left, standing.logs)
        }
        Reason::InvalidSpec
        | Reason::ProjectNotFound
        | Reason::ProjectBlocked
        | Reason::RenderFailed
        | Reason::EmptyRender => standing.obstacle.as_ref().map(describe).unwrap_or_default(),
        Reason::Degraded
        | Reason::Missing
        | Reason::Progressing
        | Reason::HealthSuspended
        | Reason::Unknown => cut(&standing.health.reason, LONGEST_ITEM),
    }
}

/// Logs stand at the end, each on lines of its own; the first of them.
fn with_logs(message: String, logs: &[String]) -> String {
    let logs = logs.iter().take(LOGS).map(|log| cut(log, LONGEST_LOG));
    [message].into_iter().chain(logs).collect::<Vec<_>>().join("\n")
}

fn describe(obstacle: &Obstacle<'_>) -> String {
    match obstacle {
        Obstacle::InvalidSpec(findings)
        | Obstacle::ProjectBlocked(findings)
        | Obstacle::RenderFailed(findings) => {
            let errors: Vec<&Finding> = findings.iter().filter(|finding| finding.is_error()).collect();
            list_items(&errors)
        }
        Obstacle::Deleting(left) => format!("being deleted: {}", list_items(left)),
        Obstacle::ProjectNotFound(name) => format!("project {name} does not exist"),
        Obstacle::EmptyRender(recorded) => format!(
            "the source's path exists and has no objects in it, while {} recorded; nothing is deleted unless spec.sync.allowEmpty is set",
            if *recorded == 1 { "1 is".to_owned() } else { format!("{recorded} are") }
        ),
    }
}

fn counted(objects: usize) -> String {
    if objects == 1 { "1 object".to_owned() } else { format!("{objects} objects") }
}

/// Up to 20 items, then a count of the rest; long items are cut.
pub fn list_items(items: &[impl Display]) -> String {
    let named: Vec<String> =
        items.iter().take(NAMED).map(|item| cut(&item.to_string(), LONGEST_ITEM)).collect();
    let rest = items.len().saturating_sub(NAMED);
    match rest {
        0 => named.join("; "),
        _ => format!("{}; and {rest} more", named.join("; ")),
    }
}
