//! Decisions about objects that Git does not have any more.

use std::sync::Arc;
use std::time::Duration;

use lockstep_core::{Gvk, HookDelete, ObjectKey};

use crate::hooks::lets_finish;

use crate::live::{Glance, Live, Serving, Standing, Unrendered};
use crate::memo::{Fact, Marks, PruneMark, Remembered};
use crate::report::{Because, Change, Drift, KeptBecause, Verdict};
use crate::scene::{Draft, Scene};
use crate::step::{Action, Prune};
use crate::subject::Subject;

/// What has become of an object that is not desired.
pub(crate) enum Fate {
    /// It does not exist.
    Gone,
    /// It cannot be told.
    Unknown(Arc<str>),
    /// It is not ours to delete.
    Kept(KeptBecause),
    /// Another Application desires it as of an older commit.
    Wanted(Unrendered),
    /// It is ours, and on its way out.
    Terminating(Arc<str>),
    /// It is ours.
    Ours(Prune),
}

/// What has become of an object that is not desired, and what is worth remembering of it.
pub(crate) fn fate(
    scene: &Scene<'_, '_>,
    subject: &Subject<'_>,
    remembered: Option<Remembered>,
) -> (Fate, Option<Remembered>) {
    let sighting = match look(scene, subject) {
        Ok(sighting) => sighting,
        Err(fate @ Fate::Unknown(_)) => return (fate, remembered),
        Err(fate) => return (fate, None),
    };
    let (remembered, marks) = match marks(scene, subject, &sighting, remembered) {
        Ok(known) => known,
        Err(fate) => return (fate, None),
    };
    let Sighting { gvk, uid, deleting, .. } = sighting;
    let fate = match not_ours(scene, subject, &uid, &marks) {
        Some(fate) => fate,
        None if deleting => Fate::Terminating(uid),
        None => Fate::Ours(Prune { gvk, uid, propagation: scene.input.app.sync.propagation }),
    };
    (fate, Some(remembered))
}

/// A live object, seen without reading it.
struct Sighting {
    gvk: Gvk,
    uid: Arc<str>,
    resource_version: Arc<str>,
    deleting: bool,
}

fn look(scene: &Scene<'_, '_>, subject: &Subject<'_>) -> Result<Sighting, Fate> {
    let recorded = subject.record.map(|record| &record.gvk).or(subject.owned).ok_or(Fate::Gone)?;
    let gvk = match scene.input.kinds.serving(recorded) {
        Serving::Served => recorded.clone(),
        Serving::OtherVersion(other) => other,
        Serving::NotServed => return Err(Fate::Gone),
        Serving::GroupFailing(reason) => return Err(Fate::Unknown(reason)),
    };
    match scene.input.live.glance(subject.key, &gvk) {
        Glance::Absent => Err(Fate::Gone),
        Glance::Unknown(reason) => Err(Fate::Unknown(reason)),
        Glance::Present { uid, resource_version, deleting } => {
            Ok(Sighting { gvk, uid, resource_version, deleting })
        }
    }
}

/// What the object says of itself: as remembered, if it did not change, else as it is read now.
fn marks(
    scene: &Scene<'_, '_>,
    subject: &Subject<'_>,
    seen: &Sighting,
    remembered: Option<Remembered>,
) -> Result<(Remembered, Marks), Fate> {
    let version = (&seen.uid, &seen.resource_version);
    let known = remembered.and_then(|known| known.marks(version).cloned().map(|marks| (known, marks)));
    if let Some(known) = known {
        return Ok(known);
    }
    let live = match scene.input.live.get(subject.key, &seen.gvk) {
        Live::Absent => return Err(Fate::Gone),
        Live::Unknown(reason) => return Err(Fate::Unknown(reason)),
        Live::Present(live) => live,
    };
    let marks = Marks::of(&live);
    let fact = Box::new(Fact::Marked(marks.clone()));
    let (uid, resource_version) = (seen.uid.clone(), seen.resource_version.clone());
    Ok((Remembered { uid, resource_version, fact }, marks))
}

/// Why a live object must not be deleted by us, if so. The owner annotation decides; without one, the record does.
fn not_ours(scene: &Scene<'_, '_>, subject: &Subject<'_>, uid: &Arc<str>, marks: &Marks) -> Option<Fate> {
    match &marks.owner {
        Some(owner) if !scene.is_us(owner) => return Some(Fate::Kept(KeptBecause::OwnedBy(owner.clone()))),
        Some(_) => {}
        None if subject.record.is_none_or(|record| record.uid != *uid) => {
            return Some(Fate::Kept(KeptBecause::Replaced));
        }
        None => {}
    }
    let input = scene.input;
    let claims = input.claims.claims(subject.key, &input.app.key);
    if let Some(claim) = claims.into_iter().max_by_key(|claim| claim.standing) {
        return Some(match claim.standing {
            Standing::Stale => Fate::Wanted(Unrendered { app: claim.app, failed: false }),
            Standing::Idle | Standing::Desired | Standing::Recorded => {
                Fate::Kept(KeptBecause::MovedTo(claim.app))
            }
        });
    }
    (marks.prune == PruneMark::Disabled).then_some(Fate::Kept(KeptBecause::PruneDisabled))
}

