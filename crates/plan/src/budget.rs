//! How much may be deleted without asking.

use std::sync::Arc;

use lockstep_core::{Budget, CommitId, Digest, ObjectKey, SyncMode};

use crate::memo::{Approved, Memo, PruneMark};
use crate::order;
use crate::report::{Because, Block, Entry, Verdict};
use crate::scene::{Intent, Scene};
use crate::step::Action;

/// How many deletions one plan may make unasked, of an Application with so many recorded objects.
fn limit(budget: Budget, objects: usize) -> usize {
    match budget {
        Budget::Default => (objects / 2).max(10),
        Budget::Count(count) => count,
        Budget::Percent(percent) => objects.saturating_mul(usize::from(percent)) / 100,
    }
}

/// What an approval binds to.
fn approval_digest(revision: Option<&CommitId>, deletions: &[(ObjectKey, Arc<str>)]) -> Digest {
    let mut text = revision.map_or("", CommitId::as_str).to_owned();
    for (key, uid) in deletions {
        text.push('\n');
        text.push_str(&key.to_reference());
        text.push(' ');
        text.push_str(uid);
    }
    Digest::of(text.as_bytes())
}

/// Drops deletions that are over budget or need an approval, and tells what an approval would have to name.
pub(crate) fn hold(
    scene: &Scene<'_, '_>,
    entries: &mut [Entry],
    intents: &mut Vec<Intent>,
    memo: &mut Memo,
) -> Option<Block> {
    let deletions: Vec<(ObjectKey, Arc<str>)> = intents
        .iter()
        .filter_map(|intent| Some((entries[intent.entry].key.clone(), deleted(&intent.action)?.clone())))
        .collect();
    if deletions.is_empty() {
        memo.approved = None;
        return None;
    }
    let revision = scene.set.map(|set| set.revision().clone());
    let digest = approval_digest(revision.as_ref(), &deletions);
    if is_approved(scene.input.request.approved, (digest, revision), &deletions, memo) {
        return None;
    }
    if scene.input.app.sync.mode == SyncMode::Manual && !scene.input.request.sync {
        // Let through only for the sake of an approval, which turned out to be for something else.
        drop_deletions(entries, intents, |_, _| Some(Because::Manual));
        return None;
    }
    let objects = scene.input.record.objects.len();
    let limit = limit(scene.input.app.sync.budget, objects);
    let over = deletions.len() > limit;
    let before = intents.len();
    drop_deletions(entries, intents, |key, intent| reason(key, intent, over));
    (intents.len() < before).then_some(Block { digest, deletions, limit, objects })
}

/// Drops the deletions for which there is a reason.
fn drop_deletions(
    entries: &mut [Entry],
    intents: &mut Vec<Intent>,
    reason: impl Fn(&ObjectKey, &Intent) -> Option<Because>,
) {
    intents.retain(|intent| {
        let entry = &mut entries[intent.entry];
        let because = deleted(&intent.action).and_then(|_| reason(&entry.key, intent));
        let stays = because.is_none();
        if let (Some(because), Verdict::Act(change)) = (because, &entry.verdict) {
            entry.verdict = Verdict::Withheld(change.clone(), because);
        }
        stays
    });
}

/// Whether the user approved these deletions, or others that these are the rest of.
fn is_approved(
    approved: Option<Digest>,
    (digest, revision): (Digest, Option<CommitId>),
    deletions: &[(ObjectKey, Arc<str>)],
    memo: &mut Memo,
) -> bool {
    if approved.is_none() {
        memo.approved = None;
        return false;
    }
    if approved == Some(digest) {
        let uids = deletions.iter().map(|(_, uid)| uid.clone()).collect();
        memo.approved = Some(Approved { digest, revision, uids });
        return true;
    }
    let covers = |known: &Approved| {
        let same = approved == Some(known.digest) && known.revision == revision;
        same && deletions.iter().all(|(_, uid)| known.uids.contains(uid))
    };
    memo.approved.as_ref().is_some_and(covers)
}

fn deleted(action: &Action) -> Option<&Arc<str>> {
    match action {
        Action::Prune(prune) => Some(&prune.uid),
        Action::Recreate(recreate) => Some(&recreate.delete.uid),
        Action::Apply(_) | Action::Record(_) | Action::Abandon(_) | Action::Forget => None,
    }
}

fn reason(key: &ObjectKey, intent: &Intent, over: bool) -> Option<Because> {
    let asks = order::is_protected(key) && intent.mark != PruneMark::Allowed;
    match asks || intent.mark == PruneMark::Confirm {
        true => Some(Because::Approval),
        false => over.then_some(Because::Budget),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_explicit_budget_is_literal_and_the_default_generous_to_small_applications() {
        for (budget, objects, expected) in [
            (Budget::Default, 0, 10),
            (Budget::Default, 4, 10),
            (Budget::Default, 21, 10),
            (Budget::Default, 41, 20),
            (Budget::Count(0), 100, 0),
            (Budget::Count(3), 1, 3),
            (Budget::Percent(25), 10, 2),
            (Budget::Percent(25), 3, 0),
            (Budget::Percent(100), 7, 7),
        ] {
            assert_eq!(limit(budget, objects), expected, "{budget:?} of {objects}");
        }
    }
}
