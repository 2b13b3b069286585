//! What the last plan found out, so that objects that did not change cost next to nothing.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};
use std::iter::Peekable;
use std::sync::Arc;

use diff::Extra;
use lockstep_core::{
    CommitId, Digest, Hook, LiveObject, ObjectKey, ObjectRecord, Owner, PRUNE_ANNOTATION, Value, Wave,
    is_never_pruned, is_pruned_last, is_pruned_when_confirmed,
};

use crate::compare::{self, Comparison};
use crate::hooks::left_by_hook;

/// The memory of one Application's plans. Dropping it is always right: it is rebuilt by the next plan.
#[derive(Debug, Default)]
pub struct Memo {
    pub(crate) objects: Vec<(ObjectKey, Remembered)>,
    pub(crate) approved: Option<Approved>,
    /// The resourceVersions at which objects that a wave waited for were healthy.
    pub(crate) healthy: HashMap<ObjectKey, Arc<str>>,
    nothing: Option<Arc<[Extra]>>,
}

impl Memo {
    /// One shared empty list, for the many objects without extras.
    pub(crate) fn no_extras(&mut self) -> Arc<[Extra]> {
        self.nothing.get_or_insert_with(|| Arc::from([])).clone()
    }

    /// The memory of each object in order of keys, to be carried over by [`next_of`].
    pub(crate) fn take(&mut self) -> Peekable<std::vec::IntoIter<(ObjectKey, Remembered)>> {
        std::mem::take(&mut self.objects).into_iter().peekable()
    }
}

/// What is remembered of `key`; passes over smaller keys for good.
pub(crate) fn next_of(
    old: &mut Peekable<std::vec::IntoIter<(ObjectKey, Remembered)>>,
    key: &ObjectKey,
) -> Option<(ObjectKey, Remembered)> {
    loop {
        match old.peek()?.0.cmp(key) {
            Ordering::Less => drop(old.next()),
            Ordering::Equal => return old.next(),
            Ordering::Greater => return None,
        }
    }
}

/// Deletions that a user approved. While they are carried out the set of those left shrinks, and its digest with it.
#[derive(Debug)]
pub(crate) struct Approved {
    pub(crate) digest: Digest,
    pub(crate) revision: Option<CommitId>,
    pub(crate) uids: BTreeSet<Arc<str>>,
}

/// What was found out about one live object, and the inputs that it was found out from.
#[derive(Debug)]
pub(crate) struct Remembered {
    pub(crate) uid: Arc<str>,
    pub(crate) resource_version: Arc<str>,
    /// Boxed: all memories are moved once a plan.
    pub(crate) fact: Box<Fact>,
}

#[derive(Debug)]
pub(crate) enum Fact {
    /// How a desired object compares with its record.
    Compared {
        /// The digest of what was desired, as sent.
        digest: Digest,
        /// The digests in the record.
        rendered: Digest,
        live: Digest,
        comparison: Comparison,
        /// The digest as rendered and as sent without `spec.replicas`, where an autoscaler has it.
        trimmed: Option<(Digest, Digest)>,
    },
    /// What an object that is not desired says of itself.
    Marked(Marks),
}

/// What an object that is not desired says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Marks {
    pub(crate) owner: Option<Owner>,
    pub(crate) prune: PruneMark,
    /// The wave that it is deleted in, in reverse.
    pub(crate) wave: Wave,
    /// When it is deleted in its wave.
    pub(crate) moment: PruneMoment,
    /// What it says that a hook has left.
    pub(crate) hook: Option<Box<Hook>>,
}

impl Marks {
    pub(crate) fn of(live: &LiveObject) -> Self {
        Self {
            owner: compare::owner(live),
            prune: PruneMark::of(&live.value),
            wave: Wave::of(&live.value),
            moment: if is_pruned_last(&live.value) { PruneMoment::Last } else { PruneMoment::AfterApplies },
            hook: left_by_hook(live).map(Box::new),
        }
    }
}

/// When an object that left Git is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum PruneMoment {
    /// Once no apply waits for a wave.
    #[default]
    AfterApplies,
    /// Once everything that is desired is applied and healthy.
    Last,
}

/// `lockstep.dev/prune` on an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum PruneMark {
    Disabled,
    /// Only with an approval.
    Confirm,
    Allowed,
    #[default]
    Unset,
}

impl PruneMark {
    pub(crate) fn of(object: &Value) -> Self {
        match object.str_at(&["metadata", "annotations", PRUNE_ANNOTATION]) {
            Some("allowed") => Self::Allowed,
            _ if is_never_pruned(object) => Self::Disabled,
            _ if is_pruned_when_confirmed(object) => Self::Confirm,
            _ => Self::Unset,
        }
    }
}

impl Remembered {
    /// The comparison, if nothing that it rests on changed.
    pub(crate) fn comparison(
        &self,
        seen: (&Arc<str>, &Arc<str>),
        digest: Digest,
        record: &ObjectRecord,
    ) -> Option<&Comparison> {
        let Fact::Compared { digest: of, rendered, live, comparison, .. } = &*self.fact else { return None };
        let same = *of == digest && *rendered == record.rendered && *live == record.live;
        (same && self.is_of(seen)).then_some(comparison)
    }

    /// The marks, if the object did not change.
    pub(crate) fn marks(&self, seen: (&Arc<str>, &Arc<str>)) -> Option<&Marks> {
        match &*self.fact {
            Fact::Marked(marks) if self.is_of(seen) => Some(marks),
            _ => None,
        }
    }

    /// The digest of an object without `spec.replicas`, if it was computed for this rendered digest.
    pub(crate) fn trimmed(&self, rendered: Digest) -> Option<Digest> {
        match &*self.fact {
            Fact::Compared { trimmed: Some((of, digest)), .. } if *of == rendered => Some(*digest),
            _ => None,
        }
    }

    /// What an object that is not desired says of itself.
    pub(crate) fn marked(&self) -> Option<&Marks> {
        match &*self.fact {
            Fact::Marked(marks) => Some(marks),
            Fact::Compared { .. } => None,
        }
    }

    fn is_of(&self, (uid, resource_version): (&Arc<str>, &Arc<str>)) -> bool {
        self.uid == *uid && self.resource_version == *resource_version
    }
}
