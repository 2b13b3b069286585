//! The end of an Application.

use lockstep_core::{DeletionPolicy, ObjectKey, Wave};

use crate::hooks::{Farewell, Moment};
use crate::input::Input;
use crate::memo::{Memo, Remembered, next_of};
use crate::order::{Layer, place};
use crate::report::{Because, Change, Entry, KeptBecause, Report, Verdict};
use crate::scene::{Draft, Scene};
use crate::stage;
use crate::step::{Action, Plan};
use crate::subject::{Subject, subjects};
use crate::summary;
use crate::unwanted::{Fate, fate, leaving, moving, seen_uid};

/// What is left to do before an Application may go.
#[derive(Clone, Debug)]
pub struct Deletion {
    /// The next deletions: those that nothing else of the Application depends on. Plan again when they are gone.
    pub plan: Plan,
    /// What becomes of each object.
    pub report: Report,
    /// No object of the Application is live any more, but for those that stay: the finalizer may go.
    pub done: bool,
}

/// Decides what is to be done when an Application is deleted, which is its own approval for everything it owns.
///
/// Desired objects do not count: everything recorded or owned is deleted, waves and their layers in reverse order, each when the one before is
/// gone. With `deletion: Orphan` everything stays. What another Application desires, or what says
/// `lockstep.dev/prune: disabled`, stays as well. While another Application on its repositories has yet to render, it may be about
/// to desire any of them, and nothing is deleted.
///
/// Hooks of PreDelete run before anything goes, those of PostDelete when everything is gone; one that fails holds the rest. They are
/// those of [`Input::desired`], which is asked for nothing else.
pub fn plan_deletion(input: &Input<'_>, memo: &mut Memo) -> Deletion {
    let mut scene = Scene::new(input, memo.no_extras());
    let set = scene.set.take();
    let mut farewell = Farewell::of(&scene, set);
    let drafts = decide_each(&scene, memo, farewell.as_ref());
    let (mut entries, mut actions) = order(drafts, farewell.as_ref());
    let waits = |entry: &Entry| match &farewell {
        Some(farewell) => is_in_the_way(entry) && farewell.needs(&entry.key).is_none(),
        None => is_in_the_way(entry),
    };
    if !entries.iter().any(waits)
        && let Some(farewell) = &mut farewell
    {
        farewell.after();
    }
    let is_over = farewell.as_ref().is_none_or(|farewell| matches!(farewell.moment, Moment::Over));
    let course = farewell.map(Farewell::finish);
    let (run, wake) = course.as_ref().map_or((input.run.cloned(), None), |c| (c.run.clone(), c.wake));
    for Draft { entry, action, .. } in course.into_iter().flat_map(|course| course.drafts) {
        let known = entries.iter().any(|known| known.key == entry.key);
        if !known {
            actions.extend(action.map(|action| (entry.key.clone(), entry.wave, action)));
            entries.push(entry);
        }
    }
    entries.sort_by(|a, b| a.key.cmp(&b.key));
    let done = is_over && !entries.iter().any(is_in_the_way);
    let stages = stage::stages(actions);
    let plan = Plan { app: input.app.key.clone(), generation: input.app.generation, revision: None, stages };
    let mut report = summary::deletion_report(&scene, entries);
    report.run = run;
    report.wake = [report.wake, wake].into_iter().flatten().min();
    Deletion { plan, report, done }
}

type Actions = Vec<(ObjectKey, Wave, Action)>;

/// Leaves the deletions whose turn it is.
fn order(drafts: Vec<Draft>, farewell: Option<&Farewell<'_, '_, '_>>) -> (Vec<Entry>, Actions) {
    let needed = |entry: &Entry| farewell.and_then(|farewell| farewell.needs(&entry.key));
    let in_the_way = drafts.iter().map(|draft| &draft.entry);
    let in_the_way = in_the_way.filter(|entry| is_in_the_way(entry) && needed(entry).is_none());
    let top = in_the_way.map(place_of).max();
    let mut entries: Vec<Entry> = Vec::with_capacity(drafts.len());
    let mut actions = Vec::new();
    for Draft { mut entry, action, .. } in drafts {
        let held = match farewell.map(|farewell| &farewell.moment) {
            Some(Moment::Before(gate)) => Some(Because::Wave(gate.clone())),
            _ => needed(&entry).map(Because::Wave),
        };
        let waits = || top.is_some_and(|top| place_of(&entry) < top).then_some(Because::Order);
        match (action, &entry.verdict) {
            (Some(Action::Prune(prune)), Verdict::Act(change)) => match held.or_else(waits) {
                Some(because) => entry.verdict = Verdict::Withheld(change.clone(), because),
                None => actions.push((entry.key.clone(), entry.wave, Action::Prune(prune))),
            },
            (action, _) => actions.extend(action.map(|action| (entry.key.clone(), entry.wave, action))),
        }
        entries.push(entry);
    }
    (entries, actions)
}

