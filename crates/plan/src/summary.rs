//! What all entries together come to.

use std::time::Duration;

use lockstep_core::{Finding, Wave};

use crate::desired::Desired;
use crate::input::Millis;
use crate::report::{Because, Block, DryRun, Entry, Reason, Report, SyncState, Verdict};
use crate::scene::Scene;
use crate::words::Brief;

/// What comes of a fight.
const SLOWER: &str = ", which is healed less often the longer this goes on";

/// How many things a message names before it counts the rest.
const NAMED: usize = 20;

/// What an entry means for the whole.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Settled,
    Running,
    /// Something else has to happen first, and will.
    Waiting,
    /// Differs, and the policy says to leave it.
    Left(Leave),
    /// Cannot be done; `true`: it is tried again soon.
    Failing(Again),
    Fighting,
    Blocked,
    Foreign,
    Unknown,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Leave {
    Suspended,
    Policy,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Again {
    Soon,
    WhenSomethingChanges,
}

fn classify(verdict: &Verdict) -> Class {
    match verdict {
        Verdict::InSync | Verdict::Kept(_) => Class::Settled,
        Verdict::Act(_) => Class::Running,
        Verdict::Conflict(_) => Class::Foreign,
        Verdict::Unknown(_) => Class::Unknown,
        Verdict::Withheld(_, because) => match because {
            Because::Suspended => Class::Left(Leave::Suspended),
            Because::Notify
            | Because::Manual
            | Because::SelfHealOff
            | Because::PruneOff
            | Because::EmptyRender
            | Because::NotRendered
            | Because::DryRun => Class::Left(Leave::Policy),
            Because::Budget | Because::Approval => Class::Blocked,
            Because::Move(_)
            | Because::MovingFrom(_)
            | Because::KindAwaited
            | Because::Terminating
            | Because::NamespaceTerminating
            | Because::Order => Class::Waiting,
            Because::KindMissing
            | Because::OtherVersion(_)
            | Because::NamespaceMissing
            | Because::Refused(_) => Class::Failing(Again::WhenSomethingChanges),
            Because::Wave(gate) if gate.is_failed() => Class::Failing(Again::WhenSomethingChanges),
            Because::HookFailed(_) => Class::Failing(Again::WhenSomethingChanges),
            Because::Wave(_) | Because::HookRuns { .. } => Class::Waiting,
            Because::Failed(failure, _) if failure.exhausted => Class::Failing(Again::WhenSomethingChanges),
            Because::Failed(..) => Class::Failing(Again::Soon),
            Because::Fighting { .. } => Class::Fighting,
        },
    }
}

/// Puts the Report of a plan together.
pub(crate) fn report(
    scene: &Scene<'_, '_>,
    entries: Vec<Entry>,
    block: Option<Block>,
    dry_runs: Vec<DryRun>,
) -> Report {
    let state = state(scene, &entries);
    let reason = reason(scene, &entries);
    let message = message(scene, reason, &entries, block.as_ref());
    let fights = fights(scene, &entries);
    let wake = wake(scene, &entries);
    let wave = scene.set.filter(|set| set.has_waves()).and_then(|_| wave(&entries));
    Report { entries, state, reason, message, fights, block, dry_runs, wave, run: None, wake }
}

/// The wave that is waited for, else the one that is worked on.
fn wave(entries: &[Entry]) -> Option<Wave> {
    let gate = entries.iter().find_map(|entry| match &entry.verdict {
        Verdict::Withheld(_, Because::Wave(gate)) => Some(gate.wave),
        _ => None,
    });
    let acts =
        entries.iter().filter(|entry| entry.origin.is_some() && matches!(entry.verdict, Verdict::Act(_)));
    gate.or_else(|| acts.map(|entry| entry.wave).max())
}

/// Puts the Report of a deletion together.
pub(crate) fn deletion_report(scene: &Scene<'_, '_>, entries: Vec<Entry>) -> Report {
    let waiting = |entry: &&Entry| classify(&entry.verdict) != Class::Settled;
    let left: Vec<&Entry> = entries.iter().filter(waiting).collect();
    let message = match left.is_empty() {
        true => "every object is gone or stays".to_owned(),
        false => format!("being deleted: {}", list(left.iter().map(|entry| Brief(entry).to_string()))),
    };
    let state = if left.is_empty() { SyncState::Synced } else { SyncState::Syncing };
    let wake = wake(scene, &entries);
    let (fights, dry_runs) = (Vec::new(), Vec::new());
    Report {
        entries,
        state,
        reason: Reason::Deleting,
        message,
        fights,
        block: None,
        dry_runs,
        wave: None,
        run: None,
        wake,
    }
}

fn state(scene: &Scene<'_, '_>, entries: &[Entry]) -> SyncState {
    if scene.set.is_none() {
        return SyncState::Unknown;
    }
    let mut worst = SyncState::Synced;
    for entry in entries {
        let state = match classify(&entry.verdict) {
            Class::Settled => continue,
            Class::Running | Class::Waiting | Class::Failing(Again::Soon) => return SyncState::Syncing,
            Class::Blocked => SyncState::Blocked,
            Class::Unknown => SyncState::Unknown,
            Class::Left(_)
            | Class::Failing(Again::WhenSomethingChanges)
            | Class::Fighting
            | Class::Foreign => SyncState::OutOfSync,
        };
        if rank(state) > rank(worst) {
            worst = state;
        }
    }
    worst
}

/// What is known to differ goes before what is not known, and that before what only waits for somebody's word.
fn rank(state: SyncState) -> u8 {
    match state {
        SyncState::Synced => 0,
        SyncState::Blocked => 1,
        SyncState::Unknown => 2,
        SyncState::OutOfSync => 3,
        SyncState::Syncing => 4,
    }
}

fn reason(scene: &Scene<'_, '_>, entries: &[Entry]) -> Reason {
    let source = match scene.input.desired {
        Desired::Failed { .. } => Some(Reason::RenderFailed),
        Desired::Unavailable { .. } => Some(Reason::SourceUnavailable),
        Desired::VanishedPath { .. } => Some(Reason::PathNotFound),
        Desired::Ready(_) => scene.is_suspiciously_empty().then_some(Reason::EmptyRender),
    };
    let of = |entry: &Entry| match classify(&entry.verdict) {
        _ if entry.contested.is_some() => Reason::Conflict,
        Class::Settled => Reason::Synced,
        Class::Running => Reason::Progressing,
        Class::Waiting => Reason::Waiting,
        Class::Left(Leave::Suspended) => Reason::Suspended,
        Class::Left(Leave::Policy) => Reason::OutOfSync,
        Class::Failing(_) => Reason::SyncFailed,
        Class::Fighting => Reason::Fighting,
        Class::Blocked => Reason::Blocked,
        Class::Foreign => Reason::Conflict,
        Class::Unknown => Reason::LiveUnknown,
    };
    source.or_else(|| entries.iter().map(of).min()).unwrap_or(Reason::Synced)
}

/// Up to [`NAMED`] items, then how many more there are.
fn list(items: impl ExactSizeIterator<Item = String>) -> String {
    let count = items.len();
    let named: Vec<String> = items.take(NAMED).collect();
    let mut text = named.join("; ");
    if count > NAMED {
        text.push_str(&format!("; and {} more", count - NAMED));
    }
    text
}

fn named(entries: &[Entry], is_meant: impl Fn(&Entry) -> bool) -> String {
    let meant: Vec<&Entry> = entries.iter().filter(|entry| is_meant(entry)).collect();
    list(meant.iter().map(|entry| Brief(entry).to_string()))
}

fn message(scene: &Scene<'_, '_>, reason: Reason, entries: &[Entry], block: Option<&Block>) -> String {
    let class = |is_meant: fn(Class) -> bool| named(entries, move |entry| is_meant(classify(&entry.verdict)));
    match reason {
        Reason::RenderFailed | Reason::SourceUnavailable | Reason::PathNotFound => source_message(scene),
        Reason::EmptyRender => format!(
            "the path exists and has no objects in it while {} recorded: nothing is deleted (spec.sync.allowEmpty allows it)",
            if entries.len() == 1 { "1 is".to_owned() } else { format!("{} are", entries.len()) }
        ),
        Reason::Conflict => {
            named(entries, |entry| entry.contested.is_some() || matches!(entry.verdict, Verdict::Conflict(_)))
        }
        Reason::SyncFailed => class(|class| matches!(class, Class::Failing(_))),
        Reason::Fighting => class(|class| class == Class::Fighting),
        Reason::LiveUnknown => class(|class| class == Class::Unknown),
        Reason::Progressing => progress(entries),
        Reason::Waiting => class(|class| class == Class::Waiting),
        Reason::Blocked => blocked(scene, block),
        Reason::Suspended => class(|class| class == Class::Left(Leave::Suspended)),
        Reason::OutOfSync => class(|class| matches!(class, Class::Left(_))),
        Reason::Deleting | Reason::Synced => {
            let count = entries.iter().filter(|entry| entry.verdict == Verdict::InSync).count();
            let objects = if count == 1 { "object" } else { "objects" };
            match scene.set {
                Some(set) => format!("{count} {objects} in sync at {}", set.revision().short()),
                None => "nothing to do".to_owned(),
            }
        }
    }
}

fn progress(entries: &[Entry]) -> String {
    let running = entries.iter().filter(|entry| classify(&entry.verdict) == Class::Running).count();
    let steps = if running == 1 { "step" } else { "steps" };
    format!("{running} {steps} for {} objects", entries.len())
}

fn source_message(scene: &Scene<'_, '_>) -> String {
    match scene.input.desired {
        Desired::Ready(_) => String::new(),
        Desired::Failed { findings, .. } => {
            let errors: Vec<&Finding> = findings.iter().filter(|finding| finding.is_error()).collect();
            list(errors.iter().map(ToString::to_string))
        }
        Desired::Unavailable { reason, .. } => reason.to_owned(),
        Desired::VanishedPath { path, .. } => {
            format!("the path {path} does not exist in the revision: nothing is deleted")
        }
    }
}

fn blocked(scene: &Scene<'_, '_>, block: Option<&Block>) -> String {
    let Some(block) = block else { return String::new() };
    let count = block.deletions.len();
    let deletions = if count == 1 { "deletion waits" } else { "deletions wait" };
    let names = list(block.deletions.iter().map(|(key, _)| key.to_string()));
    let app = &scene.input.app.key;
    let command = format!("lockstep app approve -n {} {}", app.namespace, app.name);
    format!("{count} {deletions} for approval (budget {}; `{command}`): {names}", block.limit)
}

fn fights(scene: &Scene<'_, '_>, entries: &[Entry]) -> Vec<String> {
    let input = scene.input;
    let is_here =
        |key: &lockstep_core::ObjectKey| entries.binary_search_by(|entry| entry.key.cmp(key)).is_ok();
    let fights =
        input.history.fights.iter().filter(|(key, fight)| fight.is_fighting(input.now) && is_here(key));
    let line = |(key, fight): (&lockstep_core::ObjectKey, &crate::fight::Fight)| match &fight.manager {
        Some(manager) => format!("{manager} keeps changing {} of {key}{SLOWER}", fight.path),
        None => format!("another writer keeps changing {} of {key}{SLOWER}", fight.path),
    };
    fights.map(line).collect()
}

/// The first moment at which time alone changes a decision.
fn wake(scene: &Scene<'_, '_>, entries: &[Entry]) -> Option<Millis> {
    let now = scene.input.now;
    let waits = entries.iter().filter_map(|entry| match &entry.verdict {
        Verdict::Withheld(_, Because::Failed(failure, _)) => Some(failure.not_before),
        Verdict::Withheld(_, Because::Fighting { until, .. }) => Some(*until),
        Verdict::Withheld(_, Because::HookRuns { until, .. }) => *until,
        _ => None,
    });
    let fights = scene.input.history.fights.values().filter(|fight| fight.is_fighting(now));
    // A fight that calmed down is told until then.
    let calms = fights.map(|fight| fight.ends().after(Duration::from_millis(1)));
    waits.chain(calms).filter(|moment| *moment > now).min()
}