/// The decision about an object that is recorded or owned and not desired.
pub(crate) fn decide(
    scene: &Scene<'_, '_>,
    subject: &Subject<'_>,
    remembered: Option<Remembered>,
) -> (Draft, Option<Remembered>) {
    let (fate, remembered) = fate(scene, subject, remembered);
    let of_hook = is_left_by_hook(remembered.as_ref());
    let prune = |uid: &Arc<str>| match of_hook {
        true => Change::HookEnded,
        false => Change::Prune { uid: uid.clone() },
    };
    let (verdict, action) = match fate {
        Fate::Unknown(reason) => (Verdict::Unknown(reason), None),
        // Owned only, and gone: there is nothing to forget.
        Fate::Gone if subject.record.is_none() => (Verdict::InSync, None),
        Fate::Gone if scene.is_ready() => (Verdict::Act(Change::Forget), Some(Action::Forget)),
        // Nothing tells whether Git still has it: then it would be drift.
        Fate::Gone => (Verdict::Withheld(Change::Heal(Drift::Deleted), Because::NotRendered), None),
        Fate::Kept(because) => kept(scene, subject, because),
        Fate::Wanted(by) => {
            let because =
                obstacle(scene, subject.key, remembered.as_ref()).unwrap_or(Because::Move(vec![by]));
            (Verdict::Withheld(Change::Prune { uid: seen_uid(&remembered) }, because), None)
        }
        Fate::Terminating(uid) => {
            let because = if scene.is_ready() { Because::Terminating } else { Because::NotRendered };
            (Verdict::Withheld(prune(&uid), because), None)
        }
        Fate::Ours(step) => match left_by(scene, subject, remembered.as_ref()) {
            Some(Left::Stays) => kept(scene, subject, KeptBecause::HookNever),
            Some(Left::Finishes(because)) => (Verdict::Withheld(prune(&step.uid), because), None),
            None => match obstacle(scene, subject.key, remembered.as_ref()).or_else(|| moving(scene)) {
                Some(because) => (Verdict::Withheld(prune(&step.uid), because), None),
                None => (Verdict::Act(prune(&step.uid)), Some(Action::Prune(step))),
            },
        },
    };
    (leaving(scene.draft(subject, verdict, action), remembered.as_ref()), remembered)
}

fn is_left_by_hook(remembered: Option<&Remembered>) -> bool {
    remembered.and_then(Remembered::marked).is_some_and(|marks| marks.hook.is_some())
}

/// What becomes of what a hook has left that Git does not have any more, where that is not simply deleted.
enum Left {
    Stays,
    Finishes(Because),
}

fn left_by(scene: &Scene<'_, '_>, subject: &Subject<'_>, remembered: Option<&Remembered>) -> Option<Left> {
    let hook = remembered?.marked()?.hook.as_ref()?;
    if hook.delete.contains(&HookDelete::Never) {
        return Some(Left::Stays);
    }
    let gvk = subject.record.map(|record| &record.gvk).or(subject.owned)?;
    let Live::Present(live) = scene.input.live.get(subject.key, gvk) else { return None };
    let (words, left) = lets_finish(scene.input.live, (&live, hook), scene.input.today)?;
    let until = Some(scene.input.now.after(Duration::from_secs(left.unsigned_abs())));
    Some(Left::Finishes(Because::HookRuns { words, until }))
}

/// The draft with what the live object says of its deletion.
pub(crate) fn leaving(mut draft: Draft, remembered: Option<&Remembered>) -> Draft {
    if let Some(marks) = remembered.and_then(Remembered::marked) {
        (draft.mark, draft.moment, draft.entry.wave) = (marks.prune, marks.moment, marks.wave);
    }
    draft
}

pub(crate) fn seen_uid(remembered: &Option<Remembered>) -> Arc<str> {
    remembered.as_ref().map_or_else(|| Arc::from(""), |remembered| remembered.uid.clone())
}

/// An object that stays leaves the record only where steps may be taken at all.
fn kept(scene: &Scene<'_, '_>, subject: &Subject<'_>, because: KeptBecause) -> (Verdict, Option<Action>) {
    // What its annotation keeps is still ours, and goes on being told.
    let acts = because != KeptBecause::PruneDisabled
        && subject.record.is_some()
        && scene.is_ready()
        && !scene.is_suspiciously_empty()
        && scene.policy_for(subject.key, &Change::Forget).is_none();
    let action = acts.then(|| Action::Abandon(because.clone()));
    (Verdict::Kept(because), action)
}

/// Why an object that is ours is not deleted now, apart from moves, the budget and approvals.
fn obstacle(scene: &Scene<'_, '_>, key: &ObjectKey, remembered: Option<&Remembered>) -> Option<Because> {
    // What a hook has left is none of the objects that `prune` is about.
    let left_by_hook = is_left_by_hook(remembered);
    let change = Change::Prune { uid: Arc::from("") };
    match () {
        () if !scene.is_ready() => Some(Because::NotRendered),
        () if scene.is_suspiciously_empty() => Some(Because::EmptyRender),
        () => scene
            .policy_for(key, &change)
            .or((!scene.input.app.sync.prune && !left_by_hook).then_some(Because::PruneOff))
            .or_else(|| scene.back_off(key, scene.failure(key, None))),
    }
}

/// Why nothing may be deleted that could be moving to another Application.
pub(crate) fn moving(scene: &Scene<'_, '_>) -> Option<Because> {
    let unrendered = scene.unrendered();
    (!unrendered.is_empty()).then(|| Because::Move(unrendered.to_vec()))
}