fn decide_each(
    scene: &Scene<'_, '_>,
    memo: &mut Memo,
    farewell: Option<&Farewell<'_, '_, '_>>,
) -> Vec<Draft> {
    let mut old = memo.take();
    let mut drafts = Vec::new();
    let is_kept = |subject: &Subject<'_>| farewell.is_some_and(|farewell| farewell.keeps(subject.key));
    let all = subjects(None, scene.input.record, scene.input.owned);
    for subject in all.filter(|subject| !is_kept(subject)) {
        let (key, known) = next_of(&mut old, subject.key).unzip();
        let (mut draft, remembered) = decide(scene, &subject, known);
        if farewell.is_some_and(|farewell| farewell.stays(subject.key)) {
            let because = KeptBecause::HookNever;
            draft.action = subject.record.is_some().then(|| Action::Abandon(because.clone()));
            draft.entry.verdict = Verdict::Kept(because);
        }
        if let Some(remembered) = remembered {
            memo.objects.push((key.unwrap_or_else(|| subject.key.clone()), remembered));
        }
        drafts.push(draft);
    }
    drafts
}

/// What goes last goes first.
fn place_of(entry: &Entry) -> (Wave, Layer) {
    (entry.wave, place(&entry.key).0)
}

/// Whether an object has to be waited for.
fn is_in_the_way(entry: &Entry) -> bool {
    match &entry.verdict {
        Verdict::Act(Change::Forget) | Verdict::Kept(_) => false,
        Verdict::InSync | Verdict::Act(_) | Verdict::Withheld(..) => true,
        Verdict::Conflict(_) | Verdict::Unknown(_) => true,
    }
}

fn decide(
    scene: &Scene<'_, '_>,
    subject: &Subject<'_>,
    remembered: Option<Remembered>,
) -> (Draft, Option<Remembered>) {
    let recorded = subject.record.is_some();
    let kept = |because: KeptBecause| {
        let action = recorded.then(|| Action::Abandon(because.clone()));
        (Verdict::Kept(because), action)
    };
    if scene.input.app.deletion == DeletionPolicy::Orphan {
        let (verdict, action) = kept(KeptBecause::Orphan);
        return (scene.draft(subject, verdict, action), None);
    }
    let (fate, remembered) = fate(scene, subject, remembered);
    let (verdict, action) = match fate {
        Fate::Gone => (Verdict::Act(Change::Forget), recorded.then_some(Action::Forget)),
        Fate::Unknown(reason) => (Verdict::Unknown(reason), None),
        Fate::Kept(because) => kept(because),
        Fate::Wanted(by) => {
            let uid = seen_uid(&remembered);
            (Verdict::Withheld(Change::Prune { uid }, Because::Move(vec![by])), None)
        }
        Fate::Terminating(uid) => (Verdict::Withheld(Change::Prune { uid }, Because::Terminating), None),
        Fate::Ours(step) => {
            let change = Change::Prune { uid: step.uid.clone() };
            let suspended = scene.input.app.suspend.then_some(Because::Suspended);
            let failed = || scene.back_off(subject.key, scene.failure(subject.key, None));
            // Another Application may be about to say that it wants this one.
            match suspended.or_else(failed).or_else(|| moving(scene)) {
                Some(because) => (Verdict::Withheld(change, because), None),
                None => (Verdict::Act(change), Some(Action::Prune(step))),
            }
        }
    };
    (leaving(scene.draft(subject, verdict, action), remembered.as_ref()), remembered)
}
